"""Where the papers meet: numbers against loops, an effect planted where there must be one, calibration."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import spearmanr

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.evidence import NOT, SHOWS, UNTOLD, Clusters, against, partners, permuted
from sparcom_nb.studies import synthesis

NAMES = ("CLS", "QA", "MATH")


def made(planted, seed, subtypes=6, layers=1, width=24, experts=0):
    """Rows of three categories, each of which drives three neurons of a layer."""
    rng = np.random.default_rng(seed)
    category = np.repeat(NAMES, 2 * subtypes)
    subtype = np.tile(np.repeat([f"s{n}" for n in range(subtypes)], 2), 3)
    drive = np.zeros((len(category), layers, width))
    for n, name in enumerate(NAMES):
        drive[category == name, :, 3 * n : 3 * n + 3] = planted
    noise = np.repeat(rng.normal(size=(3 * subtypes, layers, width)), 2, axis=0)
    frequency = 1 / (1 + np.exp(-(drive + noise + rng.normal(size=drive.shape))))
    values = np.stack([drive + noise + 0.3 * rng.normal(size=drive.shape) for _ in "md"], axis=1)
    coords = {"category": ("instruction", category), "subtype": ("instruction", subtype)}
    dims = ("layer", "expert", "neuron") if experts else ("layer", "neuron")
    shape = (layers, experts, width // experts) if experts else (layers, width)
    return (
        xr.DataArray(frequency.reshape(-1, *shape), coords, ("instruction", *dims)),
        xr.DataArray(
            values.reshape(-1, 2, *shape),
            coords | {"candidate": ["mean", "drift"]},
            ("instruction", "candidate", *dims),
        ),
    )


def nothing(mask, rows):
    return np.full(len(rows), np.nan)


def rows_of(planted, seed, loss=nothing, **size):
    frequency, activations = made(planted, seed, **size)
    return synthesis.Rows.of(synthesis.trial(loss, frequency, 0.2, "unique", seed), activations)


def few(called, tests):
    """Whether the level of .05 holds within binomial error."""
    return called <= 0.05 + 1.645 * np.sqrt(0.05 * 0.95 / tests)


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
    expected = sn.sparcom.sets_of_halves(frequency, half, "unique", 0.2)
    assert (
        sets == expected.sel(category=trial.clusters.strata).to_numpy().reshape(sets.shape)
    ).all()
    pool = activations[half == 0]
    own = pool[(pool["category"] == "QA").to_numpy()]
    said = {"site": "post", "span": "sample", "skip": 0, "kind": "dense", "model": "m"}
    said |= {"weights_sha256": "0"}
    place = trial.clusters.strata.index("QA")
    for m, method in enumerate(sn.nait.METHODS):
        against_pool = pool.assign_attrs(said) if method == "contrast" else None
        found = sn.nait.direction_of(own.assign_attrs(said), method, against_pool).vectors
        np.testing.assert_allclose(
            squares[0, m, place].ravel(), (found**2).to_numpy().ravel(), atol=1e-9
        )


def test_what_is_planted_shows_and_too_few_rows_are_untold(monkeypatch):
    monkeypatch.setattr(synthesis, "DRAWS", 199)
    rows = rows_of(3.0, 1, subtypes=8, layers=2, width=40)
    like = synthesis.Outsiders.of(rows, np.ones((2, 40)))
    findings, table = synthesis.loading(rows, like)
    assert findings["contrast, other sets"].verdict == SHOWS
    assert findings["contrast, outsiders"].verdict == (UNTOLD if like.unlike else SHOWS)
    assert set(table["set"]) == {*NAMES, *(f"beside {name}" for name in NAMES)}
    rows = rows_of(3.0, 1, subtypes=1)
    findings, _ = synthesis.loading(rows, synthesis.Outsiders.of(rows, np.ones((1, 24))))
    assert findings["pc1, other sets"].verdict in (UNTOLD, NOT)


def test_labels_are_calibrated_and_intervals_cover():
    """120 runs, two methods: permuted labels at .05; power for a shift of two standard deviations."""
    called, ends = {0.0: [], 2.0: []}, {0.0: [], 2.0: []}
    for planted, runs in ((0.0, 120), (2.0, 30)):
        for seed in range(runs):
            rows = rows_of(planted, seed)
            stratum = rows.trial.clusters.stratum
            gap = synthesis.gaps(synthesis.shares(*rows.made(stratum)))
            null = [
                synthesis.gaps(synthesis.shares(*rows.made(one))).mean(axis=1)
                for one in permuted(rows.trial.clusters, 39, seed)
            ]
            for n, one in enumerate(synthesis.over_names(gap)):
                called[planted].append(against(float(one.value), np.array(null)[:, n]).p <= 0.05)
                ends[planted].append((one.low, one.value, one.high))
    assert few(np.mean(called[0.0]), 240)
    assert np.mean(called[2.0][1::2]) >= 0.8  # contrast; pc1 does not see a shift of means
    low, value, high = np.array(ends[0.0]).T
    assert 0.92 <= np.mean((low <= value.mean()) & (value.mean() <= high)) <= 0.985


def test_swaps_are_calibrated_for_shares_and_turns():
    """300 runs: sets of any neurons do not differ from outsiders."""
    rng, called = np.random.default_rng(0), []
    rows = rows_of(0.0, 0)
    for seed in range(300):
        sets = np.zeros((2, 3, 1, 24), dtype=bool)
        for n, members in enumerate(rng.permutation(24)[:9].reshape(3, 3)):
            sets[:, n, :, members] = True
        squares = rng.dirichlet(np.ones(24), (2, 2, 3, 1))
        pairs = partners(np.asarray(sets.any(axis=(0, 1))), rng.random((2, 1, 24)))
        like = synthesis.Outsiders(sets, squares, pairs, {"pairs": 9, "members": 9}, "", rows.trial)
        turn = some_turn(1, 24, np.zeros((1, 24)), seed)
        draws = list(like.draws(59))
        own = [synthesis._own(synthesis.shares(one, squares)).mean() for one in [sets, *draws]]
        angle = [turn.rotation(one) for one in [sets, *draws]]
        for numbers in (own, angle):
            called.append(like.finding("x", numbers[0], numbers[1:]).p <= 0.05)
    assert few(np.mean(called[0::2]), 300) and few(np.mean(called[1::2]), 300)


def test_other_rows_are_refused():
    frequency, activations = made(1.0, 0)
    one = synthesis.trial(nothing, frequency[:20], 0.2, "unique", 0)
    with pytest.raises(InputError, match="same model and data"):
        synthesis.Rows.of(one, activations)


# ---------------------------------------------------------------- concepts


def some_turn(networks, width, own, seed=0, r=10):
    """Concepts that turn by as much as lies on the neurons ``own`` [network, neuron], or by chance."""
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.full(width, 0.1), (networks, r))
    angle = (weight * own[:, None]).sum(axis=-1) * 90 if own.any() else rng.random((networks, r))
    return synthesis.Turn(angle, weight, np.ones((networks, width)))


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
    rng = np.random.default_rng(2)
    members = rng.random((1, 1, 3, 20)) < 0.3
    members[:, :, 2] = False
    turn = some_turn(3, 20, rng.random((3, 20)))
    each = []
    for n in range(2):
        found: Any = spearmanr(turn.angle[n], turn.weight[n][:, members[0, 0, n]].sum(axis=1))
        each.append(found.statistic)
    assert turn.rotation(members) == pytest.approx(np.mean(each))


def test_what_turned_with_the_sets_shows_and_a_placebo_that_turned_alike_takes_it_away():
    rows = rows_of(3.0, 0, subtypes=8, layers=2, width=40)
    sets, squares = rows.made(rows.trial.clusters.stratum)
    pairs = partners(np.asarray(sets.any(axis=(0, 1))), np.ones((1, 2, 40)))
    like = synthesis.Outsiders(sets, squares, pairs, {"pairs": 1, "members": 1}, "", rows.trial)
    tuned = some_turn(2, 40, sets.any(axis=(0, 1)).astype(float), r=20)
    other = some_turn(2, 40, np.zeros((2, 40)), r=20)
    findings, table = synthesis.concepts(like, {"tuned": tuned, "placebo": other})
    assert {one.verdict for one in findings.values()} == {SHOWS}
    assert len(table) == 80 and set(table["neurons"]) == {"the sets", "outsiders like them"}
    alike, _ = synthesis.concepts(like, {"tuned": tuned, "placebo": tuned})
    assert alike["rotation, placebo"].verdict == NOT
    alone, _ = synthesis.concepts(like, {"tuned": tuned})
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


def test_only_measures_nothing_else():
    asked = []

    def loss(mask, rows):
        asked.extend(rows)
        return rows * 1.0

    found = synthesis.only(loss, np.array([1, 4]))(None, np.array([0, 1, 2, 4]))
    np.testing.assert_array_equal(found, [np.nan, 1, np.nan, 4])
    assert asked == [1, 4]


def rows_under_sets(seed, own=0.0, harmful=0.0, subtypes=6):
    """Fall and harm of six sets: sets differ in harm, categories in fragility; harm moves scores."""
    rng = np.random.default_rng(seed)
    names = sn.CATEGORIES
    table = pd.DataFrame(
        [
            (of, name, f"{name}/{n}", subtypes * k + n)
            for of in names
            for k, name in enumerate(names)
            for n in range(subtypes)
        ],
        columns=["set", "category", "subtype", "row"],
    )  # fmt: skip
    table["neurons"] = np.where(table["set"] == table["category"], "own set", "other sets")
    inside = (table["neurons"] == "own set").to_numpy()
    of_set, of_row = rng.random(6), rng.random(6 * subtypes)
    harm = of_set[table["set"].map(names.index)] + of_row[table["row"]] + harmful * inside
    fall = 0.3 * np.cbrt(harm) + 0.2 * rng.normal(size=len(table)) + own * inside
    return table.assign(harm=harm, fall=fall)


def test_margins_at_equal_harm_are_calibrated_where_the_own_set_harms_more():
    """300 runs: harm alone must not show at equal harm; .2 of the score (one deviation) does."""
    found = [synthesis.margin("x", rows_under_sets(s, harmful=1.0), True) for s in range(300)]
    assert few(np.mean([one.p <= 0.05 for one in found]), 300)
    assert 0.92 <= np.mean([one.low <= 0 <= one.high for one in found]) <= 0.98
    falls = [synthesis.margin("x", rows_under_sets(s, harmful=1.0)).p for s in range(30)]
    assert np.mean(np.array(falls) <= 0.05) > 0.3  # what taking harm out is for
    served = [synthesis.margin("x", rows_under_sets(s, own=0.2), True).p for s in range(30)]
    assert np.mean(np.array(served) <= 0.05) >= 0.8


def test_margins_without_harm_are_calibrated():
    found = [synthesis.margin("x", rows_under_sets(seed)) for seed in range(300)]
    assert few(np.mean([one.p <= 0.05 for one in found]), 300)
    assert 0.92 <= np.mean([one.low <= 0 <= one.high for one in found]) <= 0.98


def test_equal_harm_leaves_what_harm_does_not_explain():
    rows = rows_under_sets(0)
    inside = rows["neurons"] == "own set"
    rows["fall"] = 0.1 + 0.3 * np.cbrt(rows["harm"]) + 0.5 * inside
    assert synthesis.margin("x", rows, True).value == pytest.approx(0.5)
    assert synthesis.margin("x", rows[inside]).verdict == UNTOLD


def test_outsiders_with_few_draws_are_calibrated():
    """100 runs of 30 draws: every neuron lowers every score by chance, members no more than others."""
    called = []
    for seed in range(100):
        weight = np.random.default_rng(seed).normal(size=24)

        def loss(mask, rows, weight=weight):
            return np.full(len(rows), 0.0 if mask is None else mask.to_numpy().ravel() @ weight)

        rows = rows_of(2.0, seed, loss)
        sets, squares = rows.made(rows.trial.clusters.stratum)
        pairs = partners(np.asarray(sets.any(axis=(0, 1))), np.ones((1, 1, 24)))
        like = synthesis.Outsiders(sets, squares, pairs, {"pairs": 1, "members": 1}, "", rows.trial)
        findings, _ = synthesis.attribution(rows.trial, rows.trial, like, 30)
        called.append(findings["fall, outsiders"].p <= 0.05)
    assert few(np.mean(called), 100)


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
    results = synthesis.study(pair, rows, frequency, activations, r=3, judged=6, swaps=2)
    assert SHOWS not in {one.verdict for one in results.findings.values()}
    assert results.findings["rotation, placebo"].verdict == UNTOLD
    assert set(results.tables) == {"shares", "concepts", "rows", "match"}
    assert Clusters.of(frequency, least=4).unit == "row"
