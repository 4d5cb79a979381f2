"""Directions among words that come in clumps, and small networks that were changed at random."""

import numpy as np
import pandas as pd
import torch

from sparcom_nb.studies import concepts
from worlds import Path

_RNG = np.random.default_rng(0)
_WORDS = _RNG.normal(size=(15, 16)).repeat(8, axis=0) + 0.9 * _RNG.normal(size=(120, 16))
_CLUMP = np.arange(120) // 8
_INDEX = pd.MultiIndex.from_product([range(4), range(12)], names=["layer", "component"])


def marks(rng, more: float) -> pd.DataFrame:
    """Four random frames of twelve directions; each is named when its nearest words are of one clump.

    A share ``more`` of them has a name anyway.
    """
    made = rng.normal(size=(4, 12, 16))
    axes = np.linalg.qr(made.swapaxes(1, 2))[0].swapaxes(1, 2).reshape(48, 16)
    near = _CLUMP[np.argsort(-np.abs(axes @ _WORDS.T), axis=1)[:, :8]]
    named = np.array([np.bincount(one).max() >= 5 for one in near]) | (rng.random(48) < more)
    return pd.DataFrame({"explained": named.astype(float)}, _INDEX)


def names(effect: float, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    of = {"base": 0, "tuned": effect, "base, random directions": 0, "tuned, random directions": 0}
    return concepts.name_findings({name: marks(rng, more) for name, more in of.items()}, seed + 1)


def rotation(effect: float, seed: int):
    """A network changes at random, and its fifth axis grows by ``effect``, past the first four."""
    rng, size = np.random.default_rng(seed), torch.tensor([2.0] * 4 + [1.7] + [0.5] * 7)
    weight, noise = torch.from_numpy(rng.normal(size=(2, 40, 12)))
    weight = 6 * torch.linalg.qr(weight)[0] * size
    after = weight + 0.1 * noise
    after[:, 4] *= 1 + effect
    base, tuned = ([({"layer": 0}, w)] for w in (weight, after))
    angles = {"tuned": concepts.rotation_of(base, tuned, 4)}
    angles["random change"] = concepts.random_changes(base, tuned, 4, 19, seed + 1)
    return concepts.rotation_findings(angles)["rotation"], np.nan


def placebo(effect: float, seed: int):
    """Mean angles of six networks under tuning and placebo, ``effect`` degrees apart."""
    rng, layer = np.random.default_rng(seed), {"layer": range(6)}
    tuned, plain = rng.normal([[30 + effect], [30]], 1, size=(2, 6))
    angles = {"tuned": tuned, "tuned, equal norm": tuned, "placebo, equal norm": plain}
    tables = {name: pd.DataFrame(layer | {"angle": angle}) for name, angle in angles.items()}
    tables["random change"] = tables["tuned"].assign(draw=range(6))
    return concepts.rotation_findings(tables)["placebo"], effect


PATHS = {
    "named_base, named_tuned": Path(lambda e, s: (names(e, s)["named_tuned"], e), 0.3),
    "named_change": Path(lambda e, s: (names(e, s)["named_change"], e), 0.4),
    "rotation": Path(rotation, 0.25),
    "placebo": Path(placebo, 2.1, 100),
}
