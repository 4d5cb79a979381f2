"""The ablation study with losses made by hand, whose right answers are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from worlds.ablation import needs, rows_of, trial

import sparcom_nb as sn
from sparcom_nb.evidence import SHOWS, UNTOLD
from sparcom_nb.studies import ablation
from sparcom_nb.studies.ablation import against_others, answers, beyond_permuted, outsiders


def leveled(values, label, half):
    """Both halves of a category moved to the mean of their means."""
    table = pd.DataFrame({"value": values, "label": label, "half": half})
    side = table.groupby(["label", "half"])["value"].transform("mean")
    both = (
        table.assign(side=side).drop_duplicates(["label", "half"]).groupby("label")["side"].mean()
    )
    return (table["value"] - side).to_numpy() + both[label].to_numpy()


def test_margins_and_matrix_equal_a_loop():
    one = trial(0, served=0.3)
    half, label = one.halves(one.label), one.label
    sets = one.sets(label, half)
    margins, matrix = one.leveled(), one.matrix()
    assert sets.any(axis=2).all()
    plain = np.empty((len(label), 6))
    for row in range(len(label)):
        rise = [one.rise(sets[1 - half[row], c], np.array([row]))[0] for c in range(6)]
        plain[row] = rise
        of_row = matrix[matrix["row"] == row].set_index("set")["value"]
        assert of_row[one.clusters.strata].to_numpy() == pytest.approx(rise)
    own = matrix.query("set == category").set_index("row")["value"].sort_index().to_numpy()
    for n in range(6):
        assert margins[:, n] == pytest.approx(leveled(plain[:, n], label, half))
    assert one.own(sets, half) == pytest.approx(leveled(own, label, half))
    wrong = replace(one, seed=1).leveled()  # dealt otherwise: other halves
    assert not np.allclose(wrong, margins)


def test_what_is_needed_shows_against_all_controls():
    rows = rows_of()
    one = trial(0, needs(rows, 0.8, np.random.default_rng(0)), 0.4)
    assert against_others("tasks", one).verdict == beyond_permuted(one, 8).verdict == SHOWS
    found = outsiders(one, xr.ones_like(one.frequency), 20)
    assert found.verdict == UNTOLD and "do not match" in found.invalid


def test_nothing_is_told_of_empty_sets():
    one = trial(0)
    empty = replace(one, marks=one.marks & False)
    found = outsiders(empty, xr.ones_like(one.frequency), 3)
    right, table = answers(empty, lambda mask, rows: np.ones(len(rows)))
    tasks, category = against_others("tasks", empty), beyond_permuted(empty, 3)
    assert {f.verdict for f in (tasks, category, found, right)} == {UNTOLD}
    assert set(table["state"]) == {"as it is"}


def test_one_subtype_a_category_and_few_rows_do_not_stop_it():
    one = trial(0, rows=rows_of(1, 2))
    assert one.clusters.unit == "row"
    assert against_others("tasks", one).n == beyond_permuted(one, 4).n == 12


def test_right_answers_are_those_of_a_loop():
    one = trial(0)
    half, label = one.halves(one.label), one.label
    sets = one.sets(label, half)[0].reshape(6, *one.frequency.shape[1:])
    state = {sets[n].tobytes(): n for n in range(6)}

    def right(mask, rows):
        off = -1 if mask is None else state[mask.to_numpy().tobytes()]
        return (rows * 7 + 3 * off) % 5 / 4

    found, table = answers(one, right)
    judged = np.flatnonzero(half == 1)
    wrong = np.array([[1 - (row * 7 + 3 * n) % 5 / 4 for n in range(6)] for row in judged])
    by = [
        np.mean(
            [
                w[c] - np.mean(np.delete(w, c))
                for w, r in zip(wrong, judged, strict=True)
                if label[r] == c
            ]
        )
        for c in range(6)
    ]
    assert found.value == pytest.approx(np.mean(by)) and len(table) == 18


def test_without_responses_nothing_is_told(rows):
    assert (
        len(ablation.answered(rows.assign(response=rows["response"].where(rows.index > 3, " "))))
        == 20
    )
    results = ablation.study(None, rows.assign(response=""))
    assert {f.verdict for f in results.findings.values()} == {UNTOLD} and not results.tables
    assert all("no loss" in f.invalid for f in results.findings.values())


@pytest.mark.parametrize("name", ["llama", "qwen3_mixed"])
def test_any_stack_of_layers(name, load, rows):
    """Neurons of experts are matched by the strength of neurons of experts."""
    results = ablation.study(
        load(name), rows.head(12), ["pear"], draws=2, splits=1, answer_tokens=1
    )
    assert ("experts" in results.findings) == (name != "llama")
    assert results.numbers["components in a set"]["value"] > 0
    means = sn.mean_activation(load(name), rows.head(2), show_progress=False)
    assert means.dims == sn.sparcom.neuron_frequency(load(name), rows.head(2)).dims
