"""Principal angles on subspaces whose angle is known, and on models that did or did not change."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import ttest_rel

import sparcom_nb as sn
from sparcom_nb.shift import concepts, subspaces


def planted(frame, n=40, seed=0):
    """Rows [neuron, d] whose principal axes are the rows of ``frame``, the first the strongest."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, len(frame)))
    scores, _ = np.linalg.qr(scores - scores.mean(axis=0))
    return torch.from_numpy(scores * np.geomspace(8, 1, len(frame)) @ frame)


def turned(frame, angles):
    """The first rows of ``frame`` turned by ``angles`` (degrees) towards its last rows."""
    angles = np.radians(angles)
    new = (
        frame[: len(angles)] * np.cos(angles)[:, None]
        + frame[-len(angles) :] * np.sin(angles)[:, None]
    )
    return new


@pytest.fixture
def two(monkeypatch):
    """Give the functions two 'models': lists of matrices [neuron, d]."""

    class Identity:
        name = "made"

    class Model(list):
        identity = Identity()

    def fake(model, kind):
        return [({"layer": n}, weight) for n, weight in enumerate(model)]

    monkeypatch.setattr(subspaces, "networks", fake)
    return Model


def test_a_known_rotation_is_found(two):
    frame = np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))[0]
    angles = [5.0, 30.0, 80.0]
    base, tuned = planted(frame[:3]), planted(turned(frame, angles))
    table = subspaces.rotation(two([base]), two([tuned]), r=3)
    np.testing.assert_allclose(table["angle"], angles, atol=1e-6)
    np.testing.assert_allclose(table["cosine"], np.cos(np.radians(angles)), atol=1e-6)
    assert table["partner"].tolist() == [0, 1, 2]


def test_swapped_components_span_the_same_space_and_are_matched(two):
    frame = np.linalg.qr(np.random.default_rng(2).normal(size=(9, 9)))[0]
    table = subspaces.rotation(two([planted(frame[:3])]), two([planted(frame[[2, 0, 1]])]), r=3)
    np.testing.assert_allclose(table["angle"], 0, atol=1e-6)
    assert table["partner"].tolist() == [1, 2, 0]
    np.testing.assert_allclose(table["cosine"], 1)


@pytest.mark.parametrize("name", ["llama", "gpt2", "mixtral", "qwen2_moe"])
def test_a_model_is_not_rotated_against_itself(name, load):
    model = load(name)
    table = subspaces.rotation(model, model, r=6)
    assert table["angle"].max() < 1e-5
    np.testing.assert_allclose(table["cosine"], 1)
    assert (table["partner"] == table["component"]).all()
    assert ("expert" in table) == (name in ("mixtral", "qwen2_moe"))
    assert subspaces.random_change(model, model, r=6, draws=2)["angle"].max() < 1e-5


