"""Pictures of what is lost when components are switched off."""

import pandas as pd
from matplotlib.figure import Figure

from sparcom_nb.view.plots.common import LOOKS, beside, matrix, ordered
from sparcom_nb.view.theme import figure, label


def effect_matrix(table: pd.DataFrame) -> Figure:
    """Rise of every category's loss (columns) under every category's set (rows)."""
    title, bar = (
        "Loss of (columns) under the set of (rows)",
        "rise of the loss, nats per response token",
    )
    return matrix(table, "set", "category", title, bar, cmap="vlag", center=0)


def answers(table: pd.DataFrame) -> Figure:
    """Share of right answers with interval for every category, in each state."""
    fig, (axes,) = figure(7.5, 3.6)
    looks = dict(zip(dict.fromkeys(table["state"]), LOOKS, strict=False))
    beside(axes, table, "category", ordered(table["category"]), "state", looks)
    label(axes, "Right answers", "", "share of the answers")
    return fig
