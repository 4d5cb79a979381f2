"""Whether the instruction-specific neurons of a category carry its capability direction.

The squared length of a capability direction (NAIT), a unit vector v_l a layer, can be dealt out to
neurons. The *loading share* of a set S of neurons (SPARCOM) is the part that it gets,

    share(S) = mean over layers l of  sum_{i in S} v_l[i]^2

A set and a direction made of the same rows share their noise. So the sub-types of every category are
dealt into two halves, the set is made of one and the direction of the other, both ways round. The
share of the own set is held against

* ``random``: other neurons of the same layers, nearest in frequency on the category and in how much
  their activation varies over all rows (:func:`sparcom_nb.sparcom.matched_sets`): a neuron that
  varies much loads on everything;
* ``others``: the sets of the other categories, which are of the same size.

Neither tells whether it is the *category* that matters: the sub-types' labels are permuted for that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.errors import InputError
from sparcom_nb.nait.directions import METHODS
from sparcom_nb.sparcom.carry_over import in_halves, own_and_other, tested
from sparcom_nb.sparcom.controls import imbalance, matched_sets
from sparcom_nb.synthesis.sets import UnitSets, balance

CONTROLS = ("random", "others")


@dataclass(frozen=True)
class Half:
    """What some of the rows give.

    Attributes:
        sets, random: bool [category, layer, ...], and a matched random set for each.
        like: what they are matched on, [category][feature, layer, ...].
        directions: [method, category, layer, component], NaN where there are too few rows.
    """

    sets: xr.DataArray
    random: xr.DataArray
    like: list[xr.DataArray]
    directions: np.ndarray

    @property
    def members(self) -> np.ndarray:
        """0/1 [kind (own, random), category, layer and component]."""
        both = np.stack([self.sets.to_numpy(), self.random.to_numpy()])
        return both.reshape(*both.shape[:2], -1).astype(np.float64)

    def balance(self) -> list[dict[str, float]]:
        """How far every set and its random one are apart."""
        made = zip(self.sets, self.random, self.like, strict=True)
        return [imbalance(own, random.expand_dims("draw"), like) for own, random, like in made]


@dataclass(frozen=True)
class Rows:
    """Rows from which sets and directions are made, under any labels of their units.

    Attributes:
        votes: sets of the rows, of any labels.
        samples: float64 [method, instruction, layer, component], what a direction is made of.
        spread: [method, layer, ...], standard deviation of the samples over all rows.
    """

    votes: UnitSets
    samples: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(
        cls, frequency: xr.DataArray, activations: xr.DataArray, top: float, which: str
    ) -> "Rows":
        """Prepare frequencies and activations of the same rows and components."""
        candidates = [candidate for candidate, _ in METHODS.values()]
        values = activations.sel(candidate=candidates).transpose("candidate", "instruction", ...)
        if values.shape[1:] != frequency.shape:
            raise InputError(
                f"frequencies {dict(frequency.sizes)} and activations {dict(activations.sizes)} are "
                "not of the same rows and neurons; measure both on the same model and data"
            )
        flat = values.to_numpy().astype(np.float64).reshape(*values.shape[:3], -1)
        spread = flat.std(axis=1).reshape(len(values), *frequency.shape[1:])
        return cls(UnitSets.of(frequency, top, which), flat, spread)

    def half(self, rng: np.random.Generator, category: np.ndarray, keep: np.ndarray) -> Half:
        """Make sets and directions of the units to keep (bool [unit]), labelled by category [unit]."""
        sets, frequency = self.votes.sets(category, keep, rng)
        like, random = [self._like(one) for one in frequency], sets.copy()
        for n, features in enumerate(like):
            random[n] = matched_sets(sets[n], features, 1, seed=int(rng.integers(2**31)))[0]
        units = self.votes.units
        rows = np.flatnonzero(keep[units.index])
        return Half(sets, random, like, self._directions(rows, category[units.index[rows]]))

    def _like(self, frequency: xr.DataArray) -> xr.DataArray:
        """What random neurons are matched on: [feature, layer, ...]."""
        values = np.stack([frequency.to_numpy(), *self.spread])
        names = ["frequency", *(f"spread, {method}" for method in METHODS)]
        return xr.DataArray(values, {"feature": names}, ("feature", *frequency.dims))

    def _directions(self, rows: np.ndarray, of_row: np.ndarray) -> np.ndarray:
        shape = (len(METHODS), len(self.votes.units.categories), *self.samples.shape[2:])
        found = np.full(shape, np.nan)
        for m, (_, make) in enumerate(METHODS.values()):
            pool = self.samples[m, rows]
            for n in np.unique(of_row):
                found[m, n] = _direction(make, pool[of_row == n], pool)
        return found


def loading_shares(
    frequency: xr.DataArray,
    activations: xr.DataArray,
    top: float = 0.1,
    which: str = "all",
    splits: int = 10,
    seed: int = 0,
) -> xr.Dataset:
    """Share of every category's direction that lies on every category's set.

    Args:
        frequency: [instruction, layer, (expert,) neuron] with category and subtype.
        activations: of the same rows and neurons (:func:`sparcom_nb.nait.sample_activations`).
        top: share of the components that is specific to an instruction.
        which: kind of sets, as in :func:`sparcom_nb.sparcom.sets_of_halves`.
        splits: random splits of the sub-types that every number is the mean of.
        seed: of the splits and of the random sets.

    Returns:
        Dataset: share [form, set, direction] (form: the method of the direction), random [form,
        direction] (a matched random set on the category's own direction) and balance [feature, of
        (set, random)]. Shares lie between 0 and 1; a set that takes a layer's neurons blindly gets
        its part of them.

    Raises:
        InputError: arrays of different rows or neurons.
    """
    rows = Rows.of(frequency, activations, top, which)
    rng, apart = np.random.default_rng(seed), []

    def shares(a: Half, b: Half) -> np.ndarray:
        apart.extend(a.balance() + b.balance())
        return _both_ways(a, b)

    units, every = rows.votes.units, rows.votes.every
    found = in_halves(partial(rows.half, rng), shares, units.category, every, splits, rng)
    names = units.categories
    return xr.Dataset(
        {
            "share": (("form", "set", "direction"), found[:, 0]),
            "random": (("form", "direction"), np.diagonal(found[:, 1], axis1=1, axis2=2)),
            "balance": balance(dict(pd.DataFrame(apart).mean())),
        },
        {"form": list(METHODS), "set": names, "direction": names},
        {"sets": which, "top": top, "unit": rows.votes.units.kind},
    )  # fmt: skip


def loading_test(
    frequency: xr.DataArray,
    activations: xr.DataArray,
    top: float = 0.1,
    which: str = "all",
    splits: int = 2,
    draws: int = 59,
    seed: int = 0,
) -> pd.DataFrame:
    """Test whether a category's set carries more of its direction than each control does.

    The arguments are those of :func:`loading_shares`; ``draws`` half samples of the sub-types give
    the interval, as many permutations of their labels the null.

    Returns:
        DataFrame, a row a method and control: method, control, own and other (mean share of the own
        set, of the control), value (own minus other), low, high (95 % over sub-types), halves,
        null_mean, null_low, null_high, p (two-sided) of :func:`sparcom_nb.stats.against_null`.
    """
    rows = Rows.of(frequency, activations, top, which)
    rng = np.random.default_rng(seed)

    def compared(category: np.ndarray, keep: np.ndarray) -> np.ndarray:
        found = in_halves(partial(rows.half, rng), _both_ways, category, keep, splits, rng)
        return np.array([pair for of_method in found for pair in _controls(of_method)])

    keys = pd.MultiIndex.from_product([METHODS, CONTROLS], names=["method", "control"])
    table = tested(compared, rows.votes.units.category, draws, rng)
    return table.set_index(keys).reset_index()


def _direction(
    make: Callable[[np.ndarray, np.ndarray | None], np.ndarray], own: np.ndarray, pool: np.ndarray
) -> np.ndarray:
    """Unit vectors [layer, component] of rows [row, layer, component]; NaN where there are none."""
    try:
        return np.stack([make(own[:, n], pool[:, n]) for n in range(own.shape[1])])
    except InputError:  # too few rows
        return np.full(own.shape[1:], np.nan)


def _both_ways(a: Half, b: Half) -> np.ndarray:
    """Shares [method, kind of set, set, direction], sets of one half on directions of the other."""
    return (_shares(a.members, b.directions) + _shares(b.members, a.directions)) / 2


def _shares(sets: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Mean over layers of the squared length of directions [m, d, layer, i] on sets [k, s, layer i]."""
    squares = (directions**2).reshape(*directions.shape[:2], -1)
    return np.einsum("ksi,mdi->mksd", sets, squares, optimize=True) / directions.shape[2]


def _controls(shares: np.ndarray) -> list[list[float]]:
    """Own share and that of either control, for shares [kind of set, set, direction]."""
    own, others = own_and_other(shares[0])
    return [[own, own_and_other(shares[1])[0]], [own, others]]
