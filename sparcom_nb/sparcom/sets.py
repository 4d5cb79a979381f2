"""From frequencies to sets: specific components of an instruction, sets of a category, overlaps.

    ISN(I)      = {n : p[n](I) >= eps(I)}                                     specific
    ISN_c       = {n : n in ISN(I) for at least a share tau of the I in c}    category_sets
    general     = in all ISN_c;  unique = in one                              generality
    J(A, B)     = |A and B| / |A or B|                                        overlap

SPARCOM, Zhang et al. 2025, sections 3.2 and 4. A component is a neuron (layer, neuron), a neuron of
an expert (layer, expert, neuron) or an expert (layer, expert): whatever dimensions follow the first.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.errors import InputError
from sparcom_nb.expect import in_order
from sparcom_nb.rows.instructions import CATEGORIES

#: Share of the components that is taken when nothing else is asked for.
DEFAULT_TOP = 0.05
#: Shares to look at beside it.
TOPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_BLOCK_ROWS = 512


def specific(
    frequency: xr.DataArray, top: float | None = None, threshold: float | None = None
) -> xr.DataArray:
    """Mark the components of every instruction whose frequency reaches its cut eps(I).

    Args:
        frequency: [instruction, ...] between 0 and 1.
        top: share of the components to take, all layers together; DEFAULT_TOP (0.05) when
            neither is given. Components that tie at the cut are all in: the share taken is larger.
        threshold: the absolute cut instead.

    Returns:
        DataArray bool of the same dimensions; on instruction the coordinates ``eps`` (the cut) and
        ``share`` (the share of components taken). A component that is never active is never in.

    Raises:
        InputError: both of ``top`` and ``threshold``, or one outside (0, 1].
    """
    top = chosen_top(top, threshold)
    eps, share = xr.apply_ufunc(
        _cut,
        frequency,
        input_core_dims=[frequency.dims[1:]],
        output_core_dims=[[], []],
        kwargs={"n_axes": frequency.ndim - 1, "top": top, "threshold": threshold},
        dask="parallelized",
        output_dtypes=[frequency.dtype, np.float64],
    )
    marked = (frequency >= eps).rename("specific")
    marked = marked.assign_coords(eps=eps.compute(), share=share.compute())
    return marked.assign_attrs(frequency.attrs, top=top or 0.0, threshold=threshold or 0.0)


def chosen_top(top: float | None, threshold: float | None) -> float | None:
    """Return the share to take: DEFAULT_TOP when neither it nor a threshold is given.

    Raises:
        InputError: both are given.
    """
    if top is not None and threshold is not None:
        raise InputError("give top (a share) or threshold (an absolute cut), not both")
    return DEFAULT_TOP if top is None and threshold is None else top


def _cut(
    values: np.ndarray, n_axes: int, top: float | None, threshold: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Cut and share taken of every row."""
    flat = values.reshape(*values.shape[: values.ndim - n_axes], -1)
    if top is None:
        eps = np.full(flat.shape[:-1], threshold, flat.dtype)
    else:
        k = max(1, round(top * flat.shape[-1]))
        kth = np.partition(flat, -k, axis=-1)[..., -k]
        eps = np.maximum(kth, np.finfo(flat.dtype).tiny)
    return eps, (flat >= eps[..., None]).mean(axis=-1)


def category_sets(specific: xr.DataArray, agreement: float = 0.5) -> xr.DataArray:
    """Components specific to at least a fraction ``agreement`` of a category's instructions.

    Returns:
        DataArray bool [category, ...] for the categories present, in the order of CATEGORIES;
        coordinate ``n_instructions``. ``agreement`` 1 is the intersection.
    """
    parts = dict(by_category(specific))
    sizes = [part.shape[0] for part in parts.values()]
    sets = [
        part.sum("instruction").to_numpy() >= agreement * size - 1e-9
        for part, size in zip(parts.values(), sizes, strict=True)
    ]
    coords = {"category": list(parts), "n_instructions": ("category", sizes)}
    return xr.DataArray(
        np.stack(sets),
        dims=("category", *specific.dims[1:]),
        coords=coords | {dim: specific[dim] for dim in specific.dims[1:]},
        name="category_sets",
        attrs=specific.attrs | {"agreement": agreement},
    )


def by_category(array: xr.DataArray) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield every present category, in the order of CATEGORIES, with its instructions."""
    labels = array["category"].to_numpy()
    for name in CATEGORIES:
        rows = np.flatnonzero(labels == name)
        if len(rows):
            yield name, array[rows]


def generality(category_sets: xr.DataArray) -> xr.DataArray:
    """Number of categories whose set holds a component: int [...], 0 to the number present."""
    return category_sets.sum("category").rename("generality")


def unique_sets(category_sets: xr.DataArray) -> xr.DataArray:
    """What of every category's set is in no other: bool [category, ...]."""
    return category_sets & (generality(category_sets) == 1)


