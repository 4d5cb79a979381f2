"""Pictures of capability directions and of what their scores select."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from sparcom_nb.nait.directions import Direction
from sparcom_nb.nait.selection import select
from sparcom_nb.studies.mixture import Mixture
from sparcom_nb.view.plots.common import whiskers
from sparcom_nb.view.theme import COLOURS, MARKERS, NEUTRAL, figure, label

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
_STYLES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), ("#CC79A7", "v"), ("black", "D"))


def explained(directions: Mapping[str, Direction]) -> Figure:
    """Share of the samples' variance along each direction, layer by layer."""
    fig, (axes,) = figure(7, 3.2)
    for name, direction in directions.items():
        shares = direction.explained
        axes.plot(shares["layer"], shares, color=COLOURS[name], marker=MARKERS[name], label=name)
        axes.set_xticks(shares["layer"])
    axes.set_ylim(0, 1)
    label(axes, "First principal component of the drifts", "layer", "share of variance")
    axes.legend(fontsize=8, ncols=3)
    return fig


def heat(table: pd.DataFrame, title: str, bar: str, rows: str = "", columns: str = "") -> Figure:
    """A table of numbers as a picture, blue below the middle and red above; the middle is 0."""
    fig, (axes,) = figure(6.4, 4.2)
    most = float(np.nanmax(np.abs(table.to_numpy(float)))) or 1.0
    sns.heatmap(
        table, annot=True, fmt=".2f", cmap="vlag", center=0, vmin=-most, vmax=most, ax=axes,
        annot_kws={"fontsize": 8}, cbar_kws={"label": bar},
    )  # fmt: skip
    axes.tick_params(axis="y", rotation=0)
    label(axes, title, columns, rows)
    return fig


def histograms(
    scores: pd.DataFrame, mix: Mixture, capability: str, names: Sequence[str], ratio: float = 0.1
) -> Figure:
    """Scores of wanted rows, of the capability's spoiled rows and of all others; a panel a score.

    What is right of the dotted line is selected.
    """
    pool = mix.pool.set_index("id").loc[scores.index]
    own, clean = pool["category"] == capability, pool["quality"] == "clean"
    groups = {"wanted": own & clean, "own, spoiled": own & ~clean, "other categories": ~own}
    fig, axes = figure(11, 3.2, columns=len(names))
    for panel, name in zip(axes, names, strict=True):
        values = scores[name, capability]
        edges = np.linspace(values.min(), values.max(), 40)
        for (group, rows), (colour, _) in zip(groups.items(), _STYLES, strict=False):
            share = np.histogram(values[rows], edges)[0] / max(1, int(rows.sum()))
            panel.stairs(share, edges, color=colour, label=group, linewidth=1.6)
        panel.axvline(values[select(values, ratio)].min(), color=NEUTRAL, ls=":")
        label(panel, f"{name}, {capability}", "score", "share of its rows")
    axes[0].legend(fontsize=8)
    return fig


def precisions(table: pd.DataFrame, null: pd.DataFrame) -> Figure:
    """Precision of every score: mean over capabilities with interval, each capability a marker.

    Grey: 95 in 100 of the null's draws.
    """
    means = table[table["capability"] == "mean"]
    rows = np.arange(len(means))[::-1]
    fig, (axes,) = figure(9, 0.38 * len(means) + 1.5)
    for height, name in zip(rows, means["score"], strict=True):
        if name in null:
            axes.hlines(height, *null[name].quantile([0.025, 0.975]), color="#bbbbbb", lw=9)
    for capability in (c for c in COLOURS if c in set(table["capability"])):
        part = table[table["capability"] == capability].set_index("score")["precision"]
        axes.plot(
            part.loc[means["score"]], rows + 0.22, MARKERS[capability], color=COLOURS[capability],
            ms=4, alpha=0.8, label=capability,
        )  # fmt: skip
    whiskers(
        axes, means[["precision", "low", "high"]].to_numpy(float), rows, fmt="D", color="black"
    )
    axes.axvline(means["chance"].mean(), color=NEUTRAL, ls=":", label="share of the pool")
    axes.set_yticks(rows, means["score"])
    axes.set_xlim(0, 1)
    fig.legend(fontsize=8, ncols=7, loc="outside lower center")
    label(axes, "Black: mean over capabilities, 95 % interval; grey: null directions",
          "share of wanted rows selected", "")  # fmt: skip
    return fig


def blind_spots(table: pd.DataFrame) -> Figure:
    """Ability of every score to tell wanted rows from all others, and clean from spoiled ones."""
    means = table[table["capability"] == "mean"]
    rows = np.arange(len(means))[::-1]
    fig, (axes,) = figure(9, 0.38 * len(means) + 1.5)
    names = {
        "auc": "all other rows", "auc_shuffled": "answers to other tasks",
        "auc_corrupted": "plausible wrong answers",
    }  # fmt: skip
    for (column, name), (colour, marker) in zip(names.items(), _STYLES, strict=False):
        axes.plot(means[column], rows, marker, color=colour, label=name)
    axes.axvline(0.5, color=NEUTRAL, ls=":")
    axes.set_yticks(rows, means["score"])
    axes.set_xlim(0, 1)
    fig.legend(fontsize=8, ncols=3, loc="outside lower center")
    label(axes, "Wanted rows against ...", "area under the curve (0.5: blind)", "")
    return fig


def numbers(table: pd.DataFrame) -> Figure:
    """Precision by the number of in-domain samples: mean and range over draws."""
    fig, (axes,) = figure(7.5, 3.6)
    found = table.groupby(["score", "size"], sort=False)["precision"].agg(["mean", "min", "max"])
    groups = found.reset_index().groupby("score", sort=False)
    for (score, part), (colour, marker) in zip(groups, _STYLES, strict=False):
        spread = [part["mean"] - part["min"], part["max"] - part["mean"]]
        axes.errorbar(
            part["size"], part["mean"], yerr=spread, color=colour, marker=marker, capsize=3,
            label=str(score),
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_xticks(sorted(table["size"].unique()), sorted(table["size"].unique()))
    axes.set_ylim(0, 1)
    axes.legend(fontsize=8)
    label(axes, "Bars: range over draws", "in-domain samples of a capability", "precision")
    return fig
