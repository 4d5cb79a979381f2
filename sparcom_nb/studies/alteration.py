"""Notebook 16: what tuning altered, beyond sampling and beyond any other training.

* The noise floor: two halves of ONE model's instructions differ too. So a model on half the sub-types
  is compared with the other on the other half, and with itself; the difference is what tuning did.
* The placebo: the base trained as long on plain documents, at an equal norm of the weight change.

Were two models alike, it would not matter which is called which: they change places in whole
sub-types, through the statistic.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import (
    Clusters,
    Finding,
    exchanged,
    explained,
    finding,
    jackknife,
    known_mean,
    mean_table,
    means,
)
from sparcom_nb.model.intervene import interpolated, weight_change
from sparcom_nb.sparcom.alteration import (
    agreed_jaccard,
    alteration,
    instruction_jaccard,
    profile_distance,
    routing_shift,
)
from sparcom_nb.sparcom.experts import specific_experts
from sparcom_nb.sparcom.frequency import neuron_frequency
from sparcom_nb.sparcom.sets import specific
from sparcom_nb.studies.results import NO_PLACEBO, Results

Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]
#: A category with fewer sub-types cannot be halved and jackknifed: rows are its units.
LEAST = 4
#: Ways to halve the sub-types, each in both directions.
SPLITS = 3
FLOOR = "models exchanged in whole sub-types"
_CLAIMS = {
    "sets": "The sets of base and tuned model are less alike than those of two halves of one model",
    "profiles": "Specific neurons moved to other layers, more than between halves of one model",
    "routing": "Tuning moved the routing more than two halves of one model differ",
    "placebo": "At an equal norm of the weight change, instructions altered the sets more than documents "
    "did",
    "category": "Tuning altered some categories more than others",
}
_UNITS = {"profiles": "of Jensen-Shannon distance", "routing": "of total variation"}
_READINGS = {
    "sets": "Only the halves of one model say how much of the change is the choice of instructions.",
    "profiles": "Other neurons of the same layers may take over: then sets change and profiles do not.",
    "routing": "A router that was not touched moves too, when the layers below it do.",
    "placebo": "Two checkpoints are compared, one training each: another seed might give another answer.",
    "category": "What a curve in the length of the instruction foretells is taken out.",
}


def study(
    models: Mapping[str, Any],
    data: pd.DataFrame,
    site: str = "gate",
    span: str = "instruction",
    top: float = 0.05,
    agreement: float = 0.5,
    draws: int = 999,
    seed: int = 0,
    batch_tokens: int | None = None,
) -> Results:
    """Compare base and tuned model, and both with a placebo.

    Args:
        models: ``base``, ``tuned`` and, where there is one, ``placebo``.
        data: rows.
        site: where neurons are measured.
        span: whose tokens count.
        top: share of the components that is specific to an instruction.
        agreement: share of a category that must agree.
        draws: exchanges and permutations.
        seed: of all draws.
        batch_tokens: tokens in a batch.

    Returns:
        Results: tables ``likeness`` and, with experts, ``routing`` (category, pair, value, low, high);
        ``layers`` (model, category, layer, mean, low, high); with experts ``experts`` (as of
        :func:`sparcom_nb.sparcom.alteration`).
    """
    options: dict[str, Any] = {"site": site, "span": span, "batch_tokens": batch_tokens}
    frequency = {n: neuron_frequency(m, data, **options).compute() for n, m in models.items()}
    marked = {name: specific(values, top=top).compute() for name, values in frequency.items()}
    alike, made = partial(agreed_jaccard, agreement=agreement), Compared.of(marked, seed)
    findings = {
        "sets": beyond_floor("sets", made, alike, 1, draws, seed),
        "profiles": beyond_floor("profiles", made, profile_distance, -1, draws, seed),
        "placebo": Finding(_CLAIMS["placebo"], np.nan, invalid=NO_PLACEBO),
        "category": by_category(instruction_jaccard(marked["base"], marked["tuned"]), draws, seed),
    }
    if "placebo" in models:
        equal, said = _at_equal_norm(
            models, marked, lambda m: neuron_frequency(m, data, **options), top
        )
        found = beyond_placebo(Compared.of(equal, seed), alike, draws, seed)
        findings["placebo"] = replace(found, caveat=said)
    tables = {"likeness": made.table(alike), "layers": layer_shares(marked)}
    if "routing" in frequency["base"].coords:
        routing = {name: values["routing"] for name, values in frequency.items()}
        moved = Compared.of(routing, seed)
        findings["routing"] = beyond_floor("routing", moved, routing_shift, -1, draws, seed)
        tables["routing"] = moved.table(routing_shift)
        before, after = (specific_experts(routing[name]) for name in ("base", "tuned"))
        tables["experts"] = alteration(before, after, agreement)
    return Results.of("Before and after fine-tuning", findings, tables=tables)


# ---------------------------------------------------------------- models on the same instructions


@dataclass(frozen=True)
class Compared:
    """Sums over the rows of every cluster, a model each, and ways to halve the clusters.

    sums: by name [cluster, layer, component]; size: rows of every cluster; sides: 0 or 1
    [2, split, cluster].
    """

    sums: Mapping[str, np.ndarray]
    size: np.ndarray
    clusters: Clusters
    sides: np.ndarray

    @classmethod
    def of(cls, models: Mapping[str, xr.DataArray], seed: int) -> "Compared":
        """Sum up arrays [instruction, layer, ...] of models on the same instructions."""
        clusters = Clusters.of(models["base"], LEAST)
        shape = (*models["base"].shape[:2], -1)
        sums = {
            n: clusters.sums(values.to_numpy().reshape(shape))[0] for n, values in models.items()
        }
        size = np.bincount(clusters.index).astype(float)
        return cls(sums, size, clusters, _halved(clusters.stratum, seed))

    def exchanged(self, first: str, second: str, which: np.ndarray) -> "Compared":
        """Two models change places in the clusters ``which`` (bool [cluster])."""
        a, b = self.sums[first], self.sums[second]
        chosen = which[:, None, None]
        swapped = {first: np.where(chosen, b, a), second: np.where(chosen, a, b)}
        return replace(self, sums={**self.sums, **swapped})

    def same(
        self, measure: Measure, first: str, second: str, keep: np.ndarray | float = 1.0
    ) -> np.ndarray:
        """Two models on the same clusters, those with 1 in ``keep`` (0 or 1 [cluster]): [category]."""
        return measure(self._mean(first, keep), self._mean(second, keep))

    def across(
        self, measure: Measure, first: str, second: str, keep: np.ndarray | float = 1.0
    ) -> np.ndarray:
        """A model on one side of every split with another on the other, both ways: [category]."""
        there, back = (
            measure(self._mean(first, keep * a), self._mean(second, keep * b))
            for a, b in (self.sides, self.sides[::-1])
        )
        return known_mean(np.concatenate([there, back]))

    def _mean(self, model: str, keep: np.ndarray | float) -> np.ndarray:
        """Mean over the rows of every category: [..., category, layer, component] for [..., cluster]."""
        kept = (np.ones(len(self.size)) * keep)[..., None, :]
        member = np.eye(len(self.clusters.strata))[self.clusters.stratum].T * kept
        number = (member @ self.size)[..., None, None]
        with np.errstate(invalid="ignore"):
            return np.tensordot(member, self.sums[model], 1) / number

    def table(self, measure: Measure) -> pd.DataFrame:
        """Measure of pairs of models, and of halves, by category: category, pair, value, low, high."""
        other = [name for name in ("tuned", "placebo") if name in self.sums]
        asked = {f"base, {name}": (self.same, "base", name) for name in other}
        halved = [("base", "base"), ("tuned", "tuned"), *(("base", name) for name in other)]
        asked |= {f"{a} A, {b} B": (self.across, a, b) for a, b in halved}
        parts = []
        for pair, (how, first, second) in asked.items():
            found = jackknife(partial(how, measure, first, second), self.clusters.stratum)
            ends = {"low": found.low.clip(0, 1), "high": found.high.clip(0, 1)}
            named = {"category": self.clusters.strata, "pair": pair, "value": found.value}
            parts.append(pd.DataFrame(named | ends))
        return pd.concat(parts, ignore_index=True)


def _halved(stratum: np.ndarray, seed: int) -> np.ndarray:
    """Halves of every category's clusters: 0 or 1 [2, split, cluster]; an odd one is left out."""
    rng, made = np.random.default_rng(seed), np.zeros((2, SPLITS, len(stratum)))
    for split, name in np.ndindex(SPLITS, stratum.max() + 1):
        order = rng.permutation(np.flatnonzero(stratum == name))
        half = len(order) // 2
        made[0, split, order[:half]] = made[1, split, order[half : 2 * half]] = 1
    return made


