"""Notebook 31: whether directions belong to their capability, and scores select what they should.

The null of every claim about directions: the sub-types of the in-domain samples are dealt anew to the
capabilities, and all is done again, from the direction to the rows selected.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import (
    Clusters,
    Estimate,
    Finding,
    against,
    finding,
    jackknife,
    permuted,
    t_test,
)
from sparcom_nb.nait.ranking import auc
from sparcom_nb.sparcom import overlap
from sparcom_nb.studies.mixture import Mixture
from sparcom_nb.studies.results import Results
from sparcom_nb.studies.scoring import SCORES, Samples, directions, scores, tops
from sparcom_nb.studies.tuning import Bench

#: Scores whose directions are cut in two, and whose sight of right answers is asked about.
MAIN = ("NAIT", "contrast")
_DEALT = "directions of sub-types dealt anew to the capabilities"
_READING = {
    "NAIT": "This is the paper's score with the sign that accounts of it give.",
    "NAIT, drift": "Here the candidate enters by its own drift.",
    "NAIT, oriented": "The same component, every layer turned so that the samples score above the pool.",
    "NAIT, one scale": "Turned as before, and no layer drowns the others.",
    "contrast": "It asks what the samples have in common, not what they differ in.",
}


def study(
    bench: Bench,
    baselines: Sequence[str] = ("longest", "least surprising", "difficulty"),
    sizes: Sequence[int] = (4, 8, 16, 32, 64),
    draws: int = 30,
    seed: int = 0,
) -> Results:
    """Judge scores by a pool whose truth is known.

    Args:
        bench: rows and model.
        baselines: rivals of :data:`sparcom_nb.studies.scoring.BASELINES`.
        sizes: numbers of in-domain samples to try, three draws each.
        draws: of the null.
        seed: of the draws.

    Returns:
        Findings ``selects SCORE``, ``SCORE beats the baselines``, ``direction SCORE``, ``selection
        SCORE`` (both: halves of one capability against two) and ``SCORE sees KIND answers``; tables
        ``precision`` (of score and capability, ``mean`` over these), ``null`` and ``numbers``.
    """
    mix, ratio = bench.mix, bench.plan.ratio
    every = bench.scores.join(bench.baselines(baselines))
    table = judged(every, mix, ratio)
    drawn = null_precision(bench.samples, mix, ratio, draws, seed)
    found = {
        f"selects {score}": selects(score, bench.scores, mix, ratio, drawn[score])
        for score in SCORES
    }
    for score in MAIN:
        found |= stable(score, bench.samples, mix.target, ratio, draws, seed)
        if baselines:
            found[f"{score} beats the baselines"] = beats(score, every, baselines, mix, ratio)
        for kind in ("shuffled", "corrupted"):
            found[f"{score} sees {kind} answers"] = sees(score, kind, bench.scores, mix)
    tables = {
        "precision": table,
        "null": pd.DataFrame(drawn),
        "numbers": by_number(bench.samples, mix, ratio, sizes, seed),
    }
    return Results.of("Capability directions", found, tables=tables)


# ---------------------------------------------------------------- what a selection holds


def truth(mix: Mixture) -> np.ndarray:
    """The rows that each capability wants: bool [capability, row]."""
    return np.array([mix.wanted(c).to_numpy() for c in mix.capabilities])


def precision(values: np.ndarray, wanted: np.ndarray, ratio: float) -> np.ndarray:
    """Share of the rows selected that are wanted [capability]; both [capability, row]."""
    return (tops(values, ratio) & wanted).sum(axis=1) / np.maximum(
        1, tops(values, ratio).sum(axis=1)
    )


def resampled_precision(values: np.ndarray, mix: Mixture, ratio: float) -> Estimate:
    """Precision of every capability and, last, their mean: [capability + 1], over the pool's sub-types.

    Where a sub-type is left out, the selection is made anew from what remains.
    """
    clusters, wanted = Clusters.of(mix.pool), truth(mix)

    def statistic(keep: np.ndarray) -> np.ndarray:
        rows = keep[clusters.index] > 0
        each = precision(values[:, rows], wanted[:, rows], ratio)
        return np.append(each, each.mean())

    return jackknife(statistic, clusters.stratum)


def judged(every: pd.DataFrame, mix: Mixture, ratio: float) -> pd.DataFrame:
    """What the top of every score holds.

    Args:
        every: [id], columns (score, capability).
        mix: with the truth.
        ratio: share of the pool to select.

    Returns:
        DataFrame, a row a score and capability (``mean`` for the average): precision (low, high: over
        the pool's sub-types), chance, corrupted and shuffled (shares of the selected rows that are the
        capability's spoiled ones), other (of other categories), auc (of wanted rows against all
        others), auc_corrupted and auc_shuffled (of clean rows against spoiled ones of the capability).
    """
    rows, wanted = [], truth(mix)
    for score in every.columns.get_level_values(0).unique():
        values = every[score][mix.capabilities].to_numpy().T
        found = resampled_precision(values, mix, ratio)
        for n, capability in enumerate([*mix.capabilities, "mean"]):
            ends = {"low": found.low[n], "high": found.high[n]}
            rows.append(
                {"score": score, "capability": capability, "precision": found.value[n]} | ends
            )
            if capability != "mean":
                chosen = tops(values[[n]], ratio)[0]
                rows[-1] |= _held(chosen, values[n], wanted[n], mix, capability)
    table = pd.DataFrame(rows)
    rest = [
        name for name in table if name not in ("score", "capability", "precision", "low", "high")
    ]
    means = table.groupby("score", sort=False)[rest].transform("mean")
    return table.fillna({name: means[name] for name in rest})


def _held(
    chosen: np.ndarray, values: np.ndarray, wanted: np.ndarray, mix: Mixture, capability: str
) -> dict[str, float]:
    own = (mix.pool["category"] == capability).to_numpy()
    held = {"chance": wanted.mean(), "other": (~own)[chosen].mean(), "auc": auc(values, wanted)}
    for kind in ("corrupted", "shuffled"):
        spoiled = own & (mix.pool["quality"] == kind).to_numpy()
        held[kind] = spoiled[chosen].mean()
        held[f"auc_{kind}"] = auc(values[wanted | spoiled], wanted[wanted | spoiled])
    return held


# ---------------------------------------------------------------- what is claimed


def null_precision(
    samples: Samples,
    mix: Mixture,
    ratio: float,
    draws: int,
    seed: int,
    names: Sequence[str] = tuple(SCORES),
) -> dict[str, np.ndarray]:
    """Mean precision [draw] of every score along directions of sub-types dealt anew."""
    clusters, wanted = Clusters.of(mix.target), truth(mix)
    drawn: dict[str, list[float]] = {score: [] for score in names}
    for label in permuted(clusters, draws, seed):
        vectors = directions(samples, label[clusters.index], len(clusters.strata))
        for score, means in drawn.items():
            means.append(precision(scores(samples, vectors, score), wanted, ratio).mean())
    return {score: np.array(means) for score, means in drawn.items()}


def selects(
    score: str, found: pd.DataFrame, mix: Mixture, ratio: float, drawn: np.ndarray
) -> Finding:
    """Claim that a score selects more wanted rows than directions of no capability do."""
    values = found[score][mix.capabilities].to_numpy().T
    mean = _last(resampled_precision(values, mix, ratio))
    return finding(
        f"The rows that the score {score} selects are the wanted ones",
        mean, against(float(mean.value), drawn, fitted=True), Clusters.of(mix.target),
        n=len(mix.pool), unit="of the selected rows", control=_DEALT, reading=_READING[score],
    )  # fmt: skip


def beats(
    score: str, every: pd.DataFrame, rivals: Sequence[str], mix: Mixture, ratio: float
) -> Finding:
    """Claim that a score selects more wanted rows than the best of the baselines."""
    parts = {name: every[name][mix.capabilities].to_numpy().T for name in (score, *rivals)}
    clusters, wanted = Clusters.of(mix.pool), truth(mix)

    def statistic(keep: np.ndarray) -> float:
        rows = keep[clusters.index] > 0
        each = {k: precision(v[:, rows], wanted[:, rows], ratio).mean() for k, v in parts.items()}
        return each[score] - max(each[name] for name in rivals)

    found = jackknife(statistic, clusters.stratum)
    return finding(
        f"The score {score} selects more wanted rows than every baseline", found, t_test(found),
        clusters, unit="of the selected rows", control="the best baseline",
        reading="A score that needs the model's neurons has to beat what needs none.",
    )  # fmt: skip


def sees(score: str, kind: str, found: pd.DataFrame, mix: Mixture) -> Finding:
    """Claim that a score puts a capability's clean rows above its rows of another quality."""
    clusters, wanted = Clusters.of(mix.pool), truth(mix)
    own = np.array([(mix.pool["category"] == c).to_numpy() for c in mix.capabilities])
    asked = wanted | (own & (mix.pool["quality"] == kind).to_numpy())
    values = found[score][mix.capabilities].to_numpy().T

    def statistic(keep: np.ndarray) -> float:
        rows = asked & (keep[clusters.index] > 0)
        pairs = zip(values, wanted, rows, strict=True)
        return float(np.nanmean([auc(v[at], w[at]) for v, w, at in pairs]))

    area_found = jackknife(statistic, clusters.stratum)
    what = {"shuffled": "answers to other tasks", "corrupted": "plausible wrong answers"}[kind]
    return finding(
        f"The score {score} puts right answers above {what}", area_found, t_test(area_found, 0.5),
        clusters, unit="area under the curve", control="a coin",
        reading="No formula of this notebook asks whether an answer is right.",
    )  # fmt: skip


