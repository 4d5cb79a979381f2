"""Intervals and tests for overlaps, with the sub-type as the unit.

Instructions of one sub-type share wording, so they are not exchangeable: labels are permuted by whole
sub-types, and intervals come from halves of the sub-types drawn without replacement (a bootstrap
would repeat instructions, and an instruction overlaps perfectly with itself). The spread of half
samples around the full value is that of the full value (Shao and Wu 1989, delete-half jackknife).
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.expect import guard
from sparcom_nb.rows.instructions import CATEGORIES


@dataclass(frozen=True)
class Units:
    """The units of resampling: sub-types, or instructions where there are too few sub-types.

    names: label of every unit; index: unit of every instruction; category: index into
    ``categories`` of every unit; kind: ``sub-type`` or ``instruction``.
    """

    names: np.ndarray
    index: np.ndarray
    category: np.ndarray
    categories: list[str]
    kind: str

    @classmethod
    def of(cls, array: xr.DataArray, least: int = 2) -> "Units":
        """Sub-types of an array [instruction, ...]; instructions where a category has under ``least``."""
        present, labels, kind = array["category"].to_numpy(), unit_labels(array), "sub-type"
        if min(len(np.unique(labels[present == c])) for c in np.unique(present)) < least:
            labels, kind = unit_labels(array, "instruction"), "instruction"
        names, first, index = np.unique(labels, return_index=True, return_inverse=True)
        categories = [c for c in CATEGORIES if c in set(present)]
        category = np.array([categories.index(c) for c in present[first]])
        return cls(names, index, category, categories, kind)


@dataclass(frozen=True)
class PairSums:
    """Sums and numbers of the pairs of different instructions, by pairs of sub-types.

    sums, counts: [unit, unit]; the rest is that of :class:`Units`.
    """

    sums: np.ndarray
    counts: np.ndarray
    category: np.ndarray
    categories: list[str]
    unit: str

    @classmethod
    def of(cls, pairwise: xr.DataArray) -> "PairSums":
        """Sum up a square overlap of instructions; pairs without a value do not count."""
        found = Units.of(pairwise)
        member = np.eye(len(found.names))[found.index]
        values = pairwise.to_numpy().astype(float)
        valid = ~np.isnan(values)
        np.fill_diagonal(valid, False)
        return cls(
            member.T @ np.where(valid, values, 0.0) @ member,
            member.T @ valid.astype(float) @ member,
            found.category,
            found.categories,
            found.kind,
        )

    def by_category(self, keep: np.ndarray | None = None) -> np.ndarray:
        """Mean overlap [category, category] over the kept units (bool [unit]; None keeps all).

        In a half sample a larger part of a category's pairs lies within one sub-type. Pairs within
        and between sub-types are therefore averaged apart, and joined with the weights of all. Where
        one of the two is not there (half of two sub-types is one), the mean is NaN.
        """
        member = np.eye(len(self.categories))[self.category]
        kept = member if keep is None else member * keep[:, None]
        means = _ratio(kept.T @ self.sums @ kept, kept.T @ self.counts @ kept)
        same = _ratio(kept.T @ np.diag(self.sums), kept.T @ np.diag(self.counts))
        other = _ratio(*(_diagonal_without_units(x, kept) for x in (self.sums, self.counts)))
        weight = _ratio(member.T @ np.diag(self.counts), np.diag(member.T @ self.counts @ member))
        np.fill_diagonal(
            means,
            np.where(weight == 0, 0, weight * same)
            + np.where(weight == 1, 0, (1 - weight) * other),
        )
        return means


def category_overlap(
    pairwise: xr.DataArray, draws: int = 400, seed: int = 0, level: float = 0.95
) -> xr.Dataset:
    """Mean overlap within and across categories, with intervals over sub-types.

    Args:
        pairwise: [instruction, instruction_b] of one data set with itself, from
            :func:`sparcom_nb.sparcom.overlap`.
        draws: half samples of the sub-types of every category.
        seed: of the half samples.
        level: of the interval.

    Returns:
        Dataset [category, category_b]: mean, low, high. The diagonal is the mean over pairs of
        different instructions of one category; its interval is NaN for two sub-types.
    """
    pairs = PairSums.of(pairwise)
    centre = pairs.by_category()
    rng = np.random.default_rng(seed)
    spread = np.stack([pairs.by_category(half(pairs.category, rng)) for _ in range(draws)])
    tail = (1 - level) / 2
    low, high = np.quantile(spread - centre, [tail, 1 - tail], axis=0) + centre
    dims = ("category", "category_b")
    return xr.Dataset(
        {"mean": (dims, centre), "low": (dims, low), "high": (dims, high)},
        {"category": pairs.categories, "category_b": pairs.categories},
        {"unit": pairs.unit, "draws": draws, "level": level},
    )


def separation(pairwise: xr.DataArray, draws: int = 999, seed: int = 0) -> dict[str, Any]:
    """Test whether instructions overlap more within than across categories.

    Category labels are permuted among sub-types, which keeps every sub-type whole.

    Returns:
        dict: within, across, difference, low and high (95 % interval of the difference over
        sub-types; NaN where a category has only two), null_mean, null_low and null_high (mean, 5th and
        95th percentile under permutation), p (one-sided), same_subtype, other_subtype (the two parts
        of within), units, unit, draws.
    """
    pairs = PairSums.of(pairwise)
    rng = np.random.default_rng(seed)
    within, across = _within_across(pairs, pairs.category)
    null = np.array(
        [np.subtract(*_within_across(pairs, rng.permutation(pairs.category))) for _ in range(draws)]
    )
    means = pairs.by_category()
    known = ~np.isnan(np.diag(means))
    kept = (half(pairs.category, rng) for _ in range(draws))
    halves = np.array([_difference(pairs.by_category(keep), known) for keep in kept])
    low, high = np.quantile(halves - _difference(means, known), [0.025, 0.975]) + within - across
    same = _ratio(np.trace(pairs.sums), np.trace(pairs.counts))
    own = pairs.category[:, None] == pairs.category[None, :]
    np.fill_diagonal(own, False)
    return {
        "within": within,
        "across": across,
        "difference": within - across,
        "low": float(low),
        "high": float(high),
        **one_sided(within - across, null),
        "same_subtype": float(same),
        "other_subtype": float(_ratio(pairs.sums[own].sum(), pairs.counts[own].sum())),
        "units": len(pairs.category),
        "unit": pairs.unit,
    }


def mean_interval(
    values: np.ndarray, groups: np.ndarray, draws: int = 400, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of ``values`` with a 95 % interval over halves of their groups."""
    mean, low, high = mean_intervals(values[:, None], groups, draws, seed)
    return float(mean[0]), float(low[0]), float(high[0])


