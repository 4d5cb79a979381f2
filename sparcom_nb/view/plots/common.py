"""Pictures that several notebooks use."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sparcom_nb.evidence import NOT, OPPOSITE, SHOWS, UNTOLD, Finding
from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.view.safe import drawn
from sparcom_nb.view.theme import COLOURS, NEUTRAL, figure, label

#: Colour and marker by name; those of a base, a tuned model and a third.
Looks = Mapping[str, tuple[str, str]]
LOOKS = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"))
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
    order = ordered(table["category"])
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
    looks = zip(dict.fromkeys(table["member"]), LOOKS, strict=False)
    beside(axes, table, "category", ordered(table["category"]), "member", dict(looks))
    axes.set_ylim(-0.03, None)
    label(axes, title, "", y)
    return fig


def beside(
    axes: Axes, table: pd.DataFrame, of: str, names: list[str], by: str, looks: Looks,
    value: str = "mean",
) -> None:  # fmt: skip
    """Points with intervals at a place for each of ``names`` (column ``of``), those of ``by`` abreast."""
    shown = [one for one in looks if one in set(table[by])]
    for n, one in enumerate(shown):
        part = table[table[by] == one].set_index(of).reindex(names)
        x = np.arange(len(names)) + 0.14 * (n - (len(shown) - 1) / 2)
        _upright(axes, x, part, value, looks[one], label=one)
    axes.set_xticks(range(len(names)), names)
    axes.legend(fontsize=8)


def by_layer(
    table: pd.DataFrame, of: str, names: Sequence[str], looks: Looks, value: str, y: str
) -> Figure:
    """Lines with intervals by layer: a panel for each of ``names`` in column ``of``, a line a model."""
    fig, panels = figure(1.2 + 1.8 * len(names), 3.2, columns=len(names), sharey=True)
    for axes, name in zip(panels, names, strict=True):
        for model, part in table[table[of] == name].groupby("model", sort=False):
            x = part["layer"].to_numpy(float)
            _upright(
                axes, x, part, value, looks[str(model)], label=model, linestyle="-", linewidth=1
            )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_ylim(0, None)
        label(axes, name, "layer", y if axes is panels[0] else "")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return fig


def ordered(categories: Iterable[str]) -> list[str]:
    """Those categories that there are, in their order."""
    return [c for c in CATEGORIES if c in set(categories)]


def matrix(
    table: pd.DataFrame, rows: str, columns: str, title: str, bar: str, **style: Any
) -> Figure:
    """A mean for every two categories (two columns of ``table``), its interval below where it has one."""
    text = [
        f"{mean:.2f}\n{low:.2f} to {high:.2f}" if low == low else f"{mean:.2f}"
        for mean, low, high in table[["mean", "low", "high"]].to_numpy(float)
    ]
    fig, (axes,) = figure(7, 4.8)
    square = table.assign(text=text).pivot(index=rows, columns=columns)
    order = ordered(square.index)
    square = square.reindex(order).reindex(order, axis=1, level=1)
    sns.heatmap(
        square["mean"], annot=square["text"], fmt="", ax=axes, annot_kws={"fontsize": 7},
        cbar_kws={"label": bar}, **style,
    )  # fmt: skip
    axes.tick_params(axis="y", rotation=0)
    label(axes, title, "", "")
    return fig


def _upright(
    axes: Axes, x: np.ndarray, table: pd.DataFrame, value: str, look: tuple[str, str], **style: Any
) -> None:
    """Vertical intervals at the places ``x``; a value outside its interval has no whisker there."""
    colour, marker = look
    middle, low, high = (table[name].to_numpy(float) for name in (value, "low", "high"))
    ends = [np.maximum(0, middle - low), np.maximum(0, high - middle)]
    style = {"linestyle": "none", "capsize": 2, "markersize": 5} | style
    axes.errorbar(x, middle, yerr=ends, marker=marker, color=colour, **style)


def ladder(table: pd.DataFrame, name: str, x: str, title: str) -> Figure:
    """Means with intervals, one line a row of ``table`` (columns ``name``, mean, low, high)."""
    fig, (axes,) = figure(7, 0.45 * len(table) + 1.3)
    rungs(axes, table[["mean", "low", "high"]], list(table[name]))
    label(axes, title, x, "")
    return fig


def rungs(axes: Axes, values: pd.DataFrame, names: Sequence[str]) -> None:
    """Intervals (columns value, low, high) below one another, and a line at zero."""
    rows = np.arange(len(names))[::-1]
    whiskers(axes, values.to_numpy(float), rows)
    axes.set_yticks(rows, names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.axvline(0, color=NEUTRAL, linewidth=1)


def whiskers(axes: Axes, values: np.ndarray, rows: np.ndarray, **style: Any) -> None:
    """Horizontal intervals at the heights ``rows``: ``values`` [row, (value, low, high)]."""
    value, low, high = values.T
    style = {"fmt": "o", "color": "#0072B2", "capsize": 4} | style
    axes.errorbar(value, rows, xerr=[value - low, high - value], **style)
