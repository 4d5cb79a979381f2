"""Principal angles on subspaces whose angle is known, and on models that did or did not change."""

from importlib import import_module
from itertools import permutations

import numpy as np
import pytest
import torch

import sparcom_nb as sn

#: The package's name ``rotation`` is the function.
module = import_module("sparcom_nb.shift.rotation")


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

    monkeypatch.setattr(module, "networks", fake)
    return Model


def test_a_known_rotation_is_found(two):
    frame = np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))[0]
    angles = [5.0, 30.0, 80.0]
    base, tuned = planted(frame[:3]), planted(turned(frame, angles))
    table = module.rotation(two([base]), two([tuned]), r=3)
    np.testing.assert_allclose(table["angle"], angles, atol=1e-6)
    np.testing.assert_allclose(table["cosine"], np.cos(np.radians(angles)), atol=1e-6)
    assert table["partner"].tolist() == [0, 1, 2]


def test_swapped_components_span_the_same_space_and_are_matched(two):
    frame = np.linalg.qr(np.random.default_rng(2).normal(size=(9, 9)))[0]
    table = module.rotation(two([planted(frame[:3])]), two([planted(frame[[2, 0, 1]])]), r=3)
    np.testing.assert_allclose(table["angle"], 0, atol=1e-6)
    assert table["partner"].tolist() == [1, 2, 0]
    np.testing.assert_allclose(table["cosine"], 1)


@pytest.mark.parametrize("name", ["llama", "gpt2", "mixtral", "qwen2_moe"])
def test_a_model_is_not_rotated_against_itself(name, load):
    model = load(name)
    table = module.rotation(model, model, r=6)
    assert table["angle"].max() < 1e-5
    np.testing.assert_allclose(table["cosine"], 1)
    assert (table["partner"] == table["component"]).all()
    assert ("expert" in table) == (name in ("mixtral", "qwen2_moe"))


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


def test_wrong_arguments_are_named(load):
    with pytest.raises(sn.InputError, match="of different shapes"):
        sn.shift.rotation(load("llama"), load("gpt2"), r=3)
    for r in (0, 33):
        with pytest.raises(sn.InputError, match=rf"r must be 1 or more|between 1 and 32, got {r}"):
            sn.shift.rotation(load("llama"), load("llama"), r=r)
