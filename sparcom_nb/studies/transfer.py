"""Notebook 33: what a selection does to other capabilities, the core of all, and other models."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import binom, rankdata

from sparcom_nb.evidence import Clusters, Finding, against, finding, jackknife, t_test
from sparcom_nb.model.load import load_model
from sparcom_nb.model.sources import PAIRS, PLACEBO, local_path, member_name
from sparcom_nb.nait.readout import sample_activations
from sparcom_nb.nait.selection import core_subset
from sparcom_nb.sparcom import overlap
from sparcom_nb.studies.mixture import Mixture
from sparcom_nb.studies.results import Results
from sparcom_nb.studies.scoring import Samples, directions, tops
from sparcom_nb.studies.tuning import FULL_POOL, RANDOM, Bench, gained, mean_losses, versus

CORE = "core"
#: Rows of the pool that two models' scores are compared on.
COMPARED = 256
#: Rows that a share needs for a test.
LEAST = 20
Weights = dict[str, dict[str, float]]


def study(bench: Bench, score: str = "contrast", draws: int = 999, seed: int = 0) -> Results:
    """Tune on every capability's selection and on the core, and move directions to tuned models.

    Args:
        bench: rows, model and plan.
        score: of :data:`sparcom_nb.studies.scoring.SCORES`, whose selections are tuned on.
        draws: of permuted neurons.
        seed: of these.

    Returns:
        Findings ``own``, ``own and others'``, ``others``, ``mathematics and code``, ``core``, ``core
        and one``, ``core and pool``, ``in common``, ``core is clean`` and ``METHOD to MODEL``;
        tables ``composition``, ``transfer``, ``core`` (rows by the number of capabilities that select
        them) and ``outcomes``.
    """
    mix, ratio = bench.mix, bench.plan.ratio
    tops_of = {c: bench.top(score, c) for c in mix.capabilities}
    rest = {RANDOM: bench.random(), CORE: bench.core(score), FULL_POOL: bench.whole()}
    outcomes = bench.outcomes(tops_of | rest)
    values = bench.scores[score][mix.capabilities].to_numpy().T
    found = served(outcomes, mix.capabilities) | core_serves(outcomes, mix.capabilities)
    found |= in_common(values, mix, ratio) | _moved(bench, draws, seed)
    tables = {
        "composition": composition(values, mix, ratio),
        "transfer": mean_losses(outcomes),
        "core": counts(values, ratio),
        "outcomes": outcomes,
    }
    return Results.of("Transfer and core", found, tables=tables)


# ---------------------------------------------------------------- what tuning on selections does


def served(outcomes: pd.DataFrame, names: list[str]) -> dict[str, Finding]:
    """Whether selections serve their own capability, and others."""
    pairs = [(a, c) for a in names for c in names if a != c]
    own = weights([(c, c) for c in names], -1)
    asked = {
        "own": (
            "A selection serves its own capability better than random rows do",
            weights([(RANDOM, c) for c in names], 1) | own,
            "random rows",
        ),
        "own and others'": (
            "A selection serves its own capability better than the selections for others do",
            weights(pairs, 1, own),
            "selections for other capabilities",
        ),
        "others": (
            "A selection serves the other capabilities better than random rows do",
            weights(pairs, -1) | weights([(RANDOM, c) for c in names], 1),
            "random rows",
        ),
    }
    given = [c for c in ("CODE", "MATH") if c in names]
    taken = [c for c in names if c not in given]
    if given and len(taken) > 1:
        theirs = [(a, c) for a, c in pairs if a in taken and c in taken]
        asked["mathematics and code"] = (
            "Selections for mathematics and code serve other capabilities better than others' do",
            weights([(a, c) for a in given for c in taken], -1) | weights(theirs, 1),
            "the other selections",
        )
    reading = "What lowers every loss is no service to one capability: only a difference tells."
    return {
        name: gained(claim, outcomes, part, control=control, reading=reading)
        for name, (claim, part, control) in asked.items()
    }


def weights(pairs: list[tuple[str, str]], sign: float, begin: Weights | None = None) -> Weights:
    """Weights of the mean loss over (arm, category), added to those of ``begin``."""
    made = {arm: dict(part) for arm, part in (begin or {}).items()}
    for arm, category in pairs:
        part = made.setdefault(arm, {})
        part[category] = part.get(category, 0.0) + sign / len(pairs)
    return made


def core_serves(outcomes: pd.DataFrame, names: list[str]) -> dict[str, Finding]:
    """Whether the core subset serves all capabilities together."""
    one = weights([(a, c) for a in names for c in names], 1) | weights(
        [(CORE, c) for c in names], -1
    )
    asked = {
        "core": ("random rows", "as many random rows", versus(CORE, names)),
        "core and one": ("the selection for one capability", "one capability's selection", one),
        "core and pool": ("the whole pool", "the whole pool", versus(CORE, names, FULL_POOL)),
    }
    return {
        name: gained(
            f"The core subset serves all capabilities together better than {other} does",
            outcomes, part, control=control,
            reading="A core that is enough for general ability would have to gain on this.",
        )
        for name, (other, control, part) in asked.items()
    }  # fmt: skip


# ---------------------------------------------------------------- what selections hold


def composition(values: np.ndarray, mix: Mixture, ratio: float) -> pd.DataFrame:
    """Share of every capability's selection (rows) that is clean rows of each category (columns)."""
    wanted = np.array([mix.wanted(c).to_numpy() for c in mix.capabilities], dtype=float)
    chosen = tops(values, ratio)
    shares = chosen @ wanted.T / chosen.sum(axis=1, keepdims=True)
    return pd.DataFrame(shares, mix.capabilities, mix.capabilities)


