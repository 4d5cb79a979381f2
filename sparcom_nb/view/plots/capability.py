"""Pictures of capability directions and of what their scores select."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure

from sparcom_nb.nait.directions import Direction
from sparcom_nb.nait.pool import Mixture
from sparcom_nb.nait.scores import select
from sparcom_nb.view.plots.common import whiskers
from sparcom_nb.view.plots.uniqueness import BLUE
from sparcom_nb.view.theme import COLOURS, MARKERS, NEUTRAL, figure, label

ORANGE, GREEN = "#D55E00", "#009E73"
_SCORE_STYLES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"))


def explained(parts: Mapping[str, Mapping[str, Direction]]) -> Figure:
    """Share of the samples' variance along each direction, layer by layer; a panel a kind.

    parts: title -> capability -> direction.
    """
    fig, axes = figure(10, 3.4, columns=len(parts))
    for panel, (title, directions) in zip(axes, parts.items(), strict=True):
        layers = next(iter(directions.values())).explained["layer"]
        for capability, direction in directions.items():
            panel.plot(
                layers, direction.explained, color=COLOURS[capability],
                marker=MARKERS[capability], label=capability,
            )  # fmt: skip
        panel.set_ylim(0, 1)
        panel.set_xticks(layers)
        label(panel, title, "layer", "share of variance")
    axes[-1].legend(fontsize=8, ncols=2)
    return fig


def cosine_matrices(matrices: Mapping[str, xr.DataArray]) -> Figure:
    """Cosine of every two capabilities' directions, mean over layers; a panel a method."""
    fig, axes = figure(10, 4, columns=len(matrices))
    for panel, (title, values) in zip(axes, matrices.items(), strict=True):
        names = [str(name).rpartition("/")[2] for name in values["direction"].to_numpy()]
        table = pd.DataFrame(values.mean("layer").to_numpy(), names, names)
        sns.heatmap(
            table, annot=True, fmt=".2f", cmap="vlag", center=0, vmin=-1, vmax=1, ax=panel,
            annot_kws={"fontsize": 8}, cbar_kws={"label": "cosine, mean over layers"},
        )  # fmt: skip
        label(panel, title, "", "")
        panel.tick_params(axis="y", rotation=0)
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
        for (group, rows), (colour, _) in zip(groups.items(), _SCORE_STYLES, strict=True):
            share = np.histogram(values[rows], edges)[0] / max(1, int(rows.sum()))
            panel.stairs(share, edges, color=colour, label=group, linewidth=1.6)
        panel.axvline(values[select(values, ratio)].min(), color=NEUTRAL, ls=":")
        label(panel, f"{name}, {capability}", "score", "share of its rows")
    axes[0].legend(fontsize=8)
    return fig


def precisions(table: pd.DataFrame) -> Figure:
    """Precision of every score: mean over capabilities with interval, each capability a marker."""
    means = table[table["capability"] == "mean"]
    rows = np.arange(len(means))[::-1]
    fig, (axes,) = figure(9, 0.38 * len(means) + 1.5)
    for capability in (c for c in COLOURS if c in set(table["capability"])):
        part = table[table["capability"] == capability].set_index("score")["precision"]
        axes.plot(
            part.loc[means["score"]], rows + 0.22, MARKERS[capability], color=COLOURS[capability],
            ms=4, alpha=0.8, label=capability,
        )  # fmt: skip
    values = means[["precision", "low", "high"]].to_numpy(float)
    whiskers(axes, values, rows, fmt="D", color="black")
    axes.axvline(means["chance"].mean(), color=NEUTRAL, ls=":", label="chance")
    axes.set_yticks(rows, means["score"])
    axes.set_xlim(0, 1)
    fig.legend(fontsize=8, ncols=7, loc="outside lower center")
    label(axes, "Black: mean over capabilities, 95 % interval", "share of wanted rows selected", "")
    return fig


def blind_spots(table: pd.DataFrame) -> Figure:
    """Ability of every score to tell wanted rows from all others, and clean from spoiled ones."""
    means = table[table["capability"] == "mean"]
    rows = np.arange(len(means))[::-1]
    fig, (axes,) = figure(9, 0.38 * len(means) + 1.5)
    names = {
        "auc": "all other rows", "auc_shuffled": "answers from other categories",
        "auc_corrupted": "plausible wrong answers",
    }  # fmt: skip
    for (column, name), (colour, marker) in zip(names.items(), _SCORE_STYLES, strict=True):
        axes.plot(means[column], rows, marker, color=colour, label=name)
    axes.axvline(0.5, color=NEUTRAL, ls=":")
    axes.set_yticks(rows, means["score"])
    axes.set_xlim(0, 1)
    fig.legend(fontsize=8, ncols=3, loc="outside lower center")
    label(axes, "Wanted rows against ...", "area under the curve (0.5: blind)", "")
    return fig


def lengths(table: pd.DataFrame) -> Figure:
    """Correlation of every score with the length of the sample, a marker a capability."""
    names = list(table["score"].unique())
    fig, (axes,) = figure(9, 0.36 * len(names) + 1.5)
    for capability in (c for c in COLOURS if c in set(table["capability"])):
        part = table[table["capability"] == capability].set_index("score")["length"]
        rows = [len(names) - 1 - names.index(str(name)) for name in part.index]
        axes.plot(
            part, rows, MARKERS[capability], color=COLOURS[capability], alpha=0.8, label=capability
        )
    axes.axvline(0, color=NEUTRAL, ls=":")
    axes.set_yticks(range(len(names)), names[::-1])
    axes.set_xlim(-1.05, 1.05)
    fig.legend(fontsize=8, ncols=6, loc="outside lower center")
    label(axes, "Score and length", "Spearman correlation with the number of tokens", "")
    return fig


def numbers(table: pd.DataFrame) -> Figure:
    """Precision by the number of in-domain samples: mean over capabilities, range over draws."""
    fig, (axes,) = figure(7.5, 3.6)
    by_draw = table.groupby(["score", "size", "draw"], sort=False)["precision"].mean()
    found = by_draw.groupby(["score", "size"], sort=False).agg(["mean", "min", "max"]).reset_index()
    for (score, part), (colour, marker) in zip(
        found.groupby("score", sort=False), _SCORE_STYLES, strict=False
    ):
        spread = [part["mean"] - part["min"], part["max"] - part["mean"]]
        axes.errorbar(
            part["size"], part["mean"], yerr=spread, color=colour, marker=marker, capsize=3,
            label=str(score),
        )  # fmt: skip
    axes.axhline(table["chance"].mean(), color=NEUTRAL, ls=":", label="chance")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sorted(table["size"].unique()), sorted(table["size"].unique()))
    axes.set_ylim(0, 1)
    axes.legend(fontsize=8)
    label(axes, "Bars: range over draws", "in-domain samples of a capability", "precision")
    return fig