@pytest.fixture(scope="module")
def other(folders, tmp_path_factory, load):
    """The llama with other down projections."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("other")
    bare = AutoModelForCausalLM.from_pretrained(folders("llama"))
    torch.manual_seed(5)
    for layer in bare.model.layers:
        weight = layer.mlp.down_proj.weight
        weight.data += 0.4 * weight.std() * torch.randn_like(weight)
    bare.save_pretrained(folder)
    AutoTokenizer.from_pretrained(folders("llama")).save_pretrained(folder)
    return sn.load_model(folder, dtype="float64")


def test_rotation_equals_the_twin(load, other):
    """Angles by singular values of the product, matching by trying every permutation."""
    table = sn.shift.rotation(load("llama"), other, r=4)
    assert list(table) == ["layer", "component", "angle", "partner", "cosine"]
    for layer in range(3):
        a, b = (
            np.linalg.svd(w - w.mean(axis=0))[2][:4]
            for w in (m.blocks[layer].mlp.W_out.numpy() for m in (load("llama"), other))
        )
        part = table[table["layer"] == layer]
        cosines = np.linalg.svd(a @ b.T)[1].clip(max=1)
        np.testing.assert_allclose(part["angle"], np.degrees(np.arccos(cosines)), atol=1e-6)
        best = max(permutations(range(4)), key=lambda p: sum(abs(a[n] @ b[p[n]]) for n in range(4)))
        assert part["partner"].tolist() == list(best)
        np.testing.assert_allclose(part["cosine"], [abs(a[n] @ b[best[n]]) for n in range(4)])


def test_a_turned_change_has_the_size_and_spectrum_of_the_true_one(load, other):
    base, tuned = (concepts.networks(model) for model in (load("llama"), other))
    changed = subspaces.turned_change(load("llama"), other, seed=3)
    for (key, old), (_, new), (same, made) in zip(base, tuned, changed, strict=True):
        assert key == same
        change, true = made - old, new - old
        np.testing.assert_allclose(torch.linalg.svdvals(change), torch.linalg.svdvals(true))
        assert not torch.allclose(change, true)


def test_a_random_change_compares_the_base_with_turned_changes(load, other):
    table = subspaces.random_change(load("llama"), other, r=4, draws=2, seed=3)
    rng = np.random.default_rng(3)
    for draw in range(2):
        changed = subspaces.turned_change(load("llama"), other, rng)
        for (key, weight), (_, old) in zip(changed, concepts.networks(load("llama")), strict=True):
            a, b = (np.linalg.svd(w - w.mean(axis=0))[2][:4] for w in (old.numpy(), weight.numpy()))
            cosines = np.linalg.svd(a @ b.T)[1].clip(max=1)
            part = table[(table["draw"] == draw) & (table["layer"] == key["layer"])]
            np.testing.assert_allclose(part["angle"], np.degrees(np.arccos(cosines)), atol=1e-6)


def test_concepts_of_other_weights_than_the_models_own(load, other):
    words = ["sky", "pear", "apple", "rain"]
    own = sn.shift.ffn_concepts(load("llama"), words, rank=4)
    same = sn.shift.ffn_concepts(
        load("llama"), words, rank=4, weights=concepts.networks(load("llama"))
    )
    pd.testing.assert_frame_equal(own, same)
    changed = subspaces.turned_change(load("llama"), other)
    assert not own.equals(sn.shift.ffn_concepts(load("llama"), words, rank=4, weights=changed))


def test_random_subspaces_are_nearly_orthogonal_in_many_dimensions():
    table = subspaces.random_subspaces(400, 3, draws=10)
    assert table["angle"].mean() > 80
    few = subspaces.random_subspaces(4, 3, draws=10)
    assert (few[few["component"] == 0]["angle"] < 1e-4).all()  # 3 + 3 > 4: they share a plane


def test_same_seed_same_draws():
    pd.testing.assert_frame_equal(
        subspaces.random_subspaces(20, 3, 4, seed=1), subspaces.random_subspaces(20, 3, 4, seed=1)
    )


def test_means_have_intervals_over_draws_only(load, other):
    table = sn.shift.rotation(load("llama"), other, r=4)
    exact = subspaces.mean_rotation(table, ["layer"])
    assert (exact["low"] == exact["value"]).all() and len(exact) == 3
    np.testing.assert_allclose(exact["value"], table.groupby("layer")["angle"].mean())
    drawn = subspaces.random_change(load("llama"), other, r=4, draws=8)
    control = subspaces.mean_rotation(drawn, ["layer"])
    assert (control["low"] < control["value"]).all() and (control["value"] < control["high"]).all()
    cosine = subspaces.mean_rotation(drawn, ["layer"], "cosine")
    assert cosine["value"].between(0, 1).all()


def test_the_test_tells_a_real_turn_from_a_random_one():
    control = pd.DataFrame(
        {"draw": np.repeat(range(39), 2), "angle": np.arange(78.0), "cosine": 0.5}
    )
    far = pd.DataFrame({"angle": [90.0, 95.0], "cosine": [0.1, 0.2]})
    inside = far.assign(angle=[38.0, 39.0])
    assert subspaces.rotation_test(far, control)["p"] == pytest.approx(2 / 40)
    assert subspaces.rotation_test(inside, control)["p"] > 0.9


def test_wrong_arguments_are_named(load):
    with pytest.raises(sn.InputError, match="of different shapes"):
        sn.shift.rotation(load("llama"), load("gpt2"), r=3)
    for r in (0, 33):
        with pytest.raises(sn.InputError, match=rf"r must be 1 or more|between 1 and 32, got {r}"):
            sn.shift.rotation(load("llama"), load("llama"), r=r)


def test_the_placebo_is_compared_network_by_network(load, other):
    tuned = sn.shift.rotation(load("llama"), other, r=4)
    same = sn.shift.placebo_rotation(tuned, tuned)
    assert same["value"] == 0 and same["p"] == 1 and same["networks"] == 3
    less = tuned.assign(angle=tuned["angle"] * np.repeat([0.5, 0.6, 0.4], 4))
    test = sn.shift.placebo_rotation(tuned, less)
    means = [t.groupby("layer")["angle"].mean() for t in (tuned, less)]
    expected = ttest_rel(*means)
    assert test["p"] == pytest.approx(expected.pvalue)
    assert (test["low"], test["high"]) == pytest.approx(tuple(expected.confidence_interval()))
    assert test["placebo"] == pytest.approx(means[1].mean())


def test_matched_words_stand_side_by_side(load, other):
    words = ["sky", "pear", "apple", "rain"]
    turned = sn.shift.rotation(load("llama"), other, r=4)
    lists = [
        sn.shift.component_words(sn.shift.ffn_concepts(m, words)) for m in (load("llama"), other)
    ]
    table = sn.shift.matched_words(turned, *lists)
    assert list(table) == ["layer", "component", "base", "partner", "tuned", "cosine"]
    assert len(table) == 12
    for row in table.to_dict("records"):
        for side, name, which in ((0, "base", "component"), (1, "tuned", "partner")):
            found = lists[side].query(f"layer == {row['layer']} and component == {row[which]}")
            assert found["words"].item() == row[name]
