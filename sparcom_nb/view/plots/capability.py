"""Pictures of capability directions and of what their scores select."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparcom_nb.nait.selection import select
from sparcom_nb.studies.mixture import Mixture
from sparcom_nb.view.plots.common import whiskers
from sparcom_nb.view.theme import COLOURS, MARKERS, NEUTRAL, figure, label

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
_STYLES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), ("#CC79A7", "v"), ("black", "D"))


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


def _by_score(table: pd.DataFrame) -> tuple[Figure, Axes, pd.DataFrame, np.ndarray]:
    """A figure with a line a score, from 0 to 1; means over capabilities, and the heights of the lines."""
    means = table[table["capability"] == "mean"]
    rows = np.arange(len(means))[::-1]
    fig, (axes,) = figure(9, 0.38 * len(means) + 1.5)
    axes.set_yticks(rows, means["score"])
    axes.set_xlim(0, 1)
    return fig, axes, means, rows


def precisions(table: pd.DataFrame, null: pd.DataFrame) -> Figure:
    """Precision of every score: mean over capabilities with interval, each capability a marker.

    Grey: 95 in 100 of the null's draws.
    """
    fig, axes, means, rows = _by_score(table)
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
    fig.legend(fontsize=8, ncols=7, loc="outside lower center")
    label(axes, "Black: mean over capabilities, 95 % interval; grey: null directions",
          "share of wanted rows selected", "")  # fmt: skip
    return fig


def blind_spots(table: pd.DataFrame) -> Figure:
    """Ability of every score to tell wanted rows from all others, and clean from spoiled ones."""
    fig, axes, means, rows = _by_score(table)
    names = {
        "auc": "all other rows", "auc_shuffled": "answers to other tasks",
        "auc_corrupted": "plausible wrong answers",
    }  # fmt: skip
    for (column, name), (colour, marker) in zip(names.items(), _STYLES, strict=False):
        axes.plot(means[column], rows, marker, color=colour, label=name)
    axes.axvline(0.5, color=NEUTRAL, ls=":")
    fig.legend(fontsize=8, ncols=3, loc="outside lower center")
    label(axes, "Wanted rows against ...", "area under the curve (0.5: blind)", "")
    return fig