# ---------------------------------------------------------------- claims


def beyond_floor(
    name: str, made: Compared, measure: Measure, sign: int, draws: int, seed: int
) -> Finding:
    """Claim that halves of two models are less alike than halves of one (``sign`` -1: distances)."""

    def excess(of: Compared) -> np.ndarray:
        own, tuned, across = (
            of.across(measure, a, b)
            for a, b in (("base", "base"), ("tuned", "tuned"), ("base", "tuned"))
        )
        return sign * ((own + tuned) / 2 - across)

    return _exchange_test(name, made, excess, "base", draws, seed)


def beyond_placebo(made: Compared, measure: Measure, draws: int, seed: int) -> Finding:
    """Claim that base and tuned model are less alike than base and placebo."""

    def less_alike(of: Compared) -> np.ndarray:
        return of.same(measure, "base", "placebo") - of.same(measure, "base", "tuned")

    return _exchange_test("placebo", made, less_alike, "placebo", draws, seed)


def _exchange_test(
    name: str, made: Compared, statistic: Callable[[Compared], np.ndarray], other: str,
    draws: int, seed: int,
) -> Finding:  # fmt: skip
    """Hold a statistic [category] against the same after the tuned model and another changed places.

    Its error is over categories: leaving a sub-type of a half out changes likeness too much.
    """
    null = [
        known_mean(statistic(made.exchanged(other, "tuned", which)))
        for which in exchanged(made.clusters, draws, seed)
    ]
    found = means(statistic(made), Clusters.by(made.clusters.strata, "category"))[-1]
    return finding(
        _CLAIMS[name], found, np.array(null), made.clusters,
        unit=_UNITS.get(name, "Jaccard index"), control=FLOOR, reading=_READINGS[name],
    )  # fmt: skip


