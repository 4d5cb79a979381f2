"""Every method reads the same ids of a templated prompt and its response: those that tuning reads."""

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.model.evaluate import loss_under
from sparcom_nb.model.prompts import PLAIN, encode
from sparcom_nb.model.sources import local_path
from sparcom_nb.model.tune import examples
from sparcom_nb.rows.instructions import user_text, validate

TEXT = [
    "Name the colour of the sky.", "Sort these words: pear, apple, fig.", "Is it true? Say yes or no.",
    "What is 3 plus 4? The answer is 7.", "Summarize: the cat sat on the mat and slept.",
]  # fmt: skip
#: A template that brings the BOS itself.
CHAT = (
    "<s>{% for m in messages %}[{{ m['role'] }}]\n{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]\n{% endif %}"
)
SPACES = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
#: How a tokenizer marks, or does not, that a word begins: how it splits, what it rewrites, BOS, template.
MARKS = {
    "bytes": (pre_tokenizers.ByteLevel(add_prefix_space=False), None, True, None),
    "bytes, a space put first": (
        pre_tokenizers.ByteLevel(add_prefix_space=True),
        None,
        False,
        None,
    ),
    "a mark at every start": (pre_tokenizers.Metaspace(prepend_scheme="always"), None, True, CHAT),
    "a mark by rewriting": (None, SPACES, True, None),
    "words across lines": (None, None, False, None),
}
ROWS = [
    ("Is it true?", "", "The answer is 7."),
    ("Name the colour", "of the\n sky. ", " yes\n"),
    ("Écris 1", "", "é"),
]


def tokenizer_of(mark):
    split, rewrite, bos, chat = MARKS[mark]
    raw = Tokenizer(models.BPE(unk_token="<unk>"))
    raw.decoder = decoders.ByteLevel() if mark.startswith("bytes") else decoders.Metaspace()
    if split:
        raw.pre_tokenizer = split
    if rewrite:
        raw.normalizer = rewrite
    alphabet = {*"".join(TEXT), *"\n[]#<>/|É", *"▁ "}
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<unk>", "<s>", "</s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if "bytes" in mark else [*alphabet],
    )
    raw.train_from_iterator([PLAIN.render(text) + text for text in TEXT], trainer)
    names = {"unk_token": "<unk>", "eos_token": "</s>", "pad_token": "<pad>"}
    made = PreTrainedTokenizerFast(
        tokenizer_object=raw, **names | ({"bos_token": "<s>"} if bos else {})
    )
    made.chat_template = chat
    return made


@pytest.fixture(scope="module")
def model_of(tmp_path_factory):
    """A tiny random model behind a tokenizer."""

    def made(mark):
        folder = tmp_path_factory.mktemp("model")
        sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=400, num_attention_heads=2, max_position_embeddings=256, **sizes
        )
        LlamaForCausalLM(config).save_pretrained(folder)
        tokenizer_of(mark).save_pretrained(folder)
        return sn.load_model(folder, dtype="float64")

    return made


def table(rows):
    names = ["instruction", "input", "response"]
    data = pd.DataFrame(rows, columns=names).assign(category="QA")
    return validate(data.assign(id=[f"r{n}" for n in range(len(data))]))


@contextmanager
def reading(model):
    """Ids that go into the model's own embedding."""
    seen = []
    handle = model.original_model.get_input_embeddings().register_forward_pre_hook(
        lambda _, given: seen.extend(given[0].flatten().tolist())
    )
    try:
        yield seen
    finally:
        handle.remove()


