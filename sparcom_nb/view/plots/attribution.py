"""Pictures of importance density and of its shift from base to tuned model."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparcom_nb.view.plots.common import whiskers
from sparcom_nb.view.safe import drawn
from sparcom_nb.view.theme import NEUTRAL, figure, label
from sparcom_nb.view.tokens import visible

_MEMBERS = (("#0072B2", "o"), ("#D55E00", "s"))
_SHOWN = 45


def word_densities(words: Mapping[str, pd.DataFrame]) -> Figure:
    """Density of every word of one prompt, in its order; name -> table with word and density."""
    fig, (axes,) = figure(9, 3.4)
    for (name, table), (colour, marker) in zip(words.items(), _MEMBERS, strict=False):
        axes.plot(table["density"][:_SHOWN], marker, color=colour, label=name, alpha=0.85)
    first = next(iter(words.values()))[:_SHOWN]
    texts = [drawn(visible(word)[:18]) for word in first["word"]]
    axes.set_xticks(range(len(first)), texts, rotation=90, fontsize=8)
    axes.set_ylim(-0.03, 1.05)
    axes.legend()
    label(axes, "What the response came from, word by word", "", "importance density")
    return fig


def shift(table: pd.DataFrame) -> Figure:
    """Score of the tuned minus that of the base model by category, with intervals."""
    fig, (axes,) = figure(7, 3.2)
    _intervals(axes, table["category"], table[["value", "low", "high"]].to_numpy(float))
    label(axes, "Did the instruction gain? (95 % over sub-types)", "tuned minus base, score", "")
    return fig


def sensitivity(table: pd.DataFrame) -> Figure:
    """The mean shift under every choice, relative to the base model's mean score."""
    fig, (axes,) = figure(8, 3.6)
    base = table["base"].to_numpy(float)[:, None]
    values = table[["value", "low", "high"]].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(base > 0, 100 * values / base, np.nan)
    _intervals(axes, table["choice"], relative)
    label(axes, "The same data under other choices", "tuned minus base, % of the base score", "")
    return fig


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


def _intervals(axes: Axes, names: pd.Series, values: np.ndarray) -> None:
    """One line a row of ``values`` [row, (value, low, high)], and a line at zero."""
    rows = np.arange(len(values))[::-1]
    whiskers(axes, values, rows, capsize=3)
    axes.axvline(0, color=NEUTRAL, linewidth=1)
    axes.set_yticks(rows, names)
    axes.set_ylim(-0.6, len(values) - 0.4)
