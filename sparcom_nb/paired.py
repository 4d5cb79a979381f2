"""Models compared on the same instructions, with the sub-type as the unit of resampling.

Instructions of one sub-type share wording, so everything here works on one sum a model and sub-type.
A :class:`Part` holds those of a category, a *statistic* turns a part into one number:

* :func:`same` compares two models on all instructions;
* :func:`halves` compares one model on half of the sub-types with another on the other half, over
  several seeded splits: two halves of ONE model differ by sampling alone, which is the floor.

:func:`estimate` gives every statistic an interval (delete-one jackknife over sub-types, stratified by
category; Efron and Tibshirani 1993, chapter 11), :func:`swap_test` a p: were two models alike, it
would not matter which is called which, so their names are exchanged in whole sub-types.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import t as student

from sparcom_nb.errors import InputError
from sparcom_nb.stats import Units, one_sided

#: Fewer sub-types than this in a category cannot be halved and jackknifed: instructions are then
#: the units.
LEAST_UNITS = 4


@dataclass(frozen=True)
class Yardstick:
    """How two models are compared: ``compare`` takes two means over instructions, [n, ...], to [n].

    The result lies between 0 and 1, or is NaN where there is nothing to compare.
    ``likeness``: larger values mean more alike (an overlap), else more different (a distance).
    """

    name: str
    compare: Callable[[np.ndarray, np.ndarray], np.ndarray]
    likeness: bool = True

    def excess(self, alike: float, apart: float) -> float:
        """How much less alike ``apart`` is than ``alike``: positive for both kinds of yardstick."""
        return alike - apart if self.likeness else apart - alike


@dataclass(frozen=True)
class Part:
    """Sums over the instructions of every unit of one category: model -> [unit, ...]."""

    sums: dict[str, np.ndarray]
    size: np.ndarray

    def mean(self, model: str, keep: np.ndarray | None = None) -> np.ndarray:
        """Mean over instructions, [n, ...], for every row of ``keep`` (0/1 [n, unit]; None: all)."""
        keep = np.ones((1, len(self.size))) if keep is None else keep
        total = np.tensordot(keep, self.sums[model], axes=1)
        return total / (keep @ self.size).reshape(-1, *[1] * (total.ndim - 1))

    def without(self, unit: int) -> "Part":
        """Leave one unit out."""
        left = {name: np.delete(sums, unit, axis=0) for name, sums in self.sums.items()}
        return Part(left, np.delete(self.size, unit))

    def swapped(self, first: str, second: str, which: np.ndarray) -> "Part":
        """Exchange two models in the units ``which`` (bool [unit])."""
        a, b = self.sums[first], self.sums[second]
        chosen = which.reshape(-1, *[1] * (a.ndim - 1))
        return Part(
            self.sums | {first: np.where(chosen, b, a), second: np.where(chosen, a, b)}, self.size
        )


Statistic = Callable[[Part], float]


def parts(models: Mapping[str, xr.DataArray]) -> tuple[dict[str, Part], str]:
    """Sum arrays [instruction, ...] of several models by category and sub-type.

    Returns:
        category -> :class:`Part`, and what the units are: sub-types, or single instructions where a
        category has fewer than :data:`LEAST_UNITS` sub-types.

    Raises:
        InputError: the models do not hold the same instructions and components.
    """
    arrays = list(models.values())
    for name, array in models.items():
        if not np.array_equal(arrays[0]["instruction"], array["instruction"]):
            raise InputError(
                f"{name}: other instructions than the first model's; use the same rows"
            )
        if array.shape[1:] != arrays[0].shape[1:]:
            raise InputError(
                f"{name}: {array.shape[1:]} components, the first model {arrays[0].shape[1:]}; "
                "only models of one architecture can be compared"
            )
    units = Units.of(arrays[0], LEAST_UNITS)
    made = {
        name: _part(models, units.index, np.flatnonzero(units.category == n))
        for n, name in enumerate(units.categories)
    }
    return made, units.kind


def same(yardstick: Yardstick, first: str, second: str) -> Statistic:
    """Compare two models on all instructions of the part."""
    return lambda part: yardstick.compare(part.mean(first), part.mean(second)).item()


def halves(
    yardstick: Yardstick, first: str, second: str, splits: int = 10, seed: int = 0
) -> Statistic:
    """Compare ``first`` on half of the sub-types with ``second`` on as many others.

    Every split counts in both directions; of an odd number of sub-types one is left out.
    """

    def statistic(part: Part) -> float:
        a, b = _splits(len(part.size), splits, seed)
        values = yardstick.compare(part.mean(first, a), part.mean(second, b))
        return float(values[~np.isnan(values)].mean()) if not np.isnan(values).all() else np.nan

    return statistic


def estimate(made: Mapping[str, Part], statistic: Statistic) -> pd.DataFrame:
    """A statistic of every category and, as category ``all``, its mean over those with a value.

    Returns:
        DataFrame: category, value, low, high (95 %, jackknife over sub-types).
    """
    values = np.array([statistic(part) for part in made.values()])
    variance = np.array([_jackknife_variance(part, statistic) for part in made.values()])
    known = ~np.isnan(values)
    pooled = values[known].mean() if known.any() else np.nan
    freedom = np.array([len(part.size) - 1 for part in made.values()])
    error = np.append(variance, variance[known].sum() / max(1, known.sum()) ** 2) ** 0.5
    spread = student.ppf(0.975, np.append(freedom, freedom.sum())) * error
    value = np.append(values, pooled)
    return pd.DataFrame(
        {
            "category": [*made, "all"],
            "value": value,
            "low": value - spread,
            "high": value + spread,
        }
    )


def swap_test(
    made: Mapping[str, Part],
    statistic: Statistic,
    first: str,
    second: str,
    draws: int = 199,
    seed: int = 0,
) -> dict[str, Any]:
    """Test the mean of a statistic over categories against exchanged names of two models.

    Returns:
        dict: value, low, high (jackknife), null_mean, null_low and null_high (mean, 5th and 95th
        percentile over exchanges), p (how often an exchange reaches the value), units, draws.
    """
    rng = np.random.default_rng(seed)
    (row,) = estimate(made, statistic).query("category == 'all'").to_dict("records")
    null = np.array([_exchanged(made, statistic, first, second, rng) for _ in range(draws)])
    return {
        **{name: row[name] for name in ("value", "low", "high")},
        **one_sided(row["value"], null),
        "units": sum(len(part.size) for part in made.values()),
    }


def _part(models: Mapping[str, xr.DataArray], index: np.ndarray, units: np.ndarray) -> Part:
    """Sums of the instructions of each of ``units``; ``index``: unit of every instruction."""
    where = [np.flatnonzero(index == unit) for unit in units]
    sums = {
        model: np.stack([array[chosen].sum("instruction").to_numpy() for chosen in where])
        for model, array in models.items()
    }
    return Part(
        {model: total.astype(np.float64) for model, total in sums.items()},
        np.array([len(chosen) for chosen in where]),
    )


@cache
def _splits(n_units: int, splits: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Members of the halves a and b: 0/1 [2 splits, unit] each."""
    rng, half = np.random.default_rng(seed), n_units // 2
    order = np.stack([rng.permutation(n_units) for _ in range(splits)])
    a, b = np.zeros((splits, n_units)), np.zeros((splits, n_units))
    np.put_along_axis(a, order[:, :half], 1, axis=1)
    np.put_along_axis(b, order[:, half : 2 * half], 1, axis=1)
    return np.concatenate([a, b]), np.concatenate([b, a])


def _jackknife_variance(part: Part, statistic: Statistic) -> float:
    n = len(part.size)
    if n < 2:
        return np.nan  # with one unit left out there is nothing to look at
    left_out = np.array([statistic(part.without(unit)) for unit in range(n)])
    return float((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())


def _exchanged(
    made: Mapping[str, Part],
    statistic: Statistic,
    first: str,
    second: str,
    rng: np.random.Generator,
) -> float:
    """Mean of the statistic over categories after a random exchange."""
    values = np.array(
        [
            statistic(part.swapped(first, second, rng.random(len(part.size)) < 0.5))
            for part in made.values()
        ]
    )
    known = ~np.isnan(values)
    return float(values[known].mean()) if known.any() else np.nan
