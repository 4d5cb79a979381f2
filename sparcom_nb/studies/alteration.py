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
    Estimate,
    Finding,
    against,
    exchanged,
    explained,
    finding,
    jackknife,
    known_mean,
)
from sparcom_nb.model.intervene import interpolated, weight_change
from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.sparcom.alteration import (
    alteration,
    frequency_shift,
    instruction_jaccard,
    jaccard,
    kept_share,
    profile_distance,
    routing_shift,
)
from sparcom_nb.sparcom.experts import specific_experts
from sparcom_nb.sparcom.frequency import neuron_frequency
from sparcom_nb.sparcom.sets import specific
from sparcom_nb.stats import without_length
from sparcom_nb.studies.results import Results

Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]
#: A category with fewer sub-types cannot be halved and jackknifed: rows are its units.
LEAST = 4
FLOOR = "models exchanged in whole sub-types"
NO_PLACEBO = (
    "There is no placebo of this pair here, so that more than any further training cannot be told."
)
_CLAIMS = {
    "frequencies": "Mean frequencies of base and tuned model differ more than halves of one model",
    "sets": "The sets of base and tuned model are less alike than those of two halves of one model",
    "profiles": "Specific neurons moved to other layers, more than between halves of one model",
    "sets, other span": "On the other span too the sets are less alike than those of halves of one model",
    "routing": "Tuning moved the routing more than two halves of one model differ",
    "experts": "The experts of base and tuned model are less alike than those of halves of one model",
    "placebo": "Tuning on instructions altered the sets more than training on documents did",
    "placebo, equal norm": "At an equal norm of the weight change, instructions altered the sets more than "
    "documents did",
    "category": "Tuning altered some categories more than others",
    "category, other span": "On the other span tuning altered some categories more than others",
    "category, routing": "Tuning moved the routing of some categories otherwise than that of others",
}
_UNITS = {
    "frequencies": "of frequency",
    "profiles": "of Jensen-Shannon distance",
    "routing": "of total variation",
}
_READINGS = {
    "sets": "Only the halves of one model say how much of the change is the choice of instructions.",
    "profiles": "Other neurons of the same layers may take over: then sets change and profiles do not.",
    "placebo": "Two checkpoints are compared, one training each: another seed might give another answer.",
    "category, other span": "Responses of categories differ in form, so that an effect says less here.",
}


def study(
    models: Mapping[str, Any],
    data: pd.DataFrame,
    site: str = "gate",
    span: str = "instruction",
    other_span: str = "response",
    top: float = 0.05,
    agreement: float = 0.5,
    splits: int = 3,
    draws: int = 999,
    seed: int = 0,
    batch_tokens: int | None = None,
) -> Results:
    """Compare base and tuned model, and both with a placebo.

    Args:
        models: ``base``, ``tuned`` and, where there is one, ``placebo``.
        data: rows; those without a response are left out of the span ``response``.
        site: where neurons are measured.
        span: whose tokens count.
        other_span: the same for what is asked again.
        top: share of the components that is specific to an instruction.
        agreement: share of a category that must agree.
        splits: ways to halve the sub-types, each in both directions.
        draws: exchanges and permutations.
        seed: of all draws.
        batch_tokens: tokens in a batch.

    Returns:
        Results: tables ``shifts``, ``likeness``, ``likeness_other_span``, ``profiles`` and, with
        experts, ``routing`` (category, pair, value, low, high; and layer); ``alteration``, ``layers``.
    """
    options: dict[str, Any] = {"site": site, "batch_tokens": batch_tokens}
    measured = partial(neuron_frequency, data=data, span=span, **options)
    frequency = {name: measured(model).compute() for name, model in models.items()}
    marked = {name: specific(values, top=top).compute() for name, values in frequency.items()}
    rows = data[data["response"] != ""] if other_span == "response" else data
    other = {
        name: specific(neuron_frequency(model, rows, span=other_span, **options), top=top).compute()
        for name, model in models.items()
        if len(rows)
    }
    ask = partial(_floor, splits=splits, draws=draws, seed=seed)
    alike = partial(jaccard, agreement=agreement)
    findings, tables = {}, {}
    asked = [
        ("frequencies", "shifts", frequency, frequency_shift, -1),
        ("sets", "likeness", marked, alike, 1),
        ("profiles", "profiles", marked, profile_distance, -1),
        ("sets, other span", "likeness_other_span", other, alike, 1),
    ]
    if "routing" in frequency["base"].coords:
        routing = {name: values["routing"] for name, values in frequency.items()}
        experts = {name: specific_experts(values) for name, values in routing.items()}
        asked += [
            ("routing", "routing", routing, routing_shift, -1),
            ("experts", "likeness_experts", experts, alike, 1),
        ]
        turn = routing["tuned"] - routing["base"]
        findings["category, routing"] = _by_category("category, routing", turn, draws, seed)
        tables["experts"] = alteration(experts["base"], experts["tuned"], agreement)
    for name, table, arrays, measure, sign in asked:
        findings[name], tables[table] = ask(name, arrays, measure, sign)
    findings |= _beyond_placebo(models, marked, measured, top, alike, draws, seed)
    for name, sets in (("category", marked), ("category, other span", other)):
        own = instruction_jaccard(sets["base"], sets["tuned"]) if sets else None
        findings[name] = _by_category(name, own, draws, seed)
    tables["alteration"] = alteration(marked["base"], marked["tuned"], agreement)
    tables["layers"] = pd.concat([_layers(marks, name) for name, marks in marked.items()])
    kept = Compared.of(marked).table({"base, tuned": ("base", "tuned")}, kept_share, 0, seed)
    tables["kept"] = kept.drop(columns="pair").rename(columns={"value": "share kept"})
    return Results.of("Before and after fine-tuning", findings, _numbers(tables), tables)


