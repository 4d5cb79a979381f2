"""How a sample enters: its activations A(t) at tokens t_1 ... t_K, reduced to one vector a layer.

    mean     A(y)  = (1/K) sum_t A(t)         the default of a candidate
    drift    dA(y) = A(t_K) - A(t_1)          what directions are made of; a candidate's alternative

(NAIT, Chen et al. 2026, section 3.) Both are weighted sums over the tokens, so that any number of
them, and their products with any number of directions, are taken while the model runs: no activation
outlives its layer.

``skip`` leaves the first tokens out: t_1 is then the token after them. The first token often stands
for being first (a model may park its attention there, with activations a hundred times larger), not
for the capability. The last token always stays.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.model import taps
from sparcom_nb.model.capture import Batch, capture, neuron_coords, token_sums

if TYPE_CHECKING:
    from sparcom_nb.nait.directions import Direction

CANDIDATES = ("mean", "drift")


def sample_activations(
    model: TransformerBridge,
    data: pd.DataFrame,
    site: str = "post",
    span: str = "sample",
    skip: int = 0,
    kind: str | None = None,
    **options: Any,
) -> xr.DataArray:
    """Mean and drift of every neuron's activation over every sample, in one pass.

    Args:
        model: from :func:`sparcom_nb.load_model`.
        data: rows with responses.
        site: ``post`` (the input of the down projection) or ``gate``.
        span: whose tokens are t_1 ... t_K: ``sample`` is instruction, input and response without
            any template.
        skip: leave so many of the first of them out (see :mod:`sparcom_nb.nait.readout`); 0 is the
            paper's.
        kind: ``dense``, ``shared`` or ``expert``; None is ``expert`` for a model with experts.
        options: of :func:`sparcom_nb.model.capture.capture_all`.

    Returns:
        DataArray float32 [instruction, candidate, layer, (expert,) neuron]; candidate is mean and
        drift. Its attributes say what was read, and of which model.

    Raises:
        InputError: a model without neurons of that kind, or as the capture pass.
    """
    if skip < 0:
        raise InputError(f"skip must be 0 or more, not {skip}")
    kind = kind or taps.main_kind(model)
    check_kind(model, kind)
    found = capture(model, data, SampleActivations(site, kind, skip), span, **options)
    identity = model.identity
    return found.assign_attrs(
        site=site, span=span, skip=skip, kind=kind,
        model=identity.name, weights_sha256=identity.weights_sha256,
    )  # fmt: skip


@dataclass(frozen=True)
class SampleActivations:
    """Mean and drift of every neuron over a sample: [candidate, layer, (expert,) neuron]."""

    site: str = "post"
    kind: str = "dense"
    skip: int = 0
    name: str = "activation"
    dtype: str = "float32"

    def coords(self, model: TransformerBridge) -> dict[str, Any]:
        """Dimensions candidate, layer, (expert,) neuron."""
        return {"candidate": list(CANDIDATES), **neuron_coords(model, self.kind)}

    @contextmanager
    def reading(self, model: TransformerBridge, batch: Batch, out: Tensor) -> Iterator[None]:
        """Keep the weighted sums of every network."""

        def keep(place: tuple[int, ...], sums: Tensor) -> None:
            out[:, :, *place] = sums

        weights = token_weights(batch.counted, CANDIDATES, self.skip)
        with token_sums(model, self.site, weights, keep, self.kind):
            yield


@dataclass(frozen=True)
class Projections:
    """A^(l)(y) . v_l for every candidate form, direction and layer: [candidate, direction, layer].

    The directions are of one model and read alike, ``labels`` name them; a layer that they have no
    vector for stays zero. The result is as exact as the model's own numbers.
    """

    directions: "Sequence[Direction]"
    labels: Sequence[str]
    candidates: Sequence[str] = CANDIDATES
    name: str = "score"
    dtype: str = "float64"

    def coords(self, model: TransformerBridge) -> dict[str, Any]:
        """Dimensions candidate, direction, layer (of the whole model)."""
        layers = np.arange(model.cfg.n_layers)
        return {"candidate": list(self.candidates), "direction": list(self.labels), "layer": layers}

    @contextmanager
    def reading(self, model: TransformerBridge, batch: Batch, out: Tensor) -> Iterator[None]:
        """Project every network's weighted sums."""
        one = self.directions[0]
        layers = one.vectors["layer"].to_numpy().tolist()
        each = [torch.tensor(direction.vectors.to_numpy()) for direction in self.directions]
        vectors = torch.stack(each, dim=-1).to(out)  # [layer, (expert,) neuron, direction]

        def add(place: tuple[int, ...], sums: Tensor) -> None:
            out[..., layers[place[0]]] += sums @ vectors[place]

        weights = token_weights(batch.counted, self.candidates, one.skip)
        with token_sums(model, one.site, weights, add, one.kind):
            yield


def token_weights(counted: Tensor, candidates: Sequence[str], skip: int) -> Tensor:
    """Weights [batch, candidate, token] that make each candidate a sum; counted: bool [batch, token]."""
    number = counted.cumsum(dim=1)
    n_counted = number[:, -1:]
    counted = counted & (number > torch.clamp(n_counted - 1, max=skip))
    first = counted & (counted.cumsum(dim=1) == 1)
    last = counted & (number == n_counted)
    made = {
        "mean": counted.double() / counted.sum(dim=1, keepdim=True),
        "drift": last.double() - first.double(),
    }
    return torch.stack([made[name] for name in candidates], dim=1)


def check_kind(model: TransformerBridge, kind: str) -> None:
    """Raise InputError where a model has no such neurons."""
    there = {
        "dense": taps.dense_layers(model),
        "shared": taps.network_layers(model, "shared"),
        "expert": taps.sparse_layers(model),
    }
    if kind not in there:
        raise InputError(f"unknown kind {kind!r}; use one of {', '.join(there)}")
    if not there[kind]:
        some = ", ".join(name for name, layers in there.items() if layers)
        raise InputError(f"{model.identity.name} has no {kind} neurons; kinds it has: {some}")
