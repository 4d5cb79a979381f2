"""Routing made by hand: categories, sub-types and lengths that move it, and neurons inside experts."""

import numpy as np
import xarray as xr

from sparcom_nb.evidence import Clusters, Finding
from sparcom_nb.sparcom import overlap, specific_experts
from sparcom_nb.studies import experts
from sparcom_nb.studies.identify import separation
from worlds import Path

CATEGORIES = ("CLS", "QA", "SUM")
DRAWS = 99


def joint_of(effect, seed=0, units=6, each=2, subtype=1.0, length=0.0, neurons=0.0):
    """2 of 8 experts a token, 10 tokens, 2 layers, 3 neurons an expert that work half of the time.

    What moves the router: the category by ``effect``, the sub-type, and the length by ``length`` (then
    categories differ in length). ``neurons``: what categories do to the neurons inside.
    """
    rng, n = np.random.default_rng(seed), 3 * units * each
    category, unit = np.repeat(range(3), units * each), np.arange(n) // each
    tokens = rng.integers(4, 20, n) + (8 * category if length else 0)
    fixed = np.random.default_rng(0).permuted(np.tile(np.linspace(-1.5, 1.5, 8), (3, 2, 1)), axis=2)
    liking = fixed[category] * effect
    liking = liking + rng.normal(size=(3 * units, 2, 8))[unit] * subtype
    liking = liking + length * rng.normal(size=(2, 8)) * np.log(tokens)[:, None, None]
    rank = (-(liking + rng.gumbel(size=(10, n, 2, 8)))).argsort(-1).argsort(-1)
    own = 0.15 * rng.normal(size=(3 * units, 2, 8, 3))[unit]
    working = (
        0.5
        + own
        + neurons * (1 - 2 * (np.arange(3) == np.arange(3)[:, None]))[category][:, None, None]
    )
    routed = (rank < 2)[..., None] & np.ones(3, dtype=bool)
    joint = (routed & (rng.random(routed.shape) < working)).mean(axis=0)
    coords = {
        "category": ("instruction", np.array(CATEGORIES)[category]),
        "subtype": ("instruction", unit.astype(str)),
        "n_tokens": ("instruction", tokens),
        "routing": (("instruction", "layer", "expert"), (rank < 2).mean(axis=0)),
        "instruction": [f"i{k}" for k in range(n)],
        "layer": [1, 3],
        "expert": range(8),
        "neuron": range(3),
    }
    return xr.DataArray(joint, coords, ("instruction", "layer", "expert", "neuron"))


def usage(effect: float, seed: int) -> tuple[Finding, float]:
    """Shares of explained variance have no interval."""
    joint = joint_of(effect, seed)
    clusters = Clusters.of(joint)
    return experts.varies("usage", joint["routing"].to_numpy(), clusters, DRAWS, seed), np.nan


def neurons(effect: float, seed: int) -> tuple[Finding, float]:
    """Categories are routed apart all the time; only the neurons inside may differ."""
    joint = joint_of(1.0, seed, neurons=effect)
    values = experts.inside(joint, joint["routing"])
    return experts.varies("neurons", values, Clusters.of(joint), DRAWS, seed), np.nan


def shared(effect: float, seed: int) -> tuple[Finding, float]:
    """Pairs of different sub-types: none effect, no gap."""
    marked = specific_experts(joint_of(effect, seed)["routing"])
    return separation(overlap(marked), DRAWS, seed, "Within above across.", "Jaccard"), 0.0


def beyond_length(effect: float, seed: int) -> tuple[Finding, float]:
    """The length moves the router and differs between categories all the time."""
    joint = joint_of(effect, seed, length=0.5)
    values, length = joint["routing"].to_numpy(), joint["n_tokens"].to_numpy()
    clusters = Clusters.of(joint)
    return experts.varies("usage beyond length", values, clusters, DRAWS, seed, length), np.nan


PATHS = {
    "usage": Path(usage, 0.6),
    "usage beyond length": Path(beyond_length, 1.0),
    "experts": Path(shared, 0.72),
    "neurons": Path(neurons, 0.085),
}
