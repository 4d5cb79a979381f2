"""Rows of instructions: read, validate, describe. One table format for every data set.

A row is one instruction with its category, its sub-type (the unit of resampling: instructions of
one sub-type share their wording and are not exchangeable), its input and its reference response. See
``data/hexainst/README.md`` for HexaInst (SPARCOM, Zhang et al. 2025, section 3).
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sparcom_nb.errors import InputError
from sparcom_nb.expect import shown, whole
from sparcom_nb.files import shipped
from sparcom_nb.rows.checkers import parse
from sparcom_nb.rows.records import Record, read_records, sift, unique

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


def load_instructions(source: str | Path, drop_unusable: bool = False) -> pd.DataFrame:
    """Read a table of instructions: a shipped name or the path of a file.

    Shipped: ``hexainst`` (1,200 rows), ``miniworld`` (held-out items of the embedded models), and
    the paraphrases of both, ``hexainst-paraphrases`` and ``miniworld-paraphrases``. A file of yours
    holds JSON lines, a JSON array (both also as ``.gz``) or Parquet, and needs ``id``, ``category``
    and ``instruction``; ``input``, ``response``, ``subtype`` (else the category), ``checker``,
    ``source``, ``split`` and ``paraphrase_of`` are filled when absent.

    With ``drop_unusable`` rows that cannot be used are left out; ``attrs["unusable"]`` of the table
    says where they stand and why.

    Raises:
        InputError: names the file, how many rows cannot be used, the first five with their lines
            and reasons, and the mend.
    """
    name = str(source)
    path = shipped("data") / _SHIPPED[name] if name in _SHIPPED else Path(source)
    rows = read_records(path, "instructions", f", or one of {', '.join(_SHIPPED)}")
    return _table(rows, str(path), drop=drop_unusable)


def load_paraphrases(source: str | Path, data: pd.DataFrame) -> pd.DataFrame:
    """Paraphrases of the rows in ``data``: the shipped ones, or a file's ``NAME-paraphrases.jsonl``.

    Where there are none, the rows themselves come back, each as the paraphrase of itself.
    """
    shipped_name = f"{source}-paraphrases"
    beside = Path(f"{str(source).removesuffix(Path(source).suffix)}-paraphrases.jsonl")
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
        return [record.fields["text"] for record in read_records(file)]
    passages = data.loc[data["category"] == "SUM", "input"]
    return [text for text in passages.unique() if len(text.split()) > 1]


def validate(data: pd.DataFrame) -> pd.DataFrame:
    """Return ``data`` with all columns, or raise InputError naming the rows at fault.

    A table, other than a file, may leave categories empty: candidates for training have none.
    """
    known = data[[column for column in COLUMNS if column in data.columns]]
    if not known.columns.is_unique:
        twice = known.columns[known.columns.duplicated()][0]
        raise InputError(f"the table has the column {twice!r} twice; keep one")
    rows = known.astype(object).where(known.notna(), None).to_dict("records")
    named = ({str(key): value for key, value in row.items()} for row in rows)
    records = (Record(n, "", row, unit="row") for n, row in enumerate(named, 1))
    return _table(records, "the table", ("", *CATEGORIES))


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
    if limit is None:
        return data
    whole("limit", limit)
    if limit >= len(data):
        return data
    turn = data.groupby(["category", "subtype"]).cumcount()
    order = data.assign(_turn=turn).sort_values("_turn", kind="stable")
    rank = order.groupby("category").cumcount()
    kept = order.assign(_rank=rank).sort_values("_rank", kind="stable").index[:limit]
    return data.loc[data.index.isin(kept)].reset_index(drop=True)


def _table(
    rows: Iterable[Record],
    source: str,
    categories: tuple[str, ...] = CATEGORIES,
    drop: bool = False,
) -> pd.DataFrame:
    """Check rows one by one and make the table."""
    seen: dict[str, str] = {}

    def checked(record: Record) -> dict[str, str]:
        row = _row(record.fields, categories)
        unique(seen, row["id"], record)
        return row

    found, unusable = sift(rows, checked, source, drop)
    data = pd.DataFrame(found, columns=list(COLUMNS))
    data.attrs["unusable"] = unusable
    return data


def _row(row: dict[str, Any], categories: tuple[str, ...]) -> dict[str, str]:
    """Fill and check one row."""
    full = {k: default if row.get(k) is None else row[k] for k, default in _DEFAULTS.items()}
    full["id"] = row_id(full["id"])
    for field, value in full.items():
        if value is None:
            raise InputError(f"field {field!r} is missing; id, category and instruction are needed")
        if not isinstance(value, str):
            raise InputError(f"field {field!r} must be text, not {shown(value)}")
    if full["category"] not in categories:
        raise InputError(
            f"unknown category {shown(full['category'])}; use one of {', '.join(CATEGORIES)}"
        )
    if not full["instruction"].strip():
        raise InputError("the instruction is empty; write one or drop the row")
    parse(full["checker"])
    full["subtype"] = full["subtype"] or full["category"].lower()
    return full


def row_id(given: Any) -> Any:
    """An id as text; what is neither text nor a whole number is left as it is."""
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given
