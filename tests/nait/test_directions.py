"""Directions and scores against a plain loop: one sample, one Hugging Face forward, numpy."""

from functools import cache

import numpy as np
import pytest
import torch
import xarray as xr
from transformers import AutoModelForCausalLM, AutoTokenizer

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.nait import Direction, capability_direction, sample_activations
from sparcom_nb.nait.directions import direction_of, first_component
from sparcom_nb.store import write

DOWN = {  # layers and down projection in plain Hugging Face names
    "llama": ("model.layers", "mlp.down_proj"),
    "qwen2": ("model.layers", "mlp.down_proj"),
    "gpt2": ("transformer.h", "mlp.c_proj"),
}
MOE = ["mixtral", "olmoe"]


def sample_ids(tokenizer, row):
    text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
    ids = tokenizer.encode(text + "\n" + row["response"], add_special_tokens=False)
    return [tokenizer.bos_token_id, *ids]


def dense_by_hand(folder, name, rows):
    """Activations [token, layer, neuron] of the samples' own tokens."""
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager"
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    layers, down = DOWN[name]
    seen, made = [], []
    for layer in model.get_submodule(layers):
        layer.get_submodule(down).register_forward_pre_hook(lambda m, x: seen.append(x[0][0]))
    for row in rows.to_dict("records"):
        seen.clear()
        with torch.no_grad():
            model(torch.tensor([sample_ids(tokenizer, row)]))
        made.append(torch.stack(seen, dim=1)[1:].numpy())
    return made


def experts_by_hand(folder, rows):
    """Activations [token, layer, expert, neuron]; zero where a token does not go to the expert."""
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager", experts_implementation="eager"
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    k, made, seen = model.config.num_experts_per_tok, [], []
    mlps = [layer.mlp for layer in model.model.layers]
    for mlp in mlps:
        mlp.register_forward_pre_hook(lambda m, x: seen.append(x[0][0]))
    for row in rows.to_dict("records"):
        seen.clear()
        with torch.no_grad():
            model(torch.tensor([sample_ids(tokenizer, row)]))
            layers = [posts_by_hand(mlp, x, k) for mlp, x in zip(mlps, seen, strict=True)]
        made.append(np.stack(layers, axis=1)[1:])
    return made


def posts_by_hand(mlp, hidden, k):
    experts, width, _ = mlp.experts.down_proj.shape[0], mlp.experts.down_proj.shape[2], None
    found = np.zeros((len(hidden), experts, width))
    for t, x in enumerate(hidden):
        for e in (mlp.gate.weight @ x).argsort(descending=True)[:k].tolist():
            z = mlp.experts.gate_up_proj[e] @ x
            found[t, e] = (torch.nn.functional.silu(z[:width]) * z[width:]).numpy()
    return found


@pytest.fixture(scope="module")
def by_hand(folders, rows):
    """Activations of every sample, by architecture."""

    @cache
    def made(name):
        if name in MOE:
            return experts_by_hand(folders(name), rows)
        return dense_by_hand(folders(name), name, rows)

    return made


def drifts(samples, skip=0):
    return np.array([a[-1] - a[min(skip, len(a) - 1)] for a in samples])


def means(samples, skip=0):
    return np.array([a[min(skip, len(a) - 1) :].mean(axis=0) for a in samples])


def components(x):
    """First principal component of every layer by a plain singular value decomposition."""
    vectors = []
    for layer in range(x.shape[1]):
        flat = x[:, layer].reshape(len(x), -1)
        _, _, right = np.linalg.svd(flat - flat.mean(0))
        vector = right[0] * np.sign(flat.mean(0) @ right[0])
        vectors.append(vector.reshape(x.shape[2:]))
    return np.array(vectors)


@pytest.mark.parametrize("name", [*DOWN, *MOE])
@pytest.mark.parametrize("skip", [0, 2])
def test_activations_are_those_of_a_plain_loop(name, skip, by_hand, load, rows):
    for side, budget in [("right", None), ("left", 200)]:
        found = sample_activations(
            load(name), rows, skip=skip, padding_side=side, batch_tokens=budget
        )
        scale = np.abs(drifts(by_hand(name))).max()
        for candidate, make in [("mean", means), ("drift", drifts)]:
            expected = make(by_hand(name), skip)
            np.testing.assert_allclose(
                found.sel(candidate=candidate), expected, atol=2e-7 * scale, rtol=2e-7
            )


