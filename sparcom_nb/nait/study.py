"""Tune on what scores select: arms, ratios, transfer. Every tuned model is judged once and kept.

All arms get the same number of steps, the same batches' size and rate; an arm differs in its rows
only. Outcomes are of every row of the evaluation: the loss of the reference response first, and
whether the model's own answer is right for the capability that is asked about.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.model import capture, prompts, taps
from sparcom_nb.model import evaluate as evaluation
from sparcom_nb.model import load as models
from sparcom_nb.model import tune as tuning
from sparcom_nb.model.evaluate import evaluate
from sparcom_nb.model.load import load_model, load_pair
from sparcom_nb.model.sources import (
    PAIRS,
    PLACEBO,
    Identity,
    check_pair,
    local_path,
    member_name,
    model_path,
)
from sparcom_nb.model.tune import tune
from sparcom_nb.nait import baselines, core, directions, precision, readout, scores
from sparcom_nb.nait.core import core_subset, jaccard
from sparcom_nb.nait.directions import Direction
from sparcom_nb.nait.kept import kept, kept_directions, made_by
from sparcom_nb.nait.outcomes import FULL_POOL, RANDOM, UPPER, effects, transfer_matrix
from sparcom_nb.nait.pool import Mixture, mixture
from sparcom_nb.nait.precision import BASELINE_SCORES, capabilities
from sparcom_nb.nait.scores import select
from sparcom_nb.progress import progress
from sparcom_nb.rows import checkers
from sparcom_nb.rows.instructions import table_hash
from sparcom_nb.store import digest

#: What an outcome, and what a score, depends on besides its data.
TUNING: tuple[ModuleType, ...] = (checkers, evaluation, models, prompts, taps, tuning)
SCORING: tuple[ModuleType, ...] = (
    baselines, capture, core, directions, evaluation, models, precision, prompts, readout, scores, taps,
)  # fmt: skip
#: Arm -> rows of the pool to tune on, for each seed.
Arms = dict[str, list[pd.Index]]


@dataclass(frozen=True)
class Plan:
    """Sizes of the experiments.

    Attributes:
        capabilities: whose arms are tuned.
        seeds: tunings of every arm; a seed decides the order of rows, and the random selection.
        steps, batch, lr: of every tuning.
        ratio: share of the pool that an arm gets; ratios: others for the sweep.
        scores: whose top and bottom are arms.
        swept: scores for ratios and transfer.
        n_pool, n_target, n_evaluation: rows, see :func:`sparcom_nb.nait.mixture`.
        n_own: in-domain samples that a direction is made of.
        skip: opening tokens that the scores "no opening" leave out.
        baselines: of :data:`sparcom_nb.nait.BASELINE_SCORES`.
        sizes: numbers of in-domain samples to try.
        draws: of in-domain samples, for those sizes and (three times as many) for stability.
        answer_tokens: longest answer.
    """

    capabilities: tuple[str, ...] = ("SUM",)
    seeds: int = 3
    steps: int = 20
    batch: int = 16
    lr: float = 1e-3
    ratio: float = 0.1
    ratios: tuple[float, ...] = (0.3,)
    scores: tuple[str, ...] = ("NAIT", "NAIT, drift", "contrast")
    swept: tuple[str, ...] = ("contrast",)
    n_pool: int = 3000
    n_target: int = 256
    n_evaluation: int = 150
    n_own: int = 64
    skip: int = 4
    baselines: tuple[str, ...] = tuple(name for name in BASELINE_SCORES if name != "embedding")
    sizes: tuple[int, ...] = (4, 8, 16, 32, 64, 128, 256)
    draws: int = 3
    answer_tokens: int = 32


#: What runs in minutes, and what takes hours.
QUICK = Plan()
FULL = Plan(
    capabilities=("SUM", "CODE", "MATH"), steps=120, ratios=(0.03, 0.3),
    swept=("NAIT", "contrast"),
    n_evaluation=600,
)  # fmt: skip


def plan(full: bool = False, **changes: Any) -> Plan:
    """The quick or the full plan, with changes; None leaves a number as it is."""
    return replace(FULL if full else QUICK, **{k: v for k, v in changes.items() if v is not None})


@dataclass(frozen=True)
class Study:
    """One model, one mixture of rows and one plan; results are kept in a folder, each by its inputs."""

    base: str
    mix: Mixture
    plan: Plan
    folder: Path
    device: str = "auto"

    @cached_property
    def model(self) -> TransformerBridge:
        """The model that scores and is tuned; loaded when first used."""
        return load_model(self.base, self.device)

    @cached_property
    def capabilities(self) -> list[str]:
        """Those of the plan that there are; the first there is where there are none."""
        there = capabilities(self.mix)
        return [c for c in self.plan.capabilities if c in there] or there[:1]

    # ------------------------------------------------------------ scores

    @cached_property
    def directions(self) -> dict[str, Direction]:
        """See :func:`sparcom_nb.nait.pool_directions`."""
        n, skip = self.plan.n_own, self.plan.skip
        return kept_directions(
            self.folder, "directions", self._scored_by(),
            lambda: precision.pool_directions(self.model, self.mix, n, skip),
        )  # fmt: skip

    @property
    def whole_directions(self) -> dict[str, Direction]:
        """Those that leave no opening out."""
        return {name: one for name, one in self.directions.items() if not one.skip}

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Columns (score, capability), see :func:`sparcom_nb.nait.pool_scores`."""
        return self._kept_scores(
            "scores", lambda: precision.pool_scores(self.model, self.mix, self.directions)
        )

    @cached_property
    def baselines(self) -> pd.DataFrame:
        """Columns (baseline, capability), see :func:`sparcom_nb.nait.pool_baselines`."""
        names = self.plan.baselines
        return self._kept_scores(
            "baselines", lambda: precision.pool_baselines(self.model, self.mix, names), names=names
        )

    @cached_property
    def n_tokens(self) -> pd.Series:
        """Length of every candidate in tokens, by id."""
        table = self._kept_scores(
            "lengths",
            lambda: baselines.baseline_score("length", self.model, self.mix.pool).to_frame(),
        )
        return table["length"]

    def precisions(self) -> pd.DataFrame:
        """Of scores and baselines: see :func:`sparcom_nb.nait.selection_precision`."""
        ratio, names = self.plan.ratio, self.plan.baselines
        return self._kept_scores(
            "precision",
            lambda: precision.selection_precision(
                self.scores.join(self.baselines), self.mix, self.n_tokens, ratio
            ),
            names=names, ratio=ratio,
        )  # fmt: skip

    def by_number(self) -> pd.DataFrame:
        """See :func:`sparcom_nb.nait.by_number`."""
        how = {"sizes": self.plan.sizes, "draws": self.plan.draws, "ratio": self.plan.ratio}
        return self._kept_scores(
            "by_number", lambda: precision.by_number(self.model, self.mix, **how), **how
        )

    def stability(self) -> pd.DataFrame:
        """See :func:`sparcom_nb.nait.stability`."""
        how = {"draws": 3 * self.plan.draws, "ratio": self.plan.ratio, "n": self.plan.n_own}
        return self._kept_scores(
            "stability", lambda: core.stability(self.model, self.mix, **how), **how
        )

    def moved(self, name: str) -> pd.DataFrame:
        """The whole directions on the model ``name``: see :func:`sparcom_nb.nait.between_models`.

        The method ``pc1`` is called by the score, ``NAIT``.
        """
        other, ratio = replace(self, base=name), self.plan.ratio
        table = self._kept_scores(
            "moved",
            lambda: core.between_models(
                self.whole_directions, other.directions, other.model, self.mix, ratio
            ),
            other=name, other_model=other._model, ratio=ratio,
        )  # fmt: skip
        return table.replace({"method": {"pc1": "NAIT"}})

    def in_common(self) -> pd.Series:
        """What any two capabilities' selections have in common, by score: mean Jaccard.

        The floor of stability: two halves of one capability should agree on more.
        """
        return pd.Series({score: self._overlap(score) for score in self.plan.scores})

    def _overlap(self, score: str) -> float:
        tops = [select(self.scores[score, c], self.plan.ratio) for c in capabilities(self.mix)]
        return float(np.mean([jaccard(a, b) for a, b in combinations(tops, 2)]))

    def _kept_scores(self, name: str, make: Callable[[], pd.DataFrame], **how: Any) -> pd.DataFrame:
        return kept(self.folder, name, self._scored_by() | how, make)

    def _scored_by(self) -> dict[str, Any]:
        """What every score of this study depends on."""
        rows = {part: table_hash(getattr(self.mix, part)) for part in ("target", "pool")}
        own = {"n_own": self.plan.n_own, "skip": self.plan.skip}
        return rows | own | self._model | {"made_by": made_by(SCORING)}

    @property
    def fingerprint(self) -> str:
        """Hash of what the results of this study are about: rows, plan and weights."""
        parts = ("target", "pool", "evaluation")
        rows = {part: table_hash(getattr(self.mix, part)) for part in parts}
        return digest(rows | {"plan": asdict(self.plan), "model": self._model})

    @cached_property
    def _model(self) -> dict[str, str]:
        return Identity(self.base, model_path(self.base)).hashes

    # ------------------------------------------------------------ arms

    def arms(self, capability: str) -> Arms:
        """Top and bottom of the plan's scores, random rows, the whole pool, and only what is wanted."""
        ids, wanted = pd.Index(self.mix.pool["id"]), self.mix.wanted(capability)
        arms = {
            RANDOM: self.random(self.plan.ratio),
            FULL_POOL: [ids] * self.plan.seeds,
            UPPER: [ids[wanted.to_numpy()]] * self.plan.seeds,
        }
        for score in self.plan.scores:
            values = self.scores[score, capability]
            arms[f"{score}: top"] = self._same(select(values, self.plan.ratio))
            arms[f"{score}: bottom"] = self._same(select(-values, self.plan.ratio))
        return arms

    def random(self, ratio: float) -> list[pd.Index]:
        """Random rows, others for each seed."""
        ids = pd.Index(self.mix.pool["id"])
        rngs = [np.random.default_rng(seed) for seed in range(self.plan.seeds)]
        return [select(pd.Series(rng.random(len(ids)), ids), ratio) for rng in rngs]

    def transfer_arms(self, score: str) -> Arms:
        """The top of one score for every capability, and random rows."""
        tops = {c: select(self.scores[score, c], self.plan.ratio) for c in capabilities(self.mix)}
        return {RANDOM: self.random(self.plan.ratio)} | {c: self._same(t) for c, t in tops.items()}

    def core_arms(self, score: str) -> Arms:
        """The core subset of all capabilities, random rows, and the whole pool."""
        core = core_subset(pd.DataFrame(self.scores[score]), self.plan.ratio)
        whole = [pd.Index(self.mix.pool["id"])] * self.plan.seeds
        return {RANDOM: self.random(self.plan.ratio), "core": self._same(core), FULL_POOL: whole}

    def _same(self, ids: pd.Index) -> list[pd.Index]:
        return [ids] * self.plan.seeds

    # ------------------------------------------------------------ outcomes

    def sweep(self, capability: str) -> pd.DataFrame:
        """Effects of the swept scores' top, and of random rows, by the share of the pool taken.

        Columns of :func:`effects` and ratio; compared with random rows of the same number.
        """
        tables = []
        for ratio in sorted({*self.plan.ratios, self.plan.ratio, 1.0}):
            tops = {s: select(self.scores[s, capability], ratio) for s in self.plan.swept}
            arms = {RANDOM: self.random(ratio)} | {s: self._same(t) for s, t in tops.items()}
            tables.append(effects(self.outcomes(arms), capability).assign(ratio=ratio))
        return pd.concat(tables, ignore_index=True)

    def transfer(self, score: str) -> pd.DataFrame:
        """What the selection for one capability does to the others: see :func:`transfer_matrix`."""
        return transfer_matrix(self.outcomes(self.transfer_arms(score)))

    def outcomes(self, arms: Mapping[str, Sequence[pd.Index]]) -> pd.DataFrame:
        """Tune every arm with every seed and evaluate it; what was done before is read.

        Returns:
            DataFrame, a row an arm, seed and row of the evaluation: arm, seed, n (rows tuned on),
            fresh (made now), id, category, subtype, nll, correct.
        """
        jobs = [(arm, seed, ids) for arm, part in arms.items() for seed, ids in enumerate(part)]
        tables = []
        with progress(len(jobs), "tune", "arms", True) as shown:
            for arm, seed, ids in jobs:
                table = self.outcome(ids, seed)
                fresh = table.attrs["fresh"]
                tables.append(table.assign(arm=arm, seed=seed, n=len(ids), fresh=fresh))
                shown.update(1)
        return pd.concat(tables, ignore_index=True)

    def outcome(self, ids: pd.Index, seed: int) -> pd.DataFrame:
        """Outcome of one tuning: id, category, subtype, n_tokens, nll, correct."""
        rows = self.rows(ids)
        inputs = self.inputs | {"data_sha256": table_hash(rows), "seed": seed}
        return kept(self.folder, "outcome", inputs, lambda: self._tuned(rows, seed, inputs))

    def rows(self, ids: pd.Index) -> pd.DataFrame:
        """Rows of the pool in its order: a selection is a set."""
        pool = self.mix.pool
        return pool[pool["id"].isin(ids)].drop(columns="quality").reset_index(drop=True)

    def untuned(self) -> pd.DataFrame:
        """Outcome of the model as it is."""
        inputs = self.inputs | {"steps": 0}
        return kept(self.folder, "outcome", inputs, lambda: self._judged(self.base))

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What every outcome of this study depends on."""
        own = {name: getattr(self.plan, name) for name in ("steps", "batch", "lr", "answer_tokens")}
        return own | {
            **self._model,
            "evaluation_sha256": table_hash(self.mix.evaluation),
            "answered": self.capabilities,
            "made_by": made_by(TUNING),
        }

    def _tuned(self, rows: pd.DataFrame, seed: int, inputs: Mapping[str, Any]) -> pd.DataFrame:
        work = self.folder / f"tuning-{digest(inputs)[:16]}"
        how = {"lr": self.plan.lr, "batch": self.plan.batch}
        table = self._judged(str(tune(self.base, rows, self.plan.steps, seed, work, **how)))
        shutil.rmtree(work)
        return table

    def _judged(self, name: str) -> pd.DataFrame:
        """Loss of all rows; answers where they are asked for."""
        model, rows = load_model(name), self.mix.evaluation
        asked = rows["category"].isin(self.capabilities)
        how = {"max_new_tokens": self.plan.answer_tokens, "show_progress": False}
        parts = [evaluate(model, rows[asked == yes], answers=yes, **how) for yes in (True, False)
                 if (asked == yes).any()]  # fmt: skip
        return pd.concat(parts, ignore_index=True)


def begin_study(
    pair: str, source: str, plan: Plan, folder: str | Path, seed: int = 0, device: str = "auto"
) -> Study:
    """Deal rows and begin a study of a pair's base.

    Args:
        pair: as :func:`sparcom_nb.load_pair` takes it.
        source: of :func:`sparcom_nb.nait.mixture`; empty: the pair's own.
        plan: how much of everything.
        folder: where results are kept.
        seed: of the rows.
        device: of the model.
    """
    source = source or load_pair(pair).data
    mix = mixture(source, plan.n_pool, plan.n_target, plan.n_evaluation, seed)
    return Study(member_name(check_pair(pair), "base"), mix, plan, Path(folder), device)


def tuned_from(pair: str) -> list[str]:
    """Names of the models here that were made of a pair's base: the tuned one, and its placebo."""
    placebo = pair in PAIRS and local_path(pair, PLACEBO) is not None
    return [member_name(pair, "instruct"), *([f"{pair}/{PLACEBO}"] if placebo else [])]
