"""The ablation study with losses made by hand, whose right answers are known."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sparcom_nb.evidence import SHOWS, UNTOLD, against, means, permuted, t_test
from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.studies.ablation import Trial, _answers, _specific, _swap, last, over_categories

N = 40


def rows_of(subtypes=4, each=2):
    """Six categories of some sub-types with some rows."""
    made = itertools.product(CATEGORIES, range(subtypes), range(each))
    return pd.DataFrame([(c, f"s{s}") for c, s, _ in made], columns=["category", "subtype"])


def trial(seed, loss=None, served=0.0, rows=None):
    """Frequencies by chance, sub-types alike; neurons 4c to 4c+3 serve category c to ``served``."""
    rows, rng = rows_of() if rows is None else rows, np.random.default_rng(seed)
    group = rows.groupby(["category", "subtype"]).ngroup().to_numpy()
    p = 0.5 * rng.random((group.max() + 1, 2 * N))[group] + 0.3 * rng.random((len(rows), 2 * N))
    for n, category in enumerate(CATEGORIES):
        p[(rows["category"] == category).to_numpy(), 4 * n : 4 * n + 4] += served
    frequency = xr.DataArray(
        np.minimum(p, 1).reshape(-1, 2, N),
        dims=("instruction", "layer", "neuron"),
        coords={n: ("instruction", rows[n].to_numpy(str)) for n in ("category", "subtype")},
    )
    loss = loss or needs(rows, 0.0, rng)
    return Trial.of(loss, loss(None, np.arange(len(rows))), frequency, 0.1, 1, seed)


def needs(rows, own, rng, noise=0.3):
    """A loss: harm of the set times fragility of the row, what tasks need, ``own`` more a neuron."""
    group = rows.groupby(["category", "subtype"]).ngroup().to_numpy()
    harm, fragile = rng.random(2 * N), rng.random(len(rows)) + rng.random(group.max() + 1)[group]
    task = rng.normal(0, noise, (group.max() + 1, 2 * N))[group]
    code = np.array([CATEGORIES.index(c) for c in rows["category"]])

    def loss(mask, at):
        if mask is None:
            return np.zeros(len(at))
        off = mask.to_numpy().ravel()
        serves = off[: 4 * len(CATEGORIES)].reshape(-1, 4).sum(axis=1)[code[at]]
        return (off @ harm) * fragile[at] + task[at] @ off + own * serves

    return loss


def test_margins_and_matrix_equal_a_loop():
    one = trial(0, served=0.3)
    half, label = one.halves(one.label), one.label
    sets = one.sets(label, half)
    margins, matrix = one.margins(one.clusters.stratum), one.matrix()
    assert sets.any(axis=2).all()
    for row, own in enumerate(label):
        rise = [one.rise(sets[1 - half[row], c], np.array([row]))[0] for c in range(6)]
        assert margins[row] == pytest.approx(rise[own] - rise[(own + 1) % 6])
        of_row = matrix[matrix["row"] == row].set_index("set")["value"]
        assert of_row[one.clusters.strata].to_numpy() == pytest.approx(rise)
    assert one.own(sets, half) == pytest.approx(
        matrix.query("set == category").set_index("row")["value"].sort_index()
    )
    wrong = replace(one, seed=1).margins(one.clusters.stratum)  # dealt otherwise: other halves
    assert not np.allclose(wrong, margins)


def test_what_is_needed_shows_against_all_controls():
    rows = rows_of()
    one = trial(0, needs(rows, 0.8, np.random.default_rng(0)), 0.4)
    findings, null = _specific(one, one.matrix(), 20)
    assert {f.verdict for f in findings.values()} == {SHOWS} and len(null) == 20
    strength = xr.ones_like(one.frequency)
    found, row = _swap(one, strength, 20)
    assert row["frequency"] > row["frequency of outsiders"]
    assert found.verdict == UNTOLD and "do not match" in found.invalid
    even = one.frequency.copy(data=np.full(one.frequency.shape, 0.5))
    found, _ = _swap(replace(one, frequency=even), strength, 20)
    assert found.verdict == SHOWS and found.smallest_p == 0


def test_nothing_is_told_of_empty_sets():
    one = trial(0)
    empty = replace(one, marks=one.marks & False)
    findings, _ = _specific(empty, empty.matrix(), 3)
    found, _ = _swap(empty, xr.ones_like(one.frequency), 3)
    answers, table = _answers(empty, lambda mask, rows: np.ones(len(rows)))
    assert {f.verdict for f in (*findings.values(), found, answers)} == {UNTOLD}
    assert table.empty


def test_one_subtype_a_category_and_few_rows_do_not_stop_it():
    rows = rows_of(1, 2)
    one = trial(0, rows=rows)
    assert one.clusters.unit == "row"
    findings, _ = _specific(one, one.matrix(), 4)
    assert all(f.n == len(rows) for f in findings.values())


def rates(own, runs, served=0.0, seed=0):
    """How often the permuted and the t test find something, at 5 %."""
    p, rows = [], rows_of(4, 2)
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        one = trial(run, needs(rows, own, rng, 0.0), served, rows)
        found = last(means(one.margins(one.clusters.stratum), one.clusters))
        null = [
            over_categories(one.margins(s), s[one.clusters.index])
            for s in permuted(one.clusters, 15, run)
        ]
        p.append((against(float(found.value), np.array(null), True).p, t_test(found).p))
    return (np.array(p) <= 0.05).mean(axis=0)


def test_no_more_than_five_percent_are_found_where_nothing_is_needed():
    permuted_rate, t_rate = rates(0.0, 200)
    assert permuted_rate <= 0.085 and t_rate <= 0.085  # 97.5th percentile of 200 at .05


def test_an_effect_of_half_the_spread_is_found():
    assert (rates(0.25, 30, served=0.4) >= 0.8).all()
