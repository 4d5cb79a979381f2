"""Where the papers meet: numbers against loops, and an effect planted where there must be one."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.stats import spearmanr
from worlds.synthesis import deep, made, nothing, outsiders, rows_of, rows_under_sets, turn

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.evidence import NOT, SHOWS, UNTOLD, Clusters
from sparcom_nb.nait.directions import METHODS, direction_of
from sparcom_nb.studies import synthesis

# ---------------------------------------------------------------- directions


def test_shares_equal_a_loop_over_both_ways():
    rng = np.random.default_rng(1)
    sets, squares = rng.random((2, 3, 4, 5)) < 0.4, rng.random((2, 2, 3, 4, 5))
    found = synthesis.shares(sets, squares)
    for m, s, d in np.ndindex(found.shape):
        parts = [squares[1 - h, m, d, n][sets[h, s, n]].sum() for h in (0, 1) for n in range(4)]
        assert found[m, s, d] == pytest.approx(sum(parts) / 8)
    one = found[0]
    rest = [np.delete(one[:, d], d).mean() for d in range(3)]
    np.testing.assert_allclose(synthesis.gaps(found)[0], np.diag(one) - rest)


@pytest.mark.parametrize("experts", [0, 3])
def test_sets_and_directions_are_those_of_the_methods_on_either_half(experts):
    rows = rows_of(2.0, 0, experts=experts)
    frequency, activations = made(2.0, 0, experts=experts)
    trial = rows.trial
    half = trial.halves(trial.label)
    sets, squares = rows.made(trial.clusters.stratum)
    for side in (0, 1):
        part = frequency[half == side]
        means = [sn.sparcom.category_means(x) for x in (sn.sparcom.specific(part, top=0.2), part)]
        expected = sn.sparcom.equal_sets(*means, "unique").sel(category=trial.clusters.strata)
        assert np.array_equal(sets[side].ravel(), expected.to_numpy().ravel())
    pool = activations[half == 0]
    own = pool[(pool["category"] == "QA").to_numpy()]
    said = {"site": "post", "span": "sample", "skip": 0, "kind": "dense", "model": "m"}
    said |= {"weights_sha256": "0"}
    place = trial.clusters.strata.index("QA")
    for m, method in enumerate(METHODS):
        against_pool = pool.assign_attrs(said) if method == "contrast" else None
        found = direction_of(own.assign_attrs(said), method, against_pool).vectors
        np.testing.assert_allclose(
            squares[0, m, place].ravel(), (found**2).to_numpy().ravel(), atol=1e-9
        )


def test_what_is_planted_shows_and_too_few_rows_are_untold():
    rows = rows_of(3.0, 1, subtypes=8, layers=2, width=40)
    like = synthesis.Outsiders.of_rows(rows, np.ones((2, 40)))
    found = synthesis.beyond_others(rows, like, 199) | synthesis.beyond_outsiders(like, 199)
    assert found["contrast, other sets"].verdict == SHOWS
    assert found["contrast, outsiders"].verdict == (UNTOLD if like.unlike else SHOWS)
    rows = rows_of(3.0, 1, subtypes=1)
    few = synthesis.beyond_others(rows, synthesis.Outsiders.of_rows(rows, np.ones((1, 24))), 199)
    assert few["pc1, other sets"].verdict in (UNTOLD, NOT)


def test_other_rows_are_refused():
    frequency, activations = made(1.0, 0)
    one = synthesis.trial(nothing, frequency[:20], 0.2, "unique", 0)
    with pytest.raises(InputError, match="same model and data"):
        synthesis.Rows.of(one, activations)


# ---------------------------------------------------------------- concepts


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_turn_equals_a_loop(name, load):
    base = load(name)
    turn = synthesis.turned(base, base, 5)
    assert (turn.angle == 0).all() and np.isnan(
        turn.rotation(np.ones((1, 1, *turn.norm.shape), bool))
    )
    for n, (_, weight) in enumerate(sn.shift.concepts.networks(base)):
        v = weight.double().numpy()
        u, _, _ = np.linalg.svd(v - v.mean(axis=0), full_matrices=False)
        np.testing.assert_allclose(turn.weight[n], (u.T**2)[:5], atol=1e-6)
        np.testing.assert_allclose(turn.norm[n], np.linalg.norm(v, axis=1), rtol=1e-6)


def test_rotation_equals_a_loop_and_leaves_networks_without_members_out():
    like = deep(outsiders(0))
    one, members = turn(like, 0.0, 2), like.sets.copy()
    members[:, :, 2:] = False
    each = []
    for n in range(2):
        inside = members.any(axis=(0, 1))[n]
        found: Any = spearmanr(one.angle[n], one.weight[n][:, inside].sum(axis=1))
        each.append(found.statistic)
    assert one.rotation(members) == pytest.approx(np.mean(each))


def test_what_turned_with_the_sets_shows_and_a_placebo_that_turned_alike_takes_it_away():
    like = deep(outsiders(0))
    tuned, other = turn(like, 2.0, 0), turn(like, 0.0, 1)
    found = synthesis.concepts(like, {"tuned": tuned, "placebo": other}, 199)
    assert {one.verdict for one in found.values()} == {SHOWS}
    alike = synthesis.concepts(like, {"tuned": tuned, "placebo": tuned}, 199)
    assert alike["rotation, placebo"].verdict == NOT
    alone = synthesis.concepts(like, {"tuned": tuned}, 199)
    assert alone["rotation, placebo"].verdict == UNTOLD


# ---------------------------------------------------------------- attribution


def test_score_loss_is_minus_the_score_of_the_changed_model(load, rows):
    model, data = load("llama"), rows.iloc[1::6].reset_index(drop=True)
    mask = xr.DataArray(np.zeros((3, 48), dtype=bool), dims=("layer", "neuron"))
    mask[1, ::2] = True
    loss, places = synthesis.score_loss_under(model, data), np.array([2, 0])
    with sn.intervene(model, neurons=mask):
        expected = [-one_score(model, data.iloc[[n]].reset_index(drop=True)) for n in places]
    np.testing.assert_allclose(loss(mask, places), expected, atol=1e-6)
    assert not np.allclose(loss(mask, places), loss(None, places))


def one_score(model, row):
    (found,) = sn.shift.response_attributions(model, row)
    return sn.shift.instruction_score(sn.shift.importance_density(found), found["mask"])


def test_equal_harm_leaves_what_harm_does_not_explain():
    rows = rows_under_sets(0)
    inside = rows["set"] == rows["category"]
    rows["fall"] = 0.1 + 0.3 * np.cbrt(rows["harm"]) + 0.5 * inside
    assert synthesis.margin(rows).value == pytest.approx(0.5)
    assert synthesis.margin(rows[inside]).verdict == UNTOLD


# ---------------------------------------------------------------- all together


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_a_study_of_few_rows_and_no_placebo_tells_nothing_and_does_not_fail(
    name, load, rows, monkeypatch
):
    monkeypatch.setattr(synthesis, "DRAWS", 19)
    model = load(name)
    pair = SimpleNamespace(base=model, instruct=model, placebo=None)
    frequency = sn.sparcom.neuron_frequency(model, rows, span="response").compute()
    activations = sn.nait.sample_activations(model, rows).compute()
    results = synthesis.study(pair, rows, frequency, activations, r=3)
    assert SHOWS not in {one.verdict for one in results.findings.values()}
    assert results.findings["rotation, placebo"].verdict == UNTOLD
    assert set(results.tables) == {"shares", "concepts", "rows", "match"}
    assert Clusters.of(frequency, least=4).unit == "row"