# ---------------------------------------------------------------- models on the same instructions


@dataclass(frozen=True)
class Compared:
    """Sums over the rows of every cluster, a model each: name -> [cluster, layer, component]."""

    sums: Mapping[str, np.ndarray]
    size: np.ndarray
    clusters: Clusters

    @classmethod
    def of(cls, models: Mapping[str, xr.DataArray]) -> "Compared":
        """Sum up arrays [instruction, layer, ...] of models on the same instructions."""
        clusters = Clusters.of(models["base"], LEAST)
        member = np.eye(len(clusters.names))[clusters.index].T
        shape = (*models["base"].shape[:2], -1)
        sums = {
            name: np.tensordot(member, values.to_numpy().reshape(shape).astype(float), 1)
            for name, values in models.items()
        }
        return cls(sums, member.sum(axis=1), clusters)

    def exchanged(self, first: str, second: str, which: np.ndarray) -> "Compared":
        """Two models change places in the clusters ``which`` (bool [cluster])."""
        a, b = self.sums[first], self.sums[second]
        chosen = which[:, None, None]
        swapped = {first: np.where(chosen, b, a), second: np.where(chosen, a, b)}
        return replace(self, sums={**self.sums, **swapped})

    def same(self, measure: Measure, first: str, second: str, keep: np.ndarray) -> np.ndarray:
        """Two models on the same kept clusters (0 or 1 [cluster]): [category]."""
        return measure(self._mean(first, keep), self._mean(second, keep))

    def halves(
        self, measure: Measure, first: str, second: str, keep: np.ndarray, sides: np.ndarray
    ) -> np.ndarray:
        """A model on one side of every split with another on the other, both ways: [category]."""
        there, back = ((measure(self._mean(first, keep * a), self._mean(second, keep * b)))
                       for a, b in (sides, sides[::-1]))  # fmt: skip
        return known_mean(np.concatenate([there, back]))

    def _mean(self, model: str, keep: np.ndarray) -> np.ndarray:
        """Mean over the rows of every category: [..., category, layer, component] for [..., cluster]."""
        member = np.eye(len(self.clusters.strata))[self.clusters.stratum].T * keep[..., None, :]
        number = (member @ self.size)[..., None, None]
        with np.errstate(invalid="ignore"):
            return np.tensordot(member, self.sums[model], 1) / number

    def sides(self, splits: int, seed: int) -> np.ndarray:
        """Halves of every category's clusters: 0 or 1 [2, split, cluster]; an odd one is left out."""
        rng, stratum = np.random.default_rng(seed), self.clusters.stratum
        made = np.zeros((2, splits, len(stratum)))
        for split, name in np.ndindex(splits, len(self.clusters.strata)):
            order = rng.permutation(np.flatnonzero(stratum == name))
            half = len(order) // 2
            made[0, split, order[:half]] = made[1, split, order[half : 2 * half]] = 1
        return made

    def table(
        self, pairs: Mapping[str, tuple[str, str]], measure: Measure, splits: int, seed: int
    ) -> pd.DataFrame:
        """Measure of pairs of models by category and, as ``all``, their mean, with intervals."""
        sides = self.sides(splits, seed)
        parts = []
        for pair, (first, second) in pairs.items():
            at = partial(self.halves, sides=sides) if "A" in pair else self.same
            found = jackknife(
                lambda keep, at=at, a=first, b=second: _with_mean(at(measure, a, b, keep=keep)),
                self.clusters.stratum,
            )
            ends = {"low": found.low.clip(0, 1), "high": found.high.clip(0, 1)}
            names = [*self.clusters.strata, "all"]
            parts.append(
                pd.DataFrame({"category": names, "pair": pair, "value": found.value} | ends)
            )
        return pd.concat(parts, ignore_index=True)


def _with_mean(values: np.ndarray) -> np.ndarray:
    return np.append(values, known_mean(values))


