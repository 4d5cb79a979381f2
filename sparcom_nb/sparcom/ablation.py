"""Sets to switch off: defined on one half of the instructions, of one size for all categories.

SPARCOM, Zhang et al. 2025, section 5, deactivates the components of a category and looks at what is
lost. A larger set does more harm just because it is larger, and a set is flattered by the rows it was
found on: hence :func:`equal_sets` and :func:`halves`. Switching off is :func:`sparcom_nb.intervene`.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.sparcom.baselines import lead

#: Loss of the rows at these positions while the components in a mask are changed (None: none), such
#: as :func:`sparcom_nb.model.evaluate.loss_under` makes.
Loss = Callable[[xr.DataArray | None, np.ndarray], np.ndarray]
_AGREEMENT = 0.5


def halves(data: pd.DataFrame, by: str = "subtype", seed: int = 0) -> np.ndarray:
    """Deal the rows into two halves: int [row], 0 or 1.

    Args:
        data: rows with category and subtype.
        by: ``subtype`` deals whole sub-types of every category at random, so that a set is judged
            on tasks it was not defined on (a category with a single sub-type is dealt by rows);
            ``row`` deals a category's rows in turn, sub-type after sub-type: other instructions of
            the same tasks, where a sub-type has more than one.
        seed: of the dealing.
    """
    category, subtype = (np.asarray(data[name]).astype(str) for name in ("category", "subtype"))
    rng, dealt = np.random.default_rng(seed), np.zeros(len(category), dtype=int)
    for name in np.unique(category):
        rows = np.flatnonzero(category == name)
        known, index = np.unique(subtype[rows], return_inverse=True)
        if by == "row" or len(known) == 1:
            order = np.lexsort((rng.random(len(rows)), index))
            dealt[rows[order]] = (np.arange(len(rows)) + rng.integers(2)) % 2
        else:
            dealt[rows] = (rng.permutation(len(known)) % 2)[index]
    return dealt


def equal_sets(
    share: xr.DataArray,
    frequency: xr.DataArray,
    which: str = "all",
    seed: int | np.random.Generator = 0,
) -> xr.DataArray:
    """Sets of all categories, of one size: bool [category, ...].

    The size is that of the smallest set of components specific to at least half of its category's
    instructions; each keeps those that most instructions agree on, among equals the most frequent.

    Args:
        share: [category, ...], of how many of the category's instructions a component is specific.
        frequency: [category, ...], mean over the category's instructions.
        which: ``all`` for these sets; ``unique`` for what of each is in no other, which may be
            nothing; ``contrast`` for as many components with the largest difference between the
            frequency on the category and on the best other one.
        seed: components that tie in everything are drawn at random.
    """
    votes, means = (one.to_numpy().reshape(len(one), -1) for one in (share, frequency))
    found = cut(votes, means, which, np.random.default_rng(seed))
    return (share >= 0).copy(data=found.reshape(share.shape))


def cut(
    share: np.ndarray, frequency: np.ndarray, which: str, rng: np.random.Generator
) -> np.ndarray:
    """:func:`equal_sets` of plain arrays: [category, component] to bool [category, component]."""
    sets = share >= _AGREEMENT - 1e-9
    sizes = sets.sum(axis=1)
    size = int(sizes[sizes > 0].min()) if sizes.any() else 0
    scores, candidates = [share, frequency], sets
    if which == "contrast":
        scores = [lead(xr.DataArray(frequency)).to_numpy()]
        candidates = scores[0] > 0
    taken = np.zeros_like(sets)
    for n, inside in enumerate(candidates):
        order = np.lexsort([rng.random(len(inside)), *(-score[n] for score in scores[::-1])])
        taken[n, order[inside[order]][:size]] = True
    return taken & (taken.sum(axis=0) == 1) if which == "unique" else taken
