"""Notebook 33: what a selection does to other capabilities, the core of all, and other models."""

import numpy as np
import pandas as pd
from scipy.stats import binom, rankdata
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.evidence import Clusters, Finding, finding, jackknife, t_test
from sparcom_nb.model.load import load_model
from sparcom_nb.model.sources import PAIRS, PLACEBO, local_path, member_name
from sparcom_nb.nait.readout import sample_activations
from sparcom_nb.nait.selection import core_subset
from sparcom_nb.studies.mixture import Mixture
from sparcom_nb.studies.results import Results
from sparcom_nb.studies.scoring import Samples, directions, tops
from sparcom_nb.studies.tuning import FULL_POOL, RANDOM, Bench, Places, gained, mean_losses

CORE = "core"
#: Rows of the pool that two models' scores are compared on.
COMPARED = 256


def study(bench: Bench, score: str = "contrast", draws: int = 999, seed: int = 0) -> Results:
    """Tune on every capability's selection and on the core, and move directions to tuned models.

    Args:
        bench: rows, model and plan.
        score: of :data:`sparcom_nb.studies.scoring.SCORES`, whose selections are tuned on.
        draws: of permuted neurons.
        seed: of these.

    Returns:
        Findings ``own and others'``, ``others``, ``mathematics and code``, ``core``, ``core and pool``,
        ``in common`` and ``to MODEL``; tables ``composition``, ``transfer`` (effects of every arm on
        every category), ``core`` (rows by the number of capabilities that select them) and ``outcomes``.
    """
    mix, ratio, names = bench.mix, bench.plan.ratio, bench.mix.capabilities
    arms = {c: bench.top(score, c) for c in names}
    arms |= {CORE: core_subset(pd.DataFrame(bench.scores[score]), ratio)}
    whole = {RANDOM: bench.random(), FULL_POOL: pd.Index(mix.pool["id"])}
    outcomes = bench.outcomes(arms | whole)
    values = bench.scores[score][names].to_numpy().T
    found = served(outcomes, names) | {"in common": in_common(values, mix, ratio)}
    tables = {
        "composition": composition(values, mix, ratio),
        "transfer": mean_losses(outcomes),
        "core": counts(values, ratio),
        "outcomes": outcomes,
    }
    found |= carried_over(bench, draws, seed)
    return Results.of("Transfer and core", found, tables=tables)


# ---------------------------------------------------------------- what tuning on selections does


def served(outcomes: pd.DataFrame, names: list[str]) -> dict[str, Finding]:
    """Whom the selections serve: their own capability, others, and the core all."""
    others = [(a, c) for a in names for c in names if a != c]
    on = {arm: [(arm, c) for c in names] for arm in (RANDOM, CORE, FULL_POOL)}
    tells = "What lowers every loss is no service to one capability: only a difference tells."
    enough = "A core that is enough for general ability would have to gain on this."
    asked: dict[str, tuple[str, Places, Places, str, str]] = {
        "own and others'": (
            "A selection serves its own capability better than the selections for others do",
            [(c, c) for c in names], others, "selections for other capabilities", tells,
        ),
        "others": (
            "A selection serves the other capabilities better than random rows do",
            others, on[RANDOM], "random rows", tells,
        ),
        "core": (
            "The core subset serves all capabilities together better than random rows do",
            on[CORE], on[RANDOM], "as many random rows", enough,
        ),
        "core and pool": (
            "The core subset serves all capabilities together better than the whole pool does",
            on[CORE], on[FULL_POOL], "the whole pool", enough,
        ),
    }  # fmt: skip
    given = [c for c in ("CODE", "MATH") if c in names]
    taken = [c for c in names if c not in given]
    if given and len(taken) > 1:
        asked["mathematics and code"] = (
            "Selections for mathematics and code serve other capabilities better than others' do",
            [(a, c) for a in given for c in taken],
            [(a, c) for a, c in others if a in taken and c in taken], "the other selections", tells,
        )  # fmt: skip
    return {
        name: gained(claim, outcomes, better, than, control=control, reading=reading)
        for name, (claim, better, than, control, reading) in asked.items()
    }


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


def in_common(values: np.ndarray, mix: Mixture, ratio: float) -> Finding:
    """Claim that capabilities select the same rows."""
    clusters = Clusters.of(mix.pool)

    def shared(keep: np.ndarray) -> float:
        chosen = tops(values[:, keep[clusters.index] > 0], ratio).astype(float)
        both, own = chosen @ chosen.T, chosen.sum()
        return float((both.sum() - own) / (len(chosen) - 1) / own - chosen.mean())

    found = jackknife(shared, clusters.stratum)
    return finding(
        "Two capabilities select the same rows more often than independent selections would",
        found, t_test(found), clusters, unit="of a selection, above chance",
        control="independent selections",
        reading="Directions that follow one nuisance share rows too, and look like a core.",
    )  # fmt: skip


# ---------------------------------------------------------------- to other models


def carried_over(bench: Bench, draws: int, seed: int) -> dict[str, Finding]:
    """Claim for the tuned model, and the placebo, that the base's directions order candidates there."""
    pair, rows = bench.pair, pd.concat([bench.mix.target, bench.mix.pool.head(COMPARED)])
    n, clusters = len(bench.mix.target), Clusters.of(bench.mix.target)

    def read(model: TransformerBridge) -> tuple[np.ndarray, Samples]:
        samples = Samples.of(sample_activations(model, rows), n)
        label = clusters.stratum[clusters.index]
        return directions(samples, label, len(clusters.strata), ["pc1"])["pc1"], samples

    placebo = pair in PAIRS and local_path(pair, PLACEBO) is not None
    (moved, _), found = read(bench.model), {}
    for name in [member_name(pair, "instruct"), *[f"{pair}/{PLACEBO}"] * placebo]:
        own, samples = read(load_model(name, bench.device))
        short = name.rpartition("/")[2]
        found[f"to {short}"] = finding(
            f"The base's directions order candidates on the model {short} as its own do",
            *carried(moved, own, samples.pool[0], draws, seed), clusters, n=len(rows) - n,
            unit="Spearman correlation", control="the same numbers on other neurons of their layer",
            reading="A direction means something only where neurons keep their place.",
        )  # fmt: skip
    return found


def carried(
    moved: np.ndarray, own: np.ndarray, pool: np.ndarray, draws: int, seed: int
) -> tuple[float, np.ndarray]:
    """Correlation of scores along moved and own directions [capability, layer, feature], and its null.

    ``pool``: the other model's candidates' mean activations [layer, row, feature]. A draw of the null
    permutes the neurons of every layer, the same for all capabilities.
    """
    rng = np.random.default_rng(seed)
    rows = pool.transpose(1, 0, 2).reshape(pool.shape[1], -1)
    expected = _ranks(rows @ own.reshape(len(own), -1).T)

    def agreement(vectors: np.ndarray) -> float:
        found = _ranks(rows @ vectors.reshape(len(vectors), -1).T)
        return float((found * expected).sum(axis=0).mean())

    width = np.tile(np.arange(moved.shape[2]), (moved.shape[1], 1))
    places = (rng.permuted(width, axis=1)[None] for _ in range(draws))
    null = [agreement(np.take_along_axis(moved, at, axis=2)) for at in places]
    return agreement(moved), np.array(null)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks [row, column], centred and of length 1, so that products are Spearman correlations."""
    ranks = rankdata(values, axis=0) - (len(values) + 1) / 2
    return ranks / np.maximum(np.linalg.norm(ranks, axis=0), 1e-300)
