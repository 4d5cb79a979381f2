"""Whether the concepts that tuning rotated belong to the instruction-specific neurons.

A concept c_k of a feed-forward network is a principal axis of what its neurons write, the rows v_i of
W_down transposed (:mod:`sparcom_nb.shift.concepts`). The left singular vectors say whose it is:

    weight of neuron i in concept k = ((v_i - mean v) . c_k)^2 / sum_j ((v_j - mean v) . c_k)^2

Two questions, both of the neurons that are in the set of some category, against as many others of the
same network with the nearest frequency and norm of what they write:

* ``rotation``: Spearman correlation between how far the concepts of a network turned and the part of
  them that lies on the set, mean over networks. Positive: what turned belongs to these neurons.
* ``change``: mean of |v_i tuned - v_i base| / |v_i base| over the set, mean over networks.

An expert is a network of its own. The labels of the sub-types are permuted to see whether sets of any
other grouping would do as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import rankdata
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.shift.concepts import networks, principal_axes
from sparcom_nb.shift.rotation import SAME, rotation
from sparcom_nb.sparcom.carry_over import tested
from sparcom_nb.sparcom.controls import imbalance, matched_sets
from sparcom_nb.stats import known_mean
from sparcom_nb.synthesis.sets import UnitSets, balance

MEASURES = ("rotation", "change")
#: Random sets that a set is held against, each time.
_DRAWS = 3


@dataclass(frozen=True)
class Turn:
    """What training did to the feed-forward networks of a model.

    Attributes:
        angle: [network, concept], degrees between a concept and the one it is matched with.
        weight: [network, concept, neuron], sums to 1 over neurons.
        change: [network, neuron], relative change of what a neuron writes.
        norm: [network, neuron] of what it wrote before.
    """

    angle: np.ndarray
    weight: np.ndarray
    change: np.ndarray
    norm: np.ndarray


def turned(base: TransformerBridge, tuned: TransformerBridge, r: int = 20) -> Turn:
    """Compare the first ``r`` concepts, and what every neuron writes, before and after training.

    Raises:
        InputError: as :func:`sparcom_nb.shift.rotation`.
    """
    matched = rotation(base, tuned, r)["cosine"].to_numpy().reshape(-1, r)
    angle = np.degrees(np.arccos(np.clip(matched, -1, 1)))
    before, after = ([w.double().cpu() for _, w in networks(one)] for one in (base, tuned))
    norm = np.stack([w.norm(dim=1).numpy() for w in before])
    moved = [(b - a).norm(dim=1).numpy() for a, b in zip(before, after, strict=True)]
    weight = []
    for w in before:
        along = ((w - w.mean(dim=0)) @ principal_axes(w, r)[1].T).square().numpy()
        weight.append((along / along.sum(axis=0)).T)
    change = np.divide(moved, norm, out=np.zeros_like(norm), where=norm > 0)
    return Turn(np.where(angle < SAME, 0, angle), np.stack(weight), change, norm)


def concept_neurons(turn: Turn, members: np.ndarray) -> pd.DataFrame:
    """How far every concept turned beside the part of it that lies on some neurons.

    Args:
        turn: of :func:`turned`.
        members: bool [network, neuron].

    Returns:
        DataFrame: network, component, angle (degrees), share (0 to 1).
    """
    network, component = np.indices(turn.angle.shape)
    share = (turn.weight * members[:, None]).sum(axis=-1)
    columns = {"network": network, "component": component, "angle": turn.angle, "share": share}
    return pd.DataFrame({name: values.ravel() for name, values in columns.items()})


def specific_neurons(
    frequency: xr.DataArray, turn: Turn, top: float = 0.1, which: str = "all", seed: int = 0
) -> xr.Dataset:
    """The neurons in the set of some category, and random ones like them.

    Returns:
        Dataset: set and random, bool [network, neuron], and balance [feature, of (set, random)].
    """
    rows, rng = UnitSets.of(frequency, top, which), np.random.default_rng(seed)
    members, like = _members(rows, turn, rows.units.category, rows.every, rng)
    random = matched_sets(members, like, 1, seed=seed)
    found = balance(imbalance(members, random, like))
    return xr.Dataset({"set": members, "random": random[0], "balance": found})


def rotated_test(
    frequency: xr.DataArray,
    turns: Mapping[str, Turn],
    top: float = 0.1,
    which: str = "all",
    draws: int = 59,
    seed: int = 0,
) -> pd.DataFrame:
    """Test both measures against random neurons, and tuning against a placebo.

    Args:
        frequency: [instruction, layer, (expert,) neuron] of the neurons that the networks hold.
        turns: ``tuned`` and, where there is one, ``placebo`` -> :func:`turned`.
        top: share of the components that is specific to an instruction.
        which: kind of sets, as in :func:`sparcom_nb.sparcom.sets_of_halves`.
        draws: half samples of the sub-types, and permutations of their labels.
        seed: of all draws.

    Returns:
        DataFrame, a row a measure and comparison: comparison (the names of ``turns``, and ``tuned
        beyond placebo``: the difference of both), measure, own and other (of the set, of random
        neurons; of a difference: of tuning, of the placebo), value (own minus other), low, high,
        halves, null_mean, null_low, null_high, p of :func:`sparcom_nb.stats.against_null`. NaN where
        nothing turned.
    """
    rows, rng = UnitSets.of(frequency, top, which), np.random.default_rng(seed)

    def compared(category: np.ndarray, keep: np.ndarray) -> np.ndarray:
        members, like = _members(rows, turns["tuned"], category, keep, rng)
        random = matched_sets(members, like, _DRAWS, seed=int(rng.integers(2**31)))
        found = [_both(turn, members, random) for turn in turns.values()]
        if "placebo" in turns:
            gaps = np.stack([of_model[:, 0] - of_model[:, 1] for of_model in found], axis=1)
            found.append(gaps)
        return np.concatenate(found)

    beyond = ["tuned beyond placebo"] if "placebo" in turns else []
    names = ["comparison", "measure"]
    keys = pd.MultiIndex.from_product([[*turns, *beyond], MEASURES], names=names)
    return tested(compared, rows.units.category, draws, rng).set_index(keys).reset_index()


def _members(
    rows: UnitSets, turn: Turn, category: np.ndarray, keep: np.ndarray, rng: np.random.Generator
) -> tuple[xr.DataArray, xr.DataArray]:
    """The neurons of any category [network, neuron], and what random ones are matched on."""
    sets, frequency = rows.sets(category, keep, rng)
    shape, dims = turn.norm.shape, ("network", "neuron")
    mean = frequency.mean("category").to_numpy().reshape(shape)
    like = xr.DataArray(
        np.stack([mean, turn.norm]), {"feature": ["frequency", "norm"]}, ("feature", *dims)
    )
    return xr.DataArray(sets.any("category").to_numpy().reshape(shape), dims=dims), like


def _both(turn: Turn, members: xr.DataArray, random: xr.DataArray) -> np.ndarray:
    """Both measures of a set and of random sets: [measure, (own, other)]."""
    own = _measures(turn, members.to_numpy())
    return np.stack([own, np.mean([_measures(turn, x) for x in random.to_numpy()], axis=0)], axis=1)


def _measures(turn: Turn, members: np.ndarray) -> np.ndarray:
    """Both measures of neurons [network, neuron]; networks without a value are left out."""
    share = np.einsum("nki,ni->nk", turn.weight, members)
    number = members.sum(axis=1)
    change = (turn.change * members).sum(axis=1)[number > 0] / number[number > 0]
    return np.array([known_mean(_spearman(turn.angle, share)), known_mean(change)])


def _spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rank correlation of every row of a with that of b; NaN for a constant row."""
    x, y = (rankdata(values.round(12), axis=1) for values in (a, b))
    x, y = (values - values.mean(axis=1, keepdims=True) for values in (x, y))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)
