"""Kinds of experts (until notebook 15 has its study; see studies/generality.py)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.sparcom.sets import kind_of
from sparcom_nb.stats import Units, against_null, half

#: Numbers of interest of the sets bool [category, component].
Measure = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Votes:
    """In how many instructions of every sub-type a component is specific.

    votes: float32 [unit, component], whole numbers; size: instructions of every unit; the rest is
    that of :class:`sparcom_nb.stats.Units`.
    """

    names: np.ndarray
    votes: np.ndarray
    size: np.ndarray
    category: np.ndarray
    categories: list[str]

    @classmethod
    def of(cls, specific: xr.DataArray) -> "Votes":
        """Sum up the sets [instruction, ...] of instructions."""
        units = Units.of(specific)
        member = np.eye(len(units.names), dtype=np.float32)[units.index]
        votes = member.T @ specific.to_numpy().reshape(len(member), -1).astype(np.float32)
        size = member.sum(axis=0)
        return cls(units.names, np.asarray(votes), size, units.category, units.categories)

    def sets(
        self, agreement: float, category: np.ndarray | None = None, keep: np.ndarray | None = None
    ) -> np.ndarray:
        """Sets of the categories: bool [category, component].

        Args:
            agreement: as in :func:`sparcom_nb.sparcom.category_sets`.
            category: other labels of the units.
            keep: bool [unit], the units to use.
        """
        labels = self.category if category is None else category
        member = np.eye(len(self.categories), dtype=np.float32)[labels]
        if keep is not None:
            member = member * keep[:, None]
        needed = np.ceil(agreement * (member.T @ self.size).astype(float) - 1e-9)
        return member.T @ self.votes >= np.maximum(needed, 1).astype(np.float32)[:, None]


def kind_counts(
    specific: xr.DataArray, agreement: float = 0.5, draws: int = 199, seed: int = 0
) -> pd.DataFrame:
    """Components by the number of categories whose sets hold them.

    Returns:
        DataFrame, a row for 1, 2 ... all categories: number, kind (``unique``, ``shared``,
        ``general``), value (components), low, high, halves, null_mean, null_low, null_high and p of
        :func:`sparcom_nb.stats.against_null`.
    """
    votes = Votes.of(specific)
    n = len(votes.categories)
    found = _resampled(votes, _by_number, agreement, draws, seed)
    number = np.arange(1, n + 1)
    return pd.DataFrame({"number": number, "kind": kind_of(number, n), **found})


def _resampled(
    votes: Votes, measure: Measure, agreement: float, draws: int, seed: int
) -> dict[str, Any]:
    """Measure the sets, half samples of them and those of permuted labels."""
    rng = np.random.default_rng(seed)
    halves = [measure(votes.sets(agreement, keep=half(votes.category, rng))) for _ in range(draws)]
    null = [measure(votes.sets(agreement, rng.permutation(votes.category))) for _ in range(draws)]
    return against_null(measure(votes.sets(agreement)), np.array(halves), np.array(null), floor=0)


def _by_number(sets: np.ndarray) -> np.ndarray:
    return np.bincount(sets.sum(axis=0), minlength=len(sets) + 1)[1:].astype(float)
