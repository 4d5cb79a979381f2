"""Pictures of importance density, and of the published comparison under other choices."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

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
