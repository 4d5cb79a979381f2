"""Pictures of general and unique components: a value beside its null, everywhere."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.view.plots.common import whiskers
from sparcom_nb.view.safe import drawn
from sparcom_nb.view.theme import NEUTRAL, figure, label

BLUE = "#0072B2"
NULL = "#c9b8a8"
KIND_NAMES = {"unique": "unique to one", "shared": "shared by some", "general": "general"}


def against_null(axes: Axes, table: pd.DataFrame, names: Sequence[Any]) -> None:
    """One line a row: value, with its interval if it has one, over the range under its null (band)."""
    rows = np.arange(len(table))[::-1]
    axes.hlines(
        rows, table["null_low"], table["null_high"], color=NULL, lw=9, label="labels shuffled"
    )
    axes.plot(table["null_mean"], rows, "|", color=NEUTRAL, ms=9)
    if "low" in table:
        values = table[["value", "low", "high"]].to_numpy(float)
        whiskers(axes, values, rows, capsize=3, label="true labels")
    else:
        axes.plot(table["value"], rows, "o", color=BLUE, label="true labels")
    axes.set_yticks(rows, [drawn(str(name)) for name in names])
    axes.set_ylim(-0.7, len(table) - 0.3)


def panels(table: pd.DataFrame, by: str, name: str, x: str = "", width: float = 9.5) -> Figure:
    """A panel for every value of column ``by``, a line for every ``name``."""
    parts = dict(tuple(table.groupby(by, sort=False)))
    most = max(len(part) for part in parts.values())
    fig, axes = figure(width, 0.38 * most + 1.6, columns=len(parts))
    for panel, (key, part) in zip(axes, parts.items(), strict=True):
        first = panel is axes[0] or len(part) != len(next(iter(parts.values())))
        against_null(panel, part, part[name].to_list() if first else [""] * len(part))
        label(panel, str(key), x, "")
        panel.xaxis.set_major_locator(MaxNLocator(5))
    _legend(fig, axes[0])
    return fig


def _legend(fig: Figure, axes: Axes) -> None:
    """Legend above the panels, where it hides nothing."""
    handles, names = axes.get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper right", ncols=2, fontsize=8, frameon=False)


def kinds(table: pd.DataFrame) -> Figure:
    """Components by the number of categories whose set holds them."""
    fig, (axes,) = figure(7, 0.4 * len(table) + 1.4)
    names = [
        f"{n} ({kind})" if kind != "shared" else n
        for n, kind in zip(table["number"], table["kind"], strict=True)
    ]
    against_null(axes, table, names)
    axes.set_xlim(0, None)
    _legend(fig, axes)
    label(axes, "In how many categories' sets is a neuron?", "neurons", "categories")
    return fig


def upset(table: pd.DataFrame, n: int = 12) -> Figure:
    """The ``n`` most frequent combinations of categories: which (left) and how many (right)."""
    table = table.head(n)
    fig, (left, right) = figure(9, 0.33 * len(table) + 1.4, columns=2)
    rows = np.arange(len(table))[::-1]
    present = [
        c for c in CATEGORIES if any(c in names.split(" + ") for names in table["categories"])
    ]
    for row, names in zip(rows, table["categories"], strict=True):
        inside = [present.index(c) for c in names.split(" + ")]
        left.plot(range(len(present)), [row] * len(present), ".", color="#dddddd", ms=9)
        left.plot(inside, [row] * len(inside), "o-", color=NEUTRAL, ms=7)
    left.set_xticks(range(len(present)), present)
    left.set_yticks([])
    left.set_ylim(-0.7, len(table) - 0.3)
    left.grid(False)
    label(left, "In these categories' sets", "", "")
    against_null(right, table, [""] * len(table))
    _legend(fig, right)
    label(right, "and in no other", "neurons", "")
    return fig


def overlap_matrices(table: pd.DataFrame) -> Figure:
    """Overlap of categories' sets (small: mean under shuffled labels), a panel a measure."""
    titles = {"jaccard": "Jaccard", "overlap": "overlap coefficient"}
    fig, axes = figure(11, 4.6, columns=len(titles))
    for panel, (measure, title) in zip(axes, titles.items(), strict=True):
        part = table[table["measure"] == measure]
        text = [f"{v:.2f}\n({n:.2f})" for v, n in part[["value", "null_mean"]].to_numpy()]
        square = part.assign(text=text).pivot(index="category", columns="category_b")
        order = [c for c in CATEGORIES if c in square.index]
        square = square.reindex(order).reindex(order, axis=1, level=1)
        sns.heatmap(
            square["value"], mask=np.eye(len(square), dtype=bool), annot=square["text"], fmt="",
            cmap="cividis", vmin=0, ax=panel, annot_kws={"fontsize": 8}, cbar=False,
        )  # fmt: skip
        label(panel, title, "", "")
        panel.tick_params(axis="y", rotation=0)
    return fig


def layers(table: pd.DataFrame) -> Figure:
    """Share of every layer's components of each kind, over the band of shuffled labels."""
    fig, axes = figure(10, 3.2, columns=len(KIND_NAMES))
    for panel, (kind, title) in zip(axes, KIND_NAMES.items(), strict=True):
        part = table[table["kind"] == kind]
        x = part["layer"].to_numpy(float)
        panel.fill_between(x, part["null_low"], part["null_high"], color=NULL, label="shuffled")
        panel.plot(x, part["value"], "o-", color=BLUE, label="true labels")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set_ylim(0, None)
        label(panel, title, "layer", "share of the layer's neurons" if panel is axes[0] else "")
    axes[0].legend(fontsize=8)
    return fig


def sweep(table: pd.DataFrame) -> Figure:
    """Components of each kind against the share taken, a line for every agreement, null dashed."""
    fig, axes = figure(10.5, 3.5, columns=len(KIND_NAMES))
    colours = sns.color_palette("colorblind")
    for panel, (kind, title) in zip(axes, KIND_NAMES.items(), strict=True):
        for n, (agreement, part) in enumerate(table[table["kind"] == kind].groupby("agreement")):
            style = {"color": colours[n], "marker": "osD^v"[n % 5], "ms": 4}
            panel.plot(part["top"], part["value"], label=f"{agreement:.0%}", **style)
            panel.plot(part["top"], part["null_mean"], "--", color=colours[n], lw=1)
        panel.set_xscale("log")
        panel.set_yscale("symlog", linthresh=10)
        panel.set_xticks(table["top"].unique(), [f"{t:.1%}" for t in table["top"].unique()])
        panel.tick_params(axis="x", labelsize=7)
        panel.minorticks_off()
        panel.set_ylim(0, None)
        label(panel, title, "share to take", "neurons" if panel is axes[0] else "")
    axes[0].legend(fontsize=8, title="agreement", title_fontsize=8)
    return fig
