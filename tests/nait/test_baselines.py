"""Baselines through one interface, against a plain loop."""

import sys
from array import array
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from sparcom_nb.errors import InputError
from sparcom_nb.model.prompts import Prompt
from sparcom_nb.nait.baselines import BASELINES, _alone, baseline_score


def losses_by_hand(folder, rows):
    """Mean loss of the response's tokens after the prompt, and after the first token alone."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    found = []
    for row in rows.to_dict("records"):
        text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        head = tokenizer.encode(
            "### Instruction:\n" + text + "\n\n### Response:\n", add_special_tokens=False
        )
        tail = tokenizer.encode(row["response"], add_special_tokens=False)
        pair = []
        for before in (head, []):
            ids = torch.tensor([[tokenizer.bos_token_id, *before, *tail]])
            with torch.no_grad():
                p = model(ids).logits[0, len(before) : -1].log_softmax(-1)
            pair.append(-p[range(len(tail)), tail].mean().item())
        found.append(pair)
    return np.array(found).T


def test_losses_are_those_of_a_plain_loop(folders, load, rows):
    conditional, alone = losses_by_hand(folders("llama"), rows)
    found = baseline_score("perplexity", load("llama"), rows)
    np.testing.assert_allclose(found, np.exp(conditional), rtol=1e-6)
    found = baseline_score("difficulty", load("llama"), rows, batch_tokens=150)
    ratio = conditional / alone
    assert (ratio < 1).any() and (ratio >= 1).any()
    np.testing.assert_allclose(found.abs(), ratio, rtol=1e-6)
    assert ((found < 0) == (ratio >= 1)).all()
    assert found[ratio < 1].min() > found[ratio >= 1].max()


def test_difficulty_without_a_bos_begins_after_the_end_of_sequence():
    prompt = Prompt("x", array("i", [5, 6, 7, 8]), 2, 4)
    for bos, first in [(0, 0), (None, 1)]:
        alone = _alone(prompt, SimpleNamespace(bos_token_id=bos, eos_token_id=1))
        assert alone.ids.tolist() == [first, 7, 8] and (alone.start, alone.stop) == (1, 3)


def test_length_counts_the_tokens_of_the_sample(folders, load, rows):
    tokenizer = AutoTokenizer.from_pretrained(folders("llama"))
    found = baseline_score("length", load("llama"), rows)
    for row in rows.to_dict("records"):
        text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        ids = tokenizer.encode(text + "\n" + row["response"], add_special_tokens=False)
        assert found[row["id"]] == len(ids)
    assert found.attrs["length_correlation"]["spearman"] == pytest.approx(1)


def test_random_depends_on_seed_and_id_alone(load, rows):
    found = [baseline_score("random", load("llama"), rows, seed=seed) for seed in (0, 0, 1)]
    assert found[0].equals(found[1]) and not found[0].equals(found[2])
    shuffled = baseline_score("random", load("llama"), rows.sample(frac=1, random_state=0))
    assert shuffled[found[0].index].equals(found[0])


@pytest.fixture
def fake_encoder(monkeypatch):
    """A sentence-transformers package whose vectors count the letters e and a, and one."""

    class SentenceTransformer:
        def __init__(self, place, **_):
            if place == "nowhere":
                raise OSError("no such model\nsecond line")

        def encode(self, texts, **_):
            return np.array([[t.count("e"), t.count("a"), 1] for t in texts], np.float32)

    package = ModuleType("sentence_transformers")
    package.SentenceTransformer = SentenceTransformer
    monkeypatch.setitem(sys.modules, "sentence_transformers", package)


def test_embedding_is_the_cosine_with_the_mean_of_the_target(fake_encoder, load, rows):
    target = rows[rows["category"] == "QA"]
    found = baseline_score("embedding", load("llama"), rows, target, encoder="here")

    def vector(row):
        text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        text += "\n" + row["response"]
        v = np.array([text.count("e"), text.count("a"), 1.0])
        return v / np.linalg.norm(v)

    centre = np.mean([vector(row) for row in target.to_dict("records")], axis=0)
    for row in rows.to_dict("records"):
        expected = vector(row) @ centre / np.linalg.norm(centre)
        assert found[row["id"]] == pytest.approx(expected, abs=1e-6)
    with pytest.raises(InputError, match=r"'nowhere': no such model or file \(no such model\)"):
        baseline_score("embedding", load("llama"), rows, target, encoder="nowhere")


def test_what_embedding_needs_is_said(load, rows, monkeypatch):
    with pytest.raises(InputError, match="give target="):
        baseline_score("embedding", load("llama"), rows)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(
        InputError, match=r"package sentence_transformers: pip install 'sparcom-nb\[w"
    ):
        baseline_score("embedding", load("llama"), rows, rows)


def test_all_have_one_form(fake_encoder, load, rows):
    for name in BASELINES:
        found = baseline_score(name, load("llama"), rows, rows, encoder="here")
        assert isinstance(found, pd.Series) and found.name == name and found.index.name == "id"
        assert list(found.index) == list(rows["id"]) and found.dtype == float
        assert set(found.attrs["length_correlation"]) == {"spearman", "pearson"}
    with pytest.raises(InputError, match="unknown baseline 'luck'; use one of random"):
        baseline_score("luck", load("llama"), rows)
