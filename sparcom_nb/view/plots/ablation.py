"""Pictures of what is lost when components are switched off."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from sparcom_nb.view.theme import NEUTRAL, figure, label

_UNIT = "nats per response token"
_STYLES = (("#D55E00", "o"), ("#0072B2", "s"), (NEUTRAL, "^"))


def effect_matrix(table: pd.DataFrame) -> Figure:
    """Rise of every category's loss (columns) under every category's set (rows)."""
    fig, (axes,) = figure(7, 4.8)
    mean, low, high = (
        table.pivot_table(value, "set", "category", sort=False, dropna=False)
        for value in ("mean", "low", "high")
    )
    text = np.vectorize(lambda m, lo, hi: f"{m:.2f}\n{lo:.2f} to {hi:.2f}")(mean, low, high)
    sns.heatmap(
        mean.loc[:, mean.index], annot=text[:, [mean.columns.get_loc(c) for c in mean.index]], fmt="",
        cmap="vlag", center=0, ax=axes, annot_kws={"fontsize": 7},
        cbar_kws={"label": f"rise of the loss, {_UNIT}"},
    )  # fmt: skip
    label(axes, "Effect of every set on every category", "loss of", "set of")
    axes.tick_params(axis="y", rotation=0)
    return fig


def answers(table: pd.DataFrame) -> Figure:
    """Share of right answers with interval for every category, in each state."""
    fig, (axes,) = figure(7.5, 3.6)
    categories = list(dict.fromkeys(table["category"]))
    for n, (name, (colour, marker)) in enumerate(
        zip(dict.fromkeys(table["state"]), _STYLES, strict=False)
    ):
        part = table[table["state"] == name].set_index("category").reindex(categories)
        mean, low, high = (part[value].to_numpy(float) for value in ("mean", "low", "high"))
        axes.errorbar(
            np.arange(len(categories)) + 0.16 * (n - 1), mean, [mean - low, high - mean],
            fmt=marker, color=colour, capsize=3, label=name,
        )  # fmt: skip
    axes.set_xticks(range(len(categories)), categories)
    axes.legend(fontsize=8)
    label(axes, "Right answers", "", "share of the answers")
    return fig
