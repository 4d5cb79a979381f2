"""Which components serve all categories and which only one, and whether that is more than chance.

General components are in every category's set, unique ones in a single one (SPARCOM, Zhang et al.
2025, section 4). But sets of *any* six groups of instructions have parts in common and parts of
their own. So every number here comes with

* its interval, from halves of each category's sub-types, and
* its null: the same number when category labels are permuted among whole sub-types.

Votes are summed up by sub-type once; every draw is then one small matrix product, whatever the
number of instructions. Components are whatever dimensions follow the first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.sparcom.components import blocks, kind_of, relative_overlap, specific
from sparcom_nb.sparcom.sweep import TOPS
from sparcom_nb.stats import Units, against_null, half

KINDS = ("unique", "shared", "general")
AGREEMENTS = (0.3, 0.5, 0.8)

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
        votes = sum(member[rows].T @ flat for rows, flat in blocks(specific))
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


def set_sizes(
    specific: xr.DataArray, agreement: float = 0.5, draws: int = 199, seed: int = 0
) -> pd.DataFrame:
    """Size of every category's set, and of the part that is in no other.

    Returns:
        DataFrame: category, part (``set`` or ``unique``), value ... as :func:`kind_counts`.
    """
    votes = Votes.of(specific)
    found = _resampled(votes, _sizes, agreement, draws, seed)
    return pd.concat(
        [
            pd.DataFrame({"category": votes.categories, "part": part, **_row(found, n)})
            for n, part in enumerate(("set", "unique"))
        ],
        ignore_index=True,
    )


def combinations(
    specific: xr.DataArray, agreement: float = 0.5, draws: int = 199, seed: int = 0
) -> pd.DataFrame:
    """Components by the very categories whose sets hold them: an UpSet plot as a table.

    Returns:
        DataFrame, a row a combination that occurs: categories (joined by " + "), number, value ...
        as :func:`kind_counts`; the largest first.
    """
    votes = Votes.of(specific)
    found = _resampled(votes, _by_combination, agreement, draws, seed)
    members = [
        [c for bit, c in enumerate(votes.categories) if code >> bit & 1]
        for code in range(1, 2 ** len(votes.categories))
    ]
    table = pd.DataFrame(
        {"categories": [" + ".join(m) for m in members], "number": [len(m) for m in members]}
        | found
    )
    return table[table["value"] > 0].sort_values("value", ascending=False, ignore_index=True)


def set_overlap(
    specific: xr.DataArray,
    kind: str = "jaccard",
    agreement: float = 0.5,
    draws: int = 199,
    seed: int = 0,
) -> xr.Dataset:
    """Overlap of every two categories' sets, and its mean over pairs of different categories.

    Args:
        specific: bool [instruction, ...].
        kind: ``jaccard`` or ``overlap``, as in :func:`sparcom_nb.sparcom.overlap`.
        agreement: of the sets.
        draws: half samples, and permutations.
        seed: of both.

    Returns:
        Dataset [category, category_b]: value, low, high, halves, null_mean, null_low, null_high, p;
        the attribute ``mean`` holds the same numbers for the mean of all pairs.
    """
    votes = Votes.of(specific)

    def every_pair(sets: np.ndarray) -> np.ndarray:
        return set_overlaps(sets, sets, kind)

    found = _resampled(votes, every_pair, agreement, draws, seed)
    mean = _resampled(votes, lambda sets: _off_diagonal(every_pair(sets)), agreement, draws, seed)
    return xr.Dataset(
        {name: (("category", "category_b"), values) for name, values in found.items()},
        {"category": votes.categories, "category_b": votes.categories},
        {"kind": kind, "mean": {name: float(value) for name, value in mean.items()}},
    )


def layer_kinds(
    specific: xr.DataArray, agreement: float = 0.5, draws: int = 199, seed: int = 0
) -> pd.DataFrame:
    """Share of every layer's components that are unique, shared or general.

    Returns:
        DataFrame: layer, kind, value (between 0 and 1) ... as :func:`kind_counts`.
    """
    votes, layers = Votes.of(specific), specific["layer"].to_numpy()

    def by_layer(sets: np.ndarray) -> np.ndarray:
        return _kind_masks(sets).reshape(len(KINDS), len(layers), -1).mean(axis=2)

    found = _resampled(votes, by_layer, agreement, draws, seed)
    return pd.concat(
        [
            pd.DataFrame({"layer": layers, "kind": kind, **_row(found, n)})
            for n, kind in enumerate(KINDS)
        ],
        ignore_index=True,
    )


def kinds_sweep(
    frequency: xr.DataArray,
    tops: Sequence[float] = TOPS,
    agreements: Sequence[float] = AGREEMENTS,
    draws: int = 99,
    seed: int = 0,
) -> pd.DataFrame:
    """How many components of each kind there are, at every share taken and every agreement.

    Returns:
        DataFrame: top, agreement, kind, value ... as :func:`kind_counts`.
    """
    parts = []
    for top in tops:
        votes = Votes.of(specific(frequency, top=top))
        for agreement in agreements:
            found = _resampled(votes, _by_kind, agreement, draws, seed)
            parts.append(pd.DataFrame({"top": top, "agreement": agreement, "kind": KINDS, **found}))
    return pd.concat(parts, ignore_index=True)


def _resampled(
    votes: Votes, measure: Measure, agreement: float, draws: int, seed: int
) -> dict[str, Any]:
    """Measure the sets, half samples of them and those of permuted labels."""
    rng = np.random.default_rng(seed)
    halves = [measure(votes.sets(agreement, keep=half(votes.category, rng))) for _ in range(draws)]
    null = [measure(votes.sets(agreement, rng.permutation(votes.category))) for _ in range(draws)]
    return against_null(measure(votes.sets(agreement)), np.array(halves), np.array(null), floor=0)


def _row(found: dict[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
    return {name: values[n] for name, values in found.items()}


def _by_number(sets: np.ndarray) -> np.ndarray:
    return np.bincount(sets.sum(axis=0), minlength=len(sets) + 1)[1:].astype(float)


def unique_parts(sets: np.ndarray) -> np.ndarray:
    """Components of every set bool [category, component] that are in no other."""
    return sets & (sets.sum(axis=0) == 1)


def _sizes(sets: np.ndarray) -> np.ndarray:
    """Sizes of sets and of their unique parts: [2, category]."""
    return np.stack([sets.sum(axis=1), unique_parts(sets).sum(axis=1)]).astype(float)


def _by_combination(sets: np.ndarray) -> np.ndarray:
    code = (1 << np.arange(len(sets))) @ sets
    return np.bincount(code, minlength=1 << len(sets))[1:].astype(float)


def _kind_masks(sets: np.ndarray) -> np.ndarray:
    """Whether a component is unique, shared, general: bool [3, component]."""
    number = sets.sum(axis=0)
    general = number == len(sets)
    return np.stack([(number == 1) & ~general, (number > 1) & ~general, general])


def _by_kind(sets: np.ndarray) -> np.ndarray:
    return _kind_masks(sets).sum(axis=1).astype(float)


def set_overlaps(a: np.ndarray, b: np.ndarray, kind: str = "jaccard") -> np.ndarray:
    """Overlap of every set of ``a`` with every set of ``b``, both bool [set, component]."""
    both = (a.astype(np.float32) @ b.astype(np.float32).T).astype(float)
    return relative_overlap(both, a.sum(axis=1), b.sum(axis=1), kind)


def _off_diagonal(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(np.nanmean(matrix[~np.eye(len(matrix), dtype=bool)]))
