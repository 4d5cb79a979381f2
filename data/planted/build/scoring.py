"""Does a method find what is there? Precision and recall on models whose neurons are known.

The planted model (planted.py) is written, loaded and read like any other; no
method sees the plan. Every method is told one number, the size of what it looks for:

* SPARCOM takes as many neurons an instruction as are planted for it (those of its category and the
  general ones), forms category sets, and keeps of each what is unique to it;
* LAPE takes as many neurons as serve some category, by lowest entropy;
* a contrast takes as many for each category as serve it;
* random sets have the planted size.
"""

import itertools
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from planted import ROLES, Plant, plant
from sparcom_nb.evidence import mean_table
from sparcom_nb.model.evaluate import ResponseLoss
from sparcom_nb.model.intervene import intervene, mean_activation
from sparcom_nb.model.load import load_model
from sparcom_nb.rows.instructions import CATEGORIES, limit_rows
from sparcom_nb.sparcom.baselines import contrast, lape, random_sets
from sparcom_nb.sparcom.frequency import expert_frequency, neuron_frequency
from sparcom_nb.sparcom.sets import category_sets, specific, unique_sets

NOISES = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Options of the plant: two ways in which a neuron can pass for one of the task.
WORLDS: dict[str, dict[str, float]] = {
    "as planted": {},
    "inert neurons always active": {"inert_frequency": 0.999},
    "category mostly in one wording": {"favourite": 0.8},
}
METHODS = ("SPARCOM", "LAPE", "mean contrast", "frequency contrast", "random")

Sets = dict[str, xr.DataArray]


def recovery(
    kind: str = "dense",
    noises: Sequence[float] = NOISES,
    seeds: Sequence[int] = (0, 1, 2),
    spans: Sequence[str] = ("instruction", "response"),
    components: str = "neurons",
    **options: Any,
) -> pd.DataFrame:
    """Let every method look for the planted neurons or experts at every noise.

    Args:
        kind: ``dense`` or ``moe``.
        noises: 0 (as planned) to 1 (nothing left of the plan).
        seeds: a plan of its own each.
        spans: whose tokens count.
        components: ``neurons`` or ``experts``.
        options: of :func:`sparcom_nb.sparcom.plant`.

    Returns:
        DataFrame, a row a method, span, noise, seed and category, with size, precision and recall of
        :func:`precision_recall`.
    """
    find = neuron_sets if components == "neurons" else expert_sets
    parts = []
    for noise, seed in itertools.product(noises, seeds):
        model, truth = grow(kind, noise, seed, **options)
        for span in spans:
            for method, sets in find(model, truth, span, seed).items():
                score = precision_recall(sets, getattr(truth, components))
                parts.append(score.assign(method=method, noise=noise, span=span, seed=seed))
    return pd.concat(parts, ignore_index=True)


