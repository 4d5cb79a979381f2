"""Losses made by hand: sets that harm, rows that are fragile, neurons that categories need."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.studies import ablation
from sparcom_nb.studies.ablation import Trial
from worlds import Path

N = 40
DRAWS = 8


def rows_of(subtypes=6, each=3):
    """Rows of six categories."""
    made = itertools.product(CATEGORIES, range(subtypes), range(each))
    return pd.DataFrame([(c, f"s{s}") for c, s, _ in made], columns=["category", "subtype"])


def trial(seed, loss=None, served=0.0, rows=None):
    """Neurons frequent or rare, sub-types alike; neurons 4c to 4c+3 serve category c to ``served``."""
    rows, rng = rows_of() if rows is None else rows, np.random.default_rng(seed)
    group = rows.groupby(["category", "subtype"]).ngroup().to_numpy()
    p = 0.2 * rng.random((group.max() + 1, 2 * N))[group] + 0.2 * rng.random((len(rows), 2 * N))
    p += 0.5 * rng.random(2 * N)
    for n, category in enumerate(CATEGORIES):
        p[(rows["category"] == category).to_numpy(), 4 * n : 4 * n + 4] += served
    frequency = xr.DataArray(
        np.minimum(p, 1).reshape(-1, 2, N),
        dims=("instruction", "layer", "neuron"),
        coords={n: ("instruction", rows[n].to_numpy(str)) for n in ("category", "subtype")},
    )
    loss = loss or needs(rows, 0.0, rng)
    return Trial.of(loss, loss(None, np.arange(len(rows))), frequency, 0.2, 1, seed)


def needs(rows, own, rng, noise=0.0, uneven=0.3):
    """A loss: harm of the set times fragility of the row, what tasks need, ``own`` more a neuron.

    With ``uneven`` some categories' neurons harm more than others', and some categories are more
    fragile, so that the two meet by chance.
    """
    group = rows.groupby(["category", "subtype"]).ngroup().to_numpy()
    harm, fragile = rng.random(2 * N), rng.random(len(rows)) + rng.random(group.max() + 1)[group]
    task = rng.normal(0, noise, (group.max() + 1, 2 * N))[group]
    code = np.array([CATEGORIES.index(c) for c in rows["category"]])
    harm[: 4 * len(CATEGORIES)] += np.repeat(2 * uneven * rng.random(len(CATEGORIES)), 4)
    fragile += uneven * rng.random(len(CATEGORIES))[code]

    def loss(mask, at):
        if mask is None:
            return np.zeros(len(at))
        off = mask.to_numpy().ravel()
        serves = off[: 4 * len(CATEGORIES)].reshape(-1, 4).sum(axis=1)[code[at]]
        return (off @ harm) * fragile[at] + task[at] @ off + own * serves

    return loss


def judged(effect, seed, uneven=0.3):
    """A trial in which the neurons that serve a category are needed by it to ``effect``."""
    rows = rows_of()
    loss = needs(rows, effect, np.random.default_rng([seed, 1]), uneven=uneven)
    return trial(seed, loss, 0.4, rows)


def tasks(effect, seed):
    """Also sets of the instruction's tokens, and experts."""
    return ablation.against_others("tasks", judged(effect, seed)), 0.0


def harm_meets_fragility(effect, seed):
    """What differs between sets multiplies what differs between categories: no interval is asked for."""
    return ablation.against_others("tasks", judged(effect, seed, 1.0)), np.nan


def other_subtypes(effect, seed):
    by_subtype = replace(judged(effect, seed), by="subtype")
    return ablation.against_others("other sub-types", by_subtype), 0.0


def category(effect, seed):
    """Sub-types need neurons of their own, so that any group of them is served by its set."""
    rows = rows_of()
    loss = needs(rows, effect, np.random.default_rng([seed, 1]), 0.3)
    return ablation.beyond_permuted(trial(seed, loss, 0.4, rows), DRAWS), 0.0


def outsiders(effect, seed):
    """What a neuron does is chance, of members and others alike; members do ``effect`` more."""
    one, rng = trial(seed), np.random.default_rng([seed, 1])
    one = replace(one, frequency=one.frequency.copy(data=np.full(one.frequency.shape, 0.5)))
    half = one.halves(one.label)
    sets = one.sets(one.label, half)
    does = rng.normal(1, 1, 2 * N) + effect * sets.any(axis=(0, 1))
    group = one.clusters.index
    spread = 1 + 0.3 * (
        rng.normal(size=len(one.clusters.names))[group] + rng.normal(size=len(group))
    )
    harmed = replace(one, loss=lambda mask, at: (mask.to_numpy().ravel() @ does) * spread[at])
    found = ablation.outsiders(harmed, xr.ones_like(one.frequency), 15)
    return found, float((sets @ does).mean())


def answers(effect, seed):
    """Answers that fail by chance, and more of them with the own set off."""
    one, rng = trial(seed), np.random.default_rng([seed, 1])
    share = np.clip(0.5 + 0.15 * rng.normal(size=len(one.clusters.names)), 0.2, 0.8)
    own = {
        tuple(np.flatnonzero(x)): n
        for n, x in enumerate(one.sets(one.label, one.halves(one.label))[0])
    }

    def right(mask, at):
        whose = -1 if mask is None else own[tuple(np.flatnonzero(mask.to_numpy()))]
        off = whose == one.label[at]
        return (rng.random(len(at)) < share[one.clusters.index[at]] - effect * off).astype(float)

    return ablation.answers(one, right)[0], effect


PATHS = {
    "tasks, instruction, experts": Path(tasks, 0.07),
    "tasks where harm meets fragility": Path(harm_meets_fragility, 0.35, beside=True),
    "other sub-types": Path(other_subtypes, 0.08),
    "category": Path(category, 0.17),
    "outsiders": Path(outsiders, 1.35),
    "answers": Path(answers, 0.25),
}
