"""Notebook 14: are the components of a category needed for it.

Every set is defined on one half of the rows and judged on the other, both ways round. What counts is
a *margin*: the rise of a row's loss under its own category's set minus the mean rise under the other
categories' sets, of the same size. Its null gives the same sets to other categories, in every order:
harmful sets and fragile categories are as they were.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import (
    Clusters,
    Estimate,
    Finding,
    Matched,
    finding,
    known_mean,
    mean_table,
    means,
    own_above_others,
    permuted,
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
CLAIMS = {
    "tasks": "A set raises the loss of its own instructions more than another category's set does",
    "category": "It serves the category beyond the sub-types it was defined on",
    "other sub-types": "Sets are needed by sub-types of their category that they were not defined on",
    "instruction": "Sets found while the model reads the instruction are needed while it answers",
    "outsiders": "Switching off what is unique to a set does more harm than outsiders like it do",
    "answers": "More answers are wrong without a category's own set than without another's",
    "experts": "The experts of a category are needed by it more than another category's are",
}
ORDERS = "the same sets given to other categories, in every order"
_READINGS = {
    "tasks": "That a set is needed by the tasks it was found on may still be their shared wording.",
    "category": "Any group of sub-types has a set that serves it; a category has to do better than that.",
    "other sub-types": "Fewer sub-types define each set here, so that this asks more of less.",
    "instruction": "What is active while a model reads need not be what it writes with.",
    "outsiders": "Matched are layer, frequency and strength; any other difference may be the reason.",
    "answers": "A right answer needs every token right, so that a small rise may change nothing.",
    "experts": "A token that loses its expert goes to another that may do as well.",
}


def study(
    model: Any,
    data: pd.DataFrame,
    texts: Sequence[str] = (),
    site: str = "gate",
    top: float = 0.1,
    draws: int = 15,
    splits: int = 2,
    answer_tokens: int = 24,
    seed: int = 0,
    batch_tokens: int | None = None,
) -> Results:
    """Switch off every category's set, and hold what is lost against controls.

    Args:
        model: from :func:`sparcom_nb.load_model`.
        data: rows with responses; others have no loss and are left out.
        texts: plain texts, which belong to no category.
        site: where frequencies are measured.
        top: share of the components that is specific to an instruction.
        draws: of permuted labels and of swapped members.
        splits: ways to deal the rows into halves, of which margins are the mean.
        answer_tokens: longest answer.
        seed: of all draws.
        batch_tokens: tokens in a batch.

    Returns:
        Results: tables ``matrix`` (set, category) and ``answers`` (category, state), each with mean,
        low and high. Without two categories of rows with responses nothing can be told, and there
        are no tables.
    """
    data = answered(data)
    if data["category"].nunique() < 2:
        none = "No two categories have rows with a response, so that there is no loss to rise."
        untold = {name: Finding(claim, np.nan, invalid=none) for name, claim in CLAIMS.items()}
        return Results.of("Ablation", untold)
    options: dict[str, Any] = {"batch_tokens": batch_tokens}
    frequency, reading = (
        neuron_frequency(model, data, site, span, **options).compute()
        for span in ("response", "instruction")
    )
    loss = loss_under(model, data, **options)
    base = loss(None, np.arange(len(data)))
    made = partial(Trial.of, loss, base, top=top, splits=splits, seed=seed)
    main = made(frequency)
    strength = mean_activation(model, data, absolute=True, **options).compute() * write_norm(model)
    right, told = answers(main, answers_under(model, data, answer_tokens))
    findings = {
        "tasks": against_others("tasks", main),
        "category": beyond_permuted(main, draws),
        "other sub-types": against_others("other sub-types", replace(main, by="subtype")),
        "instruction": against_others("instruction", made(reading)),
        "outsiders": outsiders(replace(main, which="unique"), strength, draws),
        "answers": right,
    }
    if taps.sparse_layers(model):
        routing = expert_frequency(model, data, "response", **options).compute()
        findings["experts"] = against_others("experts", made(routing))
    matrix = mean_table(main.matrix(), ["set", "category"], "value")
    tables = {"matrix": matrix, "answers": told}
    numbers = _numbers(main, text_loss_under(model, list(texts), batch_tokens), len(texts))
    return Results.of("Ablation", findings, numbers, tables, method="bh")


def answered(data: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a response."""
    return data[data["response"].str.strip() != ""].reset_index(drop=True)