def grow(
    kind: str = "dense", noise: float = 0.0, seed: int = 0, **options: Any
) -> tuple[TransformerBridge, Plant]:
    """Plant a model and load it; its folder is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        truth = plant(folder, kind, noise, seed, **options)
        return load_model(folder), truth


def decoys(kind: str = "dense", span: str = "instruction", seed: int = 0) -> pd.DataFrame:
    """What each method takes for neurons of a category, without noise, in three worlds.

    Returns:
        DataFrame, a row a world of :data:`WORLDS` and method: world, method, size (mean of the
        categories), precision, recall, and the mean share of every role.
    """
    parts = []
    for world, options in WORLDS.items():
        model, truth = grow(kind, 0.0, seed, **options)
        for method, sets in neuron_sets(model, truth, span, seed).items():
            score = precision_recall(sets, truth.neurons).drop(columns="category")
            means = score.join(role_shares(sets, truth.roles)).mean()
            parts.append({"world": world, "method": method, **means})
    return pd.DataFrame(parts)


def switched_off(
    model: TransformerBridge, truth: Plant, roles: Sequence[str] = ("task", "wording", "inert")
) -> pd.DataFrame:
    """Loss of the responses when the neurons of a role that follow a category are switched off.

    Eight rows a category are read: they differ little.

    Returns:
        DataFrame, a row a role and category: role, category, own and others (rise of the mean
        negative log-likelihood in nats a response token, of the category's rows and of all others).
    """
    data = limit_rows(truth.data, 8 * len(CATEGORIES))
    loss = ResponseLoss(model, data)
    before, rows = loss(), []
    for role, name in itertools.product(roles, CATEGORIES):
        with intervene(model, truth.sets(role).sel(category=name)):
            rise = loss() - before
        own = (data["category"] == name).to_numpy()
        rows.append(
            {"role": role, "category": name, "own": rise[own].mean(), "others": rise[~own].mean()}
        )
    return pd.DataFrame(rows)


def neuron_sets(model: TransformerBridge, truth: Plant, span: str, seed: int = 0) -> Sets:
    """Sets [category, ...] of neurons by every method of :data:`METHODS`."""
    frequency = neuron_frequency(model, truth.data, span=span, show_progress=False)
    means = mean_activation(model, truth.data, span=span, show_progress=False)
    planted, of_one = _planted_sizes(truth)
    always = float((truth.roles == "general").mean())
    return {
        "SPARCOM": unique_sets(category_sets(specific(frequency, top=of_one + always))),
        "LAPE": lape(frequency, top=planted),
        "mean contrast": contrast(means, top=of_one),
        "frequency contrast": contrast(frequency, top=of_one),
        "random": random_sets(truth.neurons, seed),
    }


def expert_sets(model: TransformerBridge, truth: Plant, span: str, seed: int = 0) -> Sets:
    """Sets [category, layer, expert] of experts by the methods that need no activation.

    In every layer an expert serves each category, and another is general: that is the size that
    SPARCOM is told, and the quantile of LAPE's bar (0.95 of so few experts leaves no candidate).
    """
    assert truth.experts is not None
    routing = expert_frequency(model, truth.data, span, show_progress=False)
    of_one = 1 / routing.sizes["expert"]
    return {
        "SPARCOM": unique_sets(category_sets(specific(routing, top=2 * of_one))),
        "LAPE": lape(routing, top=of_one * len(truth.experts), quantile=1 - 2 * of_one),
        "frequency contrast": contrast(routing, top=of_one),
        "random": random_sets(truth.experts, seed),
    }


def precision_recall(sets: xr.DataArray, truth: xr.DataArray) -> pd.DataFrame:
    """Compare sets with the truth, both bool [category, ...].

    Returns:
        DataFrame, a row a category: category, size (of the set), precision (share of the set that
        is true; missing for an empty set) and recall (share of the truth that is in the set).
    """
    found, wanted = _flat(sets), _flat(truth)
    size, right = found.sum(axis=1), (found & wanted).sum(axis=1)
    return pd.DataFrame(
        {
            "category": truth["category"].to_numpy(),
            "size": size,
            "precision": _share(right, size),
            "recall": _share(right, wanted.sum(axis=1)),
        }
    )


def role_shares(sets: xr.DataArray, roles: xr.DataArray) -> pd.DataFrame:
    """Share of every category's set that has a role: a row a category, a column a role.

    ``task`` counts the neurons of any category; an empty set has no shares.
    """
    found, role = _flat(sets), roles.to_numpy().ravel()
    size = found.sum(axis=1)
    return pd.DataFrame({name: _share(found[:, role == name].sum(axis=1), size) for name in ROLES})


def recovery_curves(table: pd.DataFrame) -> pd.DataFrame:
    """Mean precision and recall with 95 % intervals over plans (seed and category).

    Returns:
        DataFrame: measure (``precision``, ``recall``), span, method, noise, mean, low, high (missing
        where all are alike), n (sets that have a value: precision is missing where a method found
        nothing).
    """
    plan = table["seed"].astype(str) + "/" + table["category"]
    rows = table.assign(category="all", subtype=plan)
    parts = [
        mean_table(rows, ["span", "method", "noise"], measure).assign(measure=measure)
        for measure in ("precision", "recall")
    ]
    return pd.concat(parts, ignore_index=True)


def _planted_sizes(truth: Plant) -> tuple[float, float]:
    """Share of the neurons that serve some category, and one category (the same for all)."""
    share = float(truth.neurons.any("category").mean())
    return share, share / len(truth.neurons)


def _flat(sets: xr.DataArray) -> np.ndarray:
    return sets.to_numpy().reshape(len(sets), -1)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