def counts(values: np.ndarray, ratio: float) -> pd.DataFrame:
    """Rows by the number of capabilities that select them, and were the selections independent."""
    chosen = tops(values, ratio)
    number = np.arange(len(chosen) + 1)
    expected = binom.pmf(number, len(chosen), chosen.mean()) * chosen.shape[1]
    rows = np.bincount(chosen.sum(axis=0), minlength=len(number))
    return pd.DataFrame({"number": number, "rows": rows, "expected": expected})


def in_common(values: np.ndarray, mix: Mixture, ratio: float) -> dict[str, Finding]:
    """Whether capabilities select the same rows, and whether the core is cleaner than the pool."""
    clusters = Clusters.of(mix.pool)
    clean = (mix.pool["quality"] == "clean").to_numpy()

    def shared(keep: np.ndarray) -> float:
        chosen = tops(values[:, keep[clusters.index] > 0], ratio)
        both = overlap(xr.DataArray(chosen, dims=("category", "neuron"))).to_numpy()
        return float(both[~np.eye(len(both), dtype=bool)].mean() - ratio / (2 - ratio))

    def cleaner(keep: np.ndarray) -> float:
        rows = keep[clusters.index] > 0
        core = core_subset(pd.DataFrame(values[:, rows].T), ratio)
        return float(clean[rows][core].mean() - clean[rows].mean())

    few = round(ratio * values.shape[1])
    alike, purer = (jackknife(statistic, clusters.stratum) for statistic in (shared, cleaner))
    return {
        "in common": finding(
            "Two capabilities select the same rows more often than independent selections would",
            alike, t_test(alike), clusters, unit="Jaccard above independence",
            control="independent selections",
            reading="Directions that follow one nuisance share rows too, and look like a core.",
        ),
        "core is clean": finding(
            "The core subset holds a larger share of right answers than the pool", purer,
            t_test(purer), clusters, unit="of its rows", control="the whole pool",
            reading="A core needs something that all capabilities prefer, such as right answers.",
            invalid="" if few >= LEAST else f"A core of {few} rows is too small for a test.",
        ),
    }  # fmt: skip


# ---------------------------------------------------------------- to other models


def tuned_from(pair: str) -> list[str]:
    """Names of the models here that were made of a pair's base: the tuned one, and its placebo."""
    placebo = pair in PAIRS and local_path(pair, PLACEBO) is not None
    return [member_name(pair, "instruct"), *([f"{pair}/{PLACEBO}"] if placebo else [])]


def _moved(bench: Bench, draws: int, seed: int) -> dict[str, Finding]:
    rows = pd.concat([bench.mix.target, bench.mix.pool.head(COMPARED)], ignore_index=True)
    n, clusters = len(bench.mix.target), Clusters.of(bench.mix.target)
    label = clusters.stratum[clusters.index]
    first, found = Samples.of(sample_activations(bench.model, rows), n), {}
    base = directions(first, label, len(clusters.strata))
    for name in tuned_from(bench.pair):
        other = Samples.of(sample_activations(load_model(name, bench.device), rows), n)
        own = directions(other, label, len(clusters.strata))
        for method in ("pc1", "contrast"):
            told = carried(base[method], own[method], other.pool[0], draws, seed)
            short = name.rpartition("/")[2]
            found[f"{method} to {short}"] = finding(
                f"The base's directions ({method}) order candidates on the model {short} as its own do",
                *told, clusters, n=len(rows) - n, unit="Spearman correlation",
                control="the same numbers on other neurons of their layer",
                reading="A direction means something only where neurons keep their place.",
            )  # fmt: skip
    return found


def carried(moved: np.ndarray, own: np.ndarray, pool: np.ndarray, draws: int, seed: int):  # noqa: ANN201
    """Correlation of scores along moved and own directions, and its null.

    Args:
        moved: [capability, layer, feature].
        own: the same of the other model.
        pool: its candidates' mean activations [layer, row, feature].
        draws: permutations of the neurons of every layer, the same for all capabilities.
        seed: of these.

    Returns:
        The mean over capabilities, and its :class:`sparcom_nb.evidence.Null`.
    """
    rng = np.random.default_rng(seed)
    rows = pool.transpose(1, 0, 2).reshape(pool.shape[1], -1)
    expected = _ranks(rows @ own.reshape(len(own), -1).T)

    def agreement(vectors: np.ndarray) -> float:
        found = _ranks(rows @ vectors.reshape(len(vectors), -1).T)
        return float((found * expected).sum(axis=0).mean())

    width = np.arange(moved.shape[2])
    null = []
    for _ in range(draws):
        places = rng.permuted(np.tile(width, (moved.shape[1], 1)), axis=1)
        null.append(agreement(np.take_along_axis(moved, places[None], axis=2)))
    value = agreement(moved)
    return value, against(value, np.array(null))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks [row, column], centred and of length 1, so that products are Spearman correlations."""
    ranks = rankdata(values, axis=0) - (len(values) + 1) / 2
    return ranks / np.maximum(np.linalg.norm(ranks, axis=0), 1e-300)
