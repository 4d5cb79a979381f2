"""What notebooks 31 to 33 share: rows whose truth is known, their scores, and models tuned on them.

Every *arm* gets the same number of steps with the same batches' size and rate; it differs in its rows
only. What is tuned is judged by the loss of the reference response on rows of the evaluation, each
tuning once: results stand in a folder that the notebooks share.
"""

import dataclasses
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.evidence import Clusters, Estimate, Finding, finding, jackknife, t_test
from sparcom_nb.model.evaluate import evaluate
from sparcom_nb.model.load import load_model, load_pair
from sparcom_nb.model.sources import Identity, check_pair, member_name, model_path
from sparcom_nb.model.tune import tune
from sparcom_nb.nait.readout import sample_activations
from sparcom_nb.nait.selection import core_subset, select
from sparcom_nb.progress import progress
from sparcom_nb.rows.instructions import table_hash
from sparcom_nb.store import digest, once, versions
from sparcom_nb.studies import scoring
from sparcom_nb.studies.mixture import Mixture, mixture

RANDOM, FULL_POOL, UPPER = "random", "full pool", "only what is wanted"
UNIT = "nats gained per response token"
ONE_SEED = "With one seed, the chance of training is not in it."


@dataclass(frozen=True)
class Plan:
    """Sizes of the experiments.

    capabilities: whose selections are judged by their own; seeds: tunings of every arm; steps, batch,
    lr: of every tuning; ratio: share of the pool that an arm gets; n_pool, n_target, n_evaluation: rows
    (:func:`sparcom_nb.studies.mixture.mixture`); answer_tokens: longest answer, 0 for none.
    """

    capabilities: tuple[str, ...] = ("SUM",)
    seeds: int = 3
    steps: int = 12
    batch: int = 16
    lr: float = 1e-3
    ratio: float = 0.1
    n_pool: int = 1500
    n_target: int = 64
    n_evaluation: int = 150
    answer_tokens: int = 0