def _pairs(models: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The pairs of models of a picture by name; those with A and B on halves."""
    other = [name for name in ("tuned", "placebo") if name in models]
    return {f"base, {name}": ("base", name) for name in other} | {
        f"{a} A, {b} B": (a, b)
        for a, b in [("base", "base"), ("tuned", "tuned"), *(("base", n) for n in other)]
    }


def _floor(
    name: str, models: Mapping[str, xr.DataArray], measure: Measure, sign: int,
    splits: int, draws: int, seed: int,
) -> tuple[Finding, pd.DataFrame]:  # fmt: skip
    """How much less alike halves of two models are than halves of one; ``sign`` -1 for distances."""
    if not models:
        return Finding(_CLAIMS[name], np.nan), pd.DataFrame()
    made = Compared.of(models)
    sides = made.sides(splits, seed)

    def excess(of: Compared, keep: np.ndarray) -> float:
        own, tuned, across = (
            of.halves(measure, a, b, keep, sides)
            for a, b in (("base", "base"), ("tuned", "tuned"), ("base", "tuned"))
        )
        return float(known_mean(sign * ((own + tuned) / 2 - across)))

    table = made.table(_pairs(models), measure, splits, seed)
    return _exchange_test(name, made, excess, "base", draws, seed), table


def _exchange_test(
    name: str, made: Compared, statistic: Callable[[Compared, np.ndarray], float],
    other: str, draws: int, seed: int,
) -> Finding:  # fmt: skip
    """Hold a statistic against the same after the tuned model and another changed places."""
    every = np.ones(len(made.clusters.names))
    null = np.array(
        [
            statistic(made.exchanged(other, "tuned", which), every)
            for which in exchanged(made.clusters, draws, seed)
        ]
    )
    found: Estimate = jackknife(partial(statistic, made), made.clusters.stratum)
    return finding(
        _CLAIMS[name], found, against(float(found.value), null), made.clusters,
        unit=_UNITS.get(name, "Jaccard index"), control=FLOOR, reading=_READINGS.get(name, ""),
    )  # fmt: skip


def _beyond_placebo(
    models: Mapping[str, Any], marked: Mapping[str, xr.DataArray], measured: Callable[[Any], xr.DataArray],
    top: float, measure: Measure, draws: int, seed: int,
) -> dict[str, Finding]:  # fmt: skip
    """How much less alike base and tuned are than base and placebo: as they are, and at equal norm."""
    names = ("placebo", "placebo, equal norm")
    if "placebo" not in models:
        return {name: Finding(_CLAIMS[name], np.nan, invalid=NO_PLACEBO) for name in names}

    def less_alike(of: Compared, keep: np.ndarray) -> float:
        placebo, tuned = (of.same(measure, "base", n, keep) for n in ("placebo", "tuned"))
        return float(known_mean(placebo - tuned))

    norm = {name: weight_change(models["base"], models[name]) for name in ("tuned", "placebo")}
    larger = max(norm, key=lambda name: norm[name])
    share = min(norm.values()) / norm[larger] if norm[larger] else 1.0
    with interpolated(models["base"], models[larger], share):
        equal = {**marked, larger: specific(measured(models[larger]), top=top).compute()}
    found = {
        name: _exchange_test(name, Compared.of(sets), less_alike, "placebo", draws, seed)
        for name, sets in zip(names, (marked, equal), strict=True)
    }
    said = f"Norms of the weight change: tuned {norm['tuned']:.3g}, placebo {norm['placebo']:.3g}."
    return {name: replace(one, caveat=said) for name, one in found.items()}


def _by_category(name: str, values: xr.DataArray | None, draws: int, seed: int) -> Finding:
    """Do categories explain how much a row was altered? The length of the row is taken out."""
    if values is None:
        return Finding(_CLAIMS[name], np.nan)
    clusters = Clusters.of(values)
    varies = values.ndim == 1 and values.max() > values.min()  # a line in equal values is rounding
    alone = without_length(values) if varies else values
    value, null = explained(alone.to_numpy(), clusters, draws, seed)
    return finding(
        _CLAIMS[name], value, null, clusters, unit="of the variance between sub-types",
        control="category labels permuted over whole sub-types", reading=_READINGS.get(name, ""),
    )  # fmt: skip


def _layers(marked: xr.DataArray, model: str) -> pd.DataFrame:
    """Share of every layer that is specific: model, category, layer, share, low, high."""
    clusters = Clusters.of(marked)
    inner = [dim for dim in marked.dims if dim not in ("instruction", "layer")]
    values = marked.mean(inner).to_numpy()
    sums, number = clusters.sums(values)
    member = np.eye(len(clusters.strata))[clusters.stratum].T
    found = jackknife(
        lambda keep: (member * keep) @ sums / np.maximum((member * keep) @ number, 1e-9),
        clusters.stratum,
    )
    keys = pd.MultiIndex.from_product([[model], clusters.strata, marked["layer"].to_numpy()])
    columns = {"share": found.value, "low": found.low, "high": found.high}
    table = pd.DataFrame(
        {n: v.ravel() for n, v in columns.items()}, keys.set_names(["model", "category", "layer"])
    )
    return table.reset_index().sort_values(
        "category", key=lambda c: c.map(CATEGORIES.index), kind="stable"
    )


def _numbers(tables: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """Jaccard index of base and tuned model over all categories, beside that of two halves of one."""
    rows = tables["likeness"].query("category == 'all'").set_index("pair")
    floor = float(rows["value"].to_dict()["base A, base B"])
    return {
        f"Jaccard index, {pair}": dict(rows.loc[pair, ["value", "low", "high"]])
        | {"control": floor}
        for pair in ("base, tuned", "base A, tuned B")
    }
