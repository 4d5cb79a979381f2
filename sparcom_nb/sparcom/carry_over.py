"""Whether a set found on some instructions of a category holds on others.

Sets from two collections of instructions are compared: from halves of the sub-types, from authored
and generated rows, from paraphrases and their originals. A category's set carries over when it
agrees with the *same* category's set of the other collection more than with the other categories'.

The null permutes category labels among whole sub-types and does everything again. A sub-type that
has rows in both collections takes its label along in both: that its own rows agree is no evidence
for the category.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.uniqueness import Votes, set_overlaps, unique_parts
from sparcom_nb.stats import against_null, half

MEASURES = ("Jaccard of sets", "Jaccard of unique parts", "precision of unique parts")

#: Agreement [measure, (own, other)] of two collections, given labels of all units and which to keep.
_Agreement = Callable[[np.ndarray, np.ndarray], np.ndarray]


def split_halves(
    specific: xr.DataArray,
    agreement: float = 0.5,
    splits: int = 6,
    draws: int = 199,
    seed: int = 0,
) -> pd.DataFrame:
    """Sets from half of every category's sub-types against those from the other half.

    Args:
        specific: bool [instruction, ...] with at least two sub-types in every category.
        agreement: as in :func:`sparcom_nb.sparcom.category_sets`.
        splits: random splits that every number is the mean of.
        draws: half samples, and permutations.
        seed: of all draws.

    Returns:
        DataFrame, a row for each of :data:`MEASURES`: measure, own (mean over categories), other
        (mean over pairs of different categories), and value (own minus other), low, high, halves,
        null_mean, null_low, null_high, p of :func:`sparcom_nb.stats.against_null`.
    """
    votes = Votes.of(specific)
    rng = np.random.default_rng(seed)

    def agreement_of(category: np.ndarray, keep: np.ndarray) -> np.ndarray:
        found = []
        for _ in range(splits):
            first = half(np.where(keep, category, -1), rng)
            parts = (keep & first, keep & ~first)
            found.append(_agreement(*(votes.sets(agreement, category, part) for part in parts)))
        return np.nanmean(found, axis=0)

    presence = np.zeros(len(votes.names), dtype=int)
    return _tested(agreement_of, votes.category, presence, draws, rng)


def carry_over(
    a: xr.DataArray, b: xr.DataArray, agreement: float = 0.5, draws: int = 199, seed: int = 0
) -> pd.DataFrame:
    """Sets from one collection of instructions against those from another.

    Args:
        a: bool [instruction, ...].
        b: the same components on other instructions of the same categories.
        agreement: as in :func:`sparcom_nb.sparcom.category_sets`.
        draws: half samples, and permutations.
        seed: of both.

    Returns:
        DataFrame as of :func:`split_halves`. Precision is the share of the components unique to a
        category in ``a`` that are in its set in ``b``.

    Raises:
        InputError: the collections hold different categories.
    """
    votes = Votes.of(a), Votes.of(b)
    if votes[0].categories != votes[1].categories:
        raise InputError(
            f"categories {', '.join(votes[0].categories)} and {', '.join(votes[1].categories)} "
            "differ; give both collections rows of the same categories"
        )
    names = np.unique(np.concatenate([v.names for v in votes]))
    place = [np.searchsorted(names, v.names) for v in votes]
    category, presence = np.zeros(len(names), dtype=int), np.zeros(len(names), dtype=int)
    for bit, (v, index) in enumerate(zip(votes, place, strict=True)):
        category[index] = v.category
        presence[index] += 1 << bit

    def agreement_of(labels: np.ndarray, keep: np.ndarray) -> np.ndarray:
        return _agreement(
            *(v.sets(agreement, labels[i], keep[i]) for v, i in zip(votes, place, strict=True))
        )

    return _tested(agreement_of, category, presence, draws, np.random.default_rng(seed))


def _tested(
    agreement_of: _Agreement,
    category: np.ndarray,
    presence: np.ndarray,
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Value, interval and null; ``presence`` says of each unit which collections it has rows in."""
    everything = np.ones(len(category), dtype=bool)
    found = agreement_of(category, everything)
    strata = category + presence * (1 + category.max())
    halves = np.array([_gap(agreement_of(category, half(strata, rng))) for _ in range(draws)])
    null = [
        _gap(agreement_of(_permuted(category, presence, rng), everything)) for _ in range(draws)
    ]
    tested = against_null(_gap(found), halves, np.array(null))
    own, other = found.T
    return pd.DataFrame({"measure": MEASURES, "own": own, "other": other, **tested})


def _permuted(category: np.ndarray, presence: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels permuted among units that have rows in the same collections."""
    permuted = category.copy()
    for stratum in np.unique(presence):
        members = presence == stratum
        permuted[members] = rng.permutation(category[members])
    return permuted


def _agreement(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Every measure of MEASURES for own and other categories: [measure, 2]."""
    unique_a, unique_b = unique_parts(a), unique_parts(b)
    common = unique_a.astype(np.float32) @ b.astype(np.float32).T
    size = unique_a.sum(axis=1, keepdims=True)
    precision = np.divide(common, size, out=np.full(common.shape, np.nan), where=size > 0)
    matrices = (set_overlaps(a, b), set_overlaps(unique_a, unique_b), precision)
    own = np.eye(len(a), dtype=bool)
    return np.array([[_mean(m[own]), _mean(m[~own])] for m in matrices])


def _mean(values: np.ndarray) -> float:
    """Mean of the values there are; NaN when there are none."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else np.nan


def _gap(agreement: np.ndarray) -> np.ndarray:
    return agreement[:, 0] - agreement[:, 1]
