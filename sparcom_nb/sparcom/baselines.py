"""Other ways to name a category's components, to hold SPARCOM against.

Each function takes an array [instruction, ...] and returns sets [category, ...] of the form of
:func:`sparcom_nb.sparcom.category_sets`, whatever dimensions a component has.

* LAPE, language activation probability entropy (Tang et al. 2024, arXiv 2402.16438, section 2.2),
  here over categories of instructions instead of languages.
* Contrast: a category's mean minus the best other category's, of frequencies or of activations.
* Random sets of the same size.
"""

import numpy as np
import xarray as xr

from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.sets import by_category, specific


def category_means(values: xr.DataArray) -> xr.DataArray:
    """Mean over the instructions of every category: [instruction, ...] to float64 [category, ...].

    Float64 keeps ties between components ties, in whatever order the instructions are summed.

    Raises:
        InputError: fewer than two categories, which leaves nothing to compare.
    """
    parts = {
        name: part.mean("instruction", dtype=np.float64).to_numpy()
        for name, part in by_category(values)
    }
    if len(parts) < 2:
        raise InputError(
            f"only category {', '.join(parts)} is present; give rows of two or more to compare"
        )
    return xr.DataArray(
        np.stack(list(parts.values())),
        dims=("category", *values.dims[1:]),
        coords={"category": list(parts)}
        | {dim: values[dim] for dim in values.dims[1:] if dim in values.coords},
    )


def entropy(means: xr.DataArray) -> xr.DataArray:
    """Entropy in nats of each component's frequencies [category, ...] made a distribution.

    0 for a component active on one category alone, log(categories) for an even one, NaN for one
    that is never active.
    """
    share = means / means.sum("category")
    return -(share * np.log(share.where(share > 0, 1))).sum("category", skipna=False)


def lape(frequency: xr.DataArray, top: float = 0.01, quantile: float = 0.95) -> xr.DataArray:
    """Sets by language activation probability entropy.

    As in Tang et al. 2024 and its code: the bar is a quantile of all category frequencies; only
    components above it in some category are candidates; those of lowest entropy are taken and
    assigned to every category in which they are above the bar.

    Args:
        frequency: [instruction, ...] between 0 and 1. Every instruction of a category weighs the
            same (the original pools its tokens).
        top: share of all components to take; ties at the cut are all in.
        quantile: of the bar.

    Returns:
        DataArray bool [category, ...].
    """
    means = category_means(frequency)
    bar = float(means.quantile(quantile))
    evenness = entropy(means) / np.log(means.sizes["category"])
    candidates = (1 - evenness).where(means.max("category") > bar, 0)
    taken = specific(candidates.expand_dims("cut"), top=top)[0].drop_vars(["eps", "share"])
    return _sets((means > bar) & taken, "LAPE")


def contrast(values: xr.DataArray, top: float = 0.01) -> xr.DataArray:
    """Sets by contrast: own mean minus the best other category's mean, the largest differences.

    Args:
        values: [instruction, ...]: frequencies or mean activations.
        top: share of all components to take for each category; ties at the cut are all in, and a
            component must be above every other category.

    Returns:
        DataArray bool [category, ...].
    """
    gaps = lead(category_means(values))
    return _sets(specific(gaps, top=top).drop_vars(["eps", "share"]), "contrast")


def lead(means: xr.DataArray) -> xr.DataArray:
    """Means [category, ...] minus those of the best other category."""
    second, first = np.partition(means.to_numpy(), -2, axis=0)[-2:]
    return means - np.where(means == first, second, first)


def random_sets(sets: xr.DataArray, seed: int = 0) -> xr.DataArray:
    """Draw for every category as many components as its set has, from all, without replacement."""
    rng = np.random.default_rng(seed)
    sizes = sets.sum(sets.dims[1:]).to_numpy()
    drawn = np.zeros((len(sets), sets[0].size), dtype=bool)
    for row, size in zip(drawn, sizes, strict=True):
        row[rng.choice(len(row), int(size), replace=False)] = True
    return _sets(sets.copy(data=drawn.reshape(sets.shape)), "random")


def _sets(sets: xr.DataArray, method: str) -> xr.DataArray:
    return sets.rename("category_sets").assign_attrs(method=method)
