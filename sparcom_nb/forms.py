"""Training samples in the forms they come in: Alpaca, chat and our own, each a JSON object a line.

=========  ==========================================================================
form       fields
=========  ==========================================================================
``alpaca``  ``instruction``, ``input`` (may be missing or empty), ``output``
``chat``    ``messages``, a list of ``{"role": ..., "content": ...}``
``own``     ``instruction``, ``input`` (may be missing or empty), ``response``
=========  ==========================================================================

Other fields are left alone. The last message of a chat is the response, and all that the user and
the assistant said before it the instruction; a system turn, which many chats share, is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sparcom_nb.errors import InputError
from sparcom_nb.instructions import CATEGORIES, read_lines, validate

#: Form -> the fields it is known by.
FORMS = {
    "chat": ("messages",),
    "alpaca": ("instruction", "output"),
    "own": ("instruction", "response"),
}


@dataclass(frozen=True)
class Samples:
    """Samples of one file: its form, the table of rows, and the line (and its number) behind each."""

    form: str
    rows: pd.DataFrame
    lines: list[str]
    numbers: list[int]


def read_samples(path: str | Path) -> Samples:
    """Read a file of training samples, its form detected from its first line.

    Returns:
        Samples; the rows have all columns of :func:`sparcom_nb.load_instructions`. A row without an
        ``id`` is called by its line (``line 12``); a category that is not one of ours is empty.

    Raises:
        InputError: names file, line, field and mend of the first line that cannot be used.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no samples at {path}: give the path of a .jsonl file")
    records = dict(read_lines(path))
    if not records:
        raise InputError(f"{path}: no rows; one JSON object a line is expected")
    first = next(iter(records))
    form = _form(records[first], f"{path}:{first}")
    rows = [_row(record, form, path, number) for number, record in records.items()]
    _check_ids(rows, path, list(records))
    text = path.read_text(encoding="utf-8-sig").split("\n")
    lines = [text[number - 1].strip() for number in records]
    return Samples(form, validate(pd.DataFrame(rows)), lines, list(records))


def _form(record: dict, where: str) -> str:
    for form, needed in FORMS.items():
        if all(field in record for field in needed):
            return form
    expected = "; ".join(f"{' and '.join(needed)} ({form})" for form, needed in FORMS.items())
    raise InputError(
        f"{where}: unknown form with the fields {', '.join(record) or 'none'}; expected {expected}"
    )


def _row(record: dict, form: str, path: Path, number: int) -> dict[str, str]:
    where = f"{path}:{number}"
    for field in FORMS[form]:
        if field not in record:
            raise InputError(
                f"{where}: field {field!r} is missing; the file began in the form {form!r}: add it "
                "or drop the line"
            )
    row = _READERS[form](record, where)
    for field in ("instruction", "response"):
        if not row[field].strip():
            raise InputError(f"{where}: the {field} is empty; write one or drop the line")
    category = record.get("category")
    name = record.get("id")
    return row | {
        "id": f"line {number}" if name is None else str(name),
        "category": category if category in CATEGORIES else "",
    }


def _fields(answer: str) -> Callable[[dict, str], dict[str, str]]:
    """Reader of a form whose response stands in the field ``answer``."""

    def read(record: dict, where: str) -> dict[str, str]:
        return {
            "instruction": _text(record, "instruction", where),
            "input": "" if record.get("input") is None else _text(record, "input", where),
            "response": _text(record, answer, where),
        }

    return read


def _chat(record: dict, where: str) -> dict[str, str]:
    messages = record["messages"]
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise InputError(f"{where}: field 'messages' must be a list of role and content")
    said = [(one.get("role"), _text(one, "content", where)) for one in messages]
    for role, _ in said:
        if role not in ("system", "user", "assistant"):
            raise InputError(
                f"{where}: field 'role' is {role!r}; use system, user or assistant, or drop the line"
            )
    turns = [(role, text) for role, text in said if role != "system"]
    if len(turns) < 2 or turns[0][0] != "user" or turns[-1][0] != "assistant":
        raise InputError(
            f"{where}: field 'messages' must begin with a user's turn and end with the assistant's: "
            "mend or drop the line"
        )
    before = "\n".join(text for _, text in turns[:-1])
    return {"instruction": before, "input": "", "response": turns[-1][1]}


def _text(record: dict, field: str, where: str) -> str:
    value: Any = record.get(field)
    if not isinstance(value, str):
        raise InputError(f"{where}: field {field!r} must be text, not {value!r:.40}")
    return value


def _check_ids(rows: list[dict[str, str]], path: Path, numbers: list[int]) -> None:
    seen: dict[str, int] = {}
    for row, number in zip(rows, numbers, strict=True):
        if row["id"] in seen:
            raise InputError(
                f"{path}:{number}: field 'id' {row['id']!r} was used before, on line "
                f"{seen[row['id']]}; ids must be unique"
            )
        seen[row["id"]] = number


_READERS = {"chat": _chat, "alpaca": _fields("output"), "own": _fields("response")}
