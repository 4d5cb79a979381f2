"""Does an answer satisfy a row's ``checker``? One small grammar, ``kind`` or ``kind:payload``.

=========  =====================================  ===============================================
kind       payload                                an output is right when
=========  =====================================  ===============================================
none       -                                      never judged (open-ended): the verdict is None
exact      -                                      it equals the response (case, spaces, final stop)
label      ``a|b|c``                              the first label it names is the response's
contains   ``a|b``                                every part occurs in it (any case)
lines      ``n``                                  it has n non-empty lines
words      ``lo-hi``                              it has lo to hi words
number     Python expression                      its last number equals the expression's value
value      Python expression                      the expression's value, as text, occurs in it
python     Python statements with ``assert``      they hold after its code has run
stdout     Python source                          it is what that source prints
sql        JSON ``{"setup", "rows"}``             the query returns these rows (sqlite)
shell      JSON ``{"setup", "stdout"}``           bash prints this after the setup lines
regex      JSON ``{"match", "reject"}``           the pattern full-matches these and none of those
json       JSON document                          it parses to this document
=========  =====================================  ===============================================

The kinds of :data:`RUNS_CODE` execute the payload or the output. They are for text you trust, such
as the responses shipped with HexaInst; ``check`` gives no verdict on them unless asked, except that
``number``, ``stdout`` and ``regex`` then compare with the response.

A program has limits (seconds, memory, size of its files) and starts in an empty folder without the
environment's variables, but it is not shut in: it can reach the network and read your files. The
expression of ``number`` and ``value`` has no limit at all.
"""

import contextlib
import json
import math
import os
import secrets
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import regex

from sparcom_nb.errors import InputError

KINDS = [
    "none",
    "exact",
    "label",
    "contains",
    "lines",
    "words",
    "number",
    "value",
    "python",
    "stdout",
    "sql",
    "shell",
    "regex",
    "json",
]
RUNS_CODE = frozenset({"python", "sql", "shell", "number", "value", "stdout", "regex"})

_NUMBER = regex.compile(r"-?[0-9][0-9,]*(?:\.[0-9]+)?")
_FENCE = regex.compile(r"^```\w*\n(.*?)\n?```$", regex.DOTALL | regex.MULTILINE)
#: Seconds that a program may take, and that finding a pattern in a text may.
_SECONDS, _FIND = 10, 1


def check(checker: str, response: str, output: str, run_code: bool = False) -> bool | None:
    """Judge ``output`` against a row's ``checker`` and reference ``response``.

    Returns None where no verdict is possible: kind ``none``, or a kind that runs code while
    ``run_code`` is False. An output that takes too long to judge, or that is no number, pattern or
    document at all, is wrong. Raises InputError for a checker outside the grammar.
    """
    kind, payload = parse(checker)
    if kind == "none":
        return None
    try:
        if run_code or kind not in RUNS_CODE:
            return _JUDGES[kind](payload, response, output)
        return _BY_RESPONSE[kind](response, output) if kind in _BY_RESPONSE else None
    except TimeoutError:
        return False


def parse(checker: str) -> tuple[str, Any]:
    """Return kind and payload of a checker; InputError says what is wrong with it."""
    kind, _, payload = checker.partition(":")
    if kind not in KINDS:
        raise InputError(f"unknown checker {kind[:60]!r}; use one of {', '.join(KINDS)}")
    form, read = _PAYLOADS.get(kind, ("", str))
    try:
        return kind, read(payload)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"checker {checker[:60]!r} must be written {kind}:{form}") from None


def expression_value(expression: str) -> object:
    """Evaluate the arithmetic of a ``number`` or ``value`` checker (trusted text only)."""
    names = {
        "Fraction": Fraction,
        "math": math,
        "statistics": statistics,
        "date": date,
        "datetime": datetime,
        "timedelta": timedelta,
    }
    return eval(expression, {"__builtins__": _BUILTINS, **names})  # noqa: S307


def code_of(text: str) -> str:
    """The code in an answer: the fenced blocks when there are any, else the whole text."""
    blocks = _FENCE.findall(text, timeout=_FIND)
    return "\n".join(blocks) if blocks else text


_BUILTINS = {
    f.__name__: f for f in (abs, divmod, len, list, max, min, pow, range, round, sorted, str, sum)
} | {"int": int, "float": float, "set": set}


def _normal(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".!?;:, ")


def _exact(_: str, response: str, output: str) -> bool:
    return _normal(output) == _normal(response)


def _label(labels: list[str], response: str, output: str) -> bool:
    longest_first = "|".join(map(regex.escape, sorted(labels, key=len, reverse=True)))
    pattern = regex.compile(rf"(?<!\w)({longest_first})(?!\w)", regex.IGNORECASE)
    named = [pattern.search(text, timeout=_FIND) for text in (response, output)]
    return all(named) and len({m[0].lower() for m in named if m}) == 1


def _contains(parts: list[str], _: str, output: str) -> bool:
    text = _normal(output)
    return all(_normal(part) in text for part in parts)


def _lines(number: int, _: str, output: str) -> bool:
    return sum(bool(line.strip()) for line in output.splitlines()) == number


def _words(range_: list[int], _: str, output: str) -> bool:
    low, high = range_
    return low <= len(output.split()) <= high


def _last_number(text: str) -> float:
    found = _NUMBER.findall(text, timeout=_FIND)
    return float(found[-1].replace(",", "")) if found else math.nan


def _number(payload: str, _: str, output: str) -> bool:
    value = float(expression_value(payload))  # type: ignore[arg-type]
    return _equal(_last_number(output), value)