def by_category(values: xr.DataArray, draws: int, seed: int) -> Finding:
    """Claim that categories explain how much an instruction was altered, its length taken out."""
    return explained(
        _CLAIMS["category"], values.to_numpy(), Clusters.of(values), draws, seed,
        values["n_tokens"].to_numpy(), reading=_READINGS["category"],
    )  # fmt: skip


def _at_equal_norm(
    models: Mapping[str, Any], marked: Mapping[str, xr.DataArray], measured: Callable[[Any], xr.DataArray],
    top: float,
) -> tuple[dict[str, xr.DataArray], str]:  # fmt: skip
    """Sets with those of the model that moved more brought back towards the base; and the norms."""
    norm = {name: weight_change(models["base"], models[name]) for name in ("tuned", "placebo")}
    larger = max(norm, key=lambda name: norm[name])
    share = min(norm.values()) / norm[larger] if norm[larger] else 1.0
    with interpolated(models["base"], models[larger], share):
        equal = {**marked, larger: specific(measured(models[larger]), top=top).compute()}
    said = f"Norms of the weight change: tuned {norm['tuned']:.3g}, placebo {norm['placebo']:.3g}."
    return equal, said


# ---------------------------------------------------------------- tables


def layer_shares(marked: Mapping[str, xr.DataArray]) -> pd.DataFrame:
    """Share of every layer that is specific: model, category, layer, mean, low, high, n."""
    parts = []
    for model, marks in marked.items():
        inner = [dim for dim in marks.dims if dim not in ("instruction", "layer")]
        shares = marks.reset_coords(["share", "eps"], drop=True).mean(inner).rename("share")
        rows = shares.to_dataframe().reset_index()
        parts.append(mean_table(rows, ["category", "layer"], "share").assign(model=model))
    return pd.concat(parts, ignore_index=True)
