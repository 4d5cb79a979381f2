"""Notebook 33: selections that share rows, and directions moved to another model, by the effect."""

import numpy as np

from sparcom_nb.evidence import Clusters, finding
from sparcom_nb.studies import transfer
from worlds import Path
from worlds.directions import NAMES, RATIO, mixed


def in_common(effect, seed):
    """Scores of capabilities have a part in common by the effect; sub-types differ."""
    rng, mix = np.random.default_rng(seed), mixed()
    kind = rng.normal(size=(len(NAMES), len(mix.pool) // 6)).repeat(6, axis=1)
    values = kind + rng.normal(size=kind.shape) + effect * rng.normal(size=len(mix.pool))
    return transfer.in_common(values, mix, RATIO), 0.0


def carried(effect, seed):
    """Neurons differ in scale; the moved direction is the model's own by the effect (a correlation)."""
    rng = np.random.default_rng(seed)
    here, there = np.exp(rng.normal(size=(2, 2, 24)))
    own, strange = here * rng.normal(size=(3, 2, 24)), there * rng.normal(size=(3, 2, 24))
    pool = here[:, None] * rng.normal(size=(2, 40, 24))
    moved = effect * own + (1 - effect**2) ** 0.5 * strange
    told = transfer.carried(moved, own, pool, 99, seed)
    return finding("A.", *told, Clusters.of(mixed().target)), np.nan


PATHS = {
    "in common": Path(in_common, 1.5),
    "to MODEL": Path(carried, 0.5),
}