def stable(
    score: str, samples: Samples, target: pd.DataFrame, ratio: float, draws: int, seed: int
) -> dict[str, Finding]:
    """Claim that halves of one capability's samples agree more than samples of two capabilities.

    Of their directions (cosine) and of what these select (Jaccard): the mean over two cuts of the
    sub-types of the agreement within capabilities minus that between them.
    """
    clusters = Clusters.of(target)
    rng = np.random.default_rng(seed)
    found = halves(score, samples, clusters, clusters.stratum, ratio, rng)
    null = np.array(
        [
            halves(score, samples, clusters, label, ratio, rng)
            for label in permuted(clusters, draws, seed)
        ]
    )
    told = {
        "direction": ("directions", "cosine, within minus between capabilities"),
        "selection": ("selections", "Jaccard, within minus between capabilities"),
    }
    return {
        f"{name} {score}": finding(
            f"Two halves of one capability's samples have more alike {what} by {score} than two "
            "capabilities have", float(value), against(float(value), drawn, fitted=True), clusters,
            unit=unit, control=_DEALT,
            reading="What does not come out again from other samples is not the capability's own.",
        )
        for (name, (what, unit)), value, drawn in zip(told.items(), found, null.T, strict=True)
    }  # fmt: skip


def halves(
    score: str, samples: Samples, clusters: Clusters, label: np.ndarray, ratio: float,
    rng: np.random.Generator, cuts: int = 2,
) -> np.ndarray:  # fmt: skip
    """Cosine and Jaccard within minus between capabilities, of clusters with these labels [cluster]."""
    n, apart = len(clusters.strata), []
    for _ in range(cuts):
        second = _second_half(label, rng)
        made = [
            directions(samples, np.where(second == k, label, -1)[clusters.index], n) for k in (0, 1)
        ]
        unit = [one[SCORES[score][0]].reshape(n, -1) for one in made]
        cosines = unit[0] @ unit[1].T / samples.own.shape[1]
        taken = [tops(scores(samples, one, score), ratio) for one in made]
        sets = [xr.DataArray(one, dims=("category", "neuron")) for one in taken]
        apart.append([_within(cosines), _within(overlap(sets[0], sets[1]).to_numpy())])
    return np.mean(apart, axis=0)


