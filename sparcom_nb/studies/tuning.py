"""What notebooks 31 to 33 share: rows whose truth is known, their scores, and models tuned on them.

Every *arm* gets the same number of steps with the same batches' size and rate; it differs in its rows
only. What is tuned is judged by the loss of the reference response on rows of the evaluation. Each
result is made once, and kept in a folder that the notebooks share.
"""

import itertools
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.evidence import Clusters, Estimate, Finding, finding, means, t_test
from sparcom_nb.model.evaluate import evaluate
from sparcom_nb.model.load import load_model, load_pair
from sparcom_nb.model.sources import Identity, check_pair, member_name, model_path
from sparcom_nb.model.tune import tune
from sparcom_nb.nait.readout import sample_activations
from sparcom_nb.nait.selection import select
from sparcom_nb.progress import progress
from sparcom_nb.rows.instructions import table_hash
from sparcom_nb.store import digest, once, versions
from sparcom_nb.studies import scoring
from sparcom_nb.studies.mixture import Mixture, mixture

RANDOM, FULL_POOL, UPPER = "random", "full pool", "only what is wanted"
UNIT = "nats gained per response token"
FEW_SEEDS = "With fewer than three seeds, the chance of training is not in it."
#: What the losses of arms on categories are averaged over.
Places = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Plan:
    """Sizes of the experiments.

    capabilities: whose selections are judged by their own rows; seeds: tunings of every arm; steps,
    batch, lr: of every tuning; ratio: share of the pool that an arm gets; n_pool, n_target,
    n_evaluation: rows (:func:`sparcom_nb.studies.mixture.mixture`); answers: judge them too, which
    takes long.
    """

    capabilities: tuple[str, ...] = ("SUM", "CODE", "MATH")
    seeds: int = 3
    steps: int = 12
    batch: int = 16
    lr: float = 1e-3
    ratio: float = 0.1
    n_pool: int = 1500
    n_target: int = 64
    n_evaluation: int = 150
    answers: bool = False


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

    # ------------------------------------------------------------ arms and their outcomes

    def top(self, score: str, capability: str, ratio: float | None = None) -> pd.Index:
        """Ids of the rows that a score selects for a capability."""
        return select(self.scores[score, capability], ratio or self.plan.ratio)

    def random(self, ratio: float | None = None) -> list[pd.Index]:
        """As many random ids, others for each seed."""
        ids = pd.Index(self.mix.pool["id"])
        rngs = [np.random.default_rng(seed) for seed in range(self.plan.seeds)]
        return [select(pd.Series(r.random(len(ids)), ids), ratio or self.plan.ratio) for r in rngs]

    def outcomes(self, arms: Mapping[str, pd.Index | list[pd.Index]]) -> pd.DataFrame:
        """Tune every arm with every seed and judge it; what was done before is read.

        Args:
            arms: ids of rows of the pool by name, for all seeds or for each.

        Returns:
            DataFrame, a row an arm, seed and row of the evaluation: arm, seed, n (rows tuned on), id,
            category, subtype, nll, correct.
        """
        seeds = range(self.plan.seeds)
        rows = {
            arm: ids if isinstance(ids, list) else [ids for _ in seeds] for arm, ids in arms.items()
        }
        tables = []
        with progress(len(rows) * len(seeds), "tune", "arms", True) as shown:
            for (arm, each), seed in itertools.product(rows.items(), seeds):
                made = self.outcome(each[seed], seed)
                tables.append(made.assign(arm=arm, seed=seed, n=len(each[seed])))
                shown.update(1)
        return pd.concat(tables, ignore_index=True)

    def outcome(self, ids: pd.Index, seed: int) -> pd.DataFrame:
        """Outcome of tuning on rows of the pool, in its order: a selection is a set."""
        pool = self.mix.pool
        rows = pool[pool["id"].isin(ids)].drop(columns="quality").reset_index(drop=True)
        own = {k: getattr(self.plan, k) for k in ("steps", "batch", "lr", "answers")}
        inputs = self._inputs("evaluation", **own, rows=table_hash(rows), seed=seed)
        return self._kept("outcome", inputs, lambda: self._tuned(rows, seed, digest(inputs)))

    def _tuned(self, rows: pd.DataFrame, seed: int, key: str) -> pd.DataFrame:
        work, plan = self.folder / f"tuning-{key[:16]}", self.plan
        tuned = tune(self.base, rows, plan.steps, seed, work, lr=plan.lr, batch=plan.batch)
        model, asked = load_model(str(tuned), self.device), plan.answers
        table = evaluate(model, self.mix.evaluation, asked, max_new_tokens=32, show_progress=False)
        shutil.rmtree(work)
        return table

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
    pair: str, source: str, folder: str | Path, seed: int = 0, device: str = "auto", **changes: Any
) -> Bench:
    """Deal rows for a pair's base.

    Args:
        pair: as :func:`sparcom_nb.load_pair` takes it.
        source: of :func:`sparcom_nb.studies.mixture.mixture`; empty: the pair's own.
        folder: where results are kept.
        seed: of the rows.
        device: of the models.
        changes: numbers of the plan.
    """
    plan = replace(Plan(), **changes)
    plan = replace(plan, capabilities=tuple(plan.capabilities))
    source = source or load_pair(pair).data
    mix = mixture(source, plan.n_pool, plan.n_target, plan.n_evaluation, seed)
    return Bench(pair, mix, plan, Path(folder), device)