# ---------------------------------------------------------------- sets and what they do


@dataclass(frozen=True)
class Trial:
    """Sets of every category and what switching them off does.

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
        return self.loss(self.mask(members), rows) - self.base[rows]

    def mask(self, members: np.ndarray) -> xr.DataArray:
        """Components bool [component] in the dimensions of the model."""
        like = self.frequency[0].reset_coords(drop=True)
        return like.copy(data=members.reshape(like.shape))

    @cached_property
    def effects(self) -> np.ndarray:
        """Effect of every category's set of the other half, for every split: [split, row, set]."""
        found = np.full((self.splits, len(self.base), len(self.clusters.strata)), np.nan)
        for split in range(self.splits):
            half = self.halves(self.label, split)
            for (side, n), members in _each(self.sets(self.label, half)):
                rows = np.flatnonzero(half != side)
                if members.any() and len(rows):
                    found[split, rows, n] = self.rise(members, rows)
        return found

    def leveled(self) -> np.ndarray:
        """The same [row, set], mean of the splits, halves on one level."""
        halves = (self.halves(self.label, split) for split in range(self.splits))
        each = zip(self.effects, halves, strict=True)
        return known_mean(np.array([_leveled(found, self.label, half) for found, half in each]))

    def permuted_margin(self, stratum: np.ndarray) -> float:
        """Own minus next set's effect for categories ``stratum`` [cluster], mean over them.

        One other set is enough where labels mean nothing, and runs the model less.
        """
        label = stratum[self.clusters.index]
        half = self.halves(label)
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
        return over_categories(found, label)

    def matrix(self) -> pd.DataFrame:
        """Effect of every set on every row that it is judged on: set, category, subtype, row, value."""
        rows, parts = np.flatnonzero(~np.isnan(self.effects[0]).all(axis=1)), []
        for name, value in zip(self.clusters.strata, self.effects[0].T, strict=True):
            parts.append(self.table(rows).assign(set=name, value=value[rows]))
        return pd.concat(parts, ignore_index=True)

    def table(self, rows: np.ndarray) -> pd.DataFrame:
        """Category and sub-type of rows."""
        index = self.clusters.index[rows]
        category = np.array(self.clusters.strata)[self.clusters.stratum[index]]
        subtype = self.clusters.names[index]
        return pd.DataFrame({"row": rows, "category": category, "subtype": subtype})

    def own(self, sets: np.ndarray, half: np.ndarray) -> np.ndarray:
        """Effect [row] of the set [half, category, component] of a row's own category."""
        found = np.full(len(half), np.nan)
        for (side, n), members in _each(sets):
            rows = np.flatnonzero((half != side) & (self.label == n))
            if members.any() and len(rows):
                found[rows] = self.rise(members, rows)
        return _leveled(found, self.label, half)


