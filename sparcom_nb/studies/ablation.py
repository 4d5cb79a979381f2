"""Notebook 14: are the components of a category needed for it.

Every set is defined on one half of the rows and judged on the other, both ways round. What counts is
a *margin*: the rise of a row's loss under its own category's set minus that under one other category's
set of the same size. The other set is the next category's, in a circle: over all categories each set
then counts once with plus and once with minus, so that harmful sets and fragile categories cancel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import (
    Clusters,
    Estimate,
    Finding,
    against,
    balance,
    finding,
    known_mean,
    mean_table,
    means,
    paired,
    partners,
    permuted,
    swapped,
    t_test,
)
from sparcom_nb.model import taps
from sparcom_nb.model.evaluate import answers_under, loss_under, text_loss_under
from sparcom_nb.model.intervene import mean_activation, write_norm
from sparcom_nb.progress import progress
from sparcom_nb.sparcom.ablation import Loss, cut, halves
from sparcom_nb.sparcom.frequency import expert_frequency, neuron_frequency
from sparcom_nb.sparcom.sets import specific
from sparcom_nb.studies.results import Results

UNIT = "nats per response token"
_T = "sets and categories that only differ in harm and fragility (t over sub-types)"
_OWN = ("own set", "other sets")


def study(
    model: Any,
    data: pd.DataFrame,
    texts: Sequence[str] = (),
    site: str = "gate",
    top: float = 0.1,
    draws: int = 30,
    splits: int = 2,
    amplify: float = 2.0,
    answer_tokens: int = 24,
    seed: int = 0,
    batch_tokens: int | None = None,
) -> Results:
    """Switch off every category's set, and hold what is lost against controls.

    Args:
        model: from :func:`sparcom_nb.load_model`.
        data: rows with responses.
        texts: plain texts, which belong to no category.
        site: where frequencies are measured.
        top: share of the components that is specific to an instruction.
        draws: of labels and of swapped members (the p of both is fitted).
        splits: ways to deal the rows into halves, of which effects are the mean.
        amplify: factor of the variant that strengthens sets.
        answer_tokens: longest answer.
        seed: of all draws.
        batch_tokens: tokens in a batch.

    Returns:
        Results: tables ``matrix`` (set, category), ``effects`` (category, set: own or others),
        ``variants``, ``match``, ``answers`` and ``null`` (margins under permuted labels).
    """
    options: dict[str, Any] = {"batch_tokens": batch_tokens}
    frequency = {
        span: neuron_frequency(model, data, site, span, **options).compute()
        for span in ("response", "instruction")
    }
    loss = loss_under(model, data, **options)
    base = loss(None, np.arange(len(data)))
    main = Trial.of(loss, base, frequency["response"], top, splits, seed)
    strength = mean_activation(model, data, absolute=True, **options).compute() * write_norm(model)
    other = main.other_ways(frequency["instruction"], loss_under(model, data, amplify, **options))
    if taps.sparse_layers(model):
        routing = expert_frequency(model, data, "response", **options).compute()
        other["experts"] = Trial.of(loss, base, routing, top, splits, seed)
    matrix = main.matrix()
    findings, null = _specific(main, matrix, draws)
    match, tables = _matched(main, strength, draws)
    answers, told = _answers(main, answers_under(model, data, answer_tokens))
    tried = {
        n: _against_zero(n, one, one.margins(one.clusters.stratum)) for n, one in other.items()
    }
    tables |= {
        "matrix": _table(matrix, ["set", "category"]),
        "effects": _table(matrix.assign(set=_own(matrix)), ["category", "set"]),
        "variants": _compared({"as above": findings["tasks"], **tried}),
        "answers": told,
        "null": pd.DataFrame({"margin": null}),
    }
    numbers = _numbers(main, matrix, text_loss_under(model, list(texts), batch_tokens), len(texts))
    rows = {**findings, **match, **tried, "answers": answers}
    return Results.of("Ablation", rows, numbers, tables, method="bh")


# ---------------------------------------------------------------- one way to define and to switch off


@dataclass(frozen=True)
class Trial:
    """A way to define sets, and what switching them off does.

    loss: of rows under a mask; base: loss [row] of the model as it is; frequency: [row, layer, ...];
    marks: bool [row, component], specific or not; clusters: of the rows; which, by: as in
    :func:`sparcom_nb.sparcom.equal_sets` and :func:`sparcom_nb.sparcom.halves`.
    """

    loss: Loss
    base: np.ndarray
    frequency: xr.DataArray
    marks: np.ndarray
    clusters: Clusters
    splits: int = 2
    seed: int = 0
    which: str = "all"
    by: str = "row"

    @classmethod
    def of(
        cls,
        loss: Loss,
        base: np.ndarray,
        frequency: xr.DataArray,
        top: float,
        splits: int,
        seed: int,
    ) -> "Trial":
        """The main way: sets of all that most instructions agree on, other rows of the same tasks."""
        marks = specific(frequency, top=top).to_numpy().reshape(len(frequency), -1)
        return cls(loss, base, frequency, marks, Clusters.of(frequency), splits, seed)

    def other_ways(self, instruction: xr.DataArray, amplified: Loss) -> dict[str, "Trial"]:
        """Other ways to define the sets and to change them."""
        top = float(self.marks.mean(axis=1).mean())
        marks = specific(instruction, top=min(1.0, top)).to_numpy().reshape(self.marks.shape)
        return {
            "instruction": replace(self, frequency=instruction, marks=marks),
            "contrast": replace(self, which="contrast"),
            "other sub-types": replace(self, by="subtype"),
            "amplified": replace(self, loss=amplified),
        }

    @property
    def label(self) -> np.ndarray:
        """Category of every row, as an index into the clusters' strata."""
        return self.clusters.stratum[self.clusters.index]

    def halves(self, label: np.ndarray, split: int = 0) -> np.ndarray:
        """Half of every row, 0 or 1, for categories ``label`` [row]."""
        rows: Any = {"category": label, "subtype": self.clusters.index}
        return halves(rows, self.by, self.seed + split)

    def sets(self, label: np.ndarray, half: np.ndarray) -> np.ndarray:
        """Sets of one size for categories ``label`` [row]: bool [half, category, component]."""
        rng = np.random.default_rng(self.seed)
        flat = self.frequency.to_numpy().reshape(self.marks.shape)
        categories = np.arange(len(self.clusters.strata))
        made = []
        for side in (0, 1):
            member = ((label == categories[:, None]) & (half == side)).astype(float)
            number = np.maximum(member.sum(axis=1, keepdims=True), 1)
            made.append(cut(member @ self.marks / number, member @ flat / number, self.which, rng))
        return np.stack(made)

    def rise(self, members: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Rise of the loss of some rows with the components ``members`` switched off."""
        mask = self.frequency[0].reset_coords(drop=True)
        off = mask.copy(data=members.reshape(mask.shape))
        return self.loss(off, rows) - self.base[rows]

    def margins(self, stratum: np.ndarray) -> np.ndarray:
        """Own minus next set's effect [row] for categories ``stratum`` [cluster], mean of the splits."""
        label = stratum[self.clusters.index]
        return known_mean(np.array([self._margins(label, n) for n in range(self.splits)]))

    def _margins(self, label: np.ndarray, split: int) -> np.ndarray:
        half = self.halves(label, split)
        found, sets = np.full(len(label), np.nan), self.sets(label, half)
        for side in (0, 1):
            there = np.flatnonzero(sets[side].any(axis=1))
            if len(there) < 2:
                continue
            judged = np.isin(label, there) & (half != side)
            found[judged] = 0.0
            for own, before in zip(there, np.roll(there, 1), strict=True):
                rows = np.flatnonzero(judged & np.isin(label, [own, before]))
                if len(rows):
                    sign = np.where(label[rows] == own, 1, -1)
                    found[rows] += sign * self.rise(sets[side, own], rows)
        return found

    def matrix(self) -> pd.DataFrame:
        """Effect of every set on every row that it is judged on: set, category, subtype, row, value."""
        parts, names = [], np.array(self.clusters.strata)
        for split in range(self.splits):
            half = self.halves(self.label, split)
            for (side, n), members in _each(self.sets(self.label, half)):
                rows = np.flatnonzero(half != side)
                value = self.rise(members, rows) if members.any() else np.nan
                parts.append(pd.DataFrame({"set": names[n], "row": rows, "value": value}))
        table = pd.concat(parts).groupby(["set", "row"], sort=False)["value"].mean().reset_index()
        at = table["row"].to_numpy()
        return table.assign(
            category=names[self.label[at]], subtype=self.clusters.names[self.clusters.index[at]]
        )

    def own(self, sets: np.ndarray, half: np.ndarray) -> np.ndarray:
        """Effect [row] of the set [half, category, component] of a row's own category."""
        found = np.full(len(half), np.nan)
        for (side, n), members in _each(sets):
            rows = np.flatnonzero((half != side) & (self.label == n))
            if members.any() and len(rows):
                found[rows] = self.rise(members, rows)
        return found


def _each(sets: np.ndarray) -> Any:
    """Places (half, category) and their sets."""
    return (((side, n), sets[side, n]) for side, n in np.ndindex(*sets.shape[:2]))


def over_categories(values: np.ndarray, label: np.ndarray) -> float:
    """Mean over categories of the means of their rows."""
    each = [known_mean(values[label == name]) for name in np.unique(label)]
    return float(known_mean(np.array(each)))


def last(found: Estimate) -> Estimate:
    """The mean over categories of :func:`sparcom_nb.evidence.means`."""
    return found[-1]


# ---------------------------------------------------------------- claims

_CLAIMS = {
    "tasks": "A set raises the loss of its own instructions more than another category's set does",
    "category": "It serves the category beyond the sub-types it was defined on",
    "instruction": "Sets found while the model reads the instruction are needed while it answers",
    "contrast": "Sets by contrast are needed by their own category more than by another",
    "other sub-types": "Sets are needed by sub-types of their category that they were not defined on",
    "amplified": "Amplifying a set harms its own category more than amplifying another's does",
    "experts": "The experts of a category are needed by it more than another category's are",
}
_READINGS = {
    "tasks": "That a set is needed by the tasks it was found on may still be their shared wording.",
    "category": "Any group of sub-types has a set that serves it; a category has to do better than that.",
    "instruction": "What is active while a model reads need not be what it writes with.",
    "other sub-types": "Fewer sub-types define each set here, so that this asks more of less.",
    "experts": "A token that loses its expert goes to another that may do as well.",
}


def _against_zero(name: str, trial: Trial, margins: np.ndarray) -> Finding:
    """Own minus other sets [row], against zero: the cheap form, without draws."""
    found = last(means(margins, trial.clusters))
    return finding(
        _CLAIMS[name], found, t_test(found), trial.clusters, unit=UNIT, control=_T,
        reading=_READINGS.get(name, ""),
    )  # fmt: skip


def _specific(
    trial: Trial, matrix: pd.DataFrame, draws: int
) -> tuple[dict[str, Finding], np.ndarray]:
    """Is a set needed by its own tasks, and by the category beyond them."""
    by_row = (
        matrix.assign(own=_own(matrix))
        .pivot_table("value", "row", "own")
        .reindex(columns=list(_OWN))
    )
    margins = by_row[_OWN[0]] - by_row[_OWN[1]]
    tasks = _against_zero("tasks", trial, margins.reindex(range(len(trial.base))).to_numpy())
    found = last(means(trial.margins(trial.clusters.stratum), trial.clusters))
    null = []
    with progress(draws, "ablate", "draws") as shown:
        for stratum in permuted(trial.clusters, draws, trial.seed):
            label = stratum[trial.clusters.index]
            null.append(over_categories(trial.margins(stratum), label))
            shown.update(1)
    beyond = finding(
        _CLAIMS["category"],
        found,
        against(float(found.value), np.array(null), fitted=True),
        trial.clusters,
        unit=UNIT,
        control=f"sets of permuted categories (whole {trial.clusters.unit}s, {draws} draws; "
        "p from Student's t about them)",
        caveat="Held against one other set a row, the next category's, and not against all.",
        reading=_READINGS["category"],
    )
    return {"category": beyond, "tasks": tasks}, np.array(null)


def _matched(
    trial: Trial, strength: xr.DataArray, draws: int
) -> tuple[dict[str, Finding], dict[str, pd.DataFrame]]:
    """Do sets do more than outsiders like them? For all of a set, and for what is its own."""
    found, rows = {}, []
    for which in ("all", "unique"):
        one, row = _swap(replace(trial, which=which), strength, draws)
        found[f"matched, {which}"] = one
        rows.append({"sets": which} | row)
    return found, {"match": pd.DataFrame(rows)}


def _swap(trial: Trial, strength: xr.DataArray, draws: int) -> tuple[Finding, dict[str, float]]:
    """Members change places with matched outsiders, jointly for all categories and halves."""
    half = trial.halves(trial.label)
    sets = trial.sets(trial.label, half)
    shape = (*sets.shape[:2], len(trial.frequency[0]), -1)
    by_layer = sets.reshape(shape)
    features = {
        name: one.mean("instruction").to_numpy().reshape(by_layer.shape[2:])
        for name, one in (("frequency", trial.frequency), ("strength", strength))
    }
    pairs = partners(np.asarray(by_layer.any(axis=(0, 1))), np.stack(list(features.values())))
    row, unlike = balance(by_layer, pairs, features)
    effect = last(means(trial.own(sets, half), trial.clusters))
    null = [
        over_categories(
            trial.own(np.take_along_axis(by_layer, p[None, None], -1).reshape(sets.shape), half),
            trial.label,
        )
        for p in swapped(pairs, 0 if unlike else draws, trial.seed)
    ]
    kind = "all of a set" if trial.which == "all" else "what is unique to a set"
    one = finding(
        f"Switching off {kind} does more harm than switching off outsiders like it",
        effect,
        against(float(effect.value), np.array(null), fitted=True),
        trial.clusters,
        unit=UNIT,
        control=f"sets whose members changed places with matched outsiders at random ({len(null)} "
        "draws; p from Student's t about them)",
        caveat=f"{row['pairs']:,.0f} of {row['members']:,.0f} members have an outsider to change with.",
        invalid=unlike,
        reading="Matched are layer, frequency and strength; any other difference may be the reason.",
    )
    return one, row


def _answers(trial: Trial, right: Loss) -> tuple[Finding, pd.DataFrame]:
    """Right answers with the own set off, beside the next category's set and the model as it is."""
    half = trial.halves(trial.label)
    sets = trial.sets(trial.label, half)[0]
    there = np.flatnonzero(sets.any(axis=1))
    found = np.full((3, len(half)), np.nan)
    for own, other in zip(there, np.roll(there, -1), strict=True):
        rows = np.flatnonzero((half == 1) & (trial.label == own))
        if len(rows):
            for n, members in enumerate((None, sets[own], sets[other])):
                found[n, rows] = right(None if members is None else _mask(trial, members), rows)
    judged = np.flatnonzero(~np.isnan(found).any(axis=0))
    table = pd.DataFrame(
        {
            "category": np.array(trial.clusters.strata)[trial.label[judged]],
            "subtype": trial.clusters.names[trial.clusters.index[judged]],
        }
    )
    long = [
        table.assign(state=state, value=values[judged])
        for state, values in zip(("as it is", "own set off", "other set off"), found, strict=True)
    ]
    claim = "Fewer answers are right without a category's own set than without another's"
    if not len(judged) or len(there) < 2:
        return Finding(claim, np.nan), mean_table(pd.concat(long), ["category", "state"], "value")
    asked = Clusters.of(trial.frequency[judged])
    one = paired(
        claim, found[1, judged], found[2, judged], asked, seed=trial.seed, unit="of all answers",
        control="the two sets exchanged in whole sub-types",
        reading="A right answer needs every token right, so that a small rise may change nothing.",
    )  # fmt: skip
    return one, mean_table(pd.concat(long), ["category", "state"], "value")


def _mask(trial: Trial, members: np.ndarray) -> xr.DataArray:
    mask = trial.frequency[0].reset_coords(drop=True)
    return mask.copy(data=members.reshape(mask.shape))


# ---------------------------------------------------------------- tables and numbers


def _own(matrix: pd.DataFrame) -> np.ndarray:
    """Whether a set is that of the row's own category."""
    return np.where(matrix["set"] == matrix["category"], *_OWN)


def _table(matrix: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Mean with interval by key; the effects of several sets on a row are averaged first."""
    rows = matrix.groupby([*by, "subtype", "row"], sort=False)["value"].mean().reset_index()
    return mean_table(rows, by, "value")


def _compared(findings: Mapping[str, Finding]) -> pd.DataFrame:
    """Variants beside one another: variant, mean, low, high."""
    return pd.DataFrame(
        {"variant": name, "mean": one.value, "low": one.low, "high": one.high}
        for name, one in findings.items()
    )


def _numbers(
    trial: Trial, matrix: pd.DataFrame, text_loss: Loss, n_texts: int
) -> dict[str, dict[str, Any]]:
    """Size of the sets, and the rise of the loss of their own rows and of plain texts."""
    sets = trial.sets(trial.label, trial.halves(trial.label))
    own = matrix[matrix["set"] == matrix["category"]]
    numbers: dict[str, dict[str, Any]] = {
        "components in a set": {"value": float(sets.sum(axis=2).max()), "control": sets.shape[2]},
        "rise on own instructions": {
            "value": over_categories(own["value"].to_numpy(), own["category"].to_numpy()),
            "n": len(trial.base),
            "unit": UNIT,
        },
    }
    if n_texts:
        rows = np.arange(n_texts)
        off = [text_loss(_mask(trial, one), rows) for one in sets[0] if one.any()]
        rise = float(np.mean(off) - text_loss(None, rows).mean()) if off else np.nan
        unit = "nats per token"
        numbers["rise on plain texts"] = {"value": rise, "n": n_texts, "unit": unit}
    return numbers