def mean_intervals(
    values: np.ndarray, groups: np.ndarray, draws: int = 400, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means of the columns of ``values`` [row, column], each with its :func:`mean_interval`.

    One group alone has no interval: NaN.
    """
    names, index = np.unique(groups, return_inverse=True)
    member = np.eye(len(names))[index]
    sums, counts = member.T @ values, member.sum(axis=0)
    rng = np.random.default_rng(seed)
    one = np.zeros(len(names), dtype=int)
    kept = np.stack([half(one, rng) for _ in range(draws)]).astype(float)
    low, high = np.quantile((kept @ sums) / (kept @ counts)[:, None], [0.025, 0.975], axis=0)
    if len(names) < 2:  # its half is the whole
        low, high = np.full((2, values.shape[1]), np.nan)
    return sums.sum(axis=0) / counts.sum(), low, high


def one_sided(value: float, null: np.ndarray, tail: float = 0.05) -> dict[str, Any]:
    """Test whether a number is larger than under permutation, ``null`` [draw].

    Returns:
        dict: null_mean, null_low and null_high (quantiles ``tail`` and 1 - ``tail``), p, draws. A
        draw that has no value counts as one that reaches the number.
    """
    return {
        "null_mean": float(null.mean()),
        "null_low": float(np.quantile(null, tail)),
        "null_high": float(np.quantile(null, 1 - tail)),
        "p": float((1 + (~(null < value - 1e-12)).sum()) / (1 + len(null))),
        "draws": len(null),
    }


def against_null(
    value: np.ndarray, halves: np.ndarray, null: np.ndarray, floor: float = -np.inf
) -> dict[str, np.ndarray]:
    """Interval and permutation test of numbers that depend on how much data there is.

    The size of a set is such a number: with fewer sub-types more components pass the agreement by
    chance, so that half samples lie to one side of the full value. The interval is therefore their
    spread about their own mean, put around the full value; their mean is given beside it. It is an
    interval for the number that so many sub-types give on average, as the null is.

    Args:
        value: [...] on all data.
        halves: [draw, ...] on half samples of the sub-types.
        null: [draw, ...] with labels permuted among sub-types.
        floor: smallest possible value, where there is one.

    Returns:
        dict of arrays [...]: value, low and high (95 %), halves (mean of the half samples),
        null_mean, null_low and null_high (95 % of permutations), p (two-sided). A number without a
        value (NaN) in a draw is left out of it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a number without a value in any draw
        centre = np.nanmean(halves, axis=0)
        low, high = np.nanquantile(halves, [0.025, 0.975], axis=0) - centre + value
        null_low, null_high = np.nanquantile(null, [0.025, 0.975], axis=0)
        null_mean = np.nanmean(null, axis=0)
    above, below = ((null >= value - 1e-12).sum(axis=0), (null <= value + 1e-12).sum(axis=0))
    p = np.minimum(1, 2 * (1 + np.minimum(above, below)) / (1 + len(null)))
    return {
        "value": value,
        "low": np.minimum(np.maximum(low, floor), value),
        "high": np.maximum(high, value),
        "halves": centre,
        "null_mean": null_mean,
        "null_low": null_low,
        "null_high": null_high,
        "p": np.where(np.isnan(value), np.nan, p),
    }


def grouped_means(
    table: pd.DataFrame, by: list[str], value: str, group: str = "subtype", seed: int = 0
) -> pd.DataFrame:
    """Mean of a column with its 95 % interval over halves of the groups, for every key in ``by``.

    Rows without a value are left out. Returns a DataFrame: the keys, mean, low, high, n.
    """
    rows = []
    for key, part in table.dropna(subset=[value]).groupby(by, sort=False):
        values = part[value].to_numpy(float)
        mean, low, high = mean_interval(values, part[group].to_numpy(str), seed=seed)
        keys = key if isinstance(key, tuple) else (key,)
        row = dict(zip(by, keys, strict=True))
        rows.append(row | {"mean": mean, "low": low, "high": high, "n": len(part)})
    return pd.DataFrame(rows)


def category_effect(values: xr.DataArray, draws: int = 999, seed: int = 0) -> dict[str, Any]:
    """Test whether a number, or a vector, of every instruction differs between categories.

    The share of the variance between sub-types that categories explain, against category labels
    permuted among sub-types (PERMANOVA; Anderson 2001, *Austral Ecology* 26).

    Args:
        values: [instruction, ...] with category and subtype on instruction; an instruction with a
            missing value is left out.
        draws: permutations.
        seed: of the permutations.

    Returns:
        dict: r2 (0 to 1), null_mean, null_low and null_high (mean, 5th and 95th percentile under
        permutation), p (one-sided), units, unit, draws.
    """
    flat = values.to_numpy().reshape(len(values), -1).astype(float)
    known = ~np.isnan(flat).any(axis=1)
    found = Units.of(values[known])
    means = np.stack([flat[known][found.index == n].mean(axis=0) for n in range(len(found.names))])
    category = np.array(found.categories)[found.category]
    rng = np.random.default_rng(seed)
    r2 = _explained(means, category)
    null = np.array([_explained(means, rng.permutation(category)) for _ in range(draws)])
    return {
        "r2": r2,
        **one_sided(r2, null),
        "units": len(category),
        "unit": found.kind,
    }


def without_length(values: xr.DataArray) -> xr.DataArray:
    """What is left of numbers [instruction] after a straight line in log(n_tokens) is taken out."""
    y = values.to_numpy().astype(float)
    known = ~np.isnan(y)
    x = np.log(values["n_tokens"].to_numpy())
    design = np.stack([np.ones(len(x)), x], axis=1)
    line = np.linalg.lstsq(design[known], y[known])[0]
    return values.copy(data=y - design @ line)


def unit_labels(array: xr.DataArray, name: str = "subtype") -> np.ndarray:
    """Category and sub-type (or another coordinate) of every instruction, as one label."""
    return np.char.add(np.char.add(array["category"].to_numpy(), "/"), array[name].to_numpy())


def half(category: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of the units of every category, drawn without replacement: bool [unit].

    Of an odd number above three, the half is rounded up or down at random: three of five would give
    intervals a fifth too narrow, and two of five too wide ones.
    """
    names, index, count = np.unique(category, return_inverse=True, return_counts=True)
    up = np.where(count > 3, rng.integers(2, size=len(names)), 1)
    order = np.lexsort((rng.random(len(category)), index))
    rank = np.empty(len(category), dtype=int)
    rank[order] = np.arange(len(category)) - (np.cumsum(count) - count)[index[order]]
    return rank < ((count + up) // 2)[index]


def known_mean(values: np.ndarray) -> float:
    """Mean of the values there are; NaN without any."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def random_rotation(d: int, rng: np.random.Generator) -> np.ndarray:
    """A uniformly random rotation [d, d] (Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.normal(size=(d, d)))
    return q * np.sign(np.diag(r))


def _ratio(top: np.ndarray | float, bottom: np.ndarray | float) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(top) / np.asarray(bottom)


def _explained(means: np.ndarray, category: np.ndarray) -> float:
    """Share of the variance of ``means`` [unit, ...] that lies between categories [unit]."""
    centred = means - means.mean(axis=0)
    total = (centred**2).sum()
    parts = [centred[category == name] for name in np.unique(category)]
    between = sum(len(part) * (part.mean(axis=0) ** 2).sum() for part in parts)
    return float(between / total) if total > 0 else 0.0


def _diagonal_without_units(sums: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Sums over pairs of different units of one category: [category]."""
    return np.diag(member.T @ sums @ member) - member.T @ np.diag(sums)


def _within_across(pairs: PairSums, category: np.ndarray) -> tuple[float, float]:
    own = category[:, None] == category[None, :]
    return (
        float(_ratio(pairs.sums[own].sum(), pairs.counts[own].sum())),
        float(_ratio(pairs.sums[~own].sum(), pairs.counts[~own].sum())),
    )


def _difference(means: np.ndarray, known: np.ndarray) -> float:
    """Mean of the diagonal, where it is known, minus mean of the rest of the category matrix."""
    off = ~np.eye(len(means), dtype=bool)
    return float(np.diag(means)[known].mean() - np.nanmean(means[off])) if off.any() else np.nan


guard(globals())
