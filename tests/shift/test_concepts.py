"""Concepts of feed-forward layers against plain numpy on the raw checkpoints, and the published code."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import sparcom_nb as sn
from sparcom_nb.shift.concepts import principal_axes
from sparcom_nb.shift.words import word_embeddings

WORDS = [
    "colour",
    "sky",
    "pear",
    "apple",
    "fig",
    "true",
    "yes",
    "no",
    "line",
    "rain",
    "add",
    "return",
    "answer",
    "cat",
    "mat",
    "slept",
    "user",
]
DOWN = {
    "llama": ("model.layers.{}.mlp.down_proj.weight", True),
    "qwen2": ("model.layers.{}.mlp.down_proj.weight", True),
    "gpt_neox": ("gpt_neox.layers.{}.mlp.dense_4h_to_h.weight", True),
    "gpt2": ("transformer.h.{}.mlp.c_proj.weight", False),
}
EXPERT = {
    "mixtral": "model.layers.{}.block_sparse_moe.experts.{}.w2.weight",
    "olmoe": "model.layers.{}.mlp.experts.{}.down_proj.weight",
    "qwen2_moe": "model.layers.{}.mlp.experts.{}.down_proj.weight",
    "qwen3_moe": "model.layers.{}.mlp.experts.{}.down_proj.weight",
}
HEAD = {"gpt_neox": "embed_out.weight", "gpt2": "transformer.wte.weight"}


def plain_concepts(down, head, pieces, top_k, centre=True):
    """The paper's recipe in numpy: [component] of (explained, words in order, |cosine|)."""
    v = down.astype(np.float64)
    v = v - v.mean(axis=0) if centre else v
    _, s, components = np.linalg.svd(v, full_matrices=False)
    vectors = np.stack([head[ids].astype(np.float64).mean(axis=0) for ids in pieces])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = []
    for share, axis in zip(s**2 / (s**2).sum(), components, strict=True):
        score = np.abs(vectors @ axis)
        order = np.argsort(-score)[:top_k]
        made.append((share, [WORDS[n] for n in order], score[order]))
    return made


def stored(folders, name):
    weights = load_file(folders(name) / "model.safetensors")
    head = HEAD.get(name, "lm_head.weight")
    return weights, weights[head] if head in weights else weights["model.embed_tokens.weight"]


def pieces_of(tokenizer):
    return [tokenizer(" " + word, add_special_tokens=False).input_ids for word in WORDS]


def check(part, expected):
    """One network's rows against the twin; words may change places where scores tie."""
    for n, (share, words, score) in enumerate(expected):
        rows = part[part["component"] == n]
        np.testing.assert_allclose(rows["explained"], share, rtol=1e-5)
        np.testing.assert_allclose(rows["score"], score, atol=1e-5)
        assert rows["rank"].tolist() == list(range(1, len(score) + 1))
        assert list(rows["word"]) == words


@pytest.mark.parametrize("name", DOWN)
def test_dense_concepts_equal_the_twin(name, load, folders, tokenizer):
    weights, head = stored(folders, name)
    key, transposed = DOWN[name]
    table = sn.shift.ffn_concepts(load(name), WORDS, top_k=5)
    assert list(table) == ["layer", "component", "explained", "word", "rank", "score"]
    for layer in range(3):
        down = weights[key.format(layer)]
        twin = plain_concepts(down.T if transposed else down, head, pieces_of(tokenizer), 5)
        check(table[table["layer"] == layer], twin[:32])
    assert table["component"].max() == 31


@pytest.mark.parametrize("name", EXPERT)
def test_every_expert_has_concepts_of_its_own(name, load, folders, tokenizer):
    weights, head = stored(folders, name)
    table = sn.shift.ffn_concepts(load(name), WORDS, top_k=4, rank=20)
    assert list(table)[:2] == ["layer", "expert"]
    for (layer, expert), part in table.groupby(["layer", "expert"]):
        down = weights[EXPERT[name].format(layer, expert)]
        check(part, plain_concepts(down.T, head, pieces_of(tokenizer), 4)[:20])
    assert table.groupby(["layer", "expert"]).ngroups == 12


def test_the_twin_finds_a_missing_centre(load, folders, tokenizer):
    weights, head = stored(folders, "llama")
    down = weights[DOWN["llama"][0].format(0)].T + 1
    right, wrong = (
        plain_concepts(down, head, pieces_of(tokenizer), 5, centre) for centre in (True, False)
    )
    table = sn.shift.ffn_concepts(load("llama"), WORDS, top_k=5)
    check(table[table["layer"] == 0], right[:32])
    with pytest.raises(AssertionError):
        check(table[table["layer"] == 0], wrong[:32])


def test_shared_and_dense_layers_of_a_mixed_stack(load):
    shared = sn.shift.ffn_concepts(load("qwen2_mixed"), WORDS, rank=3, top_k=2, kind="shared")
    dense = sn.shift.ffn_concepts(load("qwen2_mixed"), WORDS, rank=3, top_k=2, kind="dense")
    assert set(shared["layer"]) == {1} and set(dense["layer"]) == {0, 2}
    assert "expert" not in shared