def _leveled(values: np.ndarray, label: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Values [row, ...] with both halves of every category moved to the mean of the two.

    Halves have sets of their own and are dealt evenly: what these differ in is no chance of the rows,
    and would count as such between sub-types.
    """
    found = values.copy()
    for name in np.unique(label):
        sides = [(label == name) & (half == side) for side in (0, 1)]
        mean = [known_mean(values[side]) for side in sides]
        for side, own in zip(sides, mean, strict=True):
            found[side] += known_mean(np.array(mean)) - own
    return found


def _each(sets: np.ndarray) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """Places (half, category) and their sets."""
    return (((side, n), sets[side, n]) for side, n in np.ndindex(*sets.shape[:2]))


def over_categories(values: np.ndarray, label: np.ndarray) -> float:
    """Mean over categories of the means of their rows."""
    each = [known_mean(values[label == name]) for name in np.unique(label)]
    return float(known_mean(np.array(each)))


# ---------------------------------------------------------------- claims


def _found(
    name: str, trial: Trial, found: Estimate, null: Any, control: str, **more: Any
) -> Finding:
    said: dict[str, Any] = {"unit": UNIT, "control": control, "reading": _READINGS[name]} | more
    return finding(CLAIMS[name], found, null, trial.clusters, **said)


def against_others(name: str, trial: Trial) -> Finding:
    """Own set against the other categories' sets."""
    found, null = own_above_others(trial.leveled(), trial.clusters)
    return _found(name, trial, found, null, ORDERS)


def beyond_permuted(trial: Trial, draws: int) -> Finding:
    """The same margin against that of permuted categories, through the whole procedure.

    Permuted categories say which margin any sub-types have. How far it strays they cannot say, since
    their sets resemble one another: that is told by the orders of the true sets.
    """
    made = []
    with progress(draws, "ablate", "draws") as shown:
        for stratum in permuted(trial.clusters, draws, trial.seed):
            made.append(trial.permuted_margin(stratum))
            shown.update(1)
    known = np.array(made)[~np.isnan(made)]
    any_group = float(known.mean()) if len(known) > 1 else np.nan
    found, null = own_above_others(trial.leveled(), trial.clusters, any_group)
    if len(known) > 1:
        error = known.std(ddof=1) / np.sqrt(len(known))
        null = null + np.random.default_rng(trial.seed).normal(0, error, len(null))
    return _found(
        "category", trial, found, null,
        f"categories permuted over whole {trial.clusters.unit}s ({draws} draws), their sets in every order",
    )  # fmt: skip


def outsiders(trial: Trial, strength: xr.DataArray, draws: int) -> Finding:
    """Members change places with matched outsiders, jointly for all categories and halves."""
    half = trial.halves(trial.label)
    sets = trial.sets(trial.label, half)
    by_layer = sets.reshape(*sets.shape[:2], len(trial.frequency[0]), -1)
    features = {
        name: one.mean("instruction").to_numpy().reshape(by_layer.shape[2:])
        for name, one in (("frequency", trial.frequency), ("strength", strength))
    }
    like = Matched.of(by_layer, features)
    null = [
        over_categories(trial.own(swapped.reshape(sets.shape), half), trial.label)
        for swapped in like.swapped(draws, trial.seed)
    ]
    return like.finding(
        CLAIMS["outsiders"], means(trial.own(sets, half), trial.clusters)[-1], null, trial.clusters,
        fitted=True, unit=UNIT, reading=_READINGS["outsiders"],
    )  # fmt: skip


def answers(trial: Trial, right: Loss) -> tuple[Finding, pd.DataFrame]:
    """Wrong answers with the own set off, beside the other categories' sets and the model as it is."""
    half = trial.halves(trial.label)
    sets, judged = trial.sets(trial.label, half)[0], np.flatnonzero(half == 1)
    correct = np.full((1 + len(sets), len(half)), np.nan)
    correct[0, judged] = right(None, judged)
    for n in np.flatnonzero(sets.any(axis=1)):
        correct[1 + n, judged] = right(trial.mask(sets[n]), judged)
    found, null = own_above_others(1 - correct[1:].T, trial.clusters)
    own = np.eye(len(sets), dtype=bool)[trial.label].T
    states = {
        "as it is": correct[0],
        "own set off": known_mean(np.where(own, correct[1:], np.nan)),
        "another set off": known_mean(np.where(own, np.nan, correct[1:])),
    }
    rows = trial.table(np.arange(len(half)))
    table = pd.concat([rows.assign(state=state, value=values) for state, values in states.items()])
    told = _found("answers", trial, found, null, ORDERS, unit="of all answers", n=len(judged))
    return told, mean_table(table, ["category", "state"], "value")


def _numbers(trial: Trial, text_loss: Loss, n_texts: int) -> dict[str, dict[str, Any]]:
    """Size of the sets, and the rise of the loss of plain texts."""
    sets = trial.sets(trial.label, trial.halves(trial.label))
    size = {"value": float(sets.sum(axis=2).max()), "control": sets.shape[2]}
    if not n_texts or not sets[0].any():
        return {"components in a set": size}
    rows = np.arange(n_texts)
    off = [text_loss(trial.mask(one), rows).mean() for one in sets[0] if one.any()]
    rise = float(np.mean(off) - text_loss(None, rows).mean())
    plain = {"value": rise, "n": n_texts, "unit": "nats per token"}
    return {"components in a set": size, "rise on plain texts": plain}
