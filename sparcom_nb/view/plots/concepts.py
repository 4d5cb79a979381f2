"""Pictures of concepts: variance, shares that can be explained, rotation."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sparcom_nb.view.theme import figure, label

#: Colour and marker of every model and control.
_LOOK = {
    "base": ("#0072B2", "o"),
    "tuned": ("#D55E00", "s"),
    "placebo": ("#009E73", "^"),
    "random change": ("#CC79A7", "D"),
    "random directions": ("#777777", "v"),
    "base, random directions": ("#777777", "o"),
    "tuned, random directions": ("#AAAAAA", "s"),
    "base, shuffled words": ("#BBBBBB", "x"),
    "random subspaces": ("#777777", "v"),
}


def variance(explained: Mapping[str, pd.DataFrame], halves: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of the variance by component, and how many components hold half of it, by layer.

    explained: of :func:`sparcom_nb.shift.explained_variance` by model; halves: of half_variance.
    """
    fig, (left, right) = figure(10, 3.6, columns=2)
    for name, table in explained.items():
        colour, marker = _LOOK[name]
        mean = table.groupby("component")["explained"].mean()
        style = "--" if name == "random directions" else "-"
        left.plot(mean.index + 1, mean, style, color=colour, label=name)
        half = halves[name]
        right.plot(
            half["layer"], half["components"], style, color=colour, marker=marker, label=name
        )
    left.set_xscale("log")
    left.yaxis.set_major_formatter(PercentFormatter(1))
    left.legend(fontsize=8)
    label(left, "Mean over the networks", "component (1 is the strongest)", "variance explained")
    right.set_ylim(0, 1.1 * max(half["components"].max() for half in halves.values()))
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    label(right, "Components that hold half of the variance", "layer", "components")
    return fig


def shares(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of components that are explained, by task and level, a marker a model or control.

    tables: of :func:`sparcom_nb.shift.concept_shares` by name.
    """
    what = next(iter(tables.values()))["what"].tolist()
    fig, (axes,) = figure(9, 3.8)
    for n, (name, table) in enumerate(tables.items()):
        x = np.arange(len(what)) + 0.12 * (n - (len(tables) - 1) / 2)
        _points(axes, x, table, name)
    axes.set_xticks(range(len(what)), what, rotation=20)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylim(0, None)
    axes.legend(fontsize=8)
    label(axes, "What components are about", "", "share of components")
    return fig


def shares_by_strength(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of components that are explained, the strongest components at the left.

    tables: of :func:`sparcom_nb.shift.shares_by_strength` by name.
    """
    fig, (axes,) = figure(8, 3.6)
    for n, (name, table) in enumerate(tables.items()):
        part = table[table["what"] == "explained"]
        x = np.arange(len(part)) + 0.08 * (n - (len(tables) - 1) / 2)
        _points(axes, x, part, name, "--" if "random" in name else "-")
    starts = next(iter(tables.values()))["start"].unique()
    ends = [f"{start} to {stop - 1}" for start, stop in pairwise(starts)]
    axes.set_xticks(range(len(starts)), [*ends, f"{starts[-1]} and more"])
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylim(0, None)
    axes.legend(fontsize=8)
    label(axes, "Strong and weak components", "component (0 is the strongest)", "explained")
    return fig


def shares_by_layer(tables: Mapping[str, pd.DataFrame], what: tuple[str, ...]) -> Figure:
    """Shares by layer, a panel for each of ``what``.

    tables: of :func:`sparcom_nb.shift.concept_shares` by layer, by name.
    """
    fig, panels = figure(1.2 + 2.2 * len(what), 3.2, columns=len(what))
    for axes, name in zip(panels, what, strict=True):
        for model, table in tables.items():
            part = table[table["what"] == name]
            _points(axes, part["layer"].to_numpy(float), part, model, "-")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.set_ylim(0, None)
        label(axes, name, "layer", "share of components" if axes is panels[0] else "")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return fig


def rotation(
    by_layer: Mapping[str, pd.DataFrame], by_angle: Mapping[str, pd.DataFrame], r: int
) -> Figure:
    """Mean principal angle by layer, and all principal angles; bands are 95 % of random draws.

    Both hold tables of :func:`sparcom_nb.shift.mean_rotation` by name, by layer and by component.
    Random subspaces have no layer: one row.
    """
    fig, (left, right) = figure(10, 3.8, columns=2)
    layers = by_layer["tuned"]["layer"].to_numpy(float)
    ends = np.array([layers.min() - 0.3, layers.max() + 0.3])
    for name, table in by_layer.items():
        x = table["layer"].to_numpy(float) if "layer" in table else ends
        _band(left, x, table, name)
    for name, table in by_angle.items():
        _band(right, table["component"].to_numpy(float) + 1, table, name)
    for axes in (left, right):
        axes.set_ylim(0, 92)
        axes.set_yticks(range(0, 91, 15))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.legend(fontsize=8)
    label(left, f"Base against ..., first {r} concepts", "layer", "mean principal angle (degrees)")
    label(right, "Angle by angle, mean over networks", "principal angle, smallest first", "degrees")
    return fig


def _points(axes: Axes, x: np.ndarray, table: pd.DataFrame, name: str, line: str = "") -> None:
    colour, marker = _LOOK[name]
    share, low, high = table[["share", "low", "high"]].to_numpy(float).T
    axes.errorbar(
        x, share, yerr=[np.maximum(0, share - low), np.maximum(0, high - share)], fmt=marker + line,
        color=colour, label=name, capsize=2, markersize=5, linewidth=1,
    )  # fmt: skip


def _band(axes: Axes, x: np.ndarray, table: pd.DataFrame, name: str) -> None:
    colour, marker = _LOOK[name]
    value, low, high = (
        np.broadcast_to(table[column].to_numpy(float), x.shape)
        for column in ("value", "low", "high")
    )
    few = None if name == "random subspaces" else marker
    axes.plot(x, value, marker=few, color=colour, label=name, markersize=4, linewidth=1)
    axes.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