def test_signed_poles_are_the_two_ends_of_a_component(load):
    both = sn.shift.ffn_concepts(load("llama"), WORDS, top_k=len(WORDS), rank=2)
    poles = sn.shift.ffn_concepts(load("llama"), WORDS, top_k=len(WORDS), rank=2, signed=True)
    for (layer, component), part in poles.groupby(["layer", "component"]):
        up, down = (part[part["pole"] == pole].set_index("word")["score"] for pole in "+-")
        np.testing.assert_allclose(up, -down[up.index], atol=1e-12)
        assert up.is_monotonic_decreasing and down.is_monotonic_decreasing
        flat = both[(both["layer"] == layer) & (both["component"] == component)]
        np.testing.assert_allclose(flat["score"], up.abs()[flat["word"]], atol=1e-12)


def test_folding_multiplies_the_output_embedding_by_the_final_gain(folders, tmp_path):
    folder = tmp_path / "gained"
    from transformers import AutoModelForCausalLM, AutoTokenizer

    bare = AutoModelForCausalLM.from_pretrained(folders("llama"), dtype=torch.float32)
    gain = torch.linspace(0.1, 3, 32)
    bare.model.norm.weight.data = gain
    bare.save_pretrained(folder)
    AutoTokenizer.from_pretrained(folders("llama")).save_pretrained(folder)
    model = sn.load_model(folder)
    plain = sn.shift.ffn_concepts(model, WORDS, rank=3)
    folded = sn.shift.ffn_concepts(model, WORDS, rank=3, fold_norm=True)
    assert not np.allclose(plain["score"], folded["score"])
    vectors = word_embeddings(model, WORDS, matrix="output").to_numpy() * gain.numpy()
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    weights = load_file(folder / "model.safetensors")
    down = weights[DOWN["llama"][0].format(0)].T.astype(float)
    axis = np.linalg.svd(down - down.mean(axis=0))[2][0]
    first = folded[(folded["layer"] == 0) & (folded["component"] == 0)]
    np.testing.assert_allclose(first["score"], np.sort(np.abs(vectors @ axis))[::-1], atol=1e-6)


def test_components_are_orthonormal_and_explain_all():
    weight = torch.from_numpy(np.random.default_rng(0).normal(size=(20, 30)))
    share, axes = principal_axes(weight)
    assert axes.shape == (19, 30)  # 20 centred neurons span 19 directions
    np.testing.assert_allclose(axes @ axes.T, np.eye(19), atol=1e-12)
    np.testing.assert_allclose(share.sum(), 1)
    assert (share.diff() <= 0).all()
    assert (axes.gather(1, axes.abs().argmax(dim=1, keepdim=True)) > 0).all()


def test_weights_that_are_all_zero_explain_nothing():
    share, axes = principal_axes(torch.zeros(5, 4))
    assert (share == 0).all() and axes.isfinite().all()


def test_wrong_arguments_are_named(load):
    model = load("llama")
    for options, said in [
        ({"words": [*WORDS, "sky"]}, "'sky' is given twice"),
        ({"words": []}, "no words"),
        ({"top_k": 0}, "top_k must be 1 or more, not 0"),
        ({"rank": 0}, "rank must be 1 or more, not 0"),
        ({"kind": "expert"}, "no feed-forward network of kind 'expert'"),
        ({"kind": "shared"}, "no feed-forward network of kind 'shared'"),
        ({"kind": "sparse"}, "unknown kind 'sparse'"),
    ]:
        with pytest.raises(sn.InputError, match=said):
            sn.shift.ffn_concepts(model, **{"words": WORDS, **options})


def test_concepts_equal_the_published_code(oracle):
    """|cosine| and explained share to 1e-6, words as sets where scores do not tie."""
    reference = oracle / "reference"
    words = json.loads((reference / "words.json").read_text())["words"]
    published = json.loads((reference / "ffn_explain.json").read_text())
    scores = np.load(reference / "ffn_abs_cos_derived.npz", allow_pickle=False)
    model = sn.load_model(oracle / "tiny-llama")
    table = sn.shift.ffn_concepts(model, words, top_k=published["topK"])
    for layer in published["layers"]:
        part = table[table["layer"] == layer["layer"]]
        assert part["component"].nunique() == len(layer["words"])
        explained = part.groupby("component")["explained"].first()
        np.testing.assert_allclose(explained, layer["explained"], atol=1e-6)
        ours = part["score"].to_numpy().reshape(len(explained), -1)
        np.testing.assert_allclose(ours, scores[f"layer{layer['layer']}/abs_cos_top20"], atol=1e-6)
        named = part["word"].to_numpy().reshape(ours.shape)
        for mine, theirs, score in zip(named, layer["words"], ours, strict=True):
            apart = np.abs(np.diff(score)) > 1e-6
            ends = np.flatnonzero(np.append(apart, True)) + 1
            for start, stop in zip([0, *ends[:-1]], ends, strict=True):
                if stop < len(mine):  # the last group may go on beyond the list
                    assert set(mine[start:stop]) == set(theirs[start:stop])


def test_word_vectors_equal_the_published_ones(oracle):
    reference = oracle / "reference"
    words = json.loads((reference / "words.json").read_text())["words"]
    published = np.load(reference / "word_embeddings.npz", allow_pickle=False)["Eo"]
    model = sn.load_model(oracle / "tiny-llama")
    ours = word_embeddings(model, words, matrix="output").to_numpy()
    np.testing.assert_allclose(ours, published, atol=1e-6)


def test_words_of_a_component_in_order(load):
    table = sn.shift.ffn_concepts(load("mixtral"), WORDS, rank=2)
    listed = sn.shift.component_words(table, first=3)
    assert list(listed) == ["layer", "expert", "component", "explained", "words"]
    assert listed["words"][0].split() == table["word"].head(3).tolist()
    assert len(listed) == 3 * 4 * 2
