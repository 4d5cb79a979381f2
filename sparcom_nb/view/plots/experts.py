"""Pictures of routing, of sets of experts and of the neurons inside them."""

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.sparcom.sets import by_category
from sparcom_nb.view.plots.uniqueness import against_null
from sparcom_nb.view.theme import NEUTRAL, figure, label

_ORDER = "experts side by side, number 0 first"
_PALETTE = ("#0072B2", "#D55E00", "#009E73")


def usage(table: pd.DataFrame, uniform: float) -> Figure:
    """How often each category uses each expert, over the uniform rate; dots where it is apart.

    table: category, layer, expert, mean, low, high. A dot marks a category whose interval does
    not reach the mean of the other categories.
    """
    mean, low, high = (_cube(table, name) for name in ("mean", "low", "high"))
    others = (mean.sum("category") - mean) / (mean.sizes["category"] - 1)
    fig, (axes,) = figure(10, 0.42 * mean.sizes["category"] + 1.5)
    by_expert(axes, mean / uniform, "PuOr_r", 0, 2, "times the uniform rate")
    _mark(axes, (low > others) | (high < others), ".")
    label(axes, "Use of experts; a dot: apart from the other categories", _ORDER, "")
    return fig


def layer_usage(table: pd.DataFrame, layer: int, n: int = 8) -> Figure:
    """Use of the ``n`` experts of a layer that differ most between categories, with intervals."""
    part = table[table["layer"] == layer]
    spread = part.groupby("expert")["mean"].agg(lambda q: q.max() - q.min())
    part = part[part["expert"].isin(spread.nlargest(n).index)]
    fig, (axes,) = figure(1.6 + 0.85 * min(n, len(spread)), 4.2)
    _with_intervals(axes, part, "expert", "routing frequency q")
    label(axes, f"Layer {layer}: mean use, 95 % interval below", "expert", "")
    return fig


def expert_sets(marked: xr.DataArray, agreement: float) -> Figure:
    """Share of a category's instructions that each expert serves; a dot where enough agree."""
    parts = dict(by_category(marked))
    votes = xr.concat([p.mean("instruction") for p in parts.values()], "category")
    votes = votes.assign_coords(category=list(parts))
    fig, (axes,) = figure(10, 0.42 * len(parts) + 1.5)
    by_expert(axes, votes, "Blues", 0, 1, "share of instructions")
    _mark(axes, votes >= agreement - 1e-9, ".")
    label(axes, f"Whose expert is it? A dot: {agreement:.0%} or more agree", _ORDER, "")
    return fig


def relative_sweep(table: pd.DataFrame) -> Figure:
    """Overlap of instructions' experts within and across categories, by the cut."""
    fig, (axes,) = figure(7, 3.4)
    for name, style in (("within", "o-"), ("across", "s--")):
        axes.plot(table["relative"], table[name], style, label=f"{name} categories")
    for cut, within, share in table[["relative", "within", "share"]].to_numpy():
        axes.annotate(
            f"{share:.0%}", (cut, within), xytext=(0, 6), textcoords="offset points",
            ha="center", fontsize=8, color=NEUTRAL,
        )  # fmt: skip
    axes.set_ylim(0, 1.15 * max(table["within"].max(), table["across"].max()))
    axes.legend(fontsize=8)
    label(
        axes, "grey: share of the experts taken", "cut: times the uniform rate",
        "mean Jaccard of two instructions",
    )  # fmt: skip
    return fig


def named(table: pd.DataFrame) -> Figure:
    """Share of instructions whose category is named rightly, over shuffled labels."""
    fig, (axes,) = figure(7.5, 0.45 * len(table) + 1.3)
    against_null(axes, table, table["read"].to_list())
    axes.set_xlim(0, 1)
    axes.legend(fontsize=8)
    label(axes, "Named by the nearest centroid", "share of instructions named rightly", "")
    return fig


def confusion(table: pd.DataFrame) -> Figure:
    """What the instructions of every category are taken for, interval below each share."""
    fig, (axes,) = figure(7, 4.6)
    _with_intervals(axes, table, "guess", "share of the category", 1.0)
    label(axes, "Taken for ...", "category guessed", "category")
    return fig


