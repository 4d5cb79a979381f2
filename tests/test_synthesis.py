"""Where the papers meet: every number against a loop, and an effect planted where there must be one."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import spearmanr

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.shift.concepts import networks
from sparcom_nb.shift.density import instruction_scores
from sparcom_nb.synthesis import loading, rotated
from sparcom_nb.synthesis.sets import UnitSets

NAMES = ("CLS", "QA", "MATH")
LAYERS, WIDTH = 2, 60


def made(planted: float, experts: int = 0, seed: int = 0):
    """Frequencies and activations of 48 rows; every category drives 6 neurons of a layer."""
    rng = np.random.default_rng(seed)
    category = np.repeat(NAMES, 16)
    subtype = np.tile(np.repeat([f"s{n}" for n in range(8)], 2), 3)
    drive = np.zeros((48, LAYERS, WIDTH))
    for n in range(3):
        drive[16 * n : 16 * (n + 1), :, 6 * n : 6 * n + 6] = planted
    noise = np.repeat(rng.normal(size=(24, LAYERS, WIDTH)), 2, axis=0)
    frequency = 1 / (1 + np.exp(-(drive + noise + rng.normal(size=drive.shape))))
    both = np.stack([drive + noise + 0.3 * rng.normal(size=drive.shape) for _ in range(2)], axis=1)
    coords = {"category": ("instruction", category), "subtype": ("instruction", subtype)}
    coords |= {"instruction": [f"r{n}" for n in range(48)]}
    dims = ("layer", "expert", "neuron") if experts else ("layer", "neuron")
    shape = (LAYERS, experts, WIDTH // experts) if experts else (LAYERS, WIDTH)
    return (
        xr.DataArray(
            frequency.reshape(48, *shape).astype("float32"), coords, ("instruction", *dims)
        ),
        xr.DataArray(
            both.reshape(48, 2, *shape),
            coords | {"candidate": ["mean", "drift"]},
            ("instruction", "candidate", *dims),
        ),
    )


# ---------------------------------------------------------------- sets under other labels


@pytest.mark.parametrize("which", ["all", "unique", "contrast"])
def test_unit_sets_are_those_of_an_ablation(which):
    frequency, _ = made(2.0)
    half = np.tile(np.repeat([0, 1], 8), 3)
    expected = sn.sparcom.sets_of_halves(frequency, half, which, 0.2)
    rows = UnitSets.of(frequency, 0.2, which)
    keep = np.array([name.split("/")[1] < "s4" for name in rows.units.names])
    found, mean = rows.sets(rows.units.category, keep, np.random.default_rng(0))
    assert found.any() and (found == expected[0]).all()
    own = frequency[(half == 0) & (frequency["category"] == "QA").to_numpy()]
    np.testing.assert_allclose(mean.sel(category="QA"), own.mean("instruction"), rtol=1e-6)


# ---------------------------------------------------------------- directions


def test_shares_equal_a_loop():
    rng = np.random.default_rng(1)
    sets, directions = rng.random((2, 3, 4, 5)) < 0.4, rng.normal(size=(2, 3, 4, 5))
    found = loading._shares(sets.reshape(2, 3, 20).astype(float), directions)
    for m, k, s, d in np.ndindex(found.shape):
        parts = [sum(directions[m, d, n][sets[k, s, n]] ** 2) for n in range(4)]
        assert found[m, k, s, d] == pytest.approx(sum(parts) / 4)


def test_a_half_has_the_directions_that_nait_makes_of_its_rows():
    frequency, activations = made(2.0)
    rows = loading.Rows.of(frequency, activations, 0.2, "all")
    units = rows.votes.units
    keep = np.arange(len(units.names)) % 2 == 0
    half = rows.half(np.random.default_rng(0), units.category, keep)
    kept = activations[keep[units.index]]
    for m, method in enumerate(sn.nait.METHODS):
        own = kept[(kept["category"] == "QA").to_numpy()].assign_attrs(said(method))
        pool = kept.assign_attrs(said(method)) if method == "contrast" else None
        expected = sn.nait.direction_of(own, method, pool)
        np.testing.assert_allclose(half.directions[m, 1], expected.vectors, atol=1e-9)
    assert (half.random.sum(["layer", "neuron"]) == half.sets.sum(["layer", "neuron"])).all()
    assert not (half.random & half.sets).any()


def said(method):
    return {"site": "post", "span": "sample", "skip": 0, "kind": "dense", "model": "m",
            "weights_sha256": "0"}  # fmt: skip


@pytest.mark.parametrize("experts", [0, 3])
def test_planted_neurons_carry_the_contrast(experts):
    frequency, activations = made(3.0, experts)
    how = {"top": 0.15, "seed": 1}
    table = sn.synthesis.loading_test(frequency, activations, splits=1, draws=39, **how)
    of = table[table["method"] == "contrast"].set_index("control")
    assert (of["value"] > 0.3).all() and (of["low"] > 0.1).all() and (of["p"] <= 0.05).all()
    shares = sn.synthesis.loading_shares(frequency, activations, splits=2, **how)
    own = np.diag(shares["share"].sel(form="contrast").to_numpy())
    assert (own > shares["random"].sel(form="contrast")).all()
    assert shares["share"].sum("set").max() <= 3 and shares["share"].min() >= 0


def test_nothing_is_carried_where_nothing_is_planted():
    table = sn.synthesis.loading_test(*made(0.0), top=0.15, splits=1, draws=39, seed=1)
    assert (table["p"] > 0.05).all()


def test_other_rows_and_other_sets_are_refused():
    frequency, activations = made(1.0)
    with pytest.raises(InputError, match="same model and data"):
        sn.synthesis.loading_shares(frequency[:40], activations)
    with pytest.raises(InputError, match="unknown which 'best'"):
        sn.synthesis.loading_shares(frequency, activations, which="best")


def test_too_few_rows_for_a_direction_give_no_value():
    frequency, activations = made(1.0)
    few = np.flatnonzero(np.arange(48) % 8 == 0)  # two a category: one in each half
    shares = sn.synthesis.loading_shares(frequency[few], activations[few], splits=1)
    assert shares["share"].sel(form="pc1").isnull().all()


# ---------------------------------------------------------------- concepts


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_turn_equals_a_loop(name, load, folders, tmp_path):
    base = load(name)
    turn = sn.synthesis.turned(base, base, 5)
    assert (turn.angle == 0).all() and (turn.change == 0).all()
    for n, (_, weight) in enumerate(networks(base)):
        v = weight.double().numpy()
        centred = v - v.mean(axis=0)
        u, _, _ = np.linalg.svd(centred, full_matrices=False)
        np.testing.assert_allclose(turn.weight[n], (u.T**2)[:5], atol=1e-6)
        np.testing.assert_allclose(turn.norm[n], np.linalg.norm(v, axis=1), rtol=1e-6)
    table = sn.synthesis.concept_neurons(turn, np.ones_like(turn.norm, dtype=bool))
    np.testing.assert_allclose(table["share"], 1)


def some_turn(networks, width, own, seed=0, r=10):
    """Concepts that turn by as much as lies on the neurons ``own`` [network, neuron]."""
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.full(width, 0.1), (networks, r))
    angle = (weight * own[:, None]).sum(axis=-1) * 90
    norm = rng.random((networks, width)) + 1
    return rotated.Turn(angle, weight, 0.1 + own * 0.2, norm)


def test_measures_equal_a_loop():
    rng = np.random.default_rng(2)
    members = rng.random((3, 20)) < 0.3
    members[2] = False
    turn = some_turn(3, 20, rng.random((3, 20)))
    correlation, change = rotated._measures(turn, members)
    expected = [
        spearmanr(turn.angle[n], turn.weight[n][:, members[n]].sum(axis=1)).statistic
        for n in range(2)
    ]
    assert correlation == pytest.approx(np.mean(expected))
    assert change == pytest.approx(np.mean([turn.change[n][members[n]].mean() for n in range(2)]))


def test_concepts_turned_by_the_sets_neurons_are_found_and_permuted_labels_do_not_do_it():
    frequency, _ = made(3.0)
    own = np.zeros((LAYERS, WIDTH))
    own[:, :18] = 1
    turns = {"tuned": some_turn(LAYERS, WIDTH, own), "placebo": some_turn(LAYERS, WIDTH, 0 * own)}
    table = sn.synthesis.rotated_test(frequency, turns, top=0.15, draws=39)
    tuned = table[table["comparison"] == "tuned"].set_index("measure")
    assert (tuned["low"] > 0).all() and (tuned["p"] <= 0.05).all()
    placebo = table[table["comparison"] == "placebo"].set_index("measure")
    assert np.isnan(placebo.loc["rotation", "value"])
    assert placebo.loc["change", "value"] == pytest.approx(0)
    beyond = table[table["comparison"] == "tuned beyond placebo"].set_index("measure")
    assert beyond.loc["change", "value"] == pytest.approx(tuned.loc["change", "value"])
    neurons = sn.synthesis.specific_neurons(frequency, turns["tuned"], top=0.15)
    assert int(neurons["set"].sum()) == int(neurons["random"].sum())
    assert not (neurons["set"] & neurons["random"]).any()


def test_experts_are_networks_of_their_own():
    frequency, _ = made(3.0, experts=3)
    turn = some_turn(LAYERS * 3, WIDTH // 3, np.ones((LAYERS * 3, WIDTH // 3)))
    neurons = sn.synthesis.specific_neurons(frequency, turn, top=0.15)
    rows = UnitSets.of(frequency, 0.15, "all")
    sets, _ = rows.sets(rows.units.category, rows.every, np.random.default_rng(0))
    union = sets.any("category").to_numpy().reshape(6, 20)
    assert (neurons["set"].to_numpy() == union).all()


# ---------------------------------------------------------------- attribution


def test_score_loss_is_minus_the_score_of_the_changed_model(load, rows):
    model, data = load("llama"), rows.head(4)
    mask = xr.DataArray(np.zeros((3, 48), dtype=bool), dims=("layer", "neuron"))
    mask[1, ::2] = True
    loss = sn.synthesis.score_loss_under(model, data, b=0)
    places = np.array([2, 0])
    with sn.intervene(model, neurons=mask):
        expected = [one_score(model, data.iloc[[n]].reset_index(drop=True)) for n in places]
    np.testing.assert_allclose(loss(mask, places), -np.array(expected), atol=1e-6)
    np.testing.assert_allclose(
        loss(None, places), [-one_score(model, data.iloc[[n]].reset_index(drop=True)) for n in places],
        atol=1e-6,
    )  # fmt: skip
    assert not np.allclose(loss(mask, places), loss(None, places))


def one_score(model, row):
    return float(instruction_scores(sn.shift.response_attributions(model, row), b=0)[0])


def test_only_measures_nothing_else():
    asked = []

    def loss(mask, rows):
        asked.extend(rows)
        return rows * 1.0

    found = sn.synthesis.only(loss, np.array([1, 4]))(None, np.array([0, 1, 2, 4]))
    np.testing.assert_array_equal(found, [np.nan, 1, np.nan, 4])
    assert asked == [1, 4]


def test_judged_rows_are_of_both_halves_and_of_every_category(rows):
    half = sn.sparcom.halves(rows, "row")
    chosen = sn.synthesis.judged_rows(rows, half, 12)
    assert len(chosen) == 12 and len(set(chosen)) == 12
    assert np.bincount(half[chosen]).tolist() == [6, 6]
    assert rows["category"].iloc[chosen].value_counts().tolist() == [4, 4, 4]


def result(effect, control, category):
    coords = {"set": list(NAMES), "category": ("instruction", category)}
    return xr.Dataset(
        {"effect": (("set", "instruction"), effect), "control": (("draw", "instruction"), control)},
        coords,
    )


def test_at_equal_harm_leaves_what_harm_does_not_explain():
    """Harm moves every score along a line; own sets do 0.5 more."""
    rng = np.random.default_rng(3)
    category = np.repeat(NAMES, 10)
    own = category == np.array(NAMES)[:, None]
    harm = result(rng.random((3, 30)) + 2 * own, rng.random((2, 30)), category)
    line = {name: 0.1 + 0.3 * np.cbrt(harm[name].to_numpy()) for name in ("effect", "control")}
    fall = result(line["effect"] + 0.5 * own, line["control"], category)
    left = sn.synthesis.at_equal_harm(fall, harm)
    np.testing.assert_allclose(left["effect"], 0.5 * own, atol=1e-9)
    np.testing.assert_allclose(left["control"], 0, atol=1e-9)
    table = sn.synthesis.falls(fall, harm)
    assert table["kind"].value_counts().to_dict() == {"own": 30, "other": 60, "random": 60}
    first = table[(table["kind"] == "own") & (table["category"] == "QA")]
    np.testing.assert_allclose(first["fall"], fall["effect"].sel(set="QA")[10:20])
    assert isinstance(table, pd.DataFrame)
