"""Pictures of what is lost when components are switched off."""

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparcom_nb.sparcom.ablation import MATCHED
from sparcom_nb.view.plots.common import whiskers
from sparcom_nb.view.theme import NEUTRAL, figure, label

_UNIT = "nats per response token"
_STATES = (("#0072B2", "o"), ("#D55E00", "s"), (NEUTRAL, "^"))


def effect_matrix(matrix: xr.Dataset) -> Figure:
    """Rise of every category's loss (columns) under every category's set (rows)."""
    fig, (axes,) = figure(7, 4.8)
    text = np.vectorize(lambda m, lo, hi: f"{m:.2f}\n{lo:.2f} to {hi:.2f}")(
        matrix["mean"], matrix["low"], matrix["high"]
    )
    largest = float(np.nanmax(np.abs(matrix["mean"]))) if matrix["mean"].notnull().any() else 1.0
    sns.heatmap(
        matrix["mean"].to_pandas(), annot=text, fmt="", cmap="vlag", center=0, ax=axes,
        vmin=-largest, vmax=largest, annot_kws={"fontsize": 7},
        cbar_kws={"label": f"rise of the loss, {_UNIT}"},
    )  # fmt: skip
    label(axes, "Effect of every set on every category", "loss of", "set of")
    axes.tick_params(axis="y", rotation=0)
    return fig


def effects(table: pd.DataFrame, title: str) -> Figure:
    """Effect on a category of its own set (with interval), of random sets and of the others'."""
    fig, (axes,) = figure(7.5, 3.6)
    own_and_controls(axes, table)
    axes.legend(fontsize=8)
    label(axes, title, "", f"rise of the loss, {_UNIT}")
    return fig


def own_and_controls(axes: Axes, table: pd.DataFrame) -> None:
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


def variants(table: pd.DataFrame) -> Figure:
    """How specific the effect is for every way to define and change the sets, with intervals.

    Beside it the own effect minus that of matched random sets; hollow where those do not match.
    """
    fig, (axes,) = figure(8, 0.5 * len(table) + 1.6)
    rows = np.arange(len(table))[::-1]
    random = table[["minus_random", "minus_random_low", "minus_random_high"]].to_numpy(float)
    specific = table[["specific", "low", "high"]].to_numpy(float)
    whiskers(axes, specific, rows + 0.15, label="above other sets and categories")
    whiskers(axes, random, rows - 0.15, fmt="s", color="#D55E00", label="above matched random sets")
    poor = (table["match"] < MATCHED).to_numpy()
    axes.plot(random[poor, 0], rows[poor] - 0.15, "s", color="#D55E00", markerfacecolor="white",
              zorder=3, label="above random sets that do not match")  # fmt: skip
    axes.axvline(0, color=NEUTRAL, linewidth=0.8)
    axes.legend(fontsize=8)
    axes.set_yticks(rows, table["variant"])
    axes.set_ylim(-0.6, len(table) - 0.4)
    label(axes, "Effect of a set on its own category, above two controls", _UNIT, "")
    return fig


def outcomes(table: pd.DataFrame, y: str, title: str) -> Figure:
    """A value with interval for every category, in each state (columns of ``grouped_means``)."""
    fig, (axes,) = figure(7.5, 3.4)
    categories = list(dict.fromkeys(table["category"]))
    states = list(dict.fromkeys(table["state"]))
    for n, (state, (colour, marker)) in enumerate(zip(states, _STATES, strict=False)):
        part = table[table["state"] == state].set_index("category").reindex(categories)
        mean, low, high = (part[name].to_numpy(float) for name in ("mean", "low", "high"))
        axes.errorbar(
            np.arange(len(categories)) + 0.16 * (n - 1), mean, [mean - low, high - mean],
            fmt=marker, color=colour, capsize=3, label=state,
        )  # fmt: skip
    axes.set_xticks(range(len(categories)), categories)
    axes.set_ylim(0, None)
    axes.legend(fontsize=8)
    label(axes, title, "", y)
    return fig
