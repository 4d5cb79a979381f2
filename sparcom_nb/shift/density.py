"""How much of a response came from the instruction: levels, importance density, instruction score.

From the attribution S [input, output] of a response (Wu et al. 2024, arXiv 2310.00492, section 3.1):

    R = max(S, 0);  Q = ceil(L R / (max_n R + 1e-7)) for each response token;  Q = 0 where Q <= b
    a_n = ||Q[n,:]||_1 / (||Q[n,:]||_4 + 1e-9);  a_n = a_n / (max_n a_n + 1e-9)
    score = sum_n a_n mask_n / log2(2 + sum_n mask_n)

L = 10 levels, b = 7 in the published tables. S varies over many decades, so the 1e-7 matters: a token
whose largest attribution is tiny tops out below level 10. And before it is divided by its maximum, a
grows with the number of response tokens; after that only the contrast between tokens is left.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from sparcom_nb.errors import InputError

#: L of the paper, and b of its tables.
LEVELS, CUT = 10, 7
#: Added to the largest attribution: in the stored levels, and where density starts from raw S.
STORED_EPSILON, RAW_EPSILON = 1e-7, 1e-9


def levels(
    S: xr.DataArray, L: int = LEVELS, b: int = 0, epsilon: float = STORED_EPSILON
) -> xr.DataArray:
    """Integer levels uint8 [input, output] of an attribution, by each response token's largest value.

    Args:
        S: raw attribution [input, output]; negative values count as zero.
        L: number of levels, 1 to 255.
        b: levels up to this become zero.
        epsilon: added to the largest value of every response token.
    """
    positive = np.maximum(S.to_numpy().astype(np.float64), 0)
    level = np.ceil(L * positive / (positive.max(axis=0) + epsilon))
    return S.copy(data=np.where(level > b, level, 0).astype(np.uint8)).rename("level")


def importance_density(
    S: xr.DataArray,
    b: int = CUT,
    p: float = 4,
    levels: bool = False,
    normalise: bool = True,
    length: int | None = None,
) -> xr.DataArray:
    """Importance density of every prompt token: float64 [input], at most 1 when normalised.

    Args:
        S: raw attribution [input, output]; with ``levels``, levels as they are.
        b: levels up to this do not count.
        p: order of the norm below the fraction.
        levels: S holds levels already (from :func:`levels`, or published ones).
        normalise: divide by the largest density of all prompt tokens, as the tables do; without it
            density grows with the number of response tokens.
        length: use only so many response tokens, the first ones, to compare responses at one length.
    """
    first = S[:, :length]
    counted = (
        (first if levels else _levels(first, LEVELS, b, RAW_EPSILON)).to_numpy().astype(np.float64)
    )
    counted[counted <= b] = 0
    density = counted.sum(axis=1) / ((counted**p).sum(axis=1) ** (1 / p) + 1e-9)
    if normalise:
        density = density / (density.max() + 1e-9)
    coords = {name: coord for name, coord in S.coords.items() if coord.dims == ("input",)}
    return xr.DataArray(density, coords, "input", "density")


def instruction_score(density: xr.DataArray, mask: Any, mean: bool = False) -> float:
    """Score of a prompt from the density [input] of its tokens and its instruction mask [input].

    The paper divides the sum over the instruction by log2(2 + tokens of the instruction), so that
    the score grows with the instruction; ``mean`` divides by the number of its tokens.

    Raises:
        InputError: mask and density do not have the same length.
    """
    mask = np.asarray(mask, dtype=np.float64)
    if mask.shape != density.shape:
        raise InputError(f"the mask has {mask.size} tokens, the density {density.size}")
    size = mask.sum()
    divisor = max(size, 1.0) if mean else np.log2(2 + size)
    return float((density.to_numpy() * mask).sum() / divisor)


def instruction_scores(
    attributions: Sequence[xr.DataArray], length: int | None = None, rest: bool = False, **how: Any
) -> np.ndarray:
    """Instruction score [row] of attributions with the coordinate mask.

    Args:
        attributions: of :func:`sparcom_nb.shift.response_attributions`.
        length: use only so many response tokens; a response with fewer has no score (NaN).
        rest: score the rest of the prompt in place of the instruction, as a control.
        how: ``mean`` of :func:`instruction_score`, the rest of :func:`importance_density`.
    """
    mean, scores = how.pop("mean", False), np.full(len(attributions), np.nan)
    for n, one in enumerate(attributions):
        if one.sizes["output"] >= (length or 1):
            density = importance_density(one, length=length, **how)
            scores[n] = instruction_score(density, one["mask"] != rest, mean)
    return scores


_levels = levels  # where ``levels`` is an argument