def kind_of(number: np.ndarray, n_categories: int) -> np.ndarray:
    """Name of what ``number`` categories share: ``general``, ``unique`` or ``shared``."""
    return np.select([number == n_categories, number == 1], ["general", "unique"], "shared")


def component_table(specific: xr.DataArray, agreement: float = 0.5) -> pd.DataFrame:
    """Every component of every category set, a row each.

    Returns:
        DataFrame: the component's coordinates (layer, expert, neuron; expert or neuron is missing
        where the components have none), category, agreement (share of the category's instructions it
        is specific to) and kind: ``general`` in all categories present, ``unique`` to one, else ``shared``.
    """
    sets = category_sets(specific, agreement)
    number = generality(sets).to_numpy()
    parts = []
    for name, of_category in by_category(specific):
        share = of_category.mean("instruction").compute()
        inside = sets.sel(category=name).to_numpy()
        index = dict(zip(share.dims, np.nonzero(inside), strict=True))
        part = {dim: share[dim].to_numpy()[at] for dim, at in index.items()}
        part |= {"category": name, "agreement": share.to_numpy()[inside]}
        part["kind"] = kind_of(number[inside], len(sets))
        parts.append(pd.DataFrame(part))
    table = pd.concat(parts, ignore_index=True)
    for dim in {"expert", "neuron"} - set(table):
        table[dim] = pd.array([pd.NA] * len(table), dtype="Int64")
    return table[["layer", "expert", "neuron", "category", "agreement", "kind"]]


def overlap(a: xr.DataArray, b: xr.DataArray | None = None, kind: str = "jaccard") -> xr.DataArray:
    """Overlap of every set of ``a`` with every set of ``b`` (of ``a`` itself when None).

    Args:
        a: bool [instruction or category, ...]: one set a row.
        b: the same dimensions after the first.
        kind: ``jaccard`` |A and B| / |A or B|, or ``overlap`` |A and B| / min(|A|, |B|), which
            stays meaningful when sizes differ.

    Returns:
        DataArray float64 [first dimension of a, first dimension of b with suffix ``_b``]; NaN where
        two empty sets meet. Category and subtype come along as coordinates, with ``_b`` for b.
    """
    second = a if b is None else b
    if a.shape[1:] != second.shape[1:]:
        raise InputError(
            f"sets over {a.shape[1:]} and {second.shape[1:]} components differ in kind"
        )
    labels = {dim: a[dim].to_numpy().tolist() for dim in a.dims[1:] if dim in a.coords}
    second = in_order("b", second, labels)
    rows = [overlaps(flat, second, kind) for flat in _blocks(a)]
    return xr.DataArray(
        np.concatenate(rows),
        dims=(a.dims[0], f"{second.dims[0]}_b"),
        coords=_labels(a, "") | _labels(second, "_b"),
        name=kind,
    )


def overlaps(a: np.ndarray, b: np.ndarray | xr.DataArray, kind: str = "jaccard") -> np.ndarray:
    """Overlap of every set of ``a`` with every set of ``b``, 0/1 [set, component]: the array form."""
    if kind not in ("jaccard", "overlap"):
        raise InputError(f"unknown kind {kind!r}; use jaccard or overlap")
    parts = [(a.astype(np.float32) @ flat.T, flat.sum(axis=1)) for flat in _blocks(b)]
    both, size_b = (np.concatenate(x, axis=-1, dtype=float) for x in zip(*parts, strict=True))
    size_a = a.sum(axis=1, dtype=float)[:, None]
    if kind == "jaccard":
        return jaccard(both, size_a, size_b)
    return _share(both, np.minimum(size_a, size_b))


def jaccard(both: np.ndarray, size_a: np.ndarray, size_b: np.ndarray) -> np.ndarray:
    """|A and B| / |A or B| from |A and B|, |A| and |B|; NaN where two empty sets meet."""
    return _share(both, size_a + size_b - both)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def _blocks(sets: np.ndarray | xr.DataArray) -> Iterator[np.ndarray]:
    """Rows in blocks, as 0/1 floats: a product of these counts exactly below 2**24 components."""
    for start in range(0, sets.shape[0], _BLOCK_ROWS):
        block = np.asarray(sets[start : start + _BLOCK_ROWS])
        yield block.reshape(len(block), -1).astype(np.float32)


def _labels(sets: xr.DataArray, suffix: str) -> dict[str, tuple[str, np.ndarray]]:
    dim = sets.dims[0]
    return {
        f"{name}{suffix}": (f"{dim}{suffix}", sets[name].to_numpy())
        for name in (dim, "category", "subtype")
        if name in sets.coords and sets[name].dims == (dim,)
    }
