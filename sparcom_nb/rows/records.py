"""Rows of a file: JSON lines, a JSON array (as Alpaca ships) or Parquet; the first two also as ``.gz``.

What kind of file it is shows in its first bytes, whatever its name is. Rows that cannot be used are
gathered, and told together.
"""

import gzip
import json
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sparcom_nb.errors import InputError
from sparcom_nb.expect import half_character, shown

Made = TypeVar("Made")
#: Characters of the longest text: more fits no model, and would take minutes to find out.
LONGEST = 1_000_000
_LISTED = 5


@dataclass(frozen=True)
class Record:
    """One row: where it stands, its JSON text, and its fields or what is wrong with it."""

    number: int
    text: str
    fields: dict[str, Any]
    fault: str = ""
    unit: str = "line"

    @property
    def name(self) -> str:
        """``line 3``, ``element 3`` or ``row 3``."""
        return f"{self.unit} {self.number}"

    @property
    def place(self) -> str:
        """What to write behind a file's name."""
        return f":{self.number}" if self.unit == "line" else f", {self.name}"


class UnusableRows(InputError):
    """Rows that cannot be used, told in one line.

    faults: what is wrong with each, by its id or its number in the file.
    """

    def __init__(self, source: str, faults: Mapping[Any, str], total: int) -> None:
        self.faults = faults
        mend = "mend or drop {}, or go on without (--drop-unusable)"
        said = [*faults.values()]
        if len(said) == 1:
            super().__init__(f"{said[0][-450:]}; {mend.format('it')}")
            return
        parts = [one.replace(source, Path(source).name[-24:])[:76] for one in said[:_LISTED]]
        super().__init__(
            f"{source[-80:]}: {len(said):,} of {total:,} rows cannot be used, {mend.format('them')}: "
            + "; ".join(parts + ["..."] * (len(said) > _LISTED))
        )


def read_records(path: Path, what: str = "rows", or_else: str = "") -> Iterator[Record]:
    """Yield every row of a file of ``what``, those with a fault too.

    Raises:
        InputError: no such file, or one that is not text, JSON or Parquet at all.
    """
    try:
        if not path.is_file():
            raise InputError(
                f"no {what} at {str(path)[:200]}: give the path of a .jsonl, .json or .parquet file"
                f"{or_else}"
            )
        yield from _read(path)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or "it ends too early"
        raise InputError(
            f"{str(path)[:200]}: cannot be read ({reason}); give a whole file"
        ) from None


def sift(
    rows: Iterable[Record], make: Callable[[Record], Made], source: str, drop: bool
) -> tuple[list[Made], list[str]]:
    """Make something of every row.

    Returns:
        What was made, and the faults of the rows left out (none unless ``drop``).

    Raises:
        UnusableRows: rows that ``make`` refuses, when they are not dropped or no row is left.
        InputError: no rows.
    """
    made, faults, total = [], {}, 0
    for total, record in enumerate(rows, 1):  # noqa: B007
        try:
            if fault := record.fault or _fault(record.fields):
                raise InputError(fault)
            made.append(make(record))
        except InputError as error:
            faults[record.number] = f"{source}{record.place}: {error}"
    if faults and not (drop and made):
        raise UnusableRows(source, faults, total)
    if not made:
        raise InputError(f"{source}: no rows; one JSON object a line is expected")
    return made, list(faults.values())


def unique(seen: dict[str, str], name: str, record: Record) -> None:
    """Refuse an id that an earlier row has; ``seen`` is filled."""
    if name in seen:
        raise InputError(f"id {name!r} was used before, on {seen[name]}; ids must be unique")
    seen[name] = record.name


def _read(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        magic = file.peek(4)[:4]
    if magic == b"PAR1":
        yield from _parquet(path)
        return
    with gzip.open(path) if magic[:2] == b"\x1f\x8b" else path.open("rb") as stream:
        head = stream.peek(4096)[:4096]
        if b"\0" in head:
            raise InputError(f"{path}: not UTF-8 text (it holds NUL bytes); save it as UTF-8")
        is_array = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
        yield from _array(path, stream.read()) if is_array else _lines(stream)


def _lines(stream: Iterable[bytes]) -> Iterator[Record]:
    for number, raw in enumerate(stream, 1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if line.strip():
            yield _line(number, line)


def _line(number: int, line: bytes) -> Record:
    try:
        text = line.decode().strip()
        return _record(number, text, _parsed(text))
    except UnicodeDecodeError as error:
        fault = f"not UTF-8 text (byte {line[error.start]:#x}); save it as UTF-8"
    except json.JSONDecodeError as error:
        fault = f"not JSON ({error.msg}, column {error.colno}); one JSON object a line is expected"
    except (ValueError, RecursionError) as error:
        fault = f"not JSON that can be read ({shown(str(error))})"
    return Record(number, "", {}, fault)


def _array(path: Path, raw: bytes) -> Iterator[Record]:
    try:
        found = _parsed(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 text (byte {raw[error.start]:#x} at {error.start:,}); save it as UTF-8"
        ) from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}:{error.lineno}: not JSON ({error.msg}, column {error.colno}); an array of "
            "objects, or one JSON object a line, is expected"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON that can be read ({shown(str(error))})") from None
    for number, value in enumerate(found, 1):
        yield _record(number, "", value, "element")


def _parquet(path: Path) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        batches = pq.ParquetFile(path).iter_batches()
        rows = (row for batch in batches for row in batch.to_pylist())
        for number, row in enumerate(rows, 1):
            given = {
                k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()
            }
            yield _record(number, "", given, "row")
    except pa.ArrowException as error:
        raise InputError(f"{path}: no whole Parquet file ({shown(str(error))})") from None


def _record(number: int, text: str, value: Any, unit: str = "line") -> Record:
    if not isinstance(value, dict):
        said = shown(text or value)
        return Record(number, "", {}, f"a JSON object is expected, not {said}", unit)
    return Record(number, text or _json(value), value, unit=unit)


def _json(value: Any) -> str:
    """A row as one line; half a character becomes its escape, for :func:`_fault` to find."""
    return json.dumps(value, ensure_ascii=False, default=str)


class _Twice(dict[str, Any]):
    """An object in which a key stands twice: so that nobody knows which is meant."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Twice(found)


def _parsed(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_object)


def _fault(fields: dict[str, Any]) -> str:
    """What makes a row unusable whatever its fields mean; empty for a sound one."""
    try:
        return next(_faults(fields, ""), "")
    except RecursionError:
        return "nested too deeply"


def _faults(value: Any, field: str) -> Iterator[str]:
    if isinstance(value, str):
        if half := half_character(value):
            yield f"field {field!a} holds {half}"
        if len(value) > LONGEST:
            yield f"field {field!a} has {len(value):,} characters; {LONGEST:,} is the most"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"field {field!a} is {value}, which JSON does not have"
    elif isinstance(value, dict):
        if isinstance(value, _Twice):
            yield f"a key stands twice in {field or 'it'!a}"
        for key, one in value.items():
            yield from _faults(str(key), "of that name" if half_character(str(key)) else field)
            yield from _faults(one, f"{field}.{key}" if field else str(key))
    elif isinstance(value, list):
        for n, one in enumerate(value):
            yield from _faults(one, f"{field}[{n}]")