def _second_half(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half [cluster], 0 or 1, within every label."""
    half = np.zeros(len(label), dtype=int)
    for name in np.unique(label):
        of = rng.permutation(np.flatnonzero(label == name))
        half[of[: len(of) // 2]] = 1
    return half


def _within(matrix: np.ndarray) -> float:
    """Mean of the diagonal minus that of the rest."""
    own = np.eye(len(matrix), dtype=bool)
    return float(matrix[own].mean() - matrix[~own].mean())


def by_number(
    samples: Samples, mix: Mixture, ratio: float, sizes: Sequence[int], seed: int
) -> pd.DataFrame:
    """Mean precision by the number of samples that directions are made of: score, size, draw."""
    rng, wanted = np.random.default_rng(seed), truth(mix)
    label = mix.target["category"].map(mix.capabilities.index).to_numpy()
    most, rows = np.bincount(label).min(), []
    for size in (size for size in sizes if size <= most):
        for draw in range(3):
            order = pd.Series(rng.permutation(len(label)))
            some = order.groupby(label).rank().to_numpy() <= size
            vectors = directions(samples, np.where(some, label, -1), len(wanted))
            rows += [
                {"score": name, "size": size, "draw": draw}
                | {"precision": precision(scores(samples, vectors, name), wanted, ratio).mean()}
                for name in SCORES
            ]
    return pd.DataFrame(rows, columns=["score", "size", "draw", "precision"])


def _last(found: Estimate) -> Estimate:
    return found[-1]
