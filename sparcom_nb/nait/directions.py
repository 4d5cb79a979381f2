"""Capability directions: where the activations of in-domain samples go, a unit vector a layer.

    pc1        first principal component of the drifts dA_i = A_i(t_K) - A_i(t_1), centred (NAIT, Chen
               et al. 2026, section 3)
    contrast   mean activation of the in-domain samples minus that of the pool (ours)

A component has no sign of its own. Layer by layer it is turned so that

    drift      the mean drift of the in-domain samples has a positive product with it (the accounts)
    pool       the in-domain samples' mean activation scores above the pool's (ours)

The score takes a candidate's *activation*, of which the drift says nothing: where the two signs
differ, a layer with the sign ``drift`` puts the capability's own rows below the pool's.

A(t) holds the activations of a layer's FFN neurons at token t, at site ``post`` (what the down
projection reads) unless another is asked for. Of a Mixture-of-Experts layer it holds the neurons of
all routed experts, zero on tokens that are not sent to their expert.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from scipy.linalg import eigh
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.model.capture import neuron_coords
from sparcom_nb.nait.readout import CANDIDATES, check_kind, sample_activations
from sparcom_nb.store import told, write

SIGNS = ("drift", "pool")


@dataclass(frozen=True)
class Direction:
    """A capability as a unit vector a layer, with what is needed to use it right.

    Attributes:
        vectors: float64 [layer, neuron], or [layer, expert, neuron]; every layer has length 1.
        method, sign: what it is, and what its layers were turned by.
        site, span, skip, kind: what was read, as in :func:`sample_activations`.
        rows: how many samples it was made of.
        model, weights_sha256: whose neurons these are.
        name: of the capability.
        origin: name of the model that it was made on, where it was transferred from another.
    """

    vectors: xr.DataArray = field(repr=False)
    method: str
    site: str
    span: str
    skip: int
    kind: str
    rows: int
    model: str
    weights_sha256: str
    name: str = ""
    origin: str = ""
    sign: str = "drift"

    @property
    def metadata(self) -> dict[str, Any]:
        """All but the vectors."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "vectors"}

    @property
    def digest(self) -> str:
        """SHA-256 of the vectors and of all that is known about them."""
        vectors = np.ascontiguousarray(self.vectors).tobytes()
        return hashlib.sha256(json.dumps(self.metadata).encode() + vectors).hexdigest()

    def check(self, model: TransformerBridge) -> None:
        """Raise InputError when this is a direction of another model's neurons."""
        here = model.identity
        if here.weights_sha256 != self.weights_sha256:
            raise InputError(
                f"direction {self.name!r} belongs to {self.model} (weights {self.weights_sha256[:12]}),"
                f" not to {here.name} (weights {here.weights_sha256[:12]}): make one on this model, or "
                "use direction.transfer(model) where one model was tuned from the other"
            )

    def transfer(self, model: TransformerBridge) -> "Direction":
        """Return the same vectors as a direction of another model's neurons.

        It has a meaning only between models tuned from one another: that neuron i of one is neuron i
        of the other cannot be seen from their weights and is not checked.

        Raises:
            InputError: the model has other layers, or other kinds or numbers of neurons.
        """
        check_kind(model, self.kind)
        here = {dim: len(c) for dim, c in neuron_coords(model, self.kind).items()}
        own = {str(dim): n for dim, n in self.vectors.sizes.items()}
        if here != own:
            raise InputError(
                f"direction {self.name!r} of {self.model} has {_sizes(own)}, {model.identity.name} has "
                f"{_sizes(here)}: their neurons do not correspond and no transfer is defined"
            )
        identity = model.identity
        return replace(
            self,
            model=identity.name,
            weights_sha256=identity.weights_sha256,
            origin=self.origin or self.model,
        )

    def save(self, path: str | Path) -> None:
        """Write one safetensors file; what is known about the vectors is JSON in its header.

        Raises:
            InputError: the place is a folder, or cannot be written.
        """
        path = Path(path)
        arrays = {"vectors": np.ascontiguousarray(self.vectors)}
        said = {"dims": self.vectors.dims, "layers": self.vectors["layer"].to_numpy().tolist()}
        with told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, save(arrays, {"direction": json.dumps(self.metadata | said)}))

    @classmethod
    def load(cls, path: str | Path, model: TransformerBridge | None = None) -> "Direction":
        """Read what :meth:`save` wrote.

        Raises:
            InputError: not such a file, or a direction of another model than ``model``.
        """
        try:
            with safe_open(path, "numpy") as file:
                said = json.loads(file.metadata()["direction"])
                vectors = file.get_tensor("vectors")
        except (OSError, SafetensorError, TypeError, KeyError) as error:
            raise InputError(
                f"{path}: not a saved direction ({error}); Direction.save writes one"
            ) from None
        coords = {dim: np.arange(n) for dim, n in zip(said.pop("dims"), vectors.shape, strict=True)}
        coords["layer"] = np.array(said.pop("layers"))
        made = cls(xr.DataArray(vectors, coords, tuple(coords), name="direction"), **said)
        if model is not None:
            made.check(model)
        return made


