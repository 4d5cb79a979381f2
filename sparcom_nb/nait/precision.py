"""How well scores select where the truth is known: precision, what else is taken, dependence on length.

Nothing is tuned here: one pass over the pool gives every score of every capability.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.nait.baselines import baseline_score
from sparcom_nb.nait.directions import Direction, direction_of, sample_activations
from sparcom_nb.nait.pool import Mixture
from sparcom_nb.nait.ranking import auc
from sparcom_nb.nait.scores import alignment_scores, length_correlation, select
from sparcom_nb.stats import half

#: Score -> method of the direction, form of the candidate, whether the opening tokens are left out.
#: The first is the published one.
SCORES: dict[str, tuple[str, str, bool]] = {
    "NAIT": ("pc1", "mean", False),
    "NAIT, drift": ("pc1", "drift", False),
    "contrast": ("contrast", "mean", False),
    "NAIT, no opening": ("pc1", "mean", True),
    "NAIT, drift, no opening": ("pc1", "drift", True),
    "contrast, no opening": ("contrast", "mean", True),
}
#: Baseline -> its name in :data:`sparcom_nb.nait.BASELINES` and the sign that puts the best first.
BASELINE_SCORES: dict[str, tuple[str, int]] = {
    "random": ("random", 1),
    "longest": ("length", 1),
    "most surprising": ("perplexity", 1),
    "least surprising": ("perplexity", -1),
    "difficulty": ("difficulty", 1),
    "embedding": ("embedding", 1),
}
#: Baselines that differ between capabilities.
_OWN = {"random", "embedding"}
#: Rows of the pool whose mean stands for the pool's in ``contrast``.
POOL_SAMPLE = 512


def capabilities(mix: Mixture) -> list[str]:
    """The categories of the in-domain samples, in the order of the pool."""
    return list(mix.pool["category"].unique())


def activations(
    model: TransformerBridge, mix: Mixture, n: int, skip: int, **options: Any
) -> tuple[xr.DataArray, xr.DataArray]:
    """Activations of the first ``n`` in-domain samples of every capability, and of a part of the pool."""
    target = mix.target.groupby("category", sort=False).head(n)
    both = pd.concat([target, mix.pool.head(POOL_SAMPLE)], ignore_index=True)
    found = sample_activations(model, both, skip=skip, **options)
    return found[: len(target)], found[len(target) :]


def pool_directions(
    model: TransformerBridge, mix: Mixture, n: int = 64, skip: int = 4, **options: Any
) -> dict[str, Direction]:
    """Every capability's directions by both methods, with and without ``skip`` opening tokens.

    Returns:
        dict ``METHOD/SKIP/CAPABILITY`` -> direction.
    """
    made = {}
    for tokens in (0, skip):
        own, pool = activations(model, mix, n, tokens, **options)
        for capability, method in itertools.product(capabilities(mix), ("pc1", "contrast")):
            rows = own[own["category"].to_numpy() == capability]
            name = f"{method}/{tokens}/{capability}"
            made[name] = direction_of(rows, method, pool if method == "contrast" else None, name)
    return made


def pool_scores(
    model: TransformerBridge, mix: Mixture, directions: dict[str, Direction], **options: Any
) -> pd.DataFrame:
    """Every score in :data:`SCORES` of every candidate for every capability, in one pass.

    Args:
        model: that the directions belong to.
        mix: whose pool is scored.
        directions: of :func:`pool_directions`.
        options: of :func:`sparcom_nb.nait.alignment_scores`.

    Returns:
        DataFrame [id], columns (score, capability).
    """
    found = alignment_scores(model, mix.pool, directions, **options)
    skip = max(direction.skip for direction in directions.values())
    return pd.DataFrame(
        {
            (score, capability): found[f"{method}/{skip * late}/{capability}", candidate]
            for score, (method, candidate, late) in SCORES.items()
            for capability in capabilities(mix)
        }
    )


def pool_baselines(
    model: TransformerBridge, mix: Mixture, names: Sequence[str], seed: int = 0
) -> pd.DataFrame:
    """The baselines ``names`` of :data:`BASELINE_SCORES`, as :func:`pool_scores`.

    Only ``random`` (a seed each) and ``embedding`` differ between capabilities.
    """

    def score(baseline: str, capability: str = "", number: int = 0) -> pd.Series:
        target = mix.in_domain(capability) if capability else None
        return baseline_score(baseline, model, mix.pool, target, seed=seed + number)

    used = {BASELINE_SCORES[name][0] for name in names}
    shared = {baseline: score(baseline) for baseline in sorted(used - _OWN)}
    columns = {}
    for name, (number, capability) in itertools.product(names, enumerate(capabilities(mix))):
        baseline, sign = BASELINE_SCORES[name]
        own = score(baseline, capability, number) if baseline in _OWN else shared[baseline]
        columns[name, capability] = sign * own
    return pd.DataFrame(columns)


def selection_precision(
    scores: pd.DataFrame,
    mix: Mixture,
    n_tokens: pd.Series,
    ratio: float = 0.1,
    draws: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """What the top of every score holds, for every capability and on average over them.

    Args:
        scores: columns (score, capability), rows by id of the pool.
        mix: with the truth.
        n_tokens: length of every candidate, by id.
        ratio: share of the pool to select.
        draws: half samples of the pool's sub-types, within which the selection is made anew.
        seed: of the half samples.

    Returns:
        DataFrame, a row a score and capability (``mean`` for the average), with precision (share of
        the selected rows that are the capability's clean ones; low and high: 95 % over half samples;
        chance: that of the whole pool), corrupted and shuffled (shares of the selected rows that are
        the capability's spoiled ones), other (of other categories), auc (of wanted rows against all
        others), auc_corrupted and auc_shuffled (of clean rows against spoiled ones of the same
        capability: .5 is blind), length (Spearman correlation with the number of tokens).
    """
    kept = _half_pools(mix.pool, draws, seed)
    rows, spread = [], {}
    for score, capability in scores.columns:
        values = scores[score, capability]
        row, halves = _one(values, mix, capability, ratio, kept)
        row["length"] = length_correlation(values, n_tokens)["spearman"]
        rows.append({"score": score, "capability": capability} | row)
        spread.setdefault(score, []).append(halves)
    table = pd.DataFrame(rows)
    means = table.drop(columns="capability").groupby("score", sort=False).mean().reset_index()
    for place, score in enumerate(means["score"]):
        value = means.loc[place, "precision"]
        low, high = _interval(float(str(value)), np.mean(spread[score], axis=0))
        means.loc[place, ["low", "high"]] = low, high
    return pd.concat([table, means.assign(capability="mean")], ignore_index=True)


def _one(
    values: pd.Series, mix: Mixture, capability: str, ratio: float, kept: np.ndarray
) -> tuple[dict[str, float], np.ndarray]:
    """One score of one capability, and its precision in every half pool."""
    pool = mix.pool.set_index("id").loc[values.index]
    own, quality = (pool["category"] == capability).to_numpy(), pool["quality"].to_numpy()
    wanted = own & (quality == "clean")
    chosen = values.index.isin(select(values, ratio))
    order = np.argsort(-values.to_numpy(), kind="stable")
    halves = _precisions(wanted[order], kept[:, order], ratio)
    value = float(wanted[chosen].mean())
    low, high = _interval(value, halves)
    share = {k: float((own & (quality == k))[chosen].mean()) for k in ("corrupted", "shuffled")}
    apart = {k: own & np.isin(quality, ("clean", k)) for k in share}
    found = {"precision": value, "low": low, "high": high, "chance": float(wanted.mean())}
    found |= share | {"other": float((~own)[chosen].mean())}
    found["auc"] = auc(values.to_numpy(), wanted)
    return found | {
        f"auc_{k}": auc(values.to_numpy()[at], wanted[at]) for k, at in apart.items()
    }, halves


def _half_pools(pool: pd.DataFrame, draws: int, seed: int) -> np.ndarray:
    """Rows of halves of every category's sub-types: bool [draw, row]."""
    names, index = np.unique(pool["category"] + "/" + pool["subtype"], return_inverse=True)
    category = np.array([name.partition("/")[0] for name in names])
    rng = np.random.default_rng(seed)
    return np.stack([half(category, rng)[index] for _ in range(draws)])


