"""Changing components while a model runs: switch off, scale, replace by the mean; bar experts.

SPARCOM, Zhang et al. 2025, section 5, deactivates the components it found. A neuron is deactivated by
setting what it hands to the down projection (site ``post``) to zero; other factors and values are
the same tool. An expert is deactivated by barring it from its router's choice, or by silencing it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import pandas as pd
import torch
import xarray as xr
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.expect import in_order
from sparcom_nb.model import taps
from sparcom_nb.model.capture import ActivationSums, capture, neuron_coords

Value = float | xr.DataArray | None


@contextmanager
def intervene(
    model: TransformerBridge,
    neurons: xr.DataArray | None = None,
    scale: float | None = None,
    value: Value = None,
    experts: xr.DataArray | None = None,
    silence: bool = False,
    kind: str = "dense",
) -> Iterator[None]:
    """Change components of ``model`` for everything that runs inside the context.

    Interventions nest: an inner one works on what the outer ones leave. The model is as before when
    the context ends, by an exception too.

    Args:
        model: from :func:`sparcom_nb.load_model`.
        neurons: bool [layer, neuron] of dense layers, or [layer, expert, neuron] of experts; True
            is changed. Layers are told by their coordinate and may be some of the model's.
        scale: factor of the neurons' activation at site ``post``; 0, the default, switches off,
            above 1 amplifies.
        value: activation to put in its place: a number, or an array of the dimensions of
            ``neurons``, such as a mean of :func:`mean_activation`.
        experts: bool [layer, expert]; True is switched off: the router chooses among the others,
            with their probabilities renormalised where the architecture does so.
        silence: the router may choose the experts in ``experts``, but they write nothing.
        kind: ``shared`` when ``neurons`` are those of shared experts (Qwen2-MoE).

    Raises:
        InputError: a mask that does not fit the model, ``scale`` and ``value`` together, or a layer
            left without experts.
    """
    if scale is not None and value is not None:
        raise InputError("give scale (a factor) or value (an activation), not both")
    if neurons is None and experts is None:
        raise InputError("nothing to change: give neurons or experts (bool DataArrays)")
    with ExitStack() as undo:
        if experts is not None:
            undo.enter_context(_without_experts(model, experts, silence))
        if neurons is not None and "expert" in neurons.dims:
            undo.enter_context(_expert_neurons(model, neurons, scale or 0.0, value))
        elif neurons is not None:
            undo.enter_context(_neurons(model, neurons, scale or 0.0, value, kind))
        yield


@contextmanager
def interpolated(base: TransformerBridge, tuned: TransformerBridge, share: float) -> Iterator[None]:
    """Bring ``tuned`` back towards ``base`` inside the context: only ``share`` of its weight change."""
    before = dict(base.named_parameters())
    own = {name: weight.detach().clone() for name, weight in tuned.named_parameters()}
    try:
        with torch.no_grad():
            for name, weight in tuned.named_parameters():
                weight.copy_(before[name] + share * (own[name] - before[name]))
        yield
    finally:
        with torch.no_grad():
            for name, weight in tuned.named_parameters():
                weight.copy_(own[name])


def weight_change(base: TransformerBridge, tuned: TransformerBridge) -> float:
    """Euclidean norm of the difference of all weights of two models of one architecture."""
    before = dict(base.named_parameters())
    return (
        sum(
            float((weight - before[name]).double().pow(2).sum())
            for name, weight in tuned.named_parameters()
        )
        ** 0.5
    )


def changed(model: TransformerBridge, mask: xr.DataArray | None) -> AbstractContextManager[None]:
    """Switch the neurons in ``mask`` off, or bar its experts where it is [layer, expert]; None: nothing."""
    if mask is None:
        return nullcontext()
    if "neuron" in mask.dims:
        return intervene(model, neurons=mask)
    return intervene(model, experts=mask)


def mean_activation(
    model: TransformerBridge,
    data: pd.DataFrame,
    span: str = "response",
    absolute: bool = False,
    **options: Any,
) -> xr.DataArray:
    """Mean activation at site ``post`` of every neuron over the counted tokens of every row.

    Args:
        model: of one with experts their neurons are measured, as by :func:`neuron_frequency`.
        data: rows from :func:`sparcom_nb.load_instructions`.
        span: whose tokens count.
        absolute: the mean of the absolute value instead.
        options: of :func:`sparcom_nb.model.capture.capture`.

    Returns:
        DataArray float32 [instruction, layer, neuron], or [instruction, layer, expert, neuron],
        where a token that is not sent to an expert counts as 0 (divide by the routing frequency
        for the mean over the tokens that are).
    """
    kind = taps.main_kind(model)
    measure = ActivationSums(kind=kind, of="absolute" if absolute else "value")
    sums = capture(model, data, measure, span, **options)
    return (sums / sums["n_tokens"].astype("float32")).rename("mean_activation")


def write_norm(model: TransformerBridge) -> xr.DataArray:
    """Norm of each neuron's column of W_down: [layer, neuron], or [layer, expert, neuron].

    Times the mean absolute activation it says how much the neuron writes into the residual stream.
    """
    kind = taps.main_kind(model)
    coords: Any = neuron_coords(model, kind)
    norms = [weight.float().norm(dim=1) for *_, weight in taps.output_weights(model, kind)]
    shape = [len(coord) for coord in coords.values()]
    values = torch.stack(norms).reshape(shape).cpu().numpy()
    return xr.DataArray(values, coords, tuple(coords), name="write_norm")


def _neurons(
    model: TransformerBridge, mask: xr.DataArray, scale: float, value: Value, kind: str
) -> AbstractContextManager[None]:
    layers = taps.network_layers(model, kind)
    if not layers:
        raise InputError(
            f"{model.identity.name} has no {kind} layers: give neurons [layer, expert, neuron]"
        )
    sizes = {"neuron": taps.width(model, kind)}
    changes = _changes(model, mask, scale, value, layers, sizes)
    return taps.writing(model, lambda n, post: changes[n](post) if n in changes else post, kind)


def _expert_neurons(
    model: TransformerBridge, mask: xr.DataArray, scale: float, value: Value
) -> AbstractContextManager[None]:
    layers, sizes = _experts_of(model)
    changes = _changes(model, mask, scale, value, layers, sizes)
    return taps.expert_taps(model, {n: _tap(change) for n, change in changes.items()})


def _without_experts(
    model: TransformerBridge, mask: xr.DataArray, silence: bool
) -> AbstractContextManager[None]:
    layers, sizes = _experts_of(model)
    n_neurons = sizes.pop("neuron")
    off = _by_layer(model, mask, "experts", layers, sizes)
    if silence:
        return _expert_neurons(model, mask.expand_dims(neuron=n_neurons), 0.0, None)
    return taps.barring(model, {n: one for n, one in off.items() if one.any()})


def _experts_of(model: TransformerBridge) -> tuple[list[int], dict[str, int]]:
    if not taps.sparse_layers(model):
        raise InputError(f"{model.identity.name} has no experts: give neurons [layer, neuron]")
    return taps.sparse_layers(model), dict(
        zip(("expert", "neuron"), taps.experts_shape(model), strict=True)
    )


def _changes(
    model: TransformerBridge,
    mask: xr.DataArray,
    scale: float,
    value: Value,
    layers: list[int],
    sizes: dict[str, int],
) -> dict[int, Callable[..., Tensor]]:
    """``change(post, expert)`` of every layer with a neuron to change."""
    off = _by_layer(model, mask, "neurons", layers, sizes)
    if isinstance(value, xr.DataArray):
        new = _by_layer(model, value, "value", layers, sizes)
    else:
        new = dict.fromkeys(off, None if value is None else torch.tensor(value))
    if missing := set(off) - set(new):
        raise InputError(f"value has no layer {min(missing)}, which neurons has")
    return {n: _change(off[n], new[n], scale) for n in off if off[n].any()}


def _change(off: Tensor, new: Tensor | None, scale: float) -> Callable[..., Tensor]:
    """Put the new value, or the scaled one, where ``off`` [(expert,) neuron] is True."""

    def change(post: Tensor, expert: Any = ...) -> Tensor:
        if new is None:
            return torch.where(off[expert], post * scale, post)
        other = new[expert] if new.dim() else new
        return torch.where(off[expert], other.to(post), post)

    return change


def _tap(change: Callable[..., Tensor]) -> taps.ExpertTap:
    return lambda expert, token, gate, post: change(post, expert)


def _by_layer(
    model: TransformerBridge,
    array: xr.DataArray,
    name: str,
    layers: list[int],
    sizes: dict[str, int],
) -> dict[int, Tensor]:
    """The part of a labelled array for each layer, checked against the model."""
    dims = ("layer", *sizes)
    if set(array.dims) != set(dims):
        raise InputError(
            f"{name} has the dimensions {', '.join(map(str, array.dims))}; "
            f"{', '.join(dims)} are expected"
        )
    if name != "value" and array.dtype != bool:
        raise InputError(f"{name} must hold True and False, not {array.dtype}")
    array = array.transpose(*dims)
    if array.shape[1:] != tuple(sizes.values()):
        wanted = " and ".join(f"{n} {dim}s" for dim, n in sizes.items())
        raise InputError(f"{name} has the shape {array.shape}; a layer here has {wanted}")
    numbers = array["layer"].to_numpy().tolist() if "layer" in array.coords else layers
    if len(numbers) != len(array) or not set(numbers) <= set(layers):
        given = f"layers {numbers}" if "layer" in array.coords else f"{len(array)} layers"
        raise InputError(f"{name} has {given}; the model has {layers}")
    array = in_order(name, array, {dim: list(range(n)) for dim, n in sizes.items()})
    values = torch.tensor(array.to_numpy().copy(), device=taps.device(model))
    return dict(zip(numbers, values, strict=True))
