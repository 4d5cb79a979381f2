"""Rows of instructions: read, validate, describe. One table format for every data set.

A row is one instruction with its category, its sub-type (the unit of resampling: instructions of
one sub-type share their wording and are not exchangeable), its input and its reference response. See
``data/hexainst/README.md`` for HexaInst (SPARCOM, Zhang et al. 2025, section 3).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sparcom_nb.checkers import parse
from sparcom_nb.errors import InputError
from sparcom_nb.files import shipped

CATEGORIES: tuple[str, ...] = ("CLS", "CODE", "QA", "GEN", "MATH", "SUM")

#: Columns of every table of instructions, with what a file that lacks one gets.
_DEFAULTS = {
    "id": None,
    "category": None,
    "subtype": "",
    "instruction": None,
    "input": "",
    "response": "",
    "checker": "none",
    "source": "unknown",
    "split": "a",
    "paraphrase_of": "",
}
COLUMNS = tuple(_DEFAULTS)

_SHIPPED = {
    "hexainst": "hexainst/hexainst.jsonl",
    "hexainst-paraphrases": "hexainst/paraphrases.jsonl",
    "miniworld": "miniworld/instructions.jsonl",
    "miniworld-paraphrases": "miniworld/paraphrases.jsonl",
}


def load_instructions(source: str | Path) -> pd.DataFrame:
    """Read a table of instructions: a shipped name or the path of a JSON-lines file.

    Shipped: ``hexainst`` (1,200 rows), ``miniworld`` (held-out items of the embedded models), and
    the paraphrases of both, ``hexainst-paraphrases`` and ``miniworld-paraphrases``. A file of yours
    needs ``id``, ``category`` and ``instruction``; ``input``, ``response``, ``subtype`` (else the
    category), ``checker``, ``source``, ``split`` and ``paraphrase_of`` are filled when absent.

    Raises:
        InputError: names the file and the line of the first row that cannot be used, and the mend.
    """
    path = shipped("data") / _SHIPPED[str(source)] if str(source) in _SHIPPED else Path(source)
    if not path.is_file():
        raise InputError(
            f"no instructions at {path}: give the path of a .jsonl file or one of "
            f"{', '.join(_SHIPPED)}"
        )
    return _table(read_lines(path), path)


def load_paraphrases(source: str | Path, data: pd.DataFrame) -> pd.DataFrame:
    """Paraphrases of the rows in ``data``: the shipped ones, or a file's ``NAME-paraphrases.jsonl``.

    Where there are none, the rows themselves come back, each as the paraphrase of itself.
    """
    shipped_name = f"{source}-paraphrases"
    beside = Path(source).with_name(f"{Path(source).stem}-paraphrases.jsonl")
    if shipped_name not in _SHIPPED and not beside.is_file():
        return data.assign(paraphrase_of=data["id"])
    found = load_instructions(shipped_name if shipped_name in _SHIPPED else beside)
    return found[found["paraphrase_of"].isin(data["id"])].reset_index(drop=True)


def load_texts(source: str | Path, data: pd.DataFrame) -> list[str]:
    """Plain texts to go with rows: documents of the mini-world, else the passages of SUM rows.

    Rows from neither have none.
    """
    if str(source) == "miniworld":
        file = shipped("data") / "miniworld/documents.jsonl"
        return [record["text"] for _, record in read_lines(file)]
    passages = data.loc[data["category"] == "SUM", "input"]
    return [text for text in passages.unique() if len(text.split()) > 1]


def validate(data: pd.DataFrame) -> pd.DataFrame:
    """Return ``data`` with all columns, or raise InputError naming the row at fault.

    A table, other than a file, may leave categories empty: candidates for training have none.
    """
    rows = data.astype(object).where(data.notna(), None).to_dict("records")
    return _table(enumerate(rows, 1), Path("the table"), ("", *CATEGORIES))


def table_hash(data: pd.DataFrame) -> str:
    """SHA-256 of all rows, in their order."""
    return hashlib.sha256(str(data.to_json(orient="records")).encode()).hexdigest()


def user_text(row: Mapping[Any, Any]) -> str:
    """What the user says: the instruction and, on a new line, the input when there is one."""
    return f"{row['instruction']}\n{row['input']}" if row["input"] else str(row["instruction"])


def sample_text(row: Mapping[Any, Any]) -> str:
    """Instruction (and input), a new line, the response: NAIT's span ``sample``."""
    return f"{user_text(row)}\n{row['response']}"


def limit_rows(data: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    """The first rows of every category, so that ``limit`` rows in all are balanced.

    ``limit`` None or at least ``len(data)`` keeps all. Sub-types are taken in turn, so that a small
    sample still holds as many of them as it can.
    """
    if limit is None or limit >= len(data):
        return data
    if limit < 1:
        raise InputError(f"limit must be 1 or more, not {limit}")
    turn = data.groupby(["category", "subtype"]).cumcount()
    order = data.assign(_turn=turn).sort_values("_turn", kind="stable")
    rank = order.groupby("category").cumcount()
    kept = order.assign(_rank=rank).sort_values("_rank", kind="stable").index[:limit]
    return data.loc[data.index.isin(kept)].reset_index(drop=True)


def read_lines(path: Path) -> Iterable[tuple[int, dict]]:
    """Yield the line number and the object of every non-empty line of a JSON-lines file.

    Raises:
        InputError: names the file and the line that is no JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(
                f"{path}:{number}: not JSON ({error.msg}, column {error.colno}); "
                "one JSON object a line is expected"
            ) from None
        if not isinstance(row, dict):
            raise InputError(f"{path}:{number}: a JSON object is expected, not {line.strip()[:40]}")
        yield number, row


def _table(
    rows: Iterable[tuple[int, dict]], path: Path, categories: tuple[str, ...] = CATEGORIES
) -> pd.DataFrame:
    """Check rows one by one and make the table."""
    seen: dict[str, int] = {}
    found = []
    for number, row in rows:
        where = f"{path}:{number}"
        checked = _row(row, where, categories)
        if checked["id"] in seen:
            first = seen[checked["id"]]
            raise InputError(
                f"{where}: id {checked['id']!r} was used before, on line {first}; "
                "ids must be unique"
            )
        seen[checked["id"]] = number
        found.append(checked)
    if not found:
        raise InputError(f"{path}: no rows; one JSON object a line is expected")
    return pd.DataFrame(found, columns=list(COLUMNS))


def _row(row: dict, where: str, categories: tuple[str, ...]) -> dict:
    """Fill and check one row."""
    full = {k: default if row.get(k) is None else row[k] for k, default in _DEFAULTS.items()}
    if isinstance(full["id"], int):
        full["id"] = str(full["id"])
    for field, value in full.items():
        if value is None:
            raise InputError(
                f"{where}: field {field!r} is missing; id, category and instruction are needed"
            )
        if not isinstance(value, str):
            raise InputError(f"{where}: field {field!r} must be text, not {value!r}")
    if full["category"] not in categories:
        raise InputError(
            f"{where}: unknown category {full['category']!r}; use one of {', '.join(CATEGORIES)}"
        )
    if not full["instruction"].strip():
        raise InputError(f"{where}: the instruction is empty; write one or drop the row")
    try:
        parse(full["checker"])
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    full["subtype"] = full["subtype"] or full["category"].lower()
    return full
