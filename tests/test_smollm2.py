"""A real language model, where it is installed (``make smollm2``; CI installs it)."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import sparcom_nb as sn
from sparcom_nb.model.capture import PositiveCounts, capture
from sparcom_nb.model.sources import local_path

GGUF = local_path("smollm2", "instruct")
pytestmark = pytest.mark.skipif(GGUF is None, reason="SmolLM2 is not installed: make smollm2")


@pytest.fixture(scope="module")
def data():
    return sn.limit_rows(sn.load_instructions("hexainst"), 12)


@pytest.fixture(scope="module")
def expected(data):
    """Counts in float64 by plain torch hooks on the bare model, one instruction at a time."""
    options = {"gguf_file": GGUF.name}
    model = AutoModelForCausalLM.from_pretrained(
        GGUF.parent, dtype=torch.float64, attn_implementation="eager", **options
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(GGUF.parent, **options)
    seen, counts = [], []
    for layer in model.model.layers:
        layer.mlp.act_fn.register_forward_hook(
            lambda m, x, y: seen.append((y[0, 1:] > 0).sum(0).numpy())
        )
    for row in data.to_dict("records"):
        text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        ids = [tokenizer.bos_token_id, *tokenizer.encode(text, add_special_tokens=False)]
        seen.clear()
        with torch.no_grad():
            model.model(torch.tensor([ids]))
        counts.append(np.stack(seen))
    return np.stack(counts)


@pytest.mark.parametrize(("side", "budget"), [("right", None), ("left", 256)])
def test_counts_equal_brute_force_to_the_integer(data, expected, side, budget):
    model = sn.load_model("smollm2/instruct", dtype="float64")
    found = capture(
        model, data, PositiveCounts(), "instruction", batch_tokens=budget, padding_side=side
    )
    assert found.shape == (12, 30, 1536)
    np.testing.assert_array_equal(found.to_numpy(), expected)


def test_float32_counts_differ_at_most_by_rounding(data, expected):
    found = capture(sn.load_model("smollm2/instruct"), data, PositiveCounts(), "instruction")
    differences = np.abs(found.to_numpy().astype(int) - expected)
    assert differences.max() <= 1 and (differences > 0).mean() < 5e-5


def test_it_answers_in_its_chat_template(data):
    model = sn.load_model("smollm2/instruct")
    assert model.template.render("hi") == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    table = sn.answer(model, data[data["category"] == "CLS"], max_new_tokens=8, show_progress=False)
    assert (table["output"].str.len() > 0).all()