#: What runs in minutes, and what takes hours.
QUICK = Plan()
FULL = Plan(
    ("SUM", "CODE", "MATH"), steps=120, n_pool=3000, n_evaluation=600, answer_tokens=32
)  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """A pair's base, a mixture of rows and a plan; results are kept in a folder, each by its inputs."""

    pair: str
    mix: Mixture
    plan: Plan
    folder: Path
    device: str = "auto"

    @property
    def base(self) -> str:
        """Name of the model that scores and is tuned."""
        return member_name(check_pair(self.pair), "base")

    @cached_property
    def model(self) -> TransformerBridge:
        """The base; loaded when first used."""
        return load_model(self.base, self.device)

    @property
    def capabilities(self) -> list[str]:
        """Those of the plan that there are; the first there is where there are none."""
        there = self.mix.capabilities
        return [c for c in self.plan.capabilities if c in there] or there[:1]

    @cached_property
    def samples(self) -> scoring.Samples:
        """Activations of in-domain samples and pool, in one pass."""
        both = pd.concat([self.mix.target, self.mix.pool], ignore_index=True)
        return scoring.Samples.of(sample_activations(self.model, both), len(self.mix.target))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every score in :data:`sparcom_nb.studies.scoring.SCORES`: [id], columns (score, capability)."""
        return self._kept("scores", self._inputs("target", "pool"), self._scores)

    def _scores(self) -> pd.DataFrame:
        names = self.mix.capabilities
        label = self.mix.target["category"].map(names.index).to_numpy()
        vectors = scoring.directions(self.samples, label, len(names))
        found = {
            (score, c): values
            for score in scoring.SCORES
            for c, values in zip(names, scoring.scores(self.samples, vectors, score), strict=True)
        }
        return pd.DataFrame(found, index=pd.Index(self.mix.pool["id"], name="id"))

    def baselines(self, names: Iterable[str]) -> pd.DataFrame:
        """Scores of rivals, as :attr:`scores`."""
        inputs = self._inputs("target", "pool", names=list(names))
        make = lambda: scoring.baseline_scores(self.model, self.mix, inputs["names"])  # noqa: E731
        return self._kept("baselines", inputs, make)

    # ------------------------------------------------------------ arms

    def top(self, score: str, capability: str, ratio: float | None = None) -> list[pd.Index]:
        """The best of a score, the same for every seed."""
        return self.each(select(self.scores[score, capability], ratio or self.plan.ratio))

    def bottom(self, score: str, capability: str) -> list[pd.Index]:
        """The worst of a score."""
        return self.each(select(-self.scores[score, capability], self.plan.ratio))

    def random(self, ratio: float | None = None) -> list[pd.Index]:
        """Random rows, others for each seed."""
        ids = pd.Index(self.mix.pool["id"])
        rngs = [np.random.default_rng(seed) for seed in range(self.plan.seeds)]
        return [select(pd.Series(r.random(len(ids)), ids), ratio or self.plan.ratio) for r in rngs]

    def core(self, score: str) -> list[pd.Index]:
        """The rows that most capabilities select."""
        return self.each(core_subset(pd.DataFrame(self.scores[score]), self.plan.ratio))

    def whole(self) -> list[pd.Index]:
        """The whole pool."""
        return self.each(pd.Index(self.mix.pool["id"]))

    def wanted(self, capability: str) -> list[pd.Index]:
        """The capability's clean rows."""
        right = self.mix.wanted(capability)
        return self.each(right[right].index)

    def each(self, ids: pd.Index) -> list[pd.Index]:
        """The same rows for every seed."""
        return [ids] * self.plan.seeds

    # ------------------------------------------------------------ outcomes

    def outcomes(self, arms: Mapping[str, list[pd.Index]]) -> pd.DataFrame:
        """Tune every arm with every seed and judge it; what was done before is read.

        Returns:
            DataFrame, a row an arm, seed and row of the evaluation: arm, seed, n (rows tuned on), id,
            category, subtype, nll, correct.
        """
        jobs = [(arm, seed, ids) for arm, part in arms.items() for seed, ids in enumerate(part)]
        tables = []
        with progress(len(jobs), "tune", "arms", True) as shown:
            for arm, seed, ids in jobs:
                tables.append(self.outcome(ids, seed).assign(arm=arm, seed=seed, n=len(ids)))
                shown.update(1)
        return pd.concat(tables, ignore_index=True)

    def outcome(self, ids: pd.Index, seed: int) -> pd.DataFrame:
        """Outcome of tuning on rows of the pool, in its order: a selection is a set."""
        pool = self.mix.pool
        rows = pool[pool["id"].isin(ids)].drop(columns="quality").reset_index(drop=True)
        own = {k: getattr(self.plan, k) for k in ("steps", "batch", "lr", "answer_tokens")}
        about = {"rows": table_hash(rows), "seed": seed, "answered": self.capabilities}
        inputs = self._inputs("evaluation", **own, **about)
        return self._kept("outcome", inputs, lambda: self._tuned(rows, seed, digest(inputs)))

    def _tuned(self, rows: pd.DataFrame, seed: int, key: str) -> pd.DataFrame:
        work, plan = self.folder / f"tuning-{key[:16]}", self.plan
        tuned = tune(self.base, rows, plan.steps, seed, work, lr=plan.lr, batch=plan.batch)
        table = self._judged(load_model(str(tuned), self.device))
        shutil.rmtree(work)
        return table

    def _judged(self, model: TransformerBridge) -> pd.DataFrame:
        """Loss of all rows; answers of the capabilities' own, where they are asked for."""
        rows = self.mix.evaluation
        asked = rows["category"].isin(self.capabilities) & (self.plan.answer_tokens > 0)
        how = {"max_new_tokens": self.plan.answer_tokens or 1, "show_progress": False}
        parts = [evaluate(model, rows[asked == yes], answers=yes, **how) for yes in (True, False)
                 if (asked == yes).any()]  # fmt: skip
        return pd.concat(parts, ignore_index=True)

    # ------------------------------------------------------------ kept

    def _inputs(self, *parts: str, **more: Any) -> dict[str, Any]:
        """What a result depends on: these parts of the rows, the weights, the versions and more."""
        rows = {part: table_hash(getattr(self.mix, part)) for part in parts}
        return rows | self._hashes | {"versions": versions()} | more

    @cached_property
    def _hashes(self) -> dict[str, str]:
        return Identity(self.base, model_path(self.base)).hashes

    def _kept(
        self, name: str, inputs: Mapping[str, Any], make: Callable[[], pd.DataFrame]
    ) -> pd.DataFrame:
        """The table made of these inputs, made once; who comes second waits and reads."""
        path = self.folder / f"{name}-{digest(inputs)[:16]}.parquet"
        write = lambda work: make().to_parquet(work / path.name)  # noqa: E731
        once(path, inputs, write, manifest=f"{path.stem}.json", wait=True)
        return pd.read_parquet(path)


