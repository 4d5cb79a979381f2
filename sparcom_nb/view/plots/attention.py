"""Pictures of word pairs of attention heads, and of verb shift."""

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from sparcom_nb.view.plots.common import beside
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


def overlap_by_head(table: pd.DataFrame) -> Figure:
    """Jaccard of every head's pairs with the base's by layer; crosses: with other heads.

    table: ``heads`` of :func:`sparcom_nb.studies.attention.study`.
    """
    fig, (axes,) = figure(7, 3.6)
    names = [name for name in ("tuned", "placebo") if f"{name}: same head" in table]
    for n, (name, colour) in enumerate(zip(names, (_ORANGE, _BLUE), strict=False)):
        x = table["layer"] + 0.16 * (n - (len(names) - 1) / 2)
        for which, marker in (("same head", "o"), ("other heads", "x")):
            said = f"{name}: {which}"
            axes.scatter(x, table[said], s=26, color=colour, marker=marker, label=said)
    axes.set_ylim(0, 1.05)
    axes.set_xticks(sorted(table["layer"].unique()))
    axes.legend(fontsize=8)
    label(axes, "Each point is a head", "layer", "Jaccard of word pairs")
    return fig


def verb_shift(table: pd.DataFrame) -> Figure:
    """Mean share of heads that count more pairs after tuning, by quarter, with 95 % intervals.

    table: ``quarters`` of :func:`sparcom_nb.studies.attention.study`.
    """
    fig, (axes,) = figure(7.5, 3.6)
    groups = list(dict.fromkeys(table["layers"]))
    named = table.assign(
        verbs=table["instruction"].map({True: "instruction verbs", False: "other verbs"})
    )
    looks = {"instruction verbs": (_ORANGE, "o"), "other verbs": (_BLUE, "s")}
    beside(axes, named, "layers", groups, "verbs", looks)
    axes.axhline(0.5, color=NEUTRAL, linestyle="--", linewidth=1)
    numbers = table.groupby("layers")["n"].agg(lambda n: ", ".join(map(str, n)))
    axes.set_xticks(range(len(groups)), [f"{g}\nn = {numbers[g]}" for g in groups], fontsize=8)
    axes.set_ylim(-0.03, 1.03)
    label(axes, "Above the line: more pairs after tuning", "layers", "share of heads")
    return fig
