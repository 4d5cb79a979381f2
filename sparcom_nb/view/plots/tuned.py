"""Pictures of what tuning on selections gives."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from sparcom_nb.view.plots.common import rungs
from sparcom_nb.view.theme import figure, label

_UNIT = "nats per response token"


def arms(parts: Mapping[str, pd.DataFrame]) -> Figure:
    """Every arm's loss minus that of random rows, with intervals; a panel a table.

    Tables have arm, n, difference, low and high; in brackets, the rows tuned on.
    """
    most = max(len(table) for table in parts.values())
    fig, axes = figure(4.2 + 3.6 * len(parts), 0.4 * most + 1.5, columns=len(parts))
    for panel, (title, table) in zip(axes, parts.items(), strict=True):
        told = table[table["arm"] != "random"]
        names = [f"{arm} ({n:,})" for arm, n in zip(told["arm"], told["n"], strict=True)]
        rungs(panel, told[["difference", "low", "high"]], names)
        label(panel, title, f"loss minus random rows', {_UNIT}", "")
    return fig


def ratios(parts: Mapping[str, pd.DataFrame]) -> Figure:
    """Loss by the share of the pool that is tuned on; a panel a table (arm, ratio, loss)."""
    fig, axes = figure(1.4 + 3.5 * len(parts), 3.5, columns=len(parts))
    for panel, (title, table) in zip(axes, parts.items(), strict=True):
        for (name, part), marker in zip(table.groupby("arm", sort=False), "^os*", strict=False):
            panel.plot(part["ratio"], part["loss"], marker=marker, label=name)
        panel.set_xscale("log")
        ticks = sorted(table["ratio"].unique())
        panel.set_xticks(ticks, [f"{ratio:.0%}" for ratio in ticks])
        panel.minorticks_off()
        label(panel, title, "share of the pool", f"loss, {_UNIT}")
    axes[0].legend(fontsize=8)
    return fig


def core(table: pd.DataFrame) -> Figure:
    """Rows of the pool by the number of capabilities that select them, beside independence."""
    fig, (axes,) = figure(6, 3.2)
    axes.bar(table["number"] - 0.2, table["rows"], 0.4, color="#0072B2", label="selected")
    axes.bar(
        table["number"] + 0.2, table["expected"], 0.4, color="#bbbbbb", hatch="//",
        label="were they independent",
    )  # fmt: skip
    axes.set_yscale("symlog", linthresh=10)
    axes.set_xticks(table["number"])
    axes.legend(fontsize=8)
    title = "Rows selected by several capabilities"
    label(axes, title, "by how many capabilities", "rows of the pool")
    return fig
