"""Notebook 31: whether directions belong to their capability, and scores select what they should.

The null of claims about directions: the sub-types of the in-domain samples are dealt anew to the
capabilities, and all is done again, from the direction to the rows selected.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import (
    Clusters,
    Estimate,
    Finding,
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

_DEALT = "directions of sub-types dealt anew to the capabilities"
#: Scores that claims are made of, and how to read that one selects.
ASKED = {
    "NAIT": "This is the paper's score with the sign that accounts of it give.",
    "NAIT, one scale": "Every layer is turned so that the samples score above the pool, and none drowns "
    "the others.",
    "contrast": "It asks what the samples have in common, not what they differ in.",
}


def study(
    bench: Bench,
    baselines: Sequence[str] = ("longest", "least surprising", "difficulty"),
    draws: int = 30,
    seed: int = 0,
) -> Results:
    """Judge scores by a pool whose truth is known.

    Args:
        bench: rows and model.
        baselines: rivals of :data:`sparcom_nb.studies.scoring.BASELINES`.
        draws: of the null.
        seed: of the draws.

    Returns:
        Findings ``selects SCORE`` of :data:`ASKED`, ``selection NAIT`` and ``selection contrast`` (do
        other samples select the same), ``beats the baselines`` and ``sees answers`` of the contrast;
        tables ``precision`` (of score and capability, ``mean`` over these) and ``null``.
    """
    mix, ratio = bench.mix, bench.plan.ratio
    every = bench.scores.join(bench.baselines(baselines))
    values = {s: every[s][mix.capabilities].to_numpy().T for s in every.columns.unique(0)}
    drawn = null_precision(bench.samples, mix, ratio, draws, seed)
    held = resampled(values.values(), mix, ratio)
    found = {
        f"selects {s}": selects(s, held[list(values).index(s), -1], mix, drawn[s]) for s in ASKED
    }
    for score in ("NAIT", "contrast"):
        found[f"selection {score}"] = stable(score, bench.samples, mix.target, ratio, draws, seed)
    if baselines:
        rivals = {name: values[name] for name in baselines}
        found["beats the baselines"] = beats(values["contrast"], rivals, mix, ratio)
    found["sees answers"] = sees(values["contrast"], mix)
    tables = {"precision": judged(values, held, mix), "null": pd.DataFrame(drawn)}
    return Results.of("Capability directions", found, tables=tables)


# ---------------------------------------------------------------- what a selection holds


def truth(mix: Mixture) -> np.ndarray:
    """The rows that each capability wants: bool [capability, row]."""
    return np.array([mix.wanted(c).to_numpy() for c in mix.capabilities])


def precision(values: np.ndarray, wanted: np.ndarray, ratio: float) -> np.ndarray:
    """Share of the rows selected that are wanted [capability]; both [capability, row]."""
    chosen = tops(values, ratio)
    return (chosen & wanted).sum(axis=1) / np.maximum(1, chosen.sum(axis=1))


def resampled(parts: Iterable[np.ndarray], mix: Mixture, ratio: float) -> Estimate:
    """Precision [score, capability + 1], last the mean, with its error over the pool's sub-types.

    Where a sub-type is left out, the selection is made anew from what remains.
    """
    clusters, wanted, parts = Clusters.of(mix.pool), truth(mix), list(parts)

    def statistic(keep: np.ndarray) -> np.ndarray:
        rows = keep[clusters.index] > 0
        each = np.array([precision(one[:, rows], wanted[:, rows], ratio) for one in parts])
        return np.column_stack([each, each.mean(axis=1)])

    return jackknife(statistic, clusters.stratum)


def own_rows(mix: Mixture, spoiled: str) -> np.ndarray:
    """Rows of every capability, clean or spoiled in this way: bool [capability, row]."""
    category, quality = (mix.pool[name].to_numpy() for name in ("category", "quality"))
    return (category == np.array(mix.capabilities)[:, None]) & np.isin(quality, ["clean", spoiled])


def areas(values: np.ndarray, wanted: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Area under the curve [capability] of the wanted among the rows asked; all [capability, row]."""
    return np.array([auc(v[at], w[at]) for v, w, at in zip(values, wanted, asked, strict=True)])


def judged(values: dict[str, np.ndarray], held: Estimate, mix: Mixture) -> pd.DataFrame:
    """What the top of every score holds, of [capability, row] by score; ``held``: :func:`resampled`.

    Returns a row a score and capability (``mean`` for the average): precision (low, high: over the
    pool's sub-types), chance, auc (of wanted rows against all others), auc_corrupted and auc_shuffled
    (against spoiled ones of the capability).
    """
    wanted, tables = truth(mix), []
    for at, (score, own) in enumerate(values.items()):
        each = {"chance": wanted.mean(axis=1), "auc": areas(own, wanted, wanted | True)}
        for spoiled in ("corrupted", "shuffled"):
            each[f"auc_{spoiled}"] = areas(own, wanted, own_rows(mix, spoiled))
        more = {name: [*one, np.nanmean(one)] for name, one in each.items()}
        ends = {"precision": held.value[at], "low": held.low[at], "high": held.high[at]}
        who = {"score": score, "capability": [*mix.capabilities, "mean"]}
        tables.append(pd.DataFrame(who | ends | more))
    return pd.concat(tables, ignore_index=True)


