"""How far tuning turned the concepts of the feed-forward layers (Wu et al. 2024, section 3.3, extended).

The concepts of base and tuned network span a subspace each (:mod:`sparcom_nb.shift.concepts`). Their
principal angles say how far the two are apart: all 0 degrees for one and the same subspace, 90 for
subspaces that have nothing in common (Björck and Golub 1973). An angle means nothing by itself:
:mod:`sparcom_nb.studies.concepts` holds the yardsticks.
"""

import numpy as np
import pandas as pd
from scipy.linalg import subspace_angles
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.shift.concepts import Networks, networks, principal_axes

#: Angles below this (degrees) are rounding.
SAME = 1e-3


def rotation(
    base_model: TransformerBridge, tuned_model: TransformerBridge, r: int, kind: str | None = None
) -> pd.DataFrame:
    """Principal angles between the first ``r`` concepts of two models of one shape, by network.

    kind: as in :func:`sparcom_nb.shift.ffn_concepts`.

    Returns:
        DataFrame of r rows a network: layer, expert (where there are experts), component n, angle
        (the n-th smallest principal angle of the two subspaces, in degrees), partner and cosine
        (the tuned model's component that base component n is matched with, one to one, so that the
        absolute cosines have the largest sum).

    Raises:
        InputError: models of different shape, or r out of range.
    """
    return rotation_of(*paired_networks(base_model, tuned_model, kind), r)


def rotation_of(base: Networks, tuned: Networks, r: int) -> pd.DataFrame:
    """:func:`rotation` of networks: key and W_down transposed [neuron, d_model] of each."""
    tables = [
        compare(key, leading(before, r), leading(after, r))
        for (key, before), (_, after) in zip(base, tuned, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


def paired_networks(
    base_model: TransformerBridge, tuned_model: TransformerBridge, kind: str | None = None
) -> tuple[Networks, Networks]:
    """Networks of two models of one shape."""
    base, tuned = networks(base_model, kind), networks(tuned_model, kind)
    if [(key, w.shape) for key, w in base] != [(key, w.shape) for key, w in tuned]:
        raise InputError(
            f"{base_model.identity.name} and {tuned_model.identity.name} have feed-forward networks "
            "of different shapes; rotation compares models of one architecture"
        )
    return base, tuned


def leading(weight: Tensor, r: int) -> np.ndarray:
    """The first r concepts [component, d_model] of a network."""
    most = min(len(weight) - 1, weight.shape[1])
    if not 1 <= r <= most:
        raise InputError(f"r must be between 1 and {most}, got {r}")
    return principal_axes(weight, r)[1].cpu().numpy()


def compare(key: dict[str, int], a: np.ndarray, b: np.ndarray) -> pd.DataFrame:
    """Angles and matches of two orthonormal frames [component, d_model], under a key."""
    cosine = np.abs(a @ b.T)
    component, partner = linear_sum_assignment(cosine, maximize=True)
    angle = np.degrees(subspace_angles(a.T, b.T))[::-1]
    columns = {
        "component": component,
        "angle": np.where(angle < SAME, 0, angle),
        "partner": partner,
        "cosine": cosine[component, partner],
    }
    return pd.DataFrame(key | columns)
