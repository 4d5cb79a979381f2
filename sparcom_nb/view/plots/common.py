"""Pictures that several notebooks use."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparcom_nb.evidence import NOT, OPPOSITE, SHOWS, UNTOLD, Finding
from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.view.safe import drawn
from sparcom_nb.view.theme import COLOURS, NEUTRAL, figure, label

#: Verdict -> colour, marker, filled or not: told by shape, fill and text, whatever colours one sees.
_VERDICTS = {
    SHOWS: ("#D55E00", "D", True),
    OPPOSITE: ("#0072B2", "v", True),
    NOT: (NEUTRAL, "o", False),
    UNTOLD: (NEUTRAL, "x", True),
}


def forest(findings: Mapping[str, Finding]) -> Figure:
    """Findings by name: value and interval on the band of the null, and the verdict; a panel a unit."""
    units = list(dict.fromkeys(one.unit for one in findings.values())) or [""]
    groups = [{n: f for n, f in findings.items() if f.unit == unit} for unit in units]
    sizes = [len(group) for group in groups]
    height = 0.42 * sum(sizes) + 0.75 * len(units)
    fig, panels = figure(8.5, height, rows=len(units), height_ratios=[max(1, n) for n in sizes])
    for axes, group, unit in zip(panels, groups, units, strict=True):
        for row, one in enumerate(group.values()):
            _claim(axes, one, row)
        axes.set_yticks(range(len(group)), [drawn(name) for name in group])
        axes.set_ylim(len(group) - 0.4, -0.6)
        label(axes, "", drawn(unit), "")
    return fig


def _claim(axes: Axes, found: Finding, row: int) -> None:
    """One finding at a height: grey band and tick of the null, marker, interval, verdict."""
    colour, marker, filled = _VERDICTS[found.verdict]
    axes.fill_betweenx(
        [row - 0.28, row + 0.28], found.null_low, found.null_high, color=NEUTRAL, alpha=0.22, lw=0
    )
    axes.plot([found.null_mean] * 2, [row - 0.28, row + 0.28], color=NEUTRAL, linewidth=1)
    whiskers(
        axes, np.array([[found.value, found.low, found.high]]), np.array([row]), fmt=marker,
        color=colour, markerfacecolor=colour if filled else "white",
    )  # fmt: skip
    at = {"xycoords": axes.get_yaxis_transform(), "va": "center", "fontsize": 9, "color": colour}
    axes.annotate(found.verdict, (1.01, row), annotation_clip=False, **at)


def lengths(table: pd.DataFrame, value: str, unit: str) -> Figure:
    """Distribution of a length by category: box, whiskers at 5 and 95 %, every row a point."""
    fig, (axes,) = figure(7, 3.4)
    order = [c for c in CATEGORIES if c in set(table["category"])]
    sns.boxplot(
        table, x="category", y=value, order=order, whis=(5, 95), showfliers=False, ax=axes,
        hue="category", hue_order=order, palette=COLOURS, fill=False,
    )  # fmt: skip
    sns.stripplot(
        table, x="category", y=value, order=order, size=2, color=NEUTRAL, alpha=0.4, ax=axes
    )
    label(axes, "Length by category", "", unit)
    return fig


def by_member(table: pd.DataFrame, y: str, title: str) -> Figure:
    """A value with interval for every category, base beside tuned (column ``member``)."""
    fig, (axes,) = figure(7, 3.2)
    categories = [c for c in CATEGORIES if c in set(table["category"])]
    members = list(dict.fromkeys(table["member"]))
    for n, (member, marker, colour) in enumerate(
        zip(members, "os", ("#0072B2", "#D55E00"), strict=False)
    ):
        part = table[table["member"] == member].set_index("category").loc[categories]
        x = np.arange(len(categories)) + 0.16 * (n - (len(members) - 1) / 2)
        mean, low, high = (part[c].to_numpy(float) for c in ("mean", "low", "high"))
        axes.errorbar(
            x, mean, yerr=[mean - low, high - mean], fmt=marker, color=colour, label=member, capsize=3
        )  # fmt: skip
    axes.set_xticks(range(len(categories)), categories)
    axes.set_ylim(-0.03, None)
    axes.legend()
    label(axes, title, "", y)
    return fig


def ladder(table: pd.DataFrame, name: str, x: str, title: str) -> Figure:
    """Means with intervals, one line a row of ``table`` (columns ``name``, mean, low, high)."""
    fig, (axes,) = figure(7, 0.45 * len(table) + 1.3)
    rows = np.arange(len(table))[::-1]
    whiskers(axes, table[["mean", "low", "high"]].to_numpy(float), rows)
    axes.set_yticks(rows, table[name])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.axvline(0, color=NEUTRAL, linewidth=1)
    label(axes, title, x, "")
    return fig


def whiskers(axes: Axes, values: np.ndarray, rows: np.ndarray, **style: Any) -> None:
    """Horizontal intervals at the heights ``rows``: ``values`` [row, (value, low, high)]."""
    value, low, high = values.T
    style = {"fmt": "o", "color": "#0072B2", "capsize": 4} | style
    axes.errorbar(value, rows, xerr=[value - low, high - value], **style)