@pytest.mark.parametrize("name", [*DOWN, *MOE])
def test_pc1_is_the_first_singular_vector_of_the_drifts(name, by_hand, load, rows):
    found = capability_direction(load(name), rows, name="all")
    np.testing.assert_allclose(found.vectors, components(drifts(by_hand(name))), atol=1e-5)
    assert found.rows == len(rows) and found.method == "pc1" and found.name == "all"


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_contrast_is_the_difference_of_means(name, by_hand, load, rows):
    own = (rows["category"] == "QA").to_numpy()
    found = capability_direction(load(name), rows[own], "contrast", rows, skip=1)
    x = means(by_hand(name), 1)
    expected = x[own].mean(0) - x.mean(0)
    for layer in range(len(expected)):
        unit = expected[layer] / np.linalg.norm(expected[layer])
        np.testing.assert_allclose(found.vectors[layer], unit, atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_the_sign_of_the_pool_puts_the_own_rows_above_it(name, by_hand, load, rows):
    own = (rows["category"] == "QA").to_numpy()
    drift = capability_direction(load(name), rows[own])
    found = capability_direction(load(name), rows[own], pool=rows[~own], sign="pool")
    x = means(by_hand(name))
    above, opposed = x[own].mean(0) - x[~own].mean(0), []
    vectors = components(drifts(by_hand(name))[own])
    for layer, vector in enumerate(vectors):
        opposed.append((above[layer] * vector).sum() < 0)
        expected = -vector if opposed[-1] else vector
        np.testing.assert_allclose(found.vectors[layer], expected, atol=1e-5)
    assert 0 < sum(opposed) < len(opposed)  # or nothing was asked
    both = (drift.vectors * found.vectors).sum(drift.vectors.dims[1:])
    assert (both < 0).to_numpy().tolist() == opposed
    assert (drift.sign, found.sign) == ("drift", "pool")


def test_rows_fewer_than_features_or_more_give_the_same_component():
    x = np.random.default_rng(0).normal(size=(30, 12)) * np.linspace(3, 1, 12)
    for part in (x, x.T, x[:5]):
        _, _, right = np.linalg.svd(part - part.mean(0))
        found = first_component(part)
        assert abs(found @ right[0]) == pytest.approx(1, abs=1e-12)
        assert part.mean(0) @ found >= 0


def fake(drift, mean=None):
    """Activations [instruction, candidate, layer=1, neuron] by hand."""
    values = np.stack([drift if mean is None else mean, drift], axis=1)[:, :, None]
    dims = ("instruction", "candidate", "layer", "neuron")
    coords = {"candidate": ["mean", "drift"], "layer": [0], "neuron": np.arange(drift.shape[1])}
    said = {"site": "post", "span": "sample", "skip": 0, "kind": "dense"}
    return xr.DataArray(values, coords, dims, attrs={**said, "model": "m", "weights_sha256": "h"})


def test_a_planted_direction_is_found_with_its_sign():
    rng = np.random.default_rng(0)
    planted = rng.normal(size=40)
    planted /= np.linalg.norm(planted)
    amount = 2 + rng.normal(size=200)
    noise = 0.1 * rng.normal(size=(200, 40))
    for sign in (1, -1):
        found = direction_of(fake(sign * amount[:, None] * planted + noise))
        assert float(found.vectors[0].to_numpy() @ planted) * sign > 0.99
    other_way = fake(-amount[:, None] * planted + noise, planted + noise)  # drifts away from itself
    for sign, product in [("drift", -1), ("pool", 1)]:
        found = direction_of(other_way, "pc1", fake(noise, noise[::-1]), sign=sign)
        assert float(found.vectors[0].to_numpy() @ planted) * product > 0.99
    nuisance = fake(noise + 5 * rng.normal(size=(200, 1)) * np.eye(40)[3], planted + noise)
    pool = fake(noise, noise[::-1])
    assert abs(float(direction_of(nuisance).vectors[0].to_numpy() @ planted)) < 0.5
    assert float(direction_of(nuisance, "contrast", pool).vectors[0].to_numpy() @ planted) > 0.99


def test_saved_and_loaded_is_the_same(load, rows, tmp_path):
    for name in ("llama", "qwen2_mixed"):
        made = capability_direction(load(name), rows, name="räte", skip=1)
        made.save(tmp_path / "deep" / "d.safetensors")
        again = Direction.load(tmp_path / "deep" / "d.safetensors", load(name))
        assert again.metadata == made.metadata and again.digest == made.digest
        xr.testing.assert_identical(again.vectors, made.vectors)
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["d.safetensors"]


def test_another_model_is_refused_by_both_names(load, rows, tmp_path):
    made = capability_direction(load("llama"), rows, name="maths")
    made.save(tmp_path / "d")
    names = [load(name).identity.name for name in ("llama", "qwen2")]
    for use in (
        lambda: Direction.load(tmp_path / "d", load("qwen2")),
        lambda: sn.nait.alignment_score(load("qwen2"), rows, made),
    ):
        with pytest.raises(InputError) as error:
            use()
        assert "direction 'maths'" in str(error.value) and "transfer" in str(error.value)
        assert all(name in str(error.value) for name in names)


def test_transfer_needs_the_same_neurons(load, rows):
    made = capability_direction(load("llama"), rows)
    moved = made.transfer(load("qwen2"))
    assert moved.origin == load("llama").identity.name
    assert moved.model == load("qwen2").identity.name and moved.vectors.equals(made.vectors)
    assert len(sn.nait.alignment_score(load("qwen2"), rows, moved, show_progress=False)) == len(
        rows
    )
    assert moved.transfer(load("llama")).origin == made.model
    with pytest.raises(InputError, match="no transfer is defined"):
        made.transfer(load("gpt2"))
    with pytest.raises(InputError, match="has no dense neurons"):
        made.transfer(load("mixtral"))


def test_kinds_of_a_mixed_stack(load, rows):
    sizes = {}
    for kind in ("dense", "shared", "expert"):
        found = capability_direction(load("qwen2_mixed"), rows, kind=kind)
        sizes[kind] = (found.vectors["layer"].to_numpy().tolist(), found.vectors.shape[1:])
    assert sizes == {"dense": ([0, 2], (48,)), "shared": ([1], (40,)), "expert": ([1], (4, 24))}


WRONG = [
    ({"method": "pc2"}, "unknown method 'pc2'; use one of pc1, contrast"),
    ({"method": "contrast"}, "give pool="),
    ({"kind": "expert"}, "has no expert neurons; kinds it has: dense"),
    ({"kind": "x"}, "unknown kind 'x'"),
    ({"site": "x"}, "unknown site 'x'"),
    ({"span": "x"}, "unknown span 'x'"),
    ({"skip": -1}, "skip must be 0 or more, not -1"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_arguments_are_said(arguments, message, load, rows):
    with pytest.raises(InputError) as error:
        capability_direction(load("llama"), rows, **arguments)
    assert message in str(error.value)


def test_too_few_rows_and_other_readings_are_said(load, rows, tmp_path):
    with pytest.raises(InputError, match="1 samples whose drifts do not differ"):
        capability_direction(load("llama"), rows[:1])
    alike = rows.iloc[[0, 0]].assign(id=["a", "b"])
    with pytest.raises(InputError, match="2 samples whose drifts do not differ"):
        capability_direction(load("llama"), alike)
    with pytest.raises(InputError, match="the samples are the pool"):
        capability_direction(load("llama"), rows, "contrast", rows)
    own = sample_activations(load("llama"), rows)
    with pytest.raises(InputError, match="read them alike"):
        direction_of(own, "contrast", sample_activations(load("llama"), rows, skip=1))
    for text in (None, b"no"):
        if text:
            (tmp_path / "bad").write_bytes(text)
        with pytest.raises(InputError, match="bad: not a saved direction"):
            Direction.load(tmp_path / "bad")


def test_a_direction_is_saved_to_a_file_only(load, rows, tmp_path):
    made = capability_direction(load("llama"), rows[:4], batch_tokens=64)
    (tmp_path / "d").mkdir()
    write(tmp_path / "f", "mine")
    for place, said in (
        (tmp_path / "d", "cannot be written: Is a directory; give the name of a file"),
        (tmp_path / "f" / "x", "cannot be written: .*; what stands above it is a file"),
    ):
        with pytest.raises(InputError, match=said):
            made.save(place)
        with pytest.raises(
            InputError, match=r"not a saved direction .* Direction\.save writes one"
        ):
            Direction.load(place)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["d", "f"]
