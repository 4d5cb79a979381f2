"""Answers: batched and padded generation against one greedy loop."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

import sparcom_nb as sn
from sparcom_nb.model.evaluate import ResponseLoss, perplexity


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["llama", "gpt2", "mixtral"])
def test_answers_equal_a_greedy_loop(name, dtype, load, rows):
    model = load(name, dtype)
    data = rows.head(10)
    found = sn.answer(model, data, max_new_tokens=6, show_progress=False)
    tokenizer = model.tokenizer
    for row, output in zip(data.to_dict("records"), found["output"], strict=True):
        text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        head = "### Instruction:\n" + text + "\n\n### Response:\n"
        ids = [tokenizer.bos_token_id, *tokenizer.encode(head, add_special_tokens=False)]
        n_prompt = len(ids)
        for _ in range(6):
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
            if ids[-1] == tokenizer.eos_token_id:
                break
        expected = tokenizer.decode(ids[n_prompt:], skip_special_tokens=True).strip()
        assert output == expected


def test_answers_are_judged_by_the_checker(load, rows):
    data = rows.head(4).assign(checker=["none", "exact", "contains:x", "python:assert True"])
    found = sn.answer(load("llama", "float32"), data, max_new_tokens=2, show_progress=False)
    assert found["correct"].isna().to_list() == [True, False, False, True]
    assert list(found.columns) == ["id", "category", "subtype", "output", "correct"]


ALL = ["llama", "qwen2", "gpt_neox", "gpt2", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe"]


def plain_nll(folder, ids, first):
    """Mean -log p of the tokens from ``first`` on: one text, bare Hugging Face, the whole head."""
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch.float64,
        attn_implementation="eager",
        experts_implementation="eager",
    ).eval()
    with torch.no_grad():
        p = torch.softmax(model(torch.tensor([ids])).logits[0], -1)
    return -sum(float(p[t - 1, ids[t]].log()) for t in range(first, len(ids))) / (len(ids) - first)


@pytest.mark.parametrize("name", ALL)
def test_response_loss_equals_one_text_at_a_time(name, load, folders, rows):
    model, data = load(name), rows.iloc[5:13]
    found = sn.evaluate(model, data, answers=False, batch_tokens=300)
    for row, nll, n_tokens in zip(
        data.to_dict("records"), found["nll"], found["n_tokens"], strict=True
    ):
        text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        head = "### Instruction:\n" + text + "\n\n### Response:\n"
        head = [0, *model.tokenizer.encode(head, add_special_tokens=False)]
        response = model.tokenizer.encode(row["response"], add_special_tokens=False)
        assert n_tokens == len(response)
        assert nll == pytest.approx(plain_nll(folders(name), head + response, len(head)), rel=1e-6)


def test_response_loss_does_not_depend_on_batches_or_order(load, rows):
    model = load("llama")
    whole = sn.evaluate(model, rows, answers=False)
    alone = [sn.evaluate(model, rows.iloc[[n]], answers=False)["nll"].iloc[0] for n in range(24)]
    np.testing.assert_allclose(whole["nll"], alone, rtol=1e-6)
    other = sn.evaluate(model, rows[::-1], answers=False, batch_tokens=200)
    np.testing.assert_allclose(other["nll"][::-1], whole["nll"], rtol=1e-6)
    some = ResponseLoss(model, rows)(np.array([7, 2]))
    np.testing.assert_allclose(some, whole["nll"].iloc[[7, 2]], rtol=1e-6)


def test_evaluate_gives_the_answers_of_answer(load, rows):
    model = load("llama", "float32")
    data = rows.head(4).assign(checker=["none", "exact", "contains:x", "exact"])
    found = sn.evaluate(model, data, max_new_tokens=3, show_progress=False)
    expected = sn.answer(model, data, max_new_tokens=3, show_progress=False)
    assert found["correct"].equals(expected["correct"]) and found["correct"].isna().iloc[0]
    assert list(found) == ["id", "category", "subtype", "n_tokens", "nll", "correct"]
    assert sn.evaluate(model, data, answers=False)["correct"].isna().all()


@pytest.mark.parametrize("name", ["llama", "gpt2", "qwen2_moe"])
def test_perplexity_of_plain_texts(name, load, folders):
    model, texts = load(name), ["The cat sat on the mat.", "rain", "Write a line about rain. " * 40]
    found = perplexity(model, texts)
    for text, row in zip(texts, found.to_dict("records"), strict=True):
        ids = [0, *model.tokenizer.encode(text, add_special_tokens=False)][:128]
        expected = plain_nll(folders(name), ids, 1)
        assert row["n_tokens"] == len(ids) - 1
        assert row["nll"] == pytest.approx(expected, rel=1e-6)
        assert row["perplexity"] == pytest.approx(np.exp(expected), rel=1e-6)


def test_a_row_without_a_response_is_named(load, rows):
    with pytest.raises(sn.InputError, match="row 'r0' has no token in its response"):
        sn.evaluate(load("llama"), rows.head(2).assign(response=""), answers=False)
    with pytest.raises(sn.InputError, match="row 'text 1' has no token in its text"):
        perplexity(load("llama"), ["rain", ""])


def test_the_comparison_catches_a_loss_at_the_wrong_positions(load, rows, monkeypatch):
    """Logits read one token late must not pass for right."""
    model = load("llama")
    expected = sn.evaluate(model, rows, answers=False)["nll"]
    real = sn.taps.logits
    monkeypatch.setattr(sn.taps, "logits", lambda model, ids, at: real(model, ids, at + 1))
    assert not np.allclose(sn.evaluate(model, rows, answers=False)["nll"], expected, rtol=1e-3)
