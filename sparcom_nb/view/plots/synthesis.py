"""Pictures of where neurons, directions, concepts and attributions meet."""

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparcom_nb.view.plots.uniqueness import against_null
from sparcom_nb.view.theme import NEUTRAL, figure, label

_OWN, _OTHER = "#D55E00", "#0072B2"
_KINDS = {"own": (_OWN, "o"), "other": (_OTHER, "s"), "random": (NEUTRAL, "^")}


def loading(shares: xr.Dataset) -> Figure:
    """Share of every category's direction on its own, on the others' and on a random set."""
    methods = shares["form"].to_numpy()
    fig, panels = figure(8.5, 3.6, len(methods))
    for axes, method in zip(panels, methods, strict=True):
        values = shares["share"].sel(form=method).to_numpy()
        others = (values.sum(axis=0) - np.diag(values)) / max(1, len(values) - 1)
        random = shares["random"].sel(form=method).to_numpy()
        x = np.arange(len(values))
        axes.plot(x, np.diag(values), "o", color=_OWN, label="own set")
        axes.plot(x - 0.15, random, "^", color=NEUTRAL, label="matched random set")
        axes.plot(x + 0.15, others, "s", color=_OTHER, label="other categories' sets")
        axes.set_xticks(x, shares["direction"].to_numpy())
        axes.set_ylim(0, None)
        label(axes, str(method), "direction of", "share of its squared length")
    panels[0].legend(fontsize=8)
    return fig


def loading_matrix(shares: xr.Dataset, method: str) -> Figure:
    """Share of every category's direction (columns) on every category's set (rows)."""
    fig, (axes,) = figure(7, 4.6)
    values = shares["share"].sel(form=method).to_pandas()
    sns.heatmap(
        values, annot=True, fmt=".3f", cmap="viridis", ax=axes, annot_kws={"fontsize": 8},
        cbar_kws={"label": "share of the direction's squared length"},
    )  # fmt: skip
    label(axes, f"Loading share, {method}", "direction of", "set of")
    axes.tick_params(axis="y", rotation=0)
    return fig


def gaps(table: pd.DataFrame, names: list[str], title: str, x: str) -> Figure:
    """Differences from controls with intervals, each above the band of permuted labels."""
    fig, (axes,) = figure(8, 0.5 * len(table) + 1.4)
    against_null(axes, table, names)
    axes.axvline(0, color=NEUTRAL, linewidth=0.8)
    axes.legend(fontsize=8)
    label(axes, title, x, "")
    return fig


def concepts(own: pd.DataFrame, random: pd.DataFrame, title: str) -> Figure:
    """How far every concept turned, beside the part of it on the set and on random neurons."""
    fig, (axes,) = figure(7, 3.8)
    for table, name, (colour, marker) in (
        (random, "random neurons like them", _KINDS["random"]),
        (own, "instruction-specific neurons", _KINDS["own"]),
    ):
        axes.plot(table["share"], table["angle"], marker, color=colour, markersize=4, alpha=0.6,
                  linestyle="none", label=name)  # fmt: skip
    axes.legend(fontsize=8)
    label(axes, title, "share of the concept on the neurons", "turned by (degrees)")
    return fig


def effects(fall: pd.DataFrame, harm: pd.DataFrame) -> Figure:
    """What switching a set off does to the instruction score, and to the loss."""
    fig, panels = figure(9, 3.6, 2)
    titles = ("Fall of the instruction score", "Rise of the loss")
    units = ("instruction score lost", "nats per response token")
    for axes, table, title, unit in zip(panels, (fall, harm), titles, units, strict=True):
        _own_and_controls(axes, table)
        label(axes, title, "", unit)
    panels[0].legend(fontsize=8)
    return fig


def falls(table: pd.DataFrame, title: str) -> Figure:
    """Every effect on the score of a row against the effect on its loss."""
    fig, (axes,) = figure(7, 3.8)
    for kind, (colour, marker) in reversed(_KINDS.items()):
        part = table[table["kind"] == kind]
        axes.plot(part["harm"], part["fall"], marker, color=colour, markersize=4, alpha=0.6,
                  linestyle="none", label=f"{kind} set off")  # fmt: skip
    axes.axhline(0, color=NEUTRAL, linewidth=0.8)
    axes.set_xscale("symlog", linthresh=0.1)
    axes.legend(fontsize=8)
    label(axes, title, "rise of the loss (nats per response token)", "fall of the score")
    return fig


def _own_and_controls(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the own sets (with interval), random sets and the others' of every category."""
    x = np.arange(len(table))
    spread = [table["own"] - table["own_low"], table["own_high"] - table["own"]]
    axes.errorbar(
        x - 0.15, table["own"], spread, fmt="o", color="#D55E00", capsize=3, label="own set"
    )
    axes.plot(x, table["random"], "^", color=NEUTRAL, label="matched random sets")
    axes.plot(x + 0.15, table["others"], "s", color="#0072B2", label="other categories' sets")
    axes.axhline(0, color=NEUTRAL, linewidth=0.8)
    axes.set_xticks(x, table["category"])
