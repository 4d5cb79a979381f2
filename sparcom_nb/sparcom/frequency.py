"""How often each component is active on the tokens of an instruction.

    neuron             p[l,i](I)   = (1/T) sum_t 1[A[l,i,t] > 0]
    expert             q[l,e](I)   = (1/T) sum_t 1[e in top_k(l,t)]
    neuron of expert   p[l,e,i](I) = (1/T) sum_t 1[A[l,e,i,t] > 0] 1[e in top_k(l,t)]

over the T counted tokens of instruction I. A is the activation of neuron i (of expert e) of layer l
at token t, right after the nonlinearity; top_k(l,t) are the experts that the router chooses (SPARCOM,
Zhang et al. 2025, section 3.2; methods of this package: ``docs/methods.md``).
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.model import taps
from sparcom_nb.model.capture import (
    PositiveCounts,
    RoutingCounts,
    capture,
    capture_all,
)
from sparcom_nb.model.prompts import encode


def activation_frequency(
    model: TransformerBridge,
    data: pd.DataFrame,
    site: str = "gate",
    span: str = "instruction",
    kind: str = "dense",
    **options: Any,
) -> xr.DataArray:
    """Activation frequency of every dense FFN neuron on every instruction, between 0 and 1.

    Args:
        model: a model with dense layers, from :func:`sparcom_nb.load_model`.
        data: rows from :func:`sparcom_nb.load_instructions`.
        site: ``gate`` counts sigma(gate) > 0, the paper's; ``post`` counts the product with the up
            projection, whose sign differs: the two give different sets.
        span: whose tokens count: ``instruction``, ``prompt``, ``response`` or ``sample``.
        kind: ``dense`` for the dense layers, or ``shared`` for the experts that every token of a
            Qwen2-MoE model goes through beside its chosen ones.
        options: of :func:`sparcom_nb.model.capture.capture_all` (``batch_tokens``, ``store`` ...).

    Returns:
        DataArray float32 [instruction, layer, neuron] with category, subtype and n_tokens on
        instruction; layer holds the numbers of the layers of that kind. Read lazily where the
        counts lie in a store.

    Raises:
        InputError: as the capture pass, or a model without neurons of that kind.
    """
    if not taps.network_layers(model, kind):
        part = "dense layers, its neurons live in experts" if kind == "dense" else "shared experts"
        raise InputError(
            f"{model.identity.name} has no {part}: use expert_frequency or expert_neuron_frequency"
        )
    counts = capture(model, data, PositiveCounts(site, kind), span, **options)
    return as_frequency(counts).assign_attrs(_said(model, span, site))


def expert_frequency(
    model: TransformerBridge, data: pd.DataFrame, span: str = "instruction", **options: Any
) -> xr.DataArray:
    """Routing frequency q of every expert on every instruction, between 0 and 1.

    Args:
        model: a Mixture-of-Experts model.
        data: rows from :func:`sparcom_nb.load_instructions`.
        span: whose tokens count.
        options: of :func:`sparcom_nb.model.capture.capture_all`.

    Returns:
        DataArray float32 [instruction, layer, expert]; layer holds the numbers of the sparse layers.
        The frequencies of a layer sum to the number of experts that a token goes through.

    Raises:
        InputError: as the capture pass, or a model without experts.
    """
    _check_sparse(model)
    counts = capture(model, data, RoutingCounts(), span, **options)
    return as_frequency(counts).assign_attrs(_said(model, span))


def expert_neuron_frequency(
    model: TransformerBridge,
    data: pd.DataFrame,
    site: str = "gate",
    span: str = "instruction",
    **options: Any,
) -> xr.DataArray:
    """Joint frequency p of every expert's neurons: the expert is chosen and the neuron active.

    The arguments and errors are those of :func:`activation_frequency` and :func:`expert_frequency`.

    Returns:
        DataArray float32 [instruction, layer, expert, neuron]. The routing frequencies of the same
        pass are its coordinate ``routing`` [instruction, layer, expert], an upper bound of p; see
        :func:`sparcom_nb.sparcom.conditional_frequency`.
    """
    _check_sparse(model)
    counts = capture_all(
        model, data, [PositiveCounts(site, "expert"), RoutingCounts()], span, **options
    )
    routing = as_frequency(counts["routed"]).variable
    joint = as_frequency(counts["count"]).assign_coords(routing=routing)
    return joint.assign_attrs(_said(model, span, site))


def neuron_frequency(
    model: TransformerBridge,
    data: pd.DataFrame,
    site: str = "gate",
    span: str = "instruction",
    **options: Any,
) -> xr.DataArray:
    """Frequency of the neurons that make up the model, whatever its kind.

    :func:`expert_neuron_frequency` for a model with experts, else :func:`activation_frequency`.
    """
    measured = expert_neuron_frequency if taps.sparse_layers(model) else activation_frequency
    return measured(model, data, site, span, **options)


def as_frequency(counts: xr.DataArray) -> xr.DataArray:
    """Counts divided by the number of counted tokens of their instruction."""
    return (counts.astype(np.float32) / counts["n_tokens"].astype(np.float32)).rename("frequency")


def _check_sparse(model: TransformerBridge) -> None:
    if not taps.sparse_layers(model):
        raise InputError(f"{model.identity.name} has no experts: use activation_frequency")


def _said(model: TransformerBridge, span: str, site: str = "") -> dict[str, str]:
    """What an array of frequencies tells about itself."""
    return {"span": span, "model": model.identity.name} | ({"site": site} if site else {})


def token_activity(
    model: TransformerBridge, row: pd.DataFrame, layer: int, site: str = "gate"
) -> tuple[np.ndarray, list[str]]:
    """Which neurons of one layer are active on which token of one instruction.

    Args:
        model: from :func:`sparcom_nb.load_model`.
        row: a table with a single row.
        layer: number of a layer, dense or sparse.
        site: as in :func:`activation_frequency`.

    Returns:
        0/1 array [token, neuron] and the tokens as text (a control character is shown escaped). In
        a sparse layer the neurons of all experts stand side by side, expert 0 first, and a neuron
        is active only on tokens that its expert is given.
    """
    (prompt,) = encode(model.tokenizer, model.template, row, "instruction", model.cfg.n_ctx)
    ids = torch.tensor([prompt.ids], device=taps.device(model))
    read = _sparse_activity if layer in taps.sparse_layers(model) else _dense_activity
    active = read(model, ids, layer, site)[prompt.start : prompt.stop]
    tokens = [model.tokenizer.decode([i]) for i in prompt.ids[prompt.start : prompt.stop]]
    return active.int().cpu().numpy(), [repr(token)[1:-1] for token in tokens]


def _dense_activity(
    model: TransformerBridge, ids: torch.Tensor, layer: int, site: str
) -> torch.Tensor:
    seen: dict[int, torch.Tensor] = {}
    with taps.reading(model, site, seen.__setitem__):
        taps.forward(model, ids, torch.ones_like(ids))
    return seen[layer].flatten(0, -2) > 0


def _sparse_activity(
    model: TransformerBridge, ids: torch.Tensor, layer: int, site: str
) -> torch.Tensor:
    active = torch.zeros(ids.shape[1], *taps.experts_shape(model), dtype=torch.bool)

    def visit(n: int, expert: int, token: torch.Tensor, activation: torch.Tensor) -> None:
        if n == layer:
            active[token.cpu(), expert] = (activation > 0).cpu()

    with taps.reading_experts(model, site, visit):
        taps.forward(model, ids, torch.ones_like(ids))
    return active.flatten(start_dim=1)
