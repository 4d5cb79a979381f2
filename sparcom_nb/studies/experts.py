"""Notebook 15: which experts serve which category, and whether the neurons inside say more.

Instructions of one sub-type share their wording: category labels are permuted over whole sub-types,
and pairs of instructions come from different ones.
"""

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import Clusters, Finding, explained, mean_table
from sparcom_nb.sparcom.experts import RELATIVE, conditional_frequency, specific_experts
from sparcom_nb.sparcom.sets import overlap, specific
from sparcom_nb.studies.identify import separation
from sparcom_nb.studies.results import Results


def study(
    joint: xr.DataArray,
    relative: float = RELATIVE,
    draws: int = 999,
    seed: int = 0,
) -> Results:
    """Use of experts by category, sets of experts, and what the neurons inside them add.

    Args:
        joint: of :func:`sparcom_nb.sparcom.expert_neuron_frequency`, with its ``routing``.
        relative: the cut for experts as a multiple of uniform use.
        draws: permutations.
        seed: of these.

    Returns:
        Results: table ``usage`` (category, layer, expert, mean, low, high, n).
    """
    labels = {name: joint[name] for name in ("category", "subtype", "n_tokens")}
    routing = joint["routing"].reset_coords(drop=True).assign_coords(labels)
    clusters, marked = Clusters.of(routing), specific_experts(routing, relative)
    q, length = routing.to_numpy(), routing["n_tokens"].to_numpy()
    findings = {
        "usage": varies("usage", q, clusters, draws, seed),
        "experts": separation(
            overlap(marked),
            draws,
            seed,
            claim="Instructions of one category share more experts than those of different ones",
            unit="Jaccard",
        ),
        "usage beyond length": varies("usage beyond length", q, clusters, draws, seed, length),
        "neurons": varies("neurons", inside(joint, routing), clusters, draws, seed),
    }
    neurons = specific(joint).compute()
    numbers = {
        "share of joint sets in the instruction's experts": {
            "value": float((neurons & marked).sum() / max(1, int(neurons.sum()))),
            "control": float(marked.mean()),
        }
    }
    return Results.of("Experts", findings, numbers, {"usage": _usage(routing)})


_CLAIMS = {
    "usage": "Categories are routed to experts of their own",
    "neurons": "Inside the experts, categories use neurons of their own",
    "usage beyond length": "They are also where the length of the instructions is taken out",
}
_READINGS = {
    "usage": "Routing that differs by category may follow topic and wording as well as the task.",
    "neurons": "Whatever the router did is divided out: this is more than the choice of experts.",
    "usage beyond length": "Only what a curve in the length foretells is gone; topic and wording are not.",
}


def varies(
    name: str, values: np.ndarray, clusters: Clusters, draws: int, seed: int,
    length: np.ndarray | None = None,
) -> Finding:  # fmt: skip
    """Claim that categories explain how sub-types differ in ``values`` [row, ...]."""
    reading = _READINGS[name]
    return explained(_CLAIMS[name], values, clusters, draws, seed, length, reading=reading)


def inside(joint: xr.DataArray, routing: xr.DataArray) -> np.ndarray:
    """Conditional frequencies [row, ...] minus each neuron's mean; 0 where its expert is not called."""
    conditional = conditional_frequency(joint, routing)
    return (conditional - conditional.mean("instruction")).fillna(0).to_numpy()


def _usage(routing: xr.DataArray) -> pd.DataFrame:
    table = routing.rename("q").to_dataframe().reset_index()
    return mean_table(table, ["category", "layer", "expert"], "q")