def joint_and_conditional(
    joint: xr.DataArray, conditional: xr.DataArray, taken: pd.DataFrame
) -> Figure:
    """Distribution of p and of p/q (left); share of an expert's neurons taken by use (right)."""
    fig, (left, right) = figure(10, 3.6, columns=2)
    edges = np.linspace(0, 1, 26)
    for (name, values), colour in zip(
        {"joint p": joint, "conditional p/q": conditional}.items(), _PALETTE, strict=False
    ):
        known = values.to_numpy()[~np.isnan(values.to_numpy())]
        left.stairs(np.histogram(known, edges)[0] / len(known), edges, color=colour, label=name)
    left.set_yscale("log")
    left.legend(fontsize=8)
    label(left, "How often neurons are active", "frequency", "share of neurons")
    parts = taken.groupby("sets", sort=False)
    for (name, table), marker, colour in zip(parts, "os^", _PALETTE, strict=False):
        x, y, low, high = table[["relative", "mean", "low", "high"]].to_numpy(float).T
        right.errorbar(
            x, y, yerr=[y - low, high - y], label=str(name),
            marker=marker, color=colour, markersize=4, capsize=2,
        )  # fmt: skip
    right.legend(fontsize=8)
    label(right, "Which experts the sets come from", "use of the expert, times uniform",
          "share of its neurons taken")  # fmt: skip
    return fig


def gaps(table: pd.DataFrame) -> Figure:
    """Overlap within and across categories for several kinds of sets, with the gap in words."""
    fig, (axes,) = figure(8.5, 0.55 * len(table) + 1.3)
    rows = np.arange(len(table))[::-1]
    axes.hlines(rows, table["across"], table["within"], color="#bbbbbb", lw=4)
    axes.plot(table["across"], rows, "s", color=_PALETTE[1], label="across categories")
    axes.plot(table["within"], rows, "o", color=_PALETTE[0], label="within categories")
    top = max(table["within"].max(), table["across"].max())
    for y, row in zip(rows, table.to_dict("records"), strict=True):
        text = f"gap {row['difference']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        axes.text(
            1.08 * top, y, f"{text}\nshuffled {row['null_mean']:.3f}", va="center", fontsize=8
        )
    axes.set_yticks(rows, [f"{row.sets} ({row.share:.1%})" for row in table.itertuples()])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlim(0, 1.75 * top)
    fig.legend(fontsize=8, ncols=2, loc="outside lower center")
    label(axes, "In brackets: share taken", "mean Jaccard of two instructions", "")
    return fig


def by_expert(
    axes: Axes, values: xr.DataArray, cmap: str, low: float, high: float, name: str
) -> None:
    """Heat map [category, layer, expert]: a row a category, experts side by side layer by layer."""
    n_experts, layers = values.sizes["expert"], values["layer"].to_numpy()
    flat = values.transpose("category", "layer", "expert").to_numpy().reshape(len(values), -1)
    mesh = axes.pcolormesh(flat, cmap=cmap, vmin=low, vmax=high)
    axes.figure.colorbar(mesh, ax=axes, label=name, pad=0.01)
    axes.set_xticks((np.arange(len(layers)) + 0.5) * n_experts, [f"layer {n}" for n in layers])
    axes.set_yticks(np.arange(len(values)) + 0.5, values["category"].to_numpy())
    axes.vlines(np.arange(1, len(layers)) * n_experts, 0, len(values), color="black", lw=1)
    axes.invert_yaxis()
    axes.grid(False)


def _with_intervals(
    axes: Axes, table: pd.DataFrame, columns: str, name: str, top: float | None = None
) -> None:
    """Heat map of means by category (rows) and ``columns``, each with its interval below."""
    mean, low, high = (
        table.pivot_table(value, "category", columns, sort=False, dropna=False)
        for value in ("mean", "low", "high")
    )
    text = np.vectorize(
        lambda m, lo, hi: f"{m:.2f}" + (f"\n{lo:.2f}-{hi:.2f}" if lo == lo else "")
    )(mean, low, high)
    sns.heatmap(
        mean, annot=text, fmt="", cmap="cividis", vmin=0, vmax=top, ax=axes,
        annot_kws={"fontsize": 8}, cbar_kws={"label": name},
    )  # fmt: skip
    axes.tick_params(axis="y", rotation=0)


def _mark(axes: Axes, where: xr.DataArray, marker: str) -> None:
    rows, columns = np.nonzero(
        where.transpose("category", "layer", "expert").to_numpy().reshape(len(where), -1)
    )
    axes.plot(columns + 0.5, rows + 0.5, marker, color="black", markersize=5)


def _cube(table: pd.DataFrame, value: str) -> xr.DataArray:
    """A column of a table as [category, layer, expert], categories in their order."""
    cube = table.set_index(["category", "layer", "expert"])[value].to_xarray()
    return cube.sel(category=[c for c in CATEGORIES if c in set(table["category"])])
