"""Pictures of where neurons, directions, concepts and attributions meet."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sparcom_nb.view.theme import NEUTRAL, figure, label

_OWN, _OTHER = ("#D55E00", "o"), ("#0072B2", "s")


def loading(table: pd.DataFrame) -> Figure:
    """Share of every category's direction on its own set, the others' and the outsiders' beside it."""
    methods = list(dict.fromkeys(table["method"]))
    fig, panels = figure(8.5, 3.6, len(methods))
    for axes, method in zip(panels, methods, strict=True):
        wide = table[table["method"] == method].pivot(
            index="set", columns="direction", values="share"
        )
        names = list(dict.fromkeys(table["direction"]))
        square = wide.loc[names, names].to_numpy()
        rest = (square.sum(axis=0) - np.diag(square)) / max(1, len(names) - 1)
        beside = [wide.loc[f"beside {name}", name] for name in names]
        x = np.arange(len(names))
        for values, shift, (colour, marker), name in (
            (np.diag(square), 0, _OWN, "own set"),
            (beside, -0.15, (NEUTRAL, "^"), "outsiders like it"),
            (rest, 0.15, _OTHER, "other categories' sets"),
        ):
            axes.plot(x + shift, values, marker, color=colour, label=name)
        axes.set_xticks(x, names)
        axes.set_ylim(0, None)
        label(axes, method, "direction of", "share of its squared length")
    panels[0].legend(fontsize=8)
    return fig


def scatter(table: pd.DataFrame, title: str, x: str, y: str, named: tuple[str, str]) -> Figure:
    """Two columns against each other, a colour and marker for either kind of ``neurons``."""
    fig, (axes,) = figure(7, 3.8)
    kinds = list(dict.fromkeys(table["neurons"]))
    for kind, (colour, marker) in reversed(list(zip(kinds, (_OWN, _OTHER), strict=False))):
        part = table[table["neurons"] == kind]
        style = {"color": colour, "markersize": 4, "alpha": 0.6, "linestyle": "none"}
        axes.plot(part[x], part[y], marker, label=kind, **style)
    axes.axhline(0, color=NEUTRAL, linewidth=0.8)
    if x == "harm":
        axes.set_xscale("symlog", linthresh=0.1)
    axes.legend(fontsize=8)
    label(axes, title, *named)
    return fig
