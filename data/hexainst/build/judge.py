"""Judge answers by running code: what the checkers of :mod:`sparcom_nb.rows.checkers` leave open.

The kinds of :data:`RUNS_CODE` execute the payload or the output. They are for text you trust, such as
the responses of HexaInst. A program has limits (seconds, memory, size of its files) and starts in an
empty folder without the environment's variables, but it is not shut in: it can reach the network and
read your files. The expression of ``number`` and ``value`` has no limit at all.
"""

import contextlib
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
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from sparcom_nb.rows.checkers import check, code_of, equal, last_number, normal, parse

#: Seconds that a program may take.
_SECONDS = 10


def judge(checker: str, response: str, output: str) -> bool | None:
    """Like :func:`sparcom_nb.rows.checkers.check`, with a verdict by every kind but ``none``."""
    kind, payload = parse(checker)
    if kind not in RUNS_CODE:
        return check(checker, response, output)
    try:
        return RUNS_CODE[kind](payload, output)
    except TimeoutError:
        return False


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


_BUILTINS = {
    f.__name__: f for f in (abs, divmod, len, list, max, min, pow, range, round, sorted, str, sum)
} | {"int": int, "float": float, "set": set}


def _number(payload: str, output: str) -> bool:
    value = float(expression_value(payload))  # type: ignore[arg-type]
    return equal(last_number(output), value)


def _value(payload: str, output: str) -> bool:
    return normal(str(expression_value(payload))) in normal(output)


def _python(payload: str, output: str) -> bool:
    return _holds(f"{code_of(output)}\n\n{payload}")


def _stdout(payload: str, output: str) -> bool:
    printed = _run([sys.executable, "-I"], payload)
    return printed is not None and code_of(output).strip() == printed.strip()


def _sql(case: dict[str, Any], output: str) -> bool:
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


def _shell(case: dict[str, Any], output: str) -> bool:
    printed = _run(["bash"], f"{case['setup']}\n{code_of(output)}")
    return printed is not None and printed.strip() == case["stdout"].strip()


def _regex(case: dict[str, Any], output: str) -> bool:
    """Even to read a pattern may take all memory."""
    return _holds(
        f"import re\nfits = re.compile({code_of(output).strip()!r}).fullmatch\n"
        f"assert all(map(fits, {case['match']!r})) and not any(map(fits, {case['reject']!r}))"
    )


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


RUNS_CODE = {
    "number": _number,
    "value": _value,
    "python": _python,
    "stdout": _stdout,
    "sql": _sql,
    "shell": _shell,
    "regex": _regex,
}
