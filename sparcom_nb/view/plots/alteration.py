"""Pictures of base and tuned model side by side: sets, floors, profiles."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.view.theme import figure, label

_KEPT, _GAINED, _LOST = "#0072B2", "#E69F00", "#999999"
#: Colour and marker of each pair of models: floors grey, tuned red-orange, placebo green.
_PAIRS = {
    "base A, base B": ("#555555", "o"),
    "tuned A, tuned B": ("#AAAAAA", "s"),
    "base A, tuned B": ("#D55E00", "D"),
    "base, tuned": ("#D55E00", "o"),
    "base A, placebo B": ("#009E73", "D"),
    "base, placebo": ("#009E73", "s"),
}
_MODELS = {"base": ("#0072B2", "o"), "tuned": ("#D55E00", "s"), "placebo": ("#009E73", "^")}


def kept_gained_lost(table: pd.DataFrame) -> Figure:
    """Components by layer, a panel a category: kept and gained above zero, lost below."""
    categories = list(dict.fromkeys(table["category"]))
    fig, panels = figure(1.2 + 1.7 * len(categories), 3.4, columns=len(categories))
    highest = max(1, (table["kept"] + table["gained"]).max())
    lowest = max(1, table["lost"].max())
    for axes, name in zip(panels, categories, strict=True):
        part = table[table["category"] == name]
        x, kept, gained, lost = part[["layer", "kept", "gained", "lost"]].to_numpy(int).T
        axes.bar(x, kept, color=_KEPT, label="kept")
        axes.bar(x, gained, bottom=kept, color=_GAINED, hatch="//", label="gained")
        axes.bar(x, -lost, color=_LOST, hatch="..", label="lost")
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_ylim(-1.08 * lowest, 1.08 * highest)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
        label(axes, name, "layer", "components" if axes is panels[0] else "")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return fig


def pairs_of_models(table: pd.DataFrame, title: str, y: str) -> Figure:
    """A comparison by category with intervals, one marker a pair of models.

    table: of :mod:`sparcom_nb.studies.alteration`: category, pair, value, low, high.
    """
    fig, (axes,) = figure(9, 3.8)
    shown = [pair for pair in _PAIRS if pair in set(table["pair"])]
    categories = [c for c in CATEGORIES if c in set(table["category"])]
    for n, pair in enumerate(shown):
        part = table[table["pair"] == pair].set_index("category").loc[categories]
        value, low, high = (part[c].to_numpy(float) for c in ("value", "low", "high"))
        colour, marker = _PAIRS[pair]
        axes.errorbar(
            np.arange(len(categories)) + 0.12 * (n - (len(shown) - 1) / 2), value,
            yerr=[value - low, high - value], fmt=marker, color=colour, label=pair, capsize=2,
            markersize=5,
        )  # fmt: skip
    axes.set_xticks(range(len(categories)), categories)
    axes.set_ylim(0, None)
    axes.legend(fontsize=8, ncols=1, loc="center left", bbox_to_anchor=(1.01, 0.5))
    label(axes, title, "", y)
    return fig


def profiles(table: pd.DataFrame) -> Figure:
    """Share of each layer's components that are specific, a panel a category, a line a model."""
    categories = list(dict.fromkeys(table["category"]))
    fig, panels = figure(1.2 + 1.7 * len(categories), 3.2, columns=len(categories))
    for axes, name in zip(panels, categories, strict=True):
        for model, part in table[table["category"] == name].groupby("model", sort=False):
            x, y, low, high = part[["layer", "mean", "low", "high"]].to_numpy(float).T
            colour, marker = _MODELS[str(model)]
            style = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1}
            axes.errorbar(x, y, yerr=[y - low, high - y], label=model, capsize=2, **style)
        axes.set_ylim(0, 1.05 * np.nanmax(table[["mean", "high"]].to_numpy()))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        label(axes, name, "layer", "share of the layer" if axes is panels[0] else "")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return fig
