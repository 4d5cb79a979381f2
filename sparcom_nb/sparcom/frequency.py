"""How often each component is active on the tokens of an instruction.

    p[l,i](I) = (1/T) sum over the T counted tokens of 1[A[l,i,t] > 0]

A[l,i,t] is the activation of neuron i of layer l at token t, right after the nonlinearity (SPARCOM,
Zhang et al. 2025, section 3.2; methods of this package: ``docs/methods.md``).
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb import taps
from sparcom_nb.capture import PositiveCounts, capture
from sparcom_nb.errors import InputError
from sparcom_nb.prompts import encode


def activation_frequency(
    model: TransformerBridge,
    data: pd.DataFrame,
    site: str = "gate",
    span: str = "instruction",
    **options: Any,
) -> xr.DataArray:
    """Activation frequency of every dense FFN neuron on every instruction, between 0 and 1.

    Args:
        model: a model with dense layers, from :func:`sparcom_nb.load_model`.
        data: rows from :func:`sparcom_nb.load_instructions`.
        site: ``gate`` counts sigma(gate) > 0, the paper's; ``post`` counts the product with the up
            projection, whose sign differs: the two give different sets.
        span: whose tokens count: ``instruction``, ``prompt``, ``response`` or ``sample``.
        options: of :func:`sparcom_nb.capture.capture` (``batch_tokens``, ``store`` ...).

    Returns:
        DataArray float32 [instruction, layer, neuron] with category, subtype and n_tokens on
        instruction; read lazily where the counts lie in a store.

    Raises:
        InputError: as the capture pass, or a model without dense layers.
    """
    if not taps.dense_layers(model):
        raise InputError(
            f"{model.identity.name} has no dense layers, its neurons live in experts: "
            "use expert_frequency or expert_neuron_frequency"
        )
    counts = capture(model, data, PositiveCounts(site), span, **options)
    return as_frequency(counts).assign_attrs(site=site, span=span, model=model.identity.name)


def as_frequency(counts: xr.DataArray) -> xr.DataArray:
    """Counts divided by the number of counted tokens of their instruction."""
    return (counts.astype(np.float32) / counts["n_tokens"].astype(np.float32)).rename("frequency")


def token_activity(
    model: TransformerBridge, row: pd.DataFrame, layer: int, site: str = "gate"
) -> tuple[np.ndarray, list[str]]:
    """Which neurons of one layer are active on which token of one instruction.

    Args:
        model: a model with dense layers.
        row: a table with a single row.
        layer: number of a dense layer.
        site: as in :func:`activation_frequency`.

    Returns:
        0/1 array [token, neuron] and the tokens as text (a control character is shown escaped).
    """
    (prompt,) = encode(model.tokenizer, model.template, row, "instruction", model.cfg.n_ctx)
    seen: dict[int, torch.Tensor] = {}
    ids = torch.tensor([prompt.ids], device=taps.device(model))
    with taps.reading(model, site, seen.__setitem__):
        taps.forward(model, ids, torch.ones_like(ids))
    tokens = [model.tokenizer.decode([i]) for i in prompt.ids[prompt.start : prompt.stop]]
    active = (seen[layer][0, prompt.start : prompt.stop] > 0).int().cpu().numpy()
    return active, [repr(token)[1:-1] for token in tokens]
