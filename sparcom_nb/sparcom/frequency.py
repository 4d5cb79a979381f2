"""How often each component is active on the tokens of an instruction.

    p[l,i](I) = (1/T) sum over the T counted tokens of 1[A[l,i,t] > 0]

A[l,i,t] is the activation of neuron i of layer l at token t, right after the nonlinearity (SPARCOM,
Zhang et al. 2025, section 3.2; methods of this package: ``docs/methods.md``).
"""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb import taps
from sparcom_nb.capture import PositiveCounts, capture
from sparcom_nb.errors import InputError


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
