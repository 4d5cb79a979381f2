"""Pictures of word pairs of attention heads, and of verb shift."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from sparcom_nb.view.theme import NEUTRAL, figure, label

_BLUE, _ORANGE = "#0072B2", "#D55E00"


def pairs_by_head(counts: pd.DataFrame, names: list[str]) -> Figure:
    """Number of word pairs of every head, one map for each of the columns ``names``."""
    layers, heads = counts["layer"].nunique(), counts["head"].nunique()
    fig, panels = figure(2.6 * len(names) + 0.6, 1.2 + min(0.4 * layers, 6), columns=len(names))
    top = counts[names].to_numpy().max()
    for n, (axes, name) in enumerate(zip(panels, names, strict=True)):
        grid = counts.pivot(index="layer", columns="head", values=name)
        sns.heatmap(
            grid, annot=layers * heads <= 48, fmt=".0f", cmap="cividis", vmin=0, vmax=top, ax=axes,
            annot_kws={"fontsize": 8}, cbar=n == len(names) - 1, cbar_kws={"label": "word pairs"},
        )  # fmt: skip
        label(axes, name, "head", "layer" if n == 0 else "")
    return fig


def overlap_by_head(overlaps: dict[str, pd.DataFrame]) -> Figure:
    """Jaccard of every head's pairs in two models by layer; crosses: with other heads.

    overlaps: name of the comparison -> table of :func:`sparcom_nb.shift.head_overlap`.
    """
    fig, (axes,) = figure(7, 3.6)
    for n, ((name, table), colour) in enumerate(
        zip(overlaps.items(), (_BLUE, _ORANGE), strict=False)
    ):
        x = table["layer"] + 0.16 * (n - (len(overlaps) - 1) / 2)
        axes.scatter(x, table["jaccard"], s=26, color=colour, label=f"{name}: the same head")
        axes.scatter(
            x, table["other"], s=26, color=colour, marker="x", label=f"{name}: other heads"
        )
    axes.set_ylim(0, 1.05)
    axes.set_xticks(sorted(next(iter(overlaps.values()))["layer"].unique()))
    axes.legend(fontsize=8)
    label(axes, "Each point is a head", "layer", "Jaccard of word pairs")
    return fig


def verb_shift(table: pd.DataFrame) -> Figure:
    """Mean share of heads that count more pairs after tuning, by quarter, with 95 % intervals."""
    fig, (axes,) = figure(7.5, 3.6)
    series = (
        ("instruction verbs", "", "o", _ORANGE, -0.1),
        ("other verbs", "general_", "s", _BLUE, 0.1),
    )
    for name, prefix, marker, colour, aside in series:
        mean, low, high = (table[f"{prefix}{c}"].to_numpy(float) for c in ("share", "low", "high"))
        spread = np.nan_to_num(np.stack([mean - low, high - mean]))
        axes.errorbar(
            np.arange(len(table)) + aside, mean, yerr=spread, fmt=marker, color=colour, capsize=3,
            label=name,
        )  # fmt: skip
    axes.axhline(0.5, color=NEUTRAL, linestyle="--", linewidth=1)
    ticks = [f"{row.layers}\nn = {row.n}, {row.general_n}" for row in table.itertuples(index=False)]
    axes.set_xticks(range(len(table)), ticks, fontsize=8)
    axes.set_ylim(-0.03, 1.03)
    axes.legend(fontsize=8)
    label(axes, "Above the line: more pairs after tuning", "layers", "share of heads")
    return fig
