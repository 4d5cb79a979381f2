"""Answers: batched and padded generation against one greedy loop."""

import numpy as np
import pytest
import torch

import sparcom_nb as sn


@pytest.mark.parametrize("name", ["llama", "gpt2", "mixtral"])
def test_answers_equal_a_greedy_loop(name, load, rows):
    model = load(name, "float32")
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


def test_grouped_means(rows):
    judged = rows.assign(correct=np.arange(len(rows)) % 2 == 0, member="base")
    table = sn.stats.grouped_means(judged, ["member", "category"], "correct")
    for row in table.to_dict("records"):
        part = judged[judged["category"] == row["category"]]
        assert row["mean"] == part["correct"].mean() and row["n"] == len(part)
        assert row["low"] <= row["mean"] <= row["high"]
