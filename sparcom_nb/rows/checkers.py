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

Nothing is executed here: ``number``, ``stdout`` and ``regex`` compare with the response, and there is
no verdict on ``value``, ``python``, ``sql`` and ``shell``. Those who make data judge by running the code,
see ``data/hexainst/build/judge.py``.
"""

import json
import math
from collections.abc import Callable
from typing import Any

import regex

from sparcom_nb.errors import InputError

_NUMBER = regex.compile(r"-?[0-9][0-9,]*(?:\.[0-9]+)?")
_FENCE = regex.compile(r"^```\w*\n(.*?)\n?```$", regex.DOTALL | regex.MULTILINE)
#: Seconds that finding a pattern in a text may take.
_FIND = 1


def check(checker: str, response: str, output: str) -> bool | None:
    """Judge ``output`` against a row's ``checker`` and reference ``response``.

    Returns None where no verdict is possible. An output that takes too long to judge, or that is no
    number or document at all, is wrong. Raises InputError for a checker outside the grammar.
    """
    kind, payload = parse(checker)
    if kind not in _JUDGES:
        return None
    try:
        return _JUDGES[kind](payload, response, output)
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


def code_of(text: str) -> str:
    """The code in an answer: the fenced blocks when there are any, else the whole text."""
    blocks = _FENCE.findall(text, timeout=_FIND)
    return "\n".join(blocks) if blocks else text


def normal(text: str) -> str:
    """Lower case, single spaces, no mark at the end."""
    return " ".join(text.lower().split()).rstrip(".!?;:, ")


def _exact(_: str, response: str, output: str) -> bool:
    return normal(output) == normal(response)


def _label(labels: list[str], response: str, output: str) -> bool:
    longest_first = "|".join(map(regex.escape, sorted(labels, key=len, reverse=True)))
    pattern = regex.compile(rf"(?<!\w)({longest_first})(?!\w)", regex.IGNORECASE)
    named = [pattern.search(text, timeout=_FIND) for text in (response, output)]
    return all(named) and len({m[0].lower() for m in named if m}) == 1


def _contains(parts: list[str], _: str, output: str) -> bool:
    text = normal(output)
    return all(normal(part) in text for part in parts)


def _lines(number: int, _: str, output: str) -> bool:
    return sum(bool(line.strip()) for line in output.splitlines()) == number


def _words(range_: list[int], _: str, output: str) -> bool:
    low, high = range_
    return low <= len(output.split()) <= high


def last_number(text: str) -> float:
    """The last number in a text; nan where there is none."""
    found = _NUMBER.findall(text, timeout=_FIND)
    return float(found[-1].replace(",", "")) if found else math.nan


def _same_number(_: str, response: str, output: str) -> bool:
    return equal(last_number(output), last_number(response))


def equal(found: float, wanted: float) -> bool:
    """Whole numbers must be equal; others agree to six digits. What is too large equals nothing."""
    if not (math.isfinite(found) and math.isfinite(wanted)):
        return False
    if wanted.is_integer() and found.is_integer():
        return found == wanted
    return math.isclose(found, wanted, rel_tol=1e-6)


def _same_output(_: str, response: str, output: str) -> bool:
    return normal(code_of(output)) == normal(response)


def _same_code(_: Any, response: str, output: str) -> bool:
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


def _parts(payload: str) -> list[str]:
    parts = payload.split("|")
    if not all(map(normal, parts)):
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

#: Verdicts (payload, response, output) of the kinds that need no code run.
_JUDGES: dict[str, Callable[[Any, str, str], bool]] = {
    "exact": _exact,
    "label": _label,
    "contains": _contains,
    "lines": _lines,
    "words": _words,
    "number": _same_number,
    "stdout": _same_output,
    "regex": _same_code,
    "json": _json,
}

KINDS = (*_JUDGES, "none", "value", "python", "sql", "shell")
