"""Pictures of routing, of sets of experts and of the neurons inside them."""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparcom_nb.sparcom.baselines import category_means
from sparcom_nb.view.plots.common import ordered
from sparcom_nb.view.theme import figure, label

_ORDER = "experts side by side, number 0 first"


def usage(table: pd.DataFrame, uniform: float) -> Figure:
    """How often each category uses each expert, over the uniform rate; dots where it is apart.

    table: category, layer, expert, mean, low, high. A dot marks a category whose interval does
    not reach the mean of the other categories.
    """
    mean, low, high = (_cube(table, name) for name in ("mean", "low", "high"))
    others = (mean.sum("category") - mean) / (mean.sizes["category"] - 1)
    fig, (axes,) = figure(10, 0.42 * mean.sizes["category"] + 1.5)
    _by_expert(axes, mean / uniform, "PuOr_r", 0, 2, "times the uniform rate")
    _mark(axes, (low > others) | (high < others))
    label(axes, "Use of experts; a dot: apart from the other categories", _ORDER, "")
    return fig


def expert_sets(marked: xr.DataArray, agreement: float) -> Figure:
    """Share of a category's instructions that each expert serves; a dot where enough agree."""
    votes = category_means(marked)
    fig, (axes,) = figure(10, 0.42 * len(votes) + 1.5)
    _by_expert(axes, votes, "Blues", 0, 1, "share of instructions")
    _mark(axes, votes >= agreement - 1e-9)
    label(axes, f"Whose expert is it? A dot: {agreement:.0%} or more agree", _ORDER, "")
    return fig


def joint_and_conditional(joint: xr.DataArray, conditional: xr.DataArray) -> Figure:
    """Distribution of both frequencies of the neurons inside experts."""
    fig, (axes,) = figure(7, 3.4)
    edges = np.linspace(0, 1, 26)
    for name, values in {"joint p": joint, "conditional p/q": conditional}.items():
        known = values.to_numpy()[~np.isnan(values.to_numpy())]
        axes.stairs(np.histogram(known, edges)[0] / len(known), edges, label=name)
    axes.set_yscale("log")
    axes.legend(fontsize=8)
    label(axes, "How often neurons are active", "frequency", "share of neurons")
    return fig


def _by_expert(
    axes: Axes, values: xr.DataArray, cmap: str, low: float, high: float, name: str
) -> None:
    """Heat map [category, layer, expert]: a row a category, experts side by side layer by layer."""
    n_experts, layers = values.sizes["expert"], values["layer"].to_numpy()
    mesh = axes.pcolormesh(_flat(values), cmap=cmap, vmin=low, vmax=high)
    axes.figure.colorbar(mesh, ax=axes, label=name, pad=0.01)
    axes.set_xticks((np.arange(len(layers)) + 0.5) * n_experts, [f"layer {n}" for n in layers])
    axes.set_yticks(np.arange(len(values)) + 0.5, values["category"].to_numpy())
    axes.vlines(np.arange(1, len(layers)) * n_experts, 0, len(values), color="black", lw=1)
    axes.invert_yaxis()
    axes.grid(False)


def _mark(axes: Axes, where: xr.DataArray) -> None:
    rows, columns = np.nonzero(_flat(where))
    axes.plot(columns + 0.5, rows + 0.5, ".", color="black", markersize=5)


def _flat(values: xr.DataArray) -> np.ndarray:
    """[category, expert], experts side by side layer by layer."""
    return values.transpose("category", "layer", "expert").to_numpy().reshape(len(values), -1)


def _cube(table: pd.DataFrame, value: str) -> xr.DataArray:
    """A column of a table as [category, layer, expert], categories in their order."""
    cube = table.set_index(["category", "layer", "expert"])[value].to_xarray()
    return cube.sel(category=ordered(table["category"]))
