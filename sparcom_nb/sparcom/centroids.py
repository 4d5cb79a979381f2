"""Reading the category of an instruction from frequencies, without training anything.

Every category is the mean of its instructions' frequencies, and an instruction belongs to the
nearest mean (nearest centroid, Euclidean). Its own sub-type is left out of the means, so that it has
to be recognised by other tasks of its category, not by its wording.
"""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.sparcom.profiles import category_profile
from sparcom_nb.stats import Units, mean_interval, one_sided


def guess_category(values: xr.DataArray, draws: int = 199, seed: int = 0) -> dict[str, Any]:
    """Name every instruction's category from the others' frequencies, and test the result.

    Args:
        values: [instruction, ...] with category and subtype on instruction.
        draws: permutations of the categories among whole sub-types.
        seed: of the permutations and of the interval.

    Returns:
        dict: guesses (DataFrame: category, subtype, guess), accuracy, low and high (95 % over halves of the
        sub-types), chance (one over the number of categories), null_mean, null_low and null_high
        (mean and 95 % under permutation), p (one-sided), units, unit, draws.
    """
    x = values.to_numpy().reshape(values.shape[0], -1).astype(float)
    units = Units.of(values)
    similar = _Similar(x, units.index)
    rng = np.random.default_rng(seed)
    guess = similar.guess(units.category)
    right = guess == units.category[units.index]
    shuffled = [rng.permutation(units.category) for _ in range(draws)]
    null = np.array([(similar.guess(c) == c[units.index]).mean() for c in shuffled])
    accuracy, low, high = mean_interval(right.astype(float), units.index, seed=seed)
    table = {
        "category": values["category"].to_numpy(),
        "subtype": values["subtype"].to_numpy(),
        "guess": np.array(units.categories)[guess],
    }
    return {
        "guesses": pd.DataFrame(table),
        "accuracy": accuracy,
        "low": low,
        "high": high,
        "chance": 1 / len(units.categories),
        **one_sided(accuracy, null, 0.025),
        "units": len(units.names),
        "unit": units.kind,
    }


def confusion(guesses: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """What the instructions of every category are taken for.

    Args:
        guesses: of :func:`guess_category`.
        seed: of the intervals.

    Returns:
        DataFrame: category, guess, mean (share of the category), low, high (95 % over halves of the
        category's sub-types), n (instructions).
    """
    names = [c for c in CATEGORIES if c in set(guesses["category"])]
    coords = {
        name: ("instruction", guesses[name].to_numpy(str)) for name in ("category", "subtype")
    }
    taken = guesses["guess"].to_numpy()[:, None] == np.array(names)
    return category_profile(
        xr.DataArray(taken, coords | {"guess": names}, ("instruction", "guess")), seed=seed
    )


class _Similar:
    """Inner products of instructions and sub-types: all that distances to centroids are made of."""

    def __init__(self, x: np.ndarray, index: np.ndarray) -> None:
        self.index, self.size = index, np.bincount(index).astype(float)
        sums = np.eye(len(self.size))[index].T @ x
        self.rows = x @ sums.T  # [instruction, unit]
        self.units = sums @ sums.T  # [unit, unit]

    def guess(self, category: np.ndarray) -> np.ndarray:
        """Nearest category [instruction], for any categories of the units: index [unit]."""
        member = np.eye(category.max() + 1)[category]
        own = member[self.index]
        size = (self.size @ member)[None, :] - own * self.size[self.index][:, None]
        sums = self.units @ member
        norm = np.einsum("uc,uc->c", member, sums)[None, :] - own * (
            2 * sums[self.index] - np.diag(self.units)[self.index][:, None]
        )
        along = self.rows @ member
        along -= own * np.take_along_axis(self.rows, self.index[:, None], axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            distance = norm / size**2 - 2 * along / size
        return np.nanargmin(distance, axis=1)