def methods(model, row):
    """Every method, run on one row: a number of the response's tokens, where it tells one."""
    text, response = user_text(row.iloc[0]), row["response"].iloc[0]
    dense = bool(sn.taps.dense_layers(model))
    frequency = sn.sparcom.activation_frequency if dense else sn.sparcom.expert_frequency
    quiet = {"show_progress": False}
    return {
        "evaluation": lambda: sn.evaluate(model, row, answers=False, **quiet)["n_tokens"][0],
        "ablation": lambda: loss_under(model, row)(None, np.array([0])) and None,
        "frequency": lambda: frequency(model, row, span="response", **quiet)["n_tokens"][0],
        "scores": lambda: sn.nait.sample_activations(model, row, span="response", **quiet)["n_tokens"][0],
        "attribution": lambda: sn.shift.input_attribution(model, text, response, template=True).shape[1],
    }  # fmt: skip


def assert_all_read_what_tuning_reads(model, data):
    for n, tuned in enumerate(examples(model.tokenizer, data, model.cfg.n_ctx)):
        row = data.iloc[[n]].reset_index(drop=True)
        prompt, expected = tuned.ids[: tuned.start].tolist(), tuned.ids[:-1].tolist()
        for name, run in methods(model, row).items():
            with reading(model) as seen:
                n_tokens = run()
            whole = (
                expected[:-1] if name == "attribution" else expected
            )  # the last predicts nothing
            assert seen == whole, name
            assert n_tokens in (None, len(expected) - tuned.start), name
        with reading(model) as seen:
            sn.answer(model, row, max_new_tokens=1, show_progress=False)
        assert seen == prompt


@pytest.mark.parametrize("name", ["tiny-dense", "tiny-moe", "smollm2"])
def test_every_method_reads_what_tuning_reads(name):
    members = [m for m in ("base", "instruct") if local_path(name, m) is not None]
    if not members:
        pytest.skip(f"{name} is not installed: make {name}")
    pair = sn.load_pair(name)
    data = sn.limit_rows(sn.load_instructions(pair.data), 6)
    for member in members:
        assert_all_read_what_tuning_reads(getattr(pair, member), data[:2])


@pytest.mark.parametrize("mark", MARKS)
def test_whatever_the_tokenizer_puts_before_a_word(mark, model_of):
    model = model_of(mark)
    data = table(ROWS)
    assert_all_read_what_tuning_reads(model, data)
    for row in data.to_dict("records"):
        text = user_text(row)
        shown = sn.shift.input_attribution(model, text, row["response"], template=True)
        rendered = model.template.render(text).removeprefix("<s>")
        assert "".join(shown["input_token"].to_numpy()) == rendered
        assert "".join(shown["output_token"].to_numpy()) == row["response"]
        mask = sn.shift.instruction_mask(model, text, [(0, len(row["instruction"]))], template=True)
        marked = "".join(mask["input_token"].to_numpy()[mask.to_numpy()])
        assert row["instruction"] in marked and len(marked) <= len(row["instruction"]) + 8
        (prompt,) = encode(
            model.tokenizer, model.template, data[data["id"] == row["id"]], "prompt", 512
        )
        assert len(prompt.ids) == mask.size + (prompt.ids[0] == model.tokenizer.bos_token_id)


def test_a_merge_across_the_boundary_is_refused_in_one_text_only(model_of):
    model = model_of("words across lines")
    with pytest.raises(sn.InputError, match="one token of the end of the prompt"):
        sn.shift.input_attribution(model, "Name the colour of", "the sky.")
    found = sn.shift.input_attribution(model, "Name the colour of", "the sky.", template=True)
    assert "".join(found["output_token"].to_numpy()) == "the sky."


def test_attribution_reads_a_special_token_as_it_is_written(load):
    model = load("llama")
    found = sn.shift.input_attribution(model, "<s> is </s> it?", "A <pad> b.")
    assert "".join(found["input_token"].values) == "<s> is </s> it?"
    assert "".join(found["output_token"].values) == " A <pad> b."
    assert len(found["input_token"]) > 8 and found.notnull().all()
    with pytest.raises(InputError, match="the text spells '</s>'"):
        sn.shift.input_attribution(model, "Is </s> it?", "Yes.", template=True)
    sn.shift.input_attribution(model, "Is it?", "A </s>", template=True)
