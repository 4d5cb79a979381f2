"""Pictures of activation frequencies, sets and overlaps."""

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure

from sparcom_nb.view.plots.common import matrix, ordered
from sparcom_nb.view.safe import drawn
from sparcom_nb.view.theme import COLOURS, MARKERS, NEUTRAL, figure, label


def token_grid(active: np.ndarray, tokens: list[str], frequency: np.ndarray, layer: int) -> Figure:
    """Which neurons of a layer are active on which token, and how often.

    active: 0/1 [token, neuron] of the tokens to show, where at most 120 neurons, evenly spaced, are
    drawn; frequency: [neuron] over all tokens.
    """
    shown = np.unique(np.linspace(0, active.shape[1] - 1, 120).astype(int))
    fig, (left, right) = figure(9, 0.22 * len(tokens) + 1.6, columns=2)
    labels = [drawn(token) for token in tokens]
    style = {"cmap": "Blues", "vmin": 0, "vmax": 1.4, "cbar": False}
    sns.heatmap(active[:, shown], ax=left, yticklabels=labels, **style)
    left.set_xticks([])
    label(left, f"Active (blue) or not, layer {layer}", f"{len(shown)} of the neurons", "token")
    right.hist(frequency, bins=list(np.linspace(0, 1, 26)), color=NEUTRAL)
    label(right, "How often: p = active tokens / tokens", "activation frequency p", "neurons")
    return fig


def frequency_histogram(frequency: xr.DataArray) -> Figure:
    """Distribution of p over all neurons and instructions, one line a category."""
    fig, (axes,) = figure(7, 3.2)
    edges = np.linspace(0, 1, 26)
    categories = frequency["category"].to_numpy()
    for name in ordered(categories):
        values = frequency.to_numpy()[categories == name].ravel()
        counts, _ = np.histogram(values, edges)
        axes.plot(
            edges[:-1] + 0.02, counts / len(values), label=name,
            color=COLOURS[name], marker=MARKERS[name], markersize=4,
        )  # fmt: skip
    axes.set_yscale("log")
    axes.legend(ncols=3, fontsize=8)
    label(axes, "How often neurons are active", "activation frequency p", "share of neurons")
    return fig


def sweep_curves(table: pd.DataFrame) -> Figure:
    """Within- and across-category overlap against the cut: by share (left), by threshold (right)."""
    fig, panels = figure(9, 3.6, columns=2)
    titles = {"top": "cut: share to take", "threshold": "cut: absolute p"}
    for axes, (by, x) in zip(panels, titles.items(), strict=True):
        part = table[table["by"] == by]
        for name, style in (("within", "o-"), ("across", "s--")):
            axes.plot(part["cut"], part[name], style, label=f"{name} categories")
        for cut, within, share in part[["cut", "within", "share"]].to_numpy():
            axes.annotate(
                f"{share:.1%}", (cut, within), xytext=(0, 6),
                textcoords="offset points", ha="center", fontsize=7, color=NEUTRAL,
            )  # fmt: skip
        if by == "top":
            axes.set_xscale("log")
            axes.set_xticks(part["cut"], [f"{c:.1%}" for c in part["cut"]], fontsize=8)
            axes.minorticks_off()
        axes.set_ylim(0, 1.12 * max(part["within"].max(), 0.01))
        axes.legend(fontsize=8)
        label(axes, "grey: share really taken", x, "mean Jaccard of two instructions")
    return fig


def overlap_matrix(table: pd.DataFrame) -> Figure:
    """Mean overlap within (diagonal) and across categories, interval below each value.

    A row a pair of categories: category, category_b, mean, low, high.
    """
    title, bar = (
        "Overlap within (diagonal) and across categories",
        "mean Jaccard of two instructions",
    )
    return matrix(table, "category", "category_b", title, bar, cmap="cividis", vmin=0)