def begin(
    pair: str, source: str, folder: str | Path, seed: int = 0, device: str = "auto",
    full: bool = False, **changes: Any,
) -> Bench:  # fmt: skip
    """Deal rows for a pair's base.

    Args:
        pair: as :func:`sparcom_nb.load_pair` takes it.
        source: of :func:`sparcom_nb.studies.mixture.mixture`; empty: the pair's own.
        folder: where results are kept.
        seed: of the rows.
        device: of the models.
        full: the full plan, not the quick one.
        changes: numbers of the plan; None leaves one as it is.
    """
    plan = replace(FULL if full else QUICK, **{k: v for k, v in changes.items() if v is not None})
    plan = replace(plan, capabilities=tuple(plan.capabilities))
    source = source or load_pair(pair).data
    mix = mixture(source, plan.n_pool, plan.n_target, plan.n_evaluation, seed)
    return Bench(pair, mix, plan, Path(folder), device)


def gain(outcomes: pd.DataFrame, weights: Mapping[str, Mapping[str, float]]) -> Estimate:
    """A weighted sum of mean losses, with its error over sub-types and over seeds.

    Args:
        outcomes: of :meth:`Bench.outcomes`.
        weights: arm -> category -> weight; only these rows count.

    Returns:
        The estimate: its variance is that of the delete-one cluster jackknife of the mean over seeds,
        plus that of the seeds' mean, with Satterthwaite's degrees of freedom. With one seed the former
        alone.
    """
    table = pd.DataFrame(weights).fillna(0.0)  # [category, arm]
    rows = outcomes[outcomes["category"].isin(table.index) & outcomes["arm"].isin(table.columns)]
    keys = ["category", "subtype", "id"]
    wide = rows.pivot(index=keys, columns=["arm", "seed"], values="nll")
    clusters = Clusters.of(wide.index.to_frame(index=False))
    weight = table.loc[clusters.strata].to_numpy()
    loss = np.stack([wide[arm].to_numpy(float) for arm in table.columns], axis=1)
    sums, number = clusters.sums(loss)  # [cluster, arm, seed]
    member = np.eye(len(clusters.strata))[clusters.stratum].T

    def by_seed(keep: np.ndarray) -> np.ndarray:
        kept = member * keep
        with np.errstate(invalid="ignore"):
            means = np.tensordot(kept, sums, 1) / np.tensordot(kept, number, 1)
        return np.einsum("cas,ca->s", means, weight)

    seeds = by_seed(np.ones(len(clusters.names)))
    rows_only = jackknife(lambda keep: by_seed(keep).mean(), clusters.stratum)
    return _with_seeds(rows_only, seeds)


def _with_seeds(found: Estimate, seeds: np.ndarray) -> Estimate:
    """Add the variance of the mean over seeds [seed] to an estimate's."""
    if len(seeds) < 2:
        return found
    parts = np.array([found.error**2, seeds.var(ddof=1) / len(seeds)])
    freedom = parts.sum() ** 2 / (parts**2 / [found.freedom, len(seeds) - 1]).sum()
    return dataclasses.replace(found, error=np.sqrt(parts.sum()), freedom=freedom)


def gained(
    claim: str, outcomes: pd.DataFrame, weights: Mapping[str, Mapping[str, float]], **more: Any
) -> Finding:
    """Claim that :func:`gain` is above zero."""
    categories = {c for part in weights.values() for c in part}
    rows = outcomes[outcomes["category"].isin(categories)].drop_duplicates("id")
    found, seeds = gain(outcomes, weights), outcomes["seed"].nunique()
    clusters = Clusters.of(rows)
    units = f"{clusters.units}, {seeds} seed{'s' * (seeds > 1)}"
    told = {"unit": UNIT, "units": units, "caveat": ONE_SEED if seeds == 1 else ""} | more
    return finding(claim, found, t_test(found), clusters, **told)


def versus(arm: str, categories: Iterable[str], other: str = RANDOM) -> dict[str, dict[str, float]]:
    """Weights of the mean, over categories, of the loss after ``other`` minus that after ``arm``."""
    names = list(categories)
    return {side: dict.fromkeys(names, sign / len(names)) for side, sign in ((other, 1), (arm, -1))}


def mean_losses(outcomes: pd.DataFrame, by: str = "category") -> pd.DataFrame:
    """What every arm does to every category, or with ``by="all"`` to all of them together.

    Returns:
        DataFrame, a row an arm (and category): n (rows tuned on), loss, difference (from random rows;
        low and high), correct (share of the answers that were judged).
    """
    rows = []
    for (arm, name), part in outcomes.assign(all="all").groupby(["arm", by], sort=False):
        asked = list(part["category"].unique())
        one = {"arm": arm, by: name, "n": part["n"].iloc[0], "loss": part["nll"].mean()}
        if arm != RANDOM:
            found = gain(outcomes, versus(RANDOM, asked, str(arm)))
            ends = {"low": float(found.low), "high": float(found.high)}
            one |= {"difference": float(found.value)} | ends
        rows.append(one | {"correct": part["correct"].astype("Float64").mean()})
    return pd.DataFrame(rows)
