"""Overlap of selections, stability and moved directions."""

import numpy as np
import pandas as pd
import pytest

from sparcom_nb.errors import InputError
from sparcom_nb.nait import core
from sparcom_nb.nait.pool import Mixture
from sparcom_nb.nait.precision import pool_directions


@pytest.fixture(scope="module")
def mix(rows):
    target = rows.assign(id=["t" + name for name in rows["id"]])
    return Mixture(target, rows.assign(quality=["clean", "corrupted"] * 12), rows)


@pytest.fixture
def scores(mix):
    rng = np.random.default_rng(1)
    ids = pd.Index(mix.pool["id"])
    return pd.DataFrame({c: rng.normal(size=24) for c in ("CLS", "QA", "MATH")}, ids)


def test_cosines_are_products_of_unit_vectors(load, mix):
    directions = pool_directions(load("llama"), mix, 8, 2, show_progress=False)
    found = core.cosines(directions)
    names = list(directions)
    a, b = (directions[names[n]].vectors.to_numpy() for n in (0, 3))
    np.testing.assert_allclose(found[0, 3], (a * b).sum(axis=1), atol=1e-12)
    np.testing.assert_allclose(found[0, 0], 1, atol=1e-12)


def test_core_counts_and_composition(scores, mix):
    tops = {c: set(scores[c].nlargest(6).index) for c in scores}
    table = core.core_counts(scores, mix, 0.25)
    votes = [sum(name in top for top in tops.values()) for name in scores.index]
    assert table["rows"].to_list() == [votes.count(n) for n in range(4)]
    assert table["expected"].sum() == pytest.approx(24)
    assert table["expected"][3] == pytest.approx(24 / 64)
    made = core.composition(scores, mix, 0.25)
    pool = mix.pool.set_index("id")
    clean = pool[(pool["category"] == "QA") & (pool["quality"] == "clean")].index
    assert made.loc["CLS", "QA"] == len(tops["CLS"] & set(clean)) / 6


def test_core_subset_takes_the_most_selected_rows(scores):
    chosen = core.core_subset(scores, 0.25)
    votes = core.selections(scores, 0.25).sum(axis=1)
    assert len(chosen) == 6 and votes[chosen].min() >= votes.drop(chosen).max()


def test_jaccard_and_its_chance():
    assert core.jaccard(["a", "b"], ["b", "c"]) == pytest.approx(1 / 3)
    assert np.isnan(core.jaccard([], []))
    rng = np.random.default_rng(0)
    drawn = [
        core.jaccard(rng.choice(200, 20, replace=False), rng.choice(200, 20, replace=False))
        for _ in range(500)
    ]
    assert core.chance_jaccard(20, 20, 200) == pytest.approx(np.mean(drawn), abs=0.01)


def test_stability_lies_between_chance_and_one(load, mix):
    table = core.stability(load("llama"), mix, ratio=0.25, draws=2, n=8)
    assert len(table) == 3 * 3 * 2
    assert table[["jaccard", "core"]].stack().between(0, 1).all()
    means = core.stability_means(table)
    assert (means["low"] <= means["mean"] + 1e-12).all()
    assert (means["mean"] <= means["high"] + 1e-12).all()


def test_a_half_has_whole_subtypes_or_half_of_the_rows():
    rng = np.random.default_rng(0)
    kept = core._one_half(np.array(["a", "a", "b", "b"]), rng)
    assert kept.sum() == 2 and kept[0] == kept[1]
    assert core._one_half(np.array(["a"] * 6), rng).sum() == 3


def test_directions_on_the_same_model_carry_over_whole(load, mix):
    model = load("llama")
    own = pool_directions(model, mix, 8, 2, show_progress=False)
    table = core.between_models(own, own, model, mix, ratio=0.25)
    assert np.allclose(table[["cosine", "spearman", "jaccard"]], 1)
    assert (table["precision"] == table["own_precision"]).all()
    assert table["control_cosine"].abs().max() < 0.9


def test_no_transfer_to_other_neurons(load, mix):
    own = pool_directions(load("llama"), mix, 8, 2, show_progress=False)
    assert core.why_not(own, load("llama")) == ""
    reason = core.why_not(own, load("mixtral"))
    assert "dense" in reason
    with pytest.raises(InputError):
        core.between_models(own, own, load("mixtral"), mix)