def capability_direction(
    model: TransformerBridge,
    data: pd.DataFrame,
    method: str = "pc1",
    pool: pd.DataFrame | None = None,
    name: str = "",
    sign: str = "drift",
    **how: Any,
) -> Direction:
    """Direction of a capability from samples that show it.

    Args:
        model: from :func:`sparcom_nb.load_model`.
        data: in-domain rows, with responses.
        method: ``pc1`` (the paper's) or ``contrast`` (ours; needs ``pool``).
        pool: rows of the pool, or a sample of them, for ``contrast`` and for the sign ``pool``.
        name: of the capability.
        sign: ``drift`` or ``pool``, see :mod:`sparcom_nb.nait.directions`; says nothing to ``contrast``.
        how: of :func:`sample_activations`: ``site``, ``span``, ``skip``, ``kind``, ``batch_tokens``.

    Raises:
        InputError: an unknown method or sign, too few rows, rows all alike, or as the capture pass.
    """
    _check_method(method, sign, pool is not None)
    own = sample_activations(model, data, **how)
    others = None if pool is None else sample_activations(model, pool, **how)
    return direction_of(own, method, others, name, sign)


def direction_of(
    activations: xr.DataArray,
    method: str = "pc1",
    pool: xr.DataArray | None = None,
    name: str = "",
    sign: str = "drift",
) -> Direction:
    """:func:`capability_direction` from activations that are there already.

    Both arrays are as :func:`sample_activations` returns them, read alike on the same model.
    """
    _check_method(method, sign, pool is not None)
    said = dict(activations.attrs)
    if pool is not None and pool.attrs != said:
        raise InputError(
            f"the pool was read as {pool.attrs}, the samples as {said}: read them alike"
        )
    candidate, make = METHODS[method]
    vectors = []
    for layer in activations["layer"].to_numpy():
        own, others = (_layer(part, layer) for part in (activations, pool))
        vector = make(own[candidate], others.get(candidate, np.empty(0)))
        if sign == "pool" and others:
            vector = turned(vector, own["mean"], others["mean"])
        vectors.append(vector)
    like = activations.isel(instruction=0, candidate=0, drop=True)
    coords = {dim: like[dim].to_numpy() for dim in like.dims}
    return Direction(
        xr.DataArray(np.reshape(vectors, like.shape), coords, like.dims, name="direction"),
        method=method,
        rows=activations.sizes["instruction"],
        name=name,
        sign="pool" if method == "contrast" else sign,
        **said,
    )


def turned(vector: np.ndarray, own: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """The vector or its negative, so that rows [row, feature] score above the pool's on average."""
    return -vector if (own.mean(axis=0) - pool.mean(axis=0)) @ vector < 0 else vector


def first_component(x: np.ndarray) -> np.ndarray:
    """First principal component [feature] of rows [row, feature], its product with their mean positive.

    By the eigenvectors of the smaller of the two product matrices.
    """
    centred = x - x.mean(axis=0)
    wide = x.shape[0] < x.shape[1]
    product = centred @ centred.T if wide else centred.T @ centred
    n = len(product)
    _, vectors = eigh(product, subset_by_index=[n - 1, n - 1])
    vector = centred.T @ vectors[:, 0] if wide else vectors[:, 0]
    vector = _unit(vector)
    return -vector if x.mean(axis=0) @ vector < 0 else vector


def _pc1(x: np.ndarray, _: np.ndarray) -> np.ndarray:
    if len(x) < 2 or np.ptp(x, axis=0).max() == 0:
        raise InputError(
            f"{len(x)} samples whose drifts do not differ have no principal component; give at least "
            "2 different rows"
        )
    return first_component(x)


def _contrast(x: np.ndarray, pool: np.ndarray) -> np.ndarray:
    difference = x.mean(axis=0) - pool.mean(axis=0)
    if not difference.any():
        raise InputError("the samples are the pool; give a pool that holds other rows too")
    return _unit(difference)


#: Name -> the candidate form it is made of, and its function of [row, feature] and the pool's.
METHODS: dict[str, tuple[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "pc1": ("drift", _pc1),
    "contrast": ("mean", _contrast),
}


def _check_method(method: str, sign: str, has_pool: bool) -> None:
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}; use one of {', '.join(METHODS)}")
    if sign not in SIGNS:
        raise InputError(f"unknown sign {sign!r}; use {' or '.join(SIGNS)}")
    for what, value in (("method", method), ("sign", sign)):
        if value in ("contrast", "pool") and not has_pool:
            raise InputError(f"{what} {value!r} compares with a pool; give pool=")


def _layer(values: xr.DataArray | None, layer: int) -> dict[str, np.ndarray]:
    """Both forms of the rows [row, feature] of a layer in float64; none without values."""
    if values is None:
        return {}
    one = values.sel(layer=layer).transpose("candidate", "instruction", ...)
    return {c: np.reshape(v, (len(v), -1)).astype(np.float64)
            for c, v in zip(CANDIDATES, one.to_numpy(), strict=True)}  # fmt: skip


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _sizes(sizes: dict[str, int]) -> str:
    return " x ".join(f"{n} {dim}s" for dim, n in sizes.items())
