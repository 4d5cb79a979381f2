"""Pictures of importance density and of its shift from base to tuned model."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from sparcom_nb.view.plots.common import whiskers
from sparcom_nb.view.safe import drawn
from sparcom_nb.view.theme import NEUTRAL, figure, label
from sparcom_nb.view.tokens import visible

_MEMBERS = (("#0072B2", "o"), ("#D55E00", "s"))
_SHOWN = 45


def densities(found: Mapping[str, xr.DataArray]) -> Figure:
    """Importance density of the first tokens of one prompt, in their order; by model."""
    fig, (axes,) = figure(9, 3.4)
    for (name, density), (colour, marker) in zip(found.items(), _MEMBERS, strict=False):
        axes.plot(density.to_numpy()[:_SHOWN], marker, color=colour, label=name, alpha=0.85)
    first = next(iter(found.values()))["input_token"].to_numpy()[:_SHOWN]
    texts = [drawn(visible(str(token))[:18]) for token in first]
    axes.set_xticks(range(len(first)), texts, rotation=90, fontsize=8)
    axes.set_ylim(-0.03, 1.05)
    axes.legend()
    label(axes, "What the response came from, token by token", "", "importance density")
    return fig


def forest(table: pd.DataFrame, name: str, title: str, unit: str) -> Figure:
    """Changes with 95 % intervals, a line a row (columns ``name``, value, low, high); zero is none."""
    fig, (axes,) = figure(8, 1.2 + 0.34 * max(len(table), 2))
    rows = np.arange(len(table))[::-1]
    whiskers(axes, table[["value", "low", "high"]].to_numpy(float), rows, capsize=3)
    axes.axvline(0, color=NEUTRAL, linewidth=1)
    axes.set_yticks(rows, table[name])
    axes.set_ylim(-0.6, len(table) - 0.4)
    label(axes, title, unit, "")
    return fig


def shift(table: pd.DataFrame) -> Figure:
    """Score of the tuned minus that of the base model by category."""
    title = "Did the instruction gain? (95 % over sub-types)"
    return forest(table, "category", title, "tuned minus base, score")


def published(table: pd.DataFrame) -> Figure:
    """Test statistic of Table 2 under every choice, groups apart."""
    fig, (axes,) = figure(8, 4.2)
    choices = list(dict.fromkeys(table["choice"]))
    groups = [name for name in dict.fromkeys(table["group"]) if name != "all"]
    for n, (group, marker) in enumerate(zip(groups, "osD", strict=True)):
        part = table[table["group"] == group].set_index("choice").loc[choices]
        y = np.arange(len(choices))[::-1] + 0.15 * (1 - n)
        axes.plot(-part["t"], y, marker, label=group, markersize=5)
    axes.axvline(0, color=NEUTRAL, linewidth=1)
    axes.axvspan(-1.64, 1.64, color="#eeeeee", zorder=0)
    axes.set_yticks(range(len(choices))[::-1], choices)
    axes.legend()
    title = "Table 2 under other choices (grey: not at 5 %, one-sided)"
    label(axes, title, "t, Vicuna above LLaMA", "")
    return fig