def _precisions(wanted: np.ndarray, kept: np.ndarray, ratio: float) -> np.ndarray:
    """Precision at ``ratio`` of every half pool; both in the order of the score."""
    place = kept.cumsum(axis=1)
    size = np.maximum(1, np.rint(ratio * place[:, -1:]))
    chosen = kept & (place <= size)
    return (chosen & wanted).sum(axis=1) / chosen.sum(axis=1)


def _interval(value: float, halves: np.ndarray) -> tuple[float, float]:
    """The spread of half samples about their mean, put around the value; a share stays one."""
    low, high = np.quantile(halves, [0.025, 0.975]) - halves.mean() + value
    return float(np.clip(low, 0, value)), float(np.clip(high, value, 1))


def by_number(
    model: TransformerBridge,
    mix: Mixture,
    sizes: Sequence[int],
    draws: int = 3,
    ratio: float = 0.1,
    seed: int = 0,
    **options: Any,
) -> pd.DataFrame:
    """Precision by the number of in-domain samples that a direction is made of.

    Every draw takes other samples; sizes that a capability cannot fill are left out.

    Returns:
        DataFrame, a row a score (of the first three of :data:`SCORES`), capability, size and draw.
    """
    own, pool = activations(model, mix, max(sizes), 0, **options)
    made = dict(_drawn(own, pool, sizes, draws, np.random.default_rng(seed)))
    names = {"/".join(map(str, key)): key for key in made}
    found = alignment_scores(model, mix.pool, {n: made[key] for n, key in names.items()}, **options)
    rows = []
    for name, (method, capability, size, draw) in names.items():
        wanted = mix.wanted(capability)
        for score, (its, candidate, late) in SCORES.items():
            if its == method and not late:
                value = float(wanted[select(found[name, candidate], ratio)].mean())
                row = {"score": score, "capability": capability, "size": size, "draw": draw}
                rows.append(row | {"precision": value, "chance": float(wanted.mean())})
    return pd.DataFrame(rows)


def _drawn(
    own: xr.DataArray,
    pool: xr.DataArray,
    sizes: Sequence[int],
    draws: int,
    rng: np.random.Generator,
) -> Any:
    """Directions by (method, capability, size, draw)."""
    category = own["category"].to_numpy()
    for capability, size, draw in itertools.product(np.unique(category), sizes, range(draws)):
        rows = np.flatnonzero(category == capability)
        if size <= len(rows):
            some = own[np.sort(rng.choice(rows, size, replace=False))]
            yield ("pc1", capability, size, draw), direction_of(some)
            yield ("contrast", capability, size, draw), direction_of(some, "contrast", pool)
