"""Sets of the categories again and again: under other labels, on some of the sub-types.

The sets are those that :func:`sparcom_nb.sparcom.sets_of_halves` makes of a half; sums by unit of
resampling are taken once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sparcom_nb.sparcom.ablation import equal_sets
from sparcom_nb.sparcom.sets import specific
from sparcom_nb.stats import Units

#: Every category needs so many sub-types, or instructions are the units: halves are halved again.
LEAST_UNITS = 4


@dataclass(frozen=True)
class UnitSets:
    """What is needed of every unit of resampling to make sets of categories.

    Attributes:
        marked, frequency: sums over the unit's instructions [unit, component].
        size: instructions of every unit.
        components: an empty array [layer, ...] that lends its shape and coordinates.
        which: kind of sets, of :data:`sparcom_nb.sparcom.ablation.SETS`.
        units: of resampling.
    """

    marked: np.ndarray
    frequency: np.ndarray
    size: np.ndarray
    components: xr.DataArray
    which: str
    units: Units

    @classmethod
    def of(cls, frequency: xr.DataArray, top: float, which: str) -> "UnitSets":
        """Sum up frequencies [instruction, layer, ...] and the sets of instructions by unit."""
        units = Units.of(frequency, LEAST_UNITS)
        member = np.eye(len(units.names))[units.index]
        marked = specific(frequency, top=top).to_numpy()
        known = frequency.to_numpy().reshape(len(marked), -1)
        sums = member.T @ marked.reshape(len(marked), -1), member.T @ known
        coords = {dim: frequency[dim].to_numpy() for dim in frequency.dims[1:]}
        components = xr.DataArray(np.zeros(frequency.shape[1:]), coords, frequency.dims[1:])
        return cls(*sums, member.sum(axis=0), components, which, units)

    @property
    def every(self) -> np.ndarray:
        """All units: bool [unit]."""
        return np.ones(len(self.size), dtype=bool)

    def sets(
        self, category: np.ndarray, keep: np.ndarray, rng: np.random.Generator
    ) -> tuple[xr.DataArray, xr.DataArray]:
        """Make sets under labels [unit] of the units to keep (bool [unit]).

        Returns:
            sets, bool [category, layer, ...], and mean frequency, likewise; a category that no unit
            is left of has the frequency 0 and an empty set.
        """
        member = np.eye(len(self.units.categories))[category] * keep[:, None]
        number = np.maximum(member.T @ self.size, 1)[:, None]
        share, frequency = (
            self._labelled(member.T @ sums / number) for sums in (self.marked, self.frequency)
        )
        return equal_sets(share, frequency, self.which, rng), frequency

    def _labelled(self, values: np.ndarray) -> xr.DataArray:
        like = self.components
        dims, shape = ("category", *like.dims), (len(values), *like.shape)
        coords = {"category": self.units.categories, **like.coords}
        return xr.DataArray(values.reshape(shape), coords, dims)


def balance(found: Mapping[str, float]) -> xr.DataArray:
    """Arrange what :func:`sparcom_nb.sparcom.imbalance` finds: [feature, of (set, random)]."""
    names = [name for name in found if not name.startswith("control_")]
    values = [[found[name], found[f"control_{name}"]] for name in names]
    return xr.DataArray(values, {"feature": names, "of": ["set", "random"]}, ("feature", "of"))
