"""Pictures of base and tuned model side by side: sets, floors, layers."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sparcom_nb.view.plots.common import LOOKS, Looks, beside, by_layer, ordered
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
    beside(axes, table, "category", ordered(table["category"]), "pair", _PAIRS, "value")
    axes.set_ylim(0, None)
    axes.legend(fontsize=8, ncols=1, loc="center left", bbox_to_anchor=(1.01, 0.5))
    label(axes, title, "", y)
    return fig


def profiles(table: pd.DataFrame) -> Figure:
    """Share of each layer's components that are specific, a panel a category, a line a model."""
    looks: Looks = dict(zip(("base", "tuned", "placebo"), LOOKS, strict=True))
    categories = list(dict.fromkeys(table["category"]))
    return by_layer(table, "category", categories, looks, "mean", "share of the layer")
