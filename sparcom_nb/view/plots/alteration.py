"""Pictures of base and tuned model side by side: changes, sets, floors, profiles, routing."""

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.view.theme import COLOURS, MARKERS, NEUTRAL, figure, label

_KEPT, _GAINED, _LOST = "#0072B2", "#E69F00", "#999999"
#: Colour and marker of each pair of models: floors grey, tuned red-orange, placebo green.
_PAIRS = {
    "base A, base B": ("#555555", "o"),
    "tuned A, tuned B": ("#AAAAAA", "s"),
    "base A, tuned B": ("#D55E00", "D"),
    "base, tuned": ("#D55E00", "o"),
    "base A, placebo B": ("#009E73", "D"),
    "base, placebo": ("#009E73", "s"),
}
_MODELS = {"base": ("#0072B2", "o"), "tuned": ("#D55E00", "s"), "placebo": ("#009E73", "^")}


def frequency_changes(change: xr.DataArray) -> Figure:
    """Change of each component's mean frequency: how many change how much, and in which layers.

    change: [category, layer, ...] tuned minus base.
    """
    fig, (left, right) = figure(10, 3.6, columns=2)
    flat = change.to_numpy().reshape(len(change), -1)
    edge = max(0.1, float(np.abs(flat).max()))
    edges = np.linspace(-edge, edge, 41)
    for name, values in zip(change["category"].to_numpy(), flat, strict=True):
        counts, _ = np.histogram(values, edges)
        left.plot(
            (edges[1:] + edges[:-1]) / 2, counts / len(values), label=name,
            color=COLOURS[name], marker=MARKERS[name], markersize=3, linewidth=1,
        )  # fmt: skip
    left.set_yscale("log")
    left.legend(ncols=2, fontsize=8)
    label(left, "How much frequencies changed", "change of mean frequency", "share of neurons")
    inner = [dim for dim in change.dims if dim not in ("category", "layer")]
    where = abs(change).mean(inner).transpose("layer", "category")
    table = pd.DataFrame(where.to_numpy(), where["layer"].to_numpy(), where["category"].to_numpy())
    _map(right, table, "mean absolute change")
    label(right, "Where: mean absolute change", "", "layer")
    return fig


def kept_gained_lost(table: pd.DataFrame) -> Figure:
    """Components by layer, a panel a category: kept and gained above zero, lost below."""
    categories = list(dict.fromkeys(table["category"]))
    fig, panels = figure(1.2 + 1.7 * len(categories), 3.4, columns=len(categories))
    highest = max(1, (table["kept"] + table["gained"]).max())
    lowest = max(1, table["lost"].max())
    for axes, name in zip(panels, categories, strict=True):
        part = table[table["category"] == name]
        x, kept, gained, lost = part[["layer", "kept", "gained", "lost"]].to_numpy(int).T
        axes.bar(x, kept, color=_KEPT, label="kept")
        axes.bar(x, gained, bottom=kept, color=_GAINED, hatch="//", label="gained")
        axes.bar(x, -lost, color=_LOST, hatch="..", label="lost")
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_ylim(-1.08 * lowest, 1.08 * highest)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
        label(axes, name, "layer", "components" if axes is panels[0] else "")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return fig


def pairs_of_models(table: pd.DataFrame, title: str, y: str) -> Figure:
    """A comparison by category with intervals, one marker a pair of models.

    table: of :mod:`sparcom_nb.studies.alteration`: category, pair, value, low, high.
    """
    fig, (axes,) = figure(9, 3.8)
    shown = [pair for pair in _PAIRS if pair in set(table["pair"])]
    categories = [c for c in (*CATEGORIES, "all") if c in set(table["category"])]
    for n, pair in enumerate(shown):
        part = table[table["pair"] == pair].set_index("category").loc[categories]
        value, low, high = (part[c].to_numpy(float) for c in ("value", "low", "high"))
        colour, marker = _PAIRS[pair]
        axes.errorbar(
            np.arange(len(categories)) + 0.12 * (n - (len(shown) - 1) / 2), value,
            yerr=[value - low, high - value], fmt=marker, color=colour, label=pair, capsize=2,
            markersize=5,
        )  # fmt: skip
    axes.set_xticks(range(len(categories)), categories)
    axes.set_ylim(0, None)
    axes.legend(fontsize=8, ncols=1, loc="center left", bbox_to_anchor=(1.01, 0.5))
    label(axes, title, "", y)
    return fig


def profiles(table: pd.DataFrame) -> Figure:
    """Share of each layer's components that are specific, a panel a category, a line a model."""
    categories = list(dict.fromkeys(table["category"]))
    fig, panels = figure(1.2 + 1.7 * len(categories), 3.2, columns=len(categories))
    highest = np.nanmax(table[["share", "high"]].to_numpy())
    for axes, name in zip(panels, categories, strict=True):
        for model, part in table[table["category"] == name].groupby("model", sort=False):
            x, y, low, high = part[["layer", "share", "low", "high"]].to_numpy(float).T
            colour, marker = _MODELS[str(model)]
            axes.errorbar(
                x, y, yerr=[y - low, high - y], label=model, color=colour, marker=marker,
                markersize=4, linewidth=1, capsize=2,
            )  # fmt: skip
        axes.set_ylim(0, 1.05 * highest)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        label(axes, name, "layer", "share of the layer" if axes is panels[0] else "")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return fig


def expert_changes(change: xr.DataArray) -> Figure:
    """Which experts take more or less after tuning: [category, layer, expert] tuned minus base."""
    fig, (axes,) = figure(7, 3.8)
    mean = change.mean("category").to_pandas()
    limit = max(0.01, float(np.abs(mean.to_numpy()).max()))
    sns.heatmap(
        mean, cmap="RdBu_r", center=0, vmin=-limit, vmax=limit, ax=axes,
        annot=mean.size <= 64, fmt="+.2f", annot_kws={"fontsize": 7},
        cbar_kws={"label": "change of routing frequency"},
    )  # fmt: skip
    label(axes, "Change by expert, mean over categories", "expert", "layer")
    return fig


def _map(axes: Axes, values: pd.DataFrame, unit: str) -> None:
    """Heat map from 0 up, numbers written in where they can be read."""
    sns.heatmap(
        values, cmap="cividis", vmin=0, ax=axes, annot=values.size <= 64, fmt=".2f",
        annot_kws={"fontsize": 8}, cbar_kws={"label": unit}, linecolor=NEUTRAL,
    )  # fmt: skip
    axes.tick_params(axis="y", rotation=0)
