"""The second edition's requests and running text: what a reader and a tokenizer may rely on."""

import itertools
import re
from pathlib import Path

import pytest
from transformers import AutoTokenizer

import running
from facts import asked_only_in_evaluation, is_heldout
from rows import generate
from second import TEMPLATE
from sparcom_nb.model.prompts import chat_template, encode
from sparcom_nb.rows.instructions import CATEGORIES, user_text

DATA = Path(__file__).parents[2] / "data"
CODE_OF_MANY_LINES = [
    "def f(x):\n    return x + 2\n\nprint(f(3))",
    "```python\nx = [1]\n```",
    "'a'",
    "- 5",
]


@pytest.fixture(scope="module")
def tables():
    return {split: generate(1_200, 3, split) for split in ("train", "heldout")}


@pytest.fixture(scope="module")
def tokenizer():
    tokenizer = AutoTokenizer.from_pretrained(DATA / "models" / "dense-base")
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def test_a_response_has_the_same_tokens_in_the_template_and_in_running_text(tables, tokenizer):
    rows = tables["train"].copy()
    assert set(rows["category"]) == set(CATEGORIES)
    code = rows[rows["category"] == "CODE"].index[: len(CODE_OF_MANY_LINES)]
    rows.loc[code, "response"] = CODE_OF_MANY_LINES
    prompts = encode(tokenizer, chat_template(tokenizer), rows, "response", 512)
    for prompt, row in zip(prompts, rows.to_dict("records"), strict=True):
        text = f"Question: {user_text(row)}\nAnswer: {row['response']}"
        assert list(prompt.ids[1:]) == tokenizer(text, add_special_tokens=False).input_ids, text


def test_the_answers_of_all_frames_are_tokens_of_the_response():
    for frame in [*running.FRAMES, running.QUESTION]:
        before, _, after = frame.partition("{a}")
        assert before.endswith(" ") and not after, frame


def test_requests_read_as_somebody_would_write_them(tables):
    for rows in tables.values():
        for text in rows["instruction"]:
            assert re.match(r"[A-Z]", text) and text[-1] in ".?", text
            assert not re.search(r" [.,;:?](\s|$)", text), text
        text = "\n".join(user_text(row) for row in rows.to_dict("records"))
        assert not re.search(
            r"\w+ was (soft|proud|lazy|clever)\.|came never|\b[Aa] [aeiou]\w\w", text
        )
        assert not re.search(r"has 1 \w+s\b", text)


def test_what_is_reserved_stays_reserved(tables):
    train, heldout = tables["train"], tables["heldout"]
    assert not set(train["instruction"]) & set(heldout["instruction"])
    owners = train[train["subtype"].isin(["owner", "about"])]["response"]
    assert not any(is_heldout("person", name) for name in owners)
    asked = " ".join(train[train["subtype"] == "fact"]["instruction"])
    people = {n for n in running.PEOPLE if asked_only_in_evaluation(n)}
    core = re.findall(r"(?:of|where|which pet|what|how|town) (?:the )?(\w+)", asked)
    assert not people & set(core)


def test_running_text_never_has_the_unfamiliar_template():
    for text in itertools.islice(running.stream(5), 2_000):
        assert "### " not in text