# ---------------------------------------------------------------- what is claimed of outcomes


def gain(outcomes: pd.DataFrame, arms: Places, others: Places) -> Estimate:
    """How much lower the mean loss is over the places (arm, category) ``arms`` than over ``others``.

    Paired by row and seed. The variance is that of the delete-one cluster jackknife of the mean over
    seeds, plus that of the seeds' mean, with Satterthwaite's degrees of freedom; with fewer than three
    seeds the former alone, since two say too little of how seeds differ.
    """
    over = [pd.Series(1 / len(p), pd.MultiIndex.from_tuples(p)) for p in (others, arms)]
    weights = over[0].sub(over[1], fill_value=0).unstack(0, fill_value=0)  # [category, arm]
    wide = outcomes.pivot(
        index=["category", "subtype", "id"], columns=["arm", "seed"], values="nll"
    )
    wide = wide[wide.index.get_level_values("category").isin(weights.index)]
    clusters = Clusters.of(wide.index.to_frame(index=False))
    weight = weights.loc[wide.index.get_level_values("category")].to_numpy()
    losses = np.stack([wide[arm].to_numpy(float) for arm in weights], axis=1)  # [row, arm, seed]
    each = len(clusters.strata) * np.einsum("ras,ra->rs", losses, weight)
    found, seeds = means(each.mean(axis=1), clusters)[-1], means(each, clusters).value[-1]
    if len(seeds) < 3:
        return found
    parts = np.array([found.error**2, seeds.var(ddof=1) / len(seeds)])
    freedom = parts.sum() ** 2 / (parts**2 / [found.freedom, len(seeds) - 1]).sum()
    return replace(found, error=np.sqrt(parts.sum()), freedom=freedom)


def gained(
    claim: str, outcomes: pd.DataFrame, arms: Places, others: Places, **more: Any
) -> Finding:
    """Claim that :func:`gain` is above zero."""
    rows = outcomes[outcomes["category"].isin({c for _, c in arms})].drop_duplicates("id")
    found, seeds = gain(outcomes, arms, others), outcomes["seed"].nunique()
    clusters = Clusters.of(rows)
    units = f"{clusters.units}, {seeds} seed{'s' * (seeds > 1)}"
    told: dict[str, Any] = {
        "unit": UNIT,
        "units": units,
        "caveat": FEW_SEEDS if seeds < 3 else "",
    } | more
    return finding(claim, found, t_test(found), clusters, **told)


def mean_losses(outcomes: pd.DataFrame) -> pd.DataFrame:
    """What every arm does to every category.

    Returns:
        DataFrame, a row an arm and category: n (rows tuned on), loss, difference (from random rows;
        low and high), correct (share of the answers that were judged).
    """
    rows = []
    for key, part in outcomes.groupby(["arm", "category"], sort=False):
        arm, name = map(str, key)
        one = {"arm": arm, "category": name, "n": part["n"].iloc[0], "loss": part["nll"].mean()}
        if arm != RANDOM:
            found = gain(outcomes, [(RANDOM, name)], [(arm, name)])
            ends = {"low": float(found.low), "high": float(found.high)}
            one |= {"difference": float(found.value)} | ends
        rows.append(one | {"correct": part["correct"].astype("Float64").mean()})
    return pd.DataFrame(rows)