def _same_number(response: str, output: str) -> bool:
    return _equal(_last_number(output), _last_number(response))


def _equal(found: float, wanted: float) -> bool:
    """Whole numbers must be equal; others agree to six digits. What is too large equals nothing."""
    if not (math.isfinite(found) and math.isfinite(wanted)):
        return False
    if wanted.is_integer() and found.is_integer():
        return found == wanted
    return math.isclose(found, wanted, rel_tol=1e-6)


def _value(payload: str, _: str, output: str) -> bool:
    return _normal(str(expression_value(payload))) in _normal(output)


def _python(payload: str, _: str, output: str) -> bool:
    return _holds(f"{code_of(output)}\n\n{payload}")


def _stdout(payload: str, _: str, output: str) -> bool:
    printed = _run([sys.executable, "-I"], payload)
    return printed is not None and code_of(output).strip() == printed.strip()


def _sql(case: dict[str, Any], _: str, output: str) -> bool:
    end, wanted = time.monotonic() + _SECONDS, case["rows"]
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2**20)
        database.set_progress_handler(lambda: time.monotonic() > end, 10_000)
        try:
            database.executescript(case["setup"])
            rows = database.execute(code_of(output)).fetchmany(len(wanted) + 1)
        except (sqlite3.Error, sqlite3.Warning, ValueError):
            return False
    return [list(row) for row in rows] == wanted


def _shell(case: dict[str, Any], _: str, output: str) -> bool:
    printed = _run(["bash"], f"{case['setup']}\n{code_of(output)}")
    return printed is not None and printed.strip() == case["stdout"].strip()


def _regex(case: dict[str, Any], _: str, output: str) -> bool:
    """Even to read a pattern may take all memory."""
    return _holds(
        f"import re\nfits = re.compile({code_of(output).strip()!r}).fullmatch\n"
        f"assert all(map(fits, {case['match']!r})) and not any(map(fits, {case['reject']!r}))"
    )


def _same_code(response: str, output: str) -> bool:
    return code_of(output).strip() == code_of(response).strip()


def _json(document: str, _: str, output: str) -> bool:
    try:
        return _document(code_of(output)) == document
    except (ValueError, RecursionError):
        return False


def _document(text: str) -> str:
    """One text for all ways to write a JSON document; ValueError where it is none."""
    value = json.loads(text, parse_int=float)  # a long int would not be read
    return json.dumps(value, sort_keys=True, allow_nan=False)


#: Takes limits upon itself (memory, seconds, bytes of a file, no core file), then starts a program.
_LIMITED = f"""
import contextlib, os, resource, sys
for name, most in ("AS", 2**31), ("CPU", {_SECONDS}), ("FSIZE", 2**24), ("CORE", 0):
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (most, most))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def _holds(program: str) -> bool:
    """Whether a Python program runs to its end; one that leaves before does not say the word."""
    word = secrets.token_hex(8)
    printed = _run([sys.executable, "-I"], f"{program}\nprint({word!r})\n")
    return printed is not None and printed.endswith(f"{word}\n")


def _run(command: list[str], program: str) -> str | None:
    """What a program prints in an empty folder, or None when it fails, takes or prints too much."""
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryFile() as printed:
        folder, source = Path(place, "empty"), Path(place, "program")
        folder.mkdir()
        source.write_bytes(program.encode("utf-8", "replace"))
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-c", _LIMITED, *command, str(source)],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": place, "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        failed = _ended(process)
        printed.seek(0)
        return None if failed else printed.read().decode("utf-8", "replace")


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process, then end what it started; its code, not zero where it took too long."""
    try:
        return process.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        return 1
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _parts(payload: str) -> list[str]:
    parts = payload.split("|")
    if not all(map(_normal, parts)):
        raise ValueError("a part is empty")
    return parts


def _count(payload: str) -> int:
    if not regex.fullmatch("[0-9]{1,6}", payload):
        raise ValueError("not a number")
    return int(payload)


def _range(payload: str) -> list[int]:
    low, high = map(_count, payload.split("-"))
    return [low, high]


def _case(**kinds: type) -> Callable[[str], dict[str, Any]]:
    """Make the reader of a JSON object with fields of these kinds."""

    def read(payload: str) -> dict[str, Any]:
        case = json.loads(payload)
        if not all(isinstance(case[name], kind) for name, kind in kinds.items()):
            raise TypeError("a field of another kind")
        return case

    return read


#: How payloads are written, and what reads them; those of other kinds are any text.
_PAYLOADS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "label": ("a|b|c", _parts),
    "contains": ("a|b", _parts),
    "lines": ("n", _count),
    "words": ("lo-hi", _range),
    "sql": ('{"setup": TEXT, "rows": LIST}', _case(setup=str, rows=list)),
    "shell": ('{"setup": TEXT, "stdout": TEXT}', _case(setup=str, stdout=str)),
    "regex": ('{"match": LIST, "reject": LIST}', _case(match=list, reject=list)),
    "json": ("DOCUMENT", _document),
}

_JUDGES = {
    "exact": _exact,
    "label": _label,
    "contains": _contains,
    "lines": _lines,
    "words": _words,
    "number": _number,
    "value": _value,
    "python": _python,
    "stdout": _stdout,
    "sql": _sql,
    "shell": _shell,
    "regex": _regex,
    "json": _json,
}

_BY_RESPONSE = {
    "number": _same_number,
    "stdout": lambda response, output: _exact("", response, code_of(output)),
    "regex": _same_code,
}
