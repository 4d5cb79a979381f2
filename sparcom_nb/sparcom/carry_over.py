"""Whether a set found on some instructions of a category holds on others.

Sets from two collections of instructions are compared: from halves of the sub-types, from authored
and generated rows, from paraphrases and their originals. A category's set carries over when it
agrees with the *same* category's set of the other collection more than with the other categories'.

The null permutes category labels among whole sub-types and does everything again. A sub-type that
has rows in both collections takes its label along in both: that its own rows agree is no evidence
for the category.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.uniqueness import Votes, set_overlaps, unique_parts
from sparcom_nb.stats import against_null, half, known_mean

MEASURES = ("Jaccard of sets", "Jaccard of unique parts", "precision of unique parts")

#: Sets bool [category, component], given labels [unit] and which units to keep [unit].
Sets = Callable[[np.ndarray, np.ndarray], np.ndarray]
#: What is found on a collection of units, such as sets.
Found = TypeVar("Found")
#: Agreement [measure, (own, other)] of two collections, given the same.
Agreeing = Callable[[np.ndarray, np.ndarray], np.ndarray]


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
        null_mean, null_low, null_high, p of :func:`sparcom_nb.stats.against_null`. Precision is the
        share of the components unique to a category in one half that are in its set in the other.
    """
    votes = Votes.of(specific)
    rng = np.random.default_rng(seed)

    def agreeing(category: np.ndarray, keep: np.ndarray) -> np.ndarray:
        return in_halves(partial(votes.sets, agreement), _agreement, category, keep, splits, rng)

    return tested(agreeing, votes.category, draws, rng).assign(measure=MEASURES)


def carry_over(
    a: xr.DataArray, b: xr.DataArray, agreement: float = 0.5, draws: int = 199, seed: int = 0
) -> pd.DataFrame:
    """Sets from one collection of instructions against those from another.

    Args:
        a: bool [instruction, ...].
        b: the same components on other instructions. A category that only one collection holds is
            left out.
        agreement: as in :func:`sparcom_nb.sparcom.category_sets`.
        draws: half samples, and permutations.
        seed: of both.

    Returns:
        DataFrame as of :func:`split_halves`.

    Raises:
        InputError: fewer than two categories in common.
    """
    common = set(a["category"].to_numpy()) & set(b["category"].to_numpy())
    if len(common) < 2:
        raise InputError(
            f"the collections share {len(common)} categories; give both rows of two or more"
        )
    votes = [Votes.of(x[np.isin(x["category"].to_numpy(), list(common))]) for x in (a, b)]
    names = np.unique(np.concatenate([v.names for v in votes]))
    place = [np.searchsorted(names, v.names) for v in votes]
    category, presence = np.zeros(len(names), dtype=int), np.zeros(len(names), dtype=int)
    for bit, (v, index) in enumerate(zip(votes, place, strict=True)):
        category[index] = v.category
        presence[index] += 1 << bit

    def agreeing(labels: np.ndarray, keep: np.ndarray) -> np.ndarray:
        return _agreement(
            *(v.sets(agreement, labels[i], keep[i]) for v, i in zip(votes, place, strict=True))
        )

    rng = np.random.default_rng(seed)
    return tested(agreeing, category, draws, rng, presence).assign(measure=MEASURES)


def between_sources(
    specific: xr.DataArray,
    source: np.ndarray,
    agreement: float = 0.5,
    draws: int = 199,
    seed: int = 0,
) -> pd.DataFrame:
    """Carry over sets between the two sources with most rows, such as authored and generated.

    Args:
        specific: bool [instruction, ...].
        source: name of every instruction's source.
        agreement: as in :func:`sparcom_nb.sparcom.category_sets`.
        draws: half samples, and permutations.
        seed: of both.

    Returns:
        DataFrame as of :func:`split_halves` with a column ``collections``; empty where all rows
        have one source.
    """
    names = pd.Series(source).value_counts(sort=True).index[:2]
    if len(names) < 2:
        return pd.DataFrame(columns=["collections", "measure", "own", "other", "value"])
    a, b = (specific[np.asarray(source) == name] for name in names)
    table = carry_over(a, b, agreement, draws, seed)
    return table.assign(collections=f"{names[0]} to {names[1]}")


def in_halves(
    found_on: Callable[[np.ndarray, np.ndarray], Found],
    agreement: Callable[[Found, Found], np.ndarray],
    category: np.ndarray,
    keep: np.ndarray,
    splits: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Mean agreement between what is found on two halves of the kept units, over random splits.

    ``found_on(category, keep)`` takes labels [unit] and which units to keep; sets, for example.
    """
    found = []
    for _ in range(splits):
        first = half(np.where(keep, category, -1), rng)
        a, b = found_on(category, keep & first), found_on(category, keep & ~first)
        found.append(agreement(a, b))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no split has a value
        return np.nanmean(found, axis=0)


def tested(
    agreeing: Agreeing,
    category: np.ndarray,
    draws: int,
    rng: np.random.Generator,
    presence: np.ndarray | None = None,
) -> pd.DataFrame:
    """Own, other and their difference with interval and null, a row for every measure.

    ``presence`` numbers the collections in which a unit has rows; labels are permuted, and halves
    drawn, among units that have rows in the same.
    """
    presence = np.zeros_like(category) if presence is None else presence
    everything = np.ones(len(category), dtype=bool)
    strata = category + presence * (1 + category.max())
    found = agreeing(category, everything)
    halves = [_gap(agreeing(category, half(strata, rng))) for _ in range(draws)]
    null = [_gap(agreeing(_permuted(category, presence, rng), everything)) for _ in range(draws)]
    numbers = against_null(_gap(found), np.array(halves), np.array(null))
    return pd.DataFrame({"own": found[:, 0], "other": found[:, 1], **numbers})


def own_and_other(matrix: np.ndarray) -> list[float]:
    """Means of the diagonal and of the rest, of the values there are."""
    own = np.eye(len(matrix), dtype=bool)
    return [known_mean(matrix[own]), known_mean(matrix[~own])]


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
    return np.array([own_and_other(matrix) for matrix in matrices])


def _gap(agreement: np.ndarray) -> np.ndarray:
    return agreement[:, 0] - agreement[:, 1]
