"""Vectors of words: against a loop over words, and the original's numbers."""

import json

import numpy as np
import pytest

import sparcom_nb as sn
from sparcom_nb.shift.words import word_embeddings

WORDS = ["sky", "apple", "zebra", "summarize", "the", "Q", "apple"]


def twin(model, words, matrix):
    """Mean of the raw rows, word by word, from the Hugging Face model inside."""
    inside = model.original_model
    holder = inside.get_input_embeddings() if matrix == "input" else inside.lm_head
    weight = holder.state_dict()
    rows = next(value for key, value in weight.items() if key.endswith("weight")).numpy()
    means = []
    for word in words:
        tokens = model.tokenizer.tokenize(" " + word)
        if tokens[0] in ("▁", "Ġ"):
            tokens = tokens[1:]
        total = sum(rows[model.tokenizer.convert_tokens_to_ids(token)] for token in tokens)
        means.append(total / len(tokens))
    return np.stack(means)


@pytest.mark.parametrize("name", ["llama", "qwen2", "gpt2", "mixtral"])
@pytest.mark.parametrize("matrix", ["input", "output"])
def test_equals_the_loop(load, name, matrix):
    model = load(name)
    found = word_embeddings(model, WORDS, matrix)
    assert found.dims == ("word", "feature")
    assert found["word"].to_numpy().tolist() == WORDS
    np.testing.assert_allclose(found, twin(model, WORDS, matrix), rtol=0, atol=1e-12)


def test_a_lone_space_mark_is_dropped(load):
    """In this tokenizer "zebra" follows a space that is a piece of its own."""
    model = load("llama")
    assert model.tokenizer.tokenize(" zebra")[0] == "Ġ"
    with_mark = model.tokenizer(" zebra", add_special_tokens=False).input_ids
    rows = model.W_E.numpy()
    found = word_embeddings(model, ["zebra"])[0]
    np.testing.assert_allclose(found, rows[with_mark[1:]].mean(axis=0), atol=1e-12)
    assert np.abs(found - rows[with_mark].mean(axis=0)).max() > 0.01


@pytest.mark.parametrize(
    ("words", "matrix", "message"),
    [([], "input", "no words"), (["a", ""], "input", "word ''"), (["a"], "both", "matrix 'both'")],
)
def test_errors(load, words, matrix, message):
    with pytest.raises(sn.InputError, match=message):
        word_embeddings(load("llama"), words, matrix)


def test_reference_numbers(oracle):
    words = json.loads((oracle / "reference/words.json").read_text())["words"]
    model = sn.load_model(oracle / "tiny-llama")
    with np.load(oracle / "reference/word_embeddings.npz") as reference:
        for matrix, key in (("input", "Ei"), ("output", "Eo")):
            np.testing.assert_array_equal(word_embeddings(model, words, matrix), reference[key])
