"""Training samples in the forms they come in: Alpaca, chat and our own, each a JSON object a row.

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
from sparcom_nb.expect import shown
from sparcom_nb.rows.instructions import CATEGORIES, row_id, validate
from sparcom_nb.rows.records import Record, read_records, sift, unique

#: Form -> the fields it is known by.
FORMS = {
    "chat": ("messages",),
    "alpaca": ("instruction", "output"),
    "own": ("instruction", "response"),
}


@dataclass(frozen=True)
class Samples:
    """Samples of one file: its form, the table of rows, and the JSON text and number of each.

    unusable: where the rows that were left out stand, and why.
    """

    form: str
    rows: pd.DataFrame
    lines: list[str]
    numbers: list[int]
    unusable: list[str]


def read_samples(path: str | Path, drop_unusable: bool = False) -> Samples:
    """Read a file of training samples, its form detected from its first row.

    Args:
        path: JSON lines, a JSON array (both also as ``.gz``) or Parquet.
        drop_unusable: leave rows out that cannot be used.

    Returns:
        Samples; the rows have all columns of :func:`sparcom_nb.load_instructions`. A row without an
        ``id`` is called by its place (``line 12``); a category that is not one of ours is empty.

    Raises:
        InputError: names file, line, field and mend of the rows that cannot be used.
    """
    path = Path(path)
    forms: list[str] = []
    seen: dict[str, str] = {}

    def made(record: Record) -> tuple[dict[str, str], Record]:
        if not forms:
            forms.append(_form(record.fields))
        row = _row(record, forms[0])
        unique(seen, row["id"], record)
        return row, record

    found, unusable = sift(read_records(path, "samples"), made, str(path), drop_unusable)
    rows, records = zip(*found, strict=True)
    texts, numbers = [one.text for one in records], [one.number for one in records]
    return Samples(forms[0], validate(pd.DataFrame(rows)), texts, numbers, unusable)


def _form(record: dict[str, Any]) -> str:
    for form, needed in FORMS.items():
        if all(field in record for field in needed):
            return form
    expected = "; ".join(f"{' and '.join(needed)} ({form})" for form, needed in FORMS.items())
    has = ", ".join(record)[:80] or "none"
    raise InputError(f"unknown form with the fields {has}; expected {expected}")


def _row(record: Record, form: str) -> dict[str, str]:
    for field in FORMS[form]:
        if field not in record.fields:
            raise InputError(
                f"field {field!r} is missing; the file began in the form {form!r}: add it or drop "
                "the line"
            )
    row = _READERS[form](record.fields)
    for field in ("instruction", "response"):
        if not row[field].strip():
            raise InputError(f"the {field} is empty; write one or drop the line")
    category, name = record.fields.get("category"), row_id(record.fields.get("id", record.name))
    if name is not None and not isinstance(name, str):
        raise InputError(f"field 'id' must be text, not {shown(name)}")
    return row | {
        "id": name or record.name,
        "category": category if category in CATEGORIES else "",
    }


def _fields(answer: str) -> Callable[[dict[str, Any]], dict[str, str]]:
    """Reader of a form whose response stands in the field ``answer``."""

    def read(record: dict[str, Any]) -> dict[str, str]:
        return {
            "instruction": _text(record, "instruction"),
            "input": "" if record.get("input") is None else _text(record, "input"),
            "response": _text(record, answer),
        }

    return read


def _chat(record: dict[str, Any]) -> dict[str, str]:
    messages = record["messages"]
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise InputError("field 'messages' must be a list of role and content")
    said = [(one.get("role"), _text(one, "content")) for one in messages]
    for role, _ in said:
        if role not in ("system", "user", "assistant"):
            raise InputError(
                f"field 'role' is {shown(role)}; use system, user or assistant, or drop the line"
            )
    turns = [(role, text) for role, text in said if role != "system"]
    if len(turns) < 2 or turns[0][0] != "user" or turns[-1][0] != "assistant":
        raise InputError(
            "field 'messages' must begin with a user's turn and end with the assistant's: "
            "mend or drop the line"
        )
    before = "\n".join(text for _, text in turns[:-1])
    return {"instruction": before, "input": "", "response": turns[-1][1]}


def _text(record: dict[str, Any], field: str) -> str:
    value: Any = record.get(field)
    if not isinstance(value, str):
        raise InputError(f"field {field!r} must be text, not {shown(value)}")
    return value


_READERS = {"chat": _chat, "alpaca": _fields("output"), "own": _fields("response")}
