"""Training samples in three forms: what is detected, read and refused."""

import json

import pytest

from sparcom_nb.errors import InputError
from sparcom_nb.rows.forms import read_samples

ALPACA = {"instruction": "Sort.", "input": "b a", "output": "a b"}
OWN = {"instruction": "Sort.", "input": "b a", "response": "a b"}
CHAT = {"messages": [{"role": "user", "content": "Sort.\nb a"},
                     {"role": "assistant", "content": "a b"}]}  # fmt: skip


def write(path, *rows, end="\n"):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_bytes((end.join(lines) + end).encode())
    return path


@pytest.mark.parametrize(("form", "row"), [("alpaca", ALPACA), ("own", OWN), ("chat", CHAT)])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_form_is_detected(form, row, end, tmp_path):
    found = read_samples(write(tmp_path / "f.jsonl", {**row, "more": 1}, "", row, end=end))
    assert found.form == form and found.numbers == [1, 3]
    assert found.rows["id"].to_list() == ["line 1", "line 3"]
    said = found.rows["instruction"] + "\n" + found.rows["input"]
    assert said.str.strip().to_list() == ["Sort.\nb a"] * 2
    assert found.rows["response"].to_list() == ["a b"] * 2
    assert [json.loads(line) for line in found.lines] == [{**row, "more": 1}, row]


def test_fields_that_may_be_missing(tmp_path):
    first = {"id": 7, "category": "closed_qa", "instruction": "Why?", "output": "So."}
    second = {**first, "id": "b", "category": "QA", "input": None}
    found = read_samples(write(tmp_path / "f.jsonl", first, second)).rows
    assert found["id"].to_list() == ["7", "b"] and found["category"].to_list() == ["", "QA"]
    assert found["input"].to_list() == ["", ""]


def test_a_chat_ends_with_its_response_and_leaves_the_system_out(tmp_path):
    said = [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Why?"),
            ("assistant", "So.")]  # fmt: skip
    chat = {"messages": [{"role": role, "content": text} for role, text in said]}
    (row,) = read_samples(write(tmp_path / "f.jsonl", chat)).rows.to_dict("records")
    assert row["instruction"] == "Hi\nHello\nWhy?" and row["response"] == "So."


def turns(*roles):
    return {"messages": [{"role": role, "content": "x"} for role in roles]}


BAD = [
    (ALPACA, "{oops", "f.jsonl:2: not JSON"),
    (ALPACA, "[1]", "f.jsonl:2: a JSON object is expected"),
    (
        {"text": "a"},
        ALPACA,
        "f.jsonl:1: unknown form with the fields text; expected messages (chat)",
    ),
    (ALPACA, OWN, "f.jsonl:2: field 'output' is missing; the file began in the form 'alpaca'"),
    (OWN, {**OWN, "response": 3}, "f.jsonl:2: field 'response' must be text, not 3"),
    (OWN, {**OWN, "input": ["a"]}, "f.jsonl:2: field 'input' must be text"),
    (ALPACA, {**ALPACA, "output": " "}, "f.jsonl:2: the response is empty; write one or drop"),
    (ALPACA, {**ALPACA, "instruction": ""}, "f.jsonl:2: the instruction is empty"),
    (
        {**OWN, "id": "a"},
        {**OWN, "id": "a"},
        "f.jsonl:2: id 'a' was used before, on line 1",
    ),
    (CHAT, {"messages": "hello"}, "f.jsonl:2: field 'messages' must be a list"),
    (CHAT, {"messages": [{"role": "user"}]}, "f.jsonl:2: field 'content' must be text, not None"),
    (CHAT, turns("user", "tool", "assistant"), "f.jsonl:2: field 'role' is 'tool'; use system"),
    (CHAT, turns("user"), "f.jsonl:2: field 'messages' must begin with a user's turn and end"),
    (CHAT, turns("assistant", "user"), "f.jsonl:2: field 'messages' must begin with"),
    (CHAT, turns(), "f.jsonl:2: field 'messages' must begin with"),
]


@pytest.mark.parametrize(("first", "second", "message"), BAD)
def test_a_bad_line_is_named(tmp_path, first, second, message):
    with pytest.raises(InputError) as error:
        read_samples(write(tmp_path / "f.jsonl", first, second))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_no_file_and_no_rows(tmp_path):
    with pytest.raises(InputError, match=r"no samples at .*nope\.jsonl"):
        read_samples(tmp_path / "nope.jsonl")
    with pytest.raises(InputError, match="no rows"):
        read_samples(write(tmp_path / "e.jsonl", ""))
