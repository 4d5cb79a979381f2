"""How far tuning turned the concepts of the feed-forward layers.

The concepts of base and tuned network span a subspace each (:mod:`sparcom_nb.shift.concepts`). Their
principal angles say how far the two are apart: all 0 degrees for one and the same subspace, 90 for
subspaces that have nothing in common (Björck and Golub 1973). An angle means nothing by itself, so
there are three yardsticks:

* a *placebo* (the base trained equally long on plain documents) is a pair of models like any other;
* :func:`random_change`: the change of the weights by tuning, turned into random directions.
  Components of nearly equal variance swap at the slightest touch, so that some rotation comes with
  any change of this size;
* :func:`random_subspaces`: nothing but the dimension in common.
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.linalg import subspace_angles
from scipy.optimize import linear_sum_assignment
from scipy.stats import t as student
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.shift.concepts import Networks, networks, principal_axes
from sparcom_nb.stats import random_rotation

#: Angles below this (degrees) are rounding.
SAME = 1e-3


def rotation(
    base_model: TransformerBridge, tuned_model: TransformerBridge, r: int, kind: str | None = None
) -> pd.DataFrame:
    """Principal angles between the first ``r`` concepts of two models, network by network.

    Args:
        base_model: from :func:`sparcom_nb.load_model`.
        tuned_model: of the same shape.
        r: concepts a network, fewer than it has neurons.
        kind: as in :func:`sparcom_nb.shift.ffn_concepts`.

    Returns:
        DataFrame of r rows a network: layer, expert (where there are experts), component n, angle
        (the n-th smallest principal angle of the two subspaces, in degrees), partner and cosine
        (the tuned model's component that base component n is matched with, one to one, so that the
        absolute cosines have the largest sum).

    Raises:
        InputError: models of different shape, or r out of range.
    """
    return pd.concat(
        [
            _compare(key, _axes(base, r), _axes(tuned, r))
            for key, base, tuned in _paired(base_model, tuned_model, kind)
        ],
        ignore_index=True,
    )


def turned_change(
    base_model: TransformerBridge,
    tuned_model: TransformerBridge,
    seed: int | np.random.Generator = 0,
    kind: str | None = None,
) -> Networks:
    """The base plus the change by tuning, turned by one random rotation of the residual stream.

    The change keeps its norm and its singular values in every network, and loses its direction.

    Returns:
        Key and W_down transposed [neuron, d_model] (float64) of every network, as
        :func:`sparcom_nb.shift.ffn_concepts` takes them for ``weights``.
    """
    pairs = _paired(base_model, tuned_model, kind)
    frame = random_rotation(pairs[0][1].shape[1], np.random.default_rng(seed))
    turn = torch.from_numpy(frame).to(pairs[0][1].device)
    return [(key, base.double() + (tuned - base).double() @ turn) for key, base, tuned in pairs]


def random_change(
    base_model: TransformerBridge,
    tuned_model: TransformerBridge,
    r: int,
    draws: int = 20,
    seed: int = 0,
    kind: str | None = None,
) -> pd.DataFrame:
    """Angles between the base and what random changes of the size of tuning make of it.

    Returns:
        DataFrame as of :func:`rotation`, with the column draw in front: a draw is one
        :func:`turned_change`.
    """
    before = [_axes(base, r) for _, base in networks(base_model, kind)]
    rng = np.random.default_rng(seed)
    tables = []
    for draw in range(draws):
        changed = turned_change(base_model, tuned_model, rng, kind)
        for (key, weight), old in zip(changed, before, strict=True):
            tables.append(_compare({"draw": draw} | key, old, _axes(weight, r)))
    return pd.concat(tables, ignore_index=True)


def random_subspaces(d_model: int, r: int, draws: int = 20, seed: int = 0) -> pd.DataFrame:
    """Angles of pairs of random r-dimensional subspaces of a residual stream of ``d_model``.

    Returns:
        DataFrame as of :func:`rotation`, with the column draw and without layer.
    """
    rng = np.random.default_rng(seed)
    frames = [[random_rotation(d_model, rng)[:r] for _ in range(2)] for _ in range(draws)]
    return pd.concat([_compare({"draw": n}, *pair) for n, pair in enumerate(frames)])


def mean_rotation(table: pd.DataFrame, by: list[str], value: str = "angle") -> pd.DataFrame:
    """Mean of ``value`` (angle or cosine) for every key in ``by``; draws become an interval.

    Returns:
        DataFrame: the keys, value (mean over networks, components and draws), low and high (95 % of
        the draws; without draws there is nothing random, and both are the value).
    """
    if "draw" not in table:
        means = table.groupby(by)[value].mean()
        return pd.DataFrame({"value": means, "low": means, "high": means}).reset_index()
    draws = table.groupby([*by, "draw"])[value].mean().groupby(level=by)
    low, high = draws.quantile(0.025), draws.quantile(0.975)
    return pd.DataFrame({"value": draws.mean(), "low": low, "high": high}).reset_index()


def rotation_test(tuned: pd.DataFrame, control: pd.DataFrame) -> dict[str, Any]:
    """Mean angle of a pair of models against that of a random control.

    Args:
        tuned: from :func:`rotation`.
        control: from :func:`random_change`.

    Returns:
        dict: value and control (mean angles in degrees), control_low and control_high (95 % of the
        draws), cosine and control_cosine (of matched components), draws, p (two-sided: how often a
        draw lies as far out).
    """
    value, null = tuned["angle"].mean(), control.groupby("draw")["angle"].mean().to_numpy()
    low, high = np.quantile(null, [0.025, 0.975])
    fewer = min((null <= value + 1e-9).sum(), (null >= value - 1e-9).sum())
    return {
        "value": float(value),
        "control": float(null.mean()),
        "control_low": float(low),
        "control_high": float(high),
        "cosine": float(tuned["cosine"].mean()),
        "control_cosine": float(control["cosine"].mean()),
        "draws": len(null),
        "p": float(min(1, 2 * (1 + fewer) / (1 + len(null)))),
    }


def placebo_rotation(tuned: pd.DataFrame, placebo: pd.DataFrame) -> dict[str, Any]:
    """How much further tuning turned the networks than the placebo did, paired by network.

    Args:
        tuned: from :func:`rotation` of base and tuned model.
        placebo: of base and placebo.

    Returns:
        dict: value (mean difference in degrees), low and high (95 %, t), p (paired t, two-sided),
        placebo (its mean angle), networks. The layers of one model are few and not independent.
    """
    keys = [name for name in ("layer", "expert") if name in tuned]
    means = [table.groupby(keys)["angle"].mean() for table in (tuned, placebo)]
    more = means[0] - means[1]
    freedom = len(more) - 1
    error = more.std(ddof=1) / len(more) ** 0.5
    spread = student.ppf(0.975, freedom) * error
    t = abs(more.mean()) / error if abs(more).max() > SAME else 0.0
    return {
        "value": float(more.mean()),
        "low": float(more.mean() - spread),
        "high": float(more.mean() + spread),
        "p": float(2 * student.sf(t, freedom)),
        "placebo": float(means[1].mean()),
        "networks": len(more),
    }


def matched_words(turned: pd.DataFrame, base: pd.DataFrame, tuned: pd.DataFrame) -> pd.DataFrame:
    """Words of every base component beside those of the tuned component it is matched with.

    Args:
        turned: from :func:`rotation`.
        base: of :func:`sparcom_nb.shift.component_words`, unsigned.
        tuned: likewise.

    Returns:
        DataFrame: layer, expert (where there are experts), component, base (words), partner, tuned
        (words), cosine.
    """
    keys = [name for name in ("layer", "expert") if name in turned]
    before = base.rename(columns={"words": "base"}).drop(columns="explained")
    after = tuned.rename(columns={"words": "tuned", "component": "partner"})
    both = turned.drop(columns="angle").merge(before, on=[*keys, "component"])
    both = both.merge(after.drop(columns="explained"), on=[*keys, "partner"])
    both = both.sort_values([*keys, "component"], ignore_index=True)
    return both[[*keys, "component", "base", "partner", "tuned", "cosine"]]


def _paired(
    base_model: TransformerBridge, tuned_model: TransformerBridge, kind: str | None
) -> list[tuple[dict[str, int], Tensor, Tensor]]:
    base, tuned = networks(base_model, kind), networks(tuned_model, kind)
    if [(key, w.shape) for key, w in base] != [(key, w.shape) for key, w in tuned]:
        raise InputError(
            f"{base_model.identity.name} and {tuned_model.identity.name} have feed-forward networks "
            "of different shapes; rotation compares models of one architecture"
        )
    return [(key, a, b) for (key, a), (_, b) in zip(base, tuned, strict=True)]


def _axes(weight: Tensor, r: int) -> np.ndarray:
    """The first r concepts [component, d_model] of a network."""
    most = min(len(weight) - 1, weight.shape[1])
    if not 1 <= r <= most:
        raise InputError(f"r must be between 1 and {most}, got {r}")
    return principal_axes(weight, r)[1].cpu().numpy()


def _compare(key: dict[str, int], a: np.ndarray, b: np.ndarray) -> pd.DataFrame:
    """Angles and matches of two orthonormal frames [component, d_model], under a key."""
    cosine = np.abs(a @ b.T)
    component, partner = linear_sum_assignment(cosine, maximize=True)
    columns = {
        "component": component,
        "angle": np.degrees(subspace_angles(a.T, b.T))[::-1],
        "partner": partner,
        "cosine": cosine[component, partner],
    }
    return pd.DataFrame(key | columns)
