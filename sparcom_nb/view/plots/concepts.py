"""Pictures of concepts: variance, shares that can be explained, rotation."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sparcom_nb.view.plots.common import beside, by_layer
from sparcom_nb.view.theme import figure, label

#: Colour and marker of every model and control.
_LOOK = {
    "base": ("#0072B2", "o"),
    "tuned": ("#D55E00", "s"),
    "random change": ("#CC79A7", "D"),
    "tuned, equal norm": ("#E69F00", "s"),
    "placebo, equal norm": ("#009E73", "^"),
    "random directions": ("#777777", "v"),
    "base, random directions": ("#777777", "o"),
    "tuned, random directions": ("#AAAAAA", "s"),
    "random subspaces": ("#777777", "v"),
}


def variance(explained: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of the variance by component, mean over networks.

    explained: of :func:`sparcom_nb.shift.concepts.explained_variance` by model.
    """
    fig, (axes,) = figure(7, 3.4)
    for name, table in explained.items():
        mean = table.groupby("component")["explained"].mean()
        style = "--" if name == "random directions" else "-"
        axes.plot(mean.index + 1, mean, style, color=_LOOK[name][0], label=name)
    axes.set_xscale("log")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(fontsize=8)
    label(axes, "Mean over the networks", "component (1 is the strongest)", "variance explained")
    return fig


def shares(table: pd.DataFrame) -> Figure:
    """Share of components that are explained, by task and level, a marker a model or control.

    table: ``shares`` of :func:`sparcom_nb.studies.concepts.study`.
    """
    fig, (axes,) = figure(9, 3.8)
    beside(axes, table, "what", list(dict.fromkeys(table["what"])), "model", _LOOK, "share")
    axes.tick_params(axis="x", rotation=20)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylim(0, None)
    label(axes, "What components are about", "", "share of components")
    return fig


def shares_by_layer(table: pd.DataFrame, what: tuple[str, ...]) -> Figure:
    """Shares by layer, a panel for each of ``what``.

    table: ``shares_by_layer`` of :func:`sparcom_nb.studies.concepts.study`.
    """
    return by_layer(table, "what", what, _LOOK, "share", "share of components")


def rotation(by_layer: pd.DataFrame, by_angle: pd.DataFrame, r: int) -> Figure:
    """Mean principal angle by layer, and all principal angles; bands are 95 % of random draws.

    Tables of :func:`sparcom_nb.studies.concepts.mean_angles`, by layer and by component.
    """
    fig, panels = figure(10, 3.8, columns=2)
    for axes, table, by in zip(panels, (by_layer, by_angle), ("layer", "component"), strict=True):
        for name, part in table.groupby("change", sort=False):
            colour, marker = _LOOK[str(name)]
            x = part[by].to_numpy(float) + (by == "component")
            axes.plot(
                x, part["value"], marker=marker, color=colour, label=name, markersize=4, linewidth=1
            )
            axes.fill_between(x, part["low"], part["high"], color=colour, alpha=0.25, linewidth=0)
        axes.set_ylim(0, 92)
        axes.set_yticks(range(0, 91, 15))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    left, right = panels
    right.legend(fontsize=8)
    label(left, f"Base against ..., first {r} concepts", "layer", "mean principal angle (degrees)")
    label(right, "Angle by angle, mean over networks", "principal angle, smallest first", "degrees")
    return fig
