"""The scores of NAIT and of its rivals as plain arrays, so that a study can make them many times.

One pass gives the activations of in-domain samples and candidates; directions of any part of the
samples, and the candidates' scores along them, are then products of arrays. They are those of
:func:`sparcom_nb.nait.capability_direction` and :func:`sparcom_nb.nait.alignment_score`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.nait.baselines import baseline_score
from sparcom_nb.nait.directions import first_component, turned
from sparcom_nb.nait.readout import CANDIDATES
from sparcom_nb.nait.scores import standardised, summed
from sparcom_nb.nait.selection import select
from sparcom_nb.studies.mixture import Mixture

#: Score -> its direction, how a candidate enters, whether layers are put on one scale. The first is
#: the published one; ``pc1, oriented`` has its layers turned so that the samples score above the pool.
SCORES: dict[str, tuple[str, str, bool]] = {
    "NAIT": ("pc1", "mean", False),
    "NAIT, drift": ("pc1", "drift", False),
    "NAIT, oriented": ("pc1, oriented", "mean", False),
    "NAIT, one scale": ("pc1, oriented", "mean", True),
    "contrast": ("contrast", "mean", False),
}
#: Rival -> its name in :data:`sparcom_nb.nait.baselines.BASELINES`, and the sign that puts the best first.
BASELINES: dict[str, tuple[str, int]] = {
    "longest": ("length", 1),
    "most surprising": ("perplexity", 1),
    "least surprising": ("perplexity", -1),
    "difficulty": ("difficulty", 1),
    "embedding": ("embedding", 1),
}
DIRECTIONS = ("pc1", "pc1, oriented", "contrast")
#: By the name of a direction, vectors [capability, layer, feature], each of length 1.
Vectors = dict[str, np.ndarray]


@dataclass(frozen=True)
class Samples:
    """Activations [candidate, layer, row, feature] of in-domain samples and of the pool."""

    own: np.ndarray
    pool: np.ndarray

    @cached_property
    def around(self) -> np.ndarray:
        """Mean of the pool's means [layer, feature]."""
        return self.pool[0].mean(axis=1, dtype=float)

    @classmethod
    def of(cls, activations: xr.DataArray, n_own: int) -> "Samples":
        """From :func:`sparcom_nb.nait.sample_activations`; the first ``n_own`` rows are the samples."""
        values = activations.transpose("candidate", "layer", "instruction", ...).to_numpy()
        flat = values.reshape(*values.shape[:3], -1)
        return cls(flat[:, :, :n_own], flat[:, :, n_own:])


def directions(
    samples: Samples, label: np.ndarray, n: int, names: Sequence[str] = DIRECTIONS
) -> Vectors:
    """Directions of ``n`` capabilities from the samples that have their number as label [row]."""
    made: dict[str, list[list[np.ndarray]]] = {name: [] for name in names}
    for capability in range(n):
        own = samples.own[:, :, label == capability].astype(float)
        layers = list(zip(own[0], own[1], samples.around, strict=True))
        for name, parts in made.items():
            parts.append([_direction(name, *layer) for layer in layers])
    return {name: np.array(parts) for name, parts in made.items()}


def _direction(name: str, mean: np.ndarray, drift: np.ndarray, around: np.ndarray) -> np.ndarray:
    """One layer's direction from both forms of the samples and the pool's mean."""
    if name == "contrast":
        apart = mean.mean(axis=0) - around
        return apart / max(float(np.linalg.norm(apart)), 1e-300)
    with np.errstate(invalid="ignore"):
        component = np.nan_to_num(first_component(drift))
    return component if name == "pc1" else turned(component, mean, around[None])


def scores(samples: Samples, vectors: Vectors, name: str) -> np.ndarray:
    """Scores [capability, row] of the pool: the sum over layers of A . v."""
    direction, candidate, one_scale = SCORES[name]
    along = vectors[direction].transpose(1, 2, 0).astype(samples.pool.dtype)
    products = (samples.pool[CANDIDATES.index(candidate)] @ along).astype(float)
    layers = xr.DataArray(products, dims=("layer", "instruction", "capability"))
    return summed(standardised(layers) if one_scale else layers).to_numpy().T


def tops(values: np.ndarray, ratio: float) -> np.ndarray:
    """What :func:`sparcom_nb.nait.select` takes of scores [capability, row]: bool, the same shape."""
    chosen = np.zeros(values.shape, dtype=bool)
    for own, one in zip(chosen, values, strict=True):
        own[select(pd.Series(one), ratio)] = True
    return chosen


def baseline_scores(model: TransformerBridge, mix: Mixture, names: Sequence[str]) -> pd.DataFrame:
    """Rivals of :data:`BASELINES`: [id], columns (rival, capability)."""
    made: dict[str, pd.Series] = {}
    columns = {}
    for name in names:
        baseline, sign = BASELINES[name]
        for capability in mix.capabilities:
            own = mix.in_domain(capability) if baseline == "embedding" else None
            key = f"{baseline} {capability if baseline == 'embedding' else ''}"
            if key not in made:
                made[key] = baseline_score(baseline, model, mix.pool, own)
            columns[name, capability] = sign * made[key]
    return pd.DataFrame(columns)
