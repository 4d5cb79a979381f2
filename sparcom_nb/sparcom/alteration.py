"""Before and after fine-tuning: which components of a category are kept, gained and lost.

SPARCOM, Zhang et al. 2025, section 5. A component is a neuron, a neuron of an expert or an expert:
whatever dimensions follow the layer. The measures below compare two models by a mean over
instructions in each, arrays [..., layer, component], and return [...]: NaN where nothing is to compare.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.spatial.distance import jensenshannon

from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.sets import category_sets, jaccard


def alteration(base: xr.DataArray, tuned: xr.DataArray, agreement: float = 0.5) -> pd.DataFrame:
    """Count the components that a category keeps, gains and loses from ``base`` to ``tuned``.

    Args:
        base: bool [instruction, layer, ...] as :func:`specific` returns it, or [category, layer,
            ...] as :func:`category_sets` does.
        tuned: the same of the tuned model.
        agreement: of the category sets, where ``base`` and ``tuned`` are given by instruction.

    Returns:
        DataFrame, a row a category and layer: category, layer, kept, gained, lost (components),
        jaccard (kept over all three, NaN where there are none).

    Raises:
        InputError: sets of different categories or components.
    """
    before, after = (
        category_sets(sets, agreement) if sets.dims[0] == "instruction" else sets
        for sets in (base, tuned)
    )
    if before.shape != after.shape or list(before["category"]) != list(after["category"]):
        raise InputError(
            f"sets {dict(before.sizes)} and {dict(after.sizes)} differ in kind; "
            "give base and tuned model the same instructions"
        )
    a, b = (x.to_numpy().reshape(*x.shape[:2], -1) for x in (before, after))
    index = pd.MultiIndex.from_product(
        [before["category"].to_numpy(), before["layer"].to_numpy()], names=["category", "layer"]
    )
    counts = {"kept": a & b, "gained": ~a & b, "lost": a & ~b}
    table = pd.DataFrame({k: v.sum(-1).ravel() for k, v in counts.items()}, index=index)
    sizes = (x.sum(-1).ravel() for x in (a & b, a, b))
    return table.assign(jaccard=jaccard(*sizes)).reset_index()


def instruction_jaccard(base: xr.DataArray, tuned: xr.DataArray) -> xr.DataArray:
    """Jaccard index of every instruction's own sets in two models.

    Returns:
        DataArray [instruction] with the coordinates of ``base``; NaN where both sets are empty.
    """
    other = tuned.reset_coords(drop=True)
    both, *sizes = (x.sum(x.dims[1:]).compute() for x in (base & other, base, tuned))
    found = jaccard(both.to_numpy(), *(size.to_numpy() for size in sizes))
    return both.copy(data=found).rename("jaccard")


def agreed_jaccard(base: np.ndarray, tuned: np.ndarray, agreement: float = 0.5) -> np.ndarray:
    """Jaccard index of category sets, from the share of instructions that mark each component."""
    first, second = (x >= agreement - 1e-9 for x in (base, tuned))
    return jaccard(*(x.sum((-2, -1)) for x in (first & second, first, second)))


def profile_distance(base: np.ndarray, tuned: np.ndarray) -> np.ndarray:
    """Jensen-Shannon distance (base 2, 0 to 1) of the shares of the marks that lie in each layer."""
    with np.errstate(invalid="ignore", divide="ignore"):
        distance: Callable[..., Any] = jensenshannon  # whose stub lacks ``axis``
        return distance(base.sum(-1), tuned.sum(-1), base=2, axis=-1)


def routing_shift(base: np.ndarray, tuned: np.ndarray) -> np.ndarray:
    """Total variation (0 to 1) of the shares of a layer's assignments that its experts take.

    Half the sum over experts of the absolute change, mean over layers, for [..., layer, expert].
    """
    p, q = (x / x.sum(-1, keepdims=True) for x in (base, tuned))
    return np.abs(p - q).sum(-1).mean(-1) / 2