# ---------------------------------------------------------------- what is claimed


def null_precision(
    samples: Samples, mix: Mixture, ratio: float, draws: int, seed: int,
    names: Sequence[str] = tuple(SCORES),
) -> dict[str, np.ndarray]:  # fmt: skip
    """Mean precision [draw] of every score along directions of sub-types dealt anew."""
    clusters, wanted = Clusters.of(mix.target), truth(mix)
    drawn: dict[str, list[float]] = {score: [] for score in names}
    for label in permuted(clusters, draws, seed):
        vectors = directions(samples, label[clusters.index], len(clusters.strata))
        for score, means in drawn.items():
            means.append(precision(scores(samples, vectors, score), wanted, ratio).mean())
    return {score: np.array(means) for score, means in drawn.items()}


def selects(score: str, mean: Estimate, mix: Mixture, drawn: np.ndarray) -> Finding:
    """Claim that a score's mean precision is above that along directions of no capability [draw]."""
    return finding(
        f"The rows that the score {score} selects are the wanted ones",
        mean, drawn, Clusters.of(mix.target), fitted=True, n=len(mix.pool),
        unit="of the selected rows", control=_DEALT, reading=ASKED[score],
    )  # fmt: skip


def beats(values: np.ndarray, rivals: dict[str, np.ndarray], mix: Mixture, ratio: float) -> Finding:
    """Claim that the contrast selects more wanted rows than every baseline.

    It is held against the best of them. That one was chosen because it did well, so that where it is
    above the contrast p is multiplied by the number of baselines (Bonferroni).
    """
    clusters, wanted = Clusters.of(mix.pool), truth(mix)
    parts = [values, *rivals.values()]

    def above(keep: np.ndarray) -> np.ndarray:
        rows = keep[clusters.index] > 0
        own, *theirs = (precision(v[:, rows], wanted[:, rows], ratio).mean() for v in parts)
        return own - np.array(theirs)

    every = jackknife(above, clusters.stratum)
    found = every[int(np.argmin(every.value))]
    null = t_test(found)
    if found.value < 0:
        null = replace(null, p=min(1.0, len(rivals) * null.p))
    return finding(
        "The contrast selects more wanted rows than every baseline", found, null, clusters,
        unit="of the selected rows", control="the best baseline",
        reading="A score that needs the model's neurons has to beat what needs none.",
    )  # fmt: skip


def sees(values: np.ndarray, mix: Mixture) -> Finding:
    """Claim that the contrast puts a capability's right answers above its plausible wrong ones."""
    clusters, wanted, asked = Clusters.of(mix.pool), truth(mix), own_rows(mix, "corrupted")

    def statistic(keep: np.ndarray) -> float:
        rows = keep[clusters.index] > 0
        return float(np.nanmean(areas(values, wanted, asked & rows)))

    found = jackknife(statistic, clusters.stratum)
    return finding(
        "The contrast puts right answers above plausible wrong ones", found, t_test(found, 0.5),
        clusters, unit="area under the curve", control="a coin",
        reading="No formula of this notebook asks whether an answer is right.",
    )  # fmt: skip


def stable(
    score: str, samples: Samples, target: pd.DataFrame, ratio: float, draws: int, seed: int
) -> Finding:
    """Claim that halves of one capability's samples agree more than samples of two capabilities."""
    clusters, rng = Clusters.of(target), np.random.default_rng(seed)
    value = within_minus_between(score, samples, clusters, clusters.stratum, ratio, rng)
    labels = permuted(clusters, draws, seed)
    null = [within_minus_between(score, samples, clusters, label, ratio, rng) for label in labels]
    return finding(
        f"Two halves of one capability's samples select more of the same rows by {score} than "
        "samples of two capabilities do", value, np.array(null), clusters, fitted=True,
        unit="Jaccard, within minus between capabilities", control=_DEALT,
        reading="What does not come out again from other samples is not the capability's own.",
    )  # fmt: skip


def within_minus_between(
    score: str, samples: Samples, clusters: Clusters, label: np.ndarray, ratio: float,
    rng: np.random.Generator, cuts: int = 2,
) -> float:  # fmt: skip
    """Jaccard of selections within minus between capabilities, of clusters with these labels [cluster].

    The mean over cuts of every capability's clusters into two halves.
    """
    n, apart = len(clusters.strata), []
    for _ in range(cuts):
        second = pd.Series(rng.random(len(label))).groupby(label).rank(pct=True).to_numpy() > 0.5
        taken = []
        for half in (~second, second):
            own = np.where(half, label, -1)[clusters.index]
            vectors = directions(samples, own, n, SCORES[score][:1])
            chosen = tops(scores(samples, vectors, score), ratio)
            taken.append(xr.DataArray(chosen, dims=("category", "neuron")))
        both, same = overlap(*taken).to_numpy(), np.eye(n, dtype=bool)
        apart.append(both[same].mean() - both[~same].mean())
    return float(np.mean(apart))
