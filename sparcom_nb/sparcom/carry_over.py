"""Agreement of halves and its null (until every study has its own; see studies/generality.py)."""

import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd

from sparcom_nb.stats import against_null, half, known_mean

#: What is found on a collection of units, such as sets.
Found = TypeVar("Found")
#: Agreement [measure, (own, other)] of two collections, given the same.
Agreeing = Callable[[np.ndarray, np.ndarray], np.ndarray]


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


def _gap(agreement: np.ndarray) -> np.ndarray:
    return agreement[:, 0] - agreement[:, 1]
