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
``number`` and ``stdout`` then compare with the response.
"""

import json
import math
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from datetime import date, datetime, timedelta
from fractions import Fraction

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
RUNS_CODE = frozenset({"python", "sql", "shell", "number", "value", "stdout"})

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_FENCE = re.compile(r"^```\w*\n(.*?)\n?```$", re.DOTALL | re.MULTILINE)
_SECONDS = 10


def check(checker: str, response: str, output: str, run_code: bool = False) -> bool | None:
    """Judge ``output`` against a row's ``checker`` and reference ``response``.

    Returns None where no verdict is possible: kind ``none``, or a kind that runs code while
    ``run_code`` is False. Raises ValueError for a checker outside the grammar.
    """
    kind, _, payload = checker.partition(":")
    if kind not in KINDS:
        raise ValueError(f"unknown checker kind {kind!r}; expected one of {', '.join(KINDS)}")
    if kind in RUNS_CODE and not run_code:
        judge = _BY_RESPONSE.get(kind)
        return judge(response, output) if judge else None
    if kind == "none":
        return None
    return _JUDGES[kind](payload, response, output)


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
    blocks = _FENCE.findall(text)
    return "\n".join(blocks) if blocks else text


_BUILTINS = {
    f.__name__: f for f in (abs, divmod, len, list, max, min, pow, range, round, sorted, str, sum)
} | {"int": int, "float": float, "set": set}


def _normal(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".!?;:, ")


def _exact(_: str, response: str, output: str) -> bool:
    return _normal(output) == _normal(response)


def _label(payload: str, response: str, output: str) -> bool:
    longest_first = sorted(payload.split("|"), key=len, reverse=True)
    pattern = re.compile(
        r"(?<!\w)(" + "|".join(map(re.escape, longest_first)) + r")(?!\w)", re.IGNORECASE
    )
    named = [pattern.search(text) for text in (response, output)]
    return all(named) and len({m[0].lower() for m in named if m}) == 1


def _contains(payload: str, _: str, output: str) -> bool:
    return all(_normal(part) in _normal(output) for part in payload.split("|"))


def _lines(payload: str, _: str, output: str) -> bool:
    return sum(bool(line.strip()) for line in output.splitlines()) == int(payload)


def _words(payload: str, _: str, output: str) -> bool:
    low, high = map(int, payload.split("-"))
    return low <= len(output.split()) <= high


def _last_number(text: str) -> float:
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else math.nan


def _number(payload: str, _: str, output: str) -> bool:
    value = float(expression_value(payload))  # type: ignore[arg-type]
    return _equal(_last_number(output), value)


def _same_number(response: str, output: str) -> bool:
    return _equal(_last_number(output), _last_number(response))


def _equal(found: float, wanted: float) -> bool:
    """Whole numbers must be equal; others agree to six digits."""
    if wanted.is_integer() and found.is_integer():
        return found == wanted
    return math.isclose(found, wanted, rel_tol=1e-6)


def _value(payload: str, _: str, output: str) -> bool:
    return _normal(str(expression_value(payload))) in _normal(output)


def _python(payload: str, _: str, output: str) -> bool:
    return _run([sys.executable, "-I", "-c", f"{code_of(output)}\n\n{payload}\n"]) is not None


def _stdout(payload: str, _: str, output: str) -> bool:
    printed = _run([sys.executable, "-I", "-c", payload])
    return printed is not None and code_of(output).strip() == printed.strip()


def _sql(payload: str, _: str, output: str) -> bool:
    case = json.loads(payload)
    with sqlite3.connect(":memory:") as database:
        try:
            database.executescript(case["setup"])
            rows = [list(row) for row in database.execute(code_of(output))]
        except sqlite3.Error:
            return False
    return rows == case["rows"]


def _shell(payload: str, _: str, output: str) -> bool:
    case = json.loads(payload)
    printed = _run(["bash", "-c", f"{case['setup']}\n{code_of(output)}"])
    return printed is not None and printed.strip() == case["stdout"].strip()


def _regex(payload: str, _: str, output: str) -> bool:
    case = json.loads(payload)
    try:
        pattern = re.compile(code_of(output).strip())
    except re.error:
        return False
    return all(map(pattern.fullmatch, case["match"])) and not any(
        map(pattern.fullmatch, case["reject"])
    )


def _json(payload: str, _: str, output: str) -> bool:
    try:
        return json.loads(code_of(output)) == json.loads(payload)
    except json.JSONDecodeError:
        return False


def _run(command: list[str]) -> str | None:
    """What a command prints in an empty folder, or None when it fails or takes too long."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(  # noqa: S603
                command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=True
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None
    return done.stdout


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

_BY_RESPONSE = {"number": _same_number, "stdout": lambda r, o: _exact("", r, code_of(o))}
