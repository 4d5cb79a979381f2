"""One table of wrong input: every public function and its arguments, odd files, and commands.

A case is a call with one thing wrong. It must be refused with one line that names it, see
``test_bad_input.py``.
"""

import collections.abc
import gzip
import inspect
import io
import json
import math
import re
import types
import typing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import sparcom_nb as sn

#: What a refusal ends with: what to do.
MENDS = re.compile(r"; (fetch|give|keep|mend|save|set|take|use|where|call)\b|supported: ")

NAMESPACES = {"": sn, "sparcom": sn.sparcom, "shift": sn.shift, "nait": sn.nait}

HALF = "half \ud83d"
NAN, INF = math.nan, math.inf


def functions():
    """Full name -> every function that a user can call."""
    found = {}
    for space, names in NAMESPACES.items():
        for name in dir(names):
            one = getattr(names, name)
            if inspect.isfunction(one) and not name.startswith("_"):
                found[f"{space}.{name}".lstrip(".")] = one
    return found


def rows(n=12):
    """Rows as load_instructions returns them, two categories, three sub-types each."""
    known = ["QA", "MATH"]
    return pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(n)],
            "category": [known[i % 2] for i in range(n)],
            "subtype": [f"{known[i % 2]}{i % 3}" for i in range(n)],
            "instruction": [f"Say {i} words" for i in range(n)],
            "input": "",
            "response": "so be it",
            "checker": "none",
            "source": "test",
            "split": "a",
            "paraphrase_of": "",
        }
    )


def frequency(n=12):
    data, rng = rows(n), np.random.default_rng(0)
    return xr.DataArray(
        rng.random((n, 2, 5)),
        dims=("instruction", "layer", "neuron"),
        coords={
            "instruction": data["id"].to_numpy(),
            "layer": range(2),
            "neuron": range(5),
            "category": ("instruction", data["category"].to_numpy()),
            "subtype": ("instruction", data["subtype"].to_numpy()),
            "n_tokens": ("instruction", np.full(n, 7)),
        },
    )


MARKS = ("specific", "marked", "again")
SETS = ("sets", "category_sets", "controls", "mask", "neurons", "experts")
FREQUENCIES = ("frequency", "routing", "joint")


def array(name):
    made = frequency()
    if name in MARKS:
        return made > 0.5
    if name in SETS:
        return (made[:2] > 0.5).drop_vars("category").rename(instruction="category")
    if name in ("S", "density", "attributions"):
        return xr.DataArray(np.ones((4, 3)), dims=("input", "output"))
    if name == "pairwise":
        return xr.DataArray(np.ones((12, 12)), {"instruction": made["instruction"]},
                            ("instruction", "instruction_b"))  # fmt: skip
    return made


#: Arguments whose kind of array depends on the function.
MARKED = {("alteration", "base"), ("alteration", "tuned"), ("instruction_jaccard", "base"),
          ("instruction_jaccard", "tuned"), ("overlap", "a"), ("overlap", "b")}  # fmt: skip
WORDS = {"site": "gate", "span": "response", "kind": "dense", "device": "cpu", "dtype": "auto",
         "by": "subtype", "objective": "logit", "matrix": "input", "which": "all",
         "method": "pc1", "candidate": "mean", "name": "tiny-dense", "pair": "tiny-dense",
         "source": "miniworld", "similarity": "corpus"}  # fmt: skip
CHOSEN = ("site", "span", "device", "dtype", "objective", "matrix", "which", "by", "kind",
          "method")  # fmt: skip
COUNTS = {"layer": 0, "b": 7, "draws": 9, "limit": 4}


@dataclass
class Case:
    """One wrong argument; ``real`` when the rest of the call is as a user would have it."""

    function: str
    name: str
    value: object
    arguments: dict
    real: bool

    def __str__(self):
        return f"{self.function}({self.name}={self.value!r:.60})"

    def __call__(self):
        return functions()[self.function](**self.arguments, **{self.name: self.value})


def kinds(hint):
    parts = typing.get_args(hint) if typing.get_origin(hint) in UNIONS else (hint,)
    return [part for part in parts if part is not type(None)], type(None) in parts


UNIONS = (typing.Union, types.UnionType)


def origin(kind):
    return typing.get_origin(kind) or kind


def good(function, name, hint, model, folder):
    """Return a value of the right kind, and whether it is one that a user could have."""
    kind = kinds(hint)[0][0]
    inner = [part for part in typing.get_args(kind) if part is not Ellipsis]
    base = origin(kind)
    called = getattr(base, "__name__", "")
    if called == "TransformerBridge":
        return model, True
    if base is int:
        return COUNTS.get(name, 2), True
    if base is float:
        return 0.5, True
    if base is bool:
        return False, True
    if base is str or base is Path:
        return (folder / "x") if name in ("folder", "out") else WORDS.get(name, "word"), True
    if called == "DataArray":
        marked = (function, name) in MARKED
        return array("specific" if marked else name), True
    if called == "DataFrame":
        return rows(), name in ("data", "row", "pool", "target")
    if called == "Series":
        return pd.Series(np.arange(12.0), [f"r{i}" for i in range(12)]), True
    if called == "ndarray":
        return np.arange(12) % 2, True
    if base is collections.abc.Callable:
        return lambda *a: np.zeros(12), True
    if base in (collections.abc.Sequence, collections.abc.Iterable, list, tuple):
        one, real = good(
            function, name.removesuffix("s"), inner[0] if inner else str, model, folder
        )
        return [one, one], real
    if base in (collections.abc.Mapping, dict):
        one, real = good(function, name, inner[1] if inner else float, model, folder)
        return {"base": one, "tuned": one}, real
    if base is xr.Dataset:
        return frequency().to_dataset(name="effect"), False
    if base is np.random.Generator:
        return np.random.default_rng(0), True
    return (object.__new__(base) if isinstance(base, type) else None), False


def bad(function, name, hint):
    """Yield wrong values for an argument by its type and name."""
    options, optional = kinds(hint)
    if typing.Any in options:
        return
    if not optional:
        yield None
    base = origin(options[0])
    called = getattr(base, "__name__", "")
    texts = any(origin(kind) in (str, Path) for kind in options)
    if base is int and len(options) == 1:
        yield from ("3", True, 2.5, NAN, -(10**12), 10**12, [1])
    if base is float and len(options) == 1:
        yield from ("0.5", True, [0.5], 1j)
        if name not in ("floor", "value"):
            yield from (NAN, INF)
        if name in ("top", "threshold", "agreement", "ratio"):
            yield from (0, -0.1, 1.5, 10**12)
    if base is bool:
        yield from ("yes", 1, NAN)
    if texts and not any(origin(kind) in (list, collections.abc.Mapping) for kind in options):
        yield from (3, b"word", True, "a\0b", HALF, ["word"])
        if name in CHOSEN:
            yield from ("nope", "")
    if called == "DataArray":
        yield from (np.ones((12, 2, 5)), "frequency", rows(), 3, [[0.5]])
        yield frequency().astype(object)
    if called == "DataArray" and name in (*FREQUENCIES, *MARKS):
        yield frequency(0) > 0.5 if name in MARKS else frequency(0)
    if called == "DataArray" and (name in (*MARKS, *SETS[:2]) or (function, name) in MARKED):
        yield frequency()
        yield frequency() * NAN
    if called == "DataArray" and name in FREQUENCIES:
        yield frequency() > 0.5
        yield frequency() * 3
        yield frequency() - 1
        yield frequency().where(frequency() > 0.1)
        yield xr.DataArray(np.ones((12, 2, 5)), dims=("a", "b", "c"))
        yield frequency()[:, 0, 0]
    if called in ("DataFrame", "Series"):
        yield from ([1], {"id": ["a"]}, "data", np.ones(3), 3)
        if name in ("data", "row"):
            yield rows(0)
    if called == "ndarray":
        yield from (3, "abc")
    if called == "TransformerBridge":
        yield from ("tiny-dense/base", 3, rows())
    if base is collections.abc.Callable:
        yield from (3, "loss")
    if base in (collections.abc.Sequence, list, tuple):
        yield 3
        if base is not tuple and not texts:
            yield "abc"
        yield from [] if name == "spans" or texts else [[]]
    if base in (collections.abc.Mapping, dict):
        yield from (3, [], {})
    if called in ("Dataset", "Generator") or hasattr(base, "__dataclass_fields__"):
        yield from (3, "text", rows())


def calls(full, model, folder):
    """Every wrong call of one function."""
    function = functions()[full]
    hints, name = typing.get_type_hints(function), function.__name__
    needed, real = {}, {}
    for one in inspect.signature(function).parameters.values():
        if one.default is one.empty and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL):
            needed[one.name], real[one.name] = good(name, one.name, hints[one.name], model, folder)
    for wrong, hint in hints.items():
        if wrong == "return" or wrong not in inspect.signature(function).parameters:
            continue
        if inspect.signature(function).parameters[wrong].kind == inspect.Parameter.VAR_KEYWORD:
            continue
        rest = {key: value for key, value in needed.items() if key != wrong}
        for value in bad(name, wrong, hint):
            yield Case(full, wrong, value, rest, all(real[key] for key in rest))


# --- files -------------------------------------------------------------------------------------

GOOD = {"id": "a", "category": "QA", "instruction": "Why?", "response": "So."}


def lines(*values):
    return "\n".join(v if isinstance(v, str) else json.dumps(v) for v in values).encode()


def parquet(table):
    held = io.BytesIO()
    table.to_parquet(held)
    return held.getvalue()


def deep(n):
    return '{"id": "b", "category": "QA", "instruction": "x", "more": ' + "[" * n + "]" * n + "}"


B = {**GOOD, "id": "b"}
#: Name -> what the file holds, and a word that the line must hold beside the file's name.
FILES = {
    "empty": (b"", "no rows"),
    "blank": (b"\n \n\t\n", "no rows"),
    "bom-only": (b"\xef\xbb\xbf", "no rows"),
    "nothing-in-array": (b"[]", "no rows"),
    "binary": (bytes(range(256)) * 20, "not UTF-8"),
    "zeros": (b"\0" * 4096, "NUL"),
    "zip": (b"PK\x03\x04" + b"\0" * 60, "NUL"),
    "utf-16": (lines(GOOD).decode().encode("utf-16"), "not UTF-8"),
    "utf-16-be": (lines(GOOD).decode().encode("utf-16-be"), "not UTF-8"),
    "utf-32": (lines(GOOD).decode().encode("utf-32"), "not UTF-8"),
    "latin-1": (lines(GOOD, '{"id": "é"}').decode().encode("latin-1"), ":2: not UTF-8"),
    "latin-1-array": ('[{"id": "é"}]'.encode("latin-1"), "not UTF-8"),
    "cut-utf-8": (lines(GOOD) + b'\n{"id": "\xf0\x9f\x98', ":2: not UTF-8"),
    "gz-cut": (gzip.compress(lines(*[B] * 500))[:-20], "cannot be read"),
    "gz-head-only": (b"\x1f\x8b", "cannot be read"),
    "gz-of-noise": (b"\x1f\x8b\x08" + b"noise" * 30, "cannot be read"),
    "gz-empty": (gzip.compress(b""), "no rows"),
    "gz-bad-line": (gzip.compress(lines(GOOD, "{oops")), ":2: not JSON"),
    "parquet-cut": (b"PAR1" + b"x" * 50, "Parquet"),
    "parquet-empty": (parquet(pd.DataFrame(columns=[*GOOD])), "no rows"),
    "parquet-bad-row": (
        parquet(pd.DataFrame([GOOD, {**B, "instruction": ""}])),
        "row 2: the instruction is empty",
    ),
    "one-big-line": (b"x" * 50_000_000, ":1: not JSON"),
    "one-big-text": (lines(GOOD, {**B, "instruction": "x" * 50_000_000}), "50,000,000 characters"),
    "not-json": (lines(GOOD, "{oops"), ":2: not JSON"),
    "cut": (lines(GOOD, '{"id": "b", "categ'), ":2: not JSON"),
    "python": (lines(GOOD, "{'id': 'b'}"), ":2: not JSON"),
    "csv": (b"id,category,instruction\na,QA,Why?\n", ":1: not JSON"),
    "old-mac": (lines(GOOD, B).replace(b"\n", b"\r"), ":1: not JSON"),
    "list-in-line": (lines(GOOD, "[1, 2]"), ":2: a JSON object is expected"),
    "number-in-line": (lines(GOOD, "3"), ":2: a JSON object is expected"),
    "null-in-line": (lines(GOOD, "null"), ":2: a JSON object is expected"),
    "text-in-line": (lines(GOOD, '"text"'), ":2: a JSON object is expected"),
    "array-of-numbers": (b"[1, 2]", "element 1"),
    "array-cut": (b'[{"id": "a"},', "not JSON"),
    "array-and-more": (b"[]\n[]", ":2: not JSON"),
    "array-bad-element": (json.dumps([GOOD, {**B, "instruction": 3}]).encode(), "element 2"),
    "nan": (lines(GOOD, '{"id": "b", "score": NaN}'), ":2: field 'score' is nan"),
    "infinity": (lines(GOOD, '{"id": "b", "s": [-Infinity]}'), ":2: field 's[0]' is -inf"),
    "overflow": (lines(GOOD, '{"id": "b", "s": 1e999}'), ":2: field 's' is inf"),
    "huge-integer": (lines(GOOD, '{"id": ' + "9" * 5000 + "}"), ":2: not JSON that can be read"),
    "deep": (lines(GOOD, deep(100_000)), ":2: "),
    "deep-array": (b"[" * 100_000, "not JSON that can be read"),
    "key-twice": (lines(GOOD, '{"id": "b", "id": "c"}'), ":2: a key stands twice"),
    "inner-key-twice": (lines(GOOD, '{"id": "b", "m": {"x": 1, "x": 2}}'), ":2: a key stands twice"),
    "half": (lines(GOOD, {**B, "instruction": HALF}), ":2: field 'instruction' holds half"),
    "second-half": (lines(GOOD, {**B, "response": "\ude00"}), ":2: field 'response' holds half"),
    "half-in-more": (lines(GOOD, {**B, "more": [{"x": HALF}]}), ":2: field 'more[0].x' holds half"),
    "half-key": (lines(GOOD, {**B, HALF: 1}), ":2: field 'of that name' holds half"),
    "half-in-array": (json.dumps([GOOD, {**B, "input": HALF}]).encode(), "element 2: field 'input'"),
    "id-twice": (lines(GOOD, GOOD), ":2: id 'a' was used before, on line 1"),
    "id-twice-as-text": (lines({**GOOD, "id": 7}, {**GOOD, "id": "7"}), ":2: id '7' was used"),
    "id-true": (lines(GOOD, {**B, "id": True}), ":2: field 'id' must be text, not True"),
    "id-float": (lines(GOOD, {**B, "id": 1.5}), ":2: field 'id' must be text, not 1.5"),
    "id-list": (lines(GOOD, {**B, "id": ["b"]}), ":2: field 'id' must be text"),
    "instruction-number": (lines(GOOD, {**B, "instruction": 3}), "'instruction' must be text, not 3"),
    "instruction-true": (lines(GOOD, {**B, "instruction": True}), "must be text, not True"),
    "instruction-null": (lines(GOOD, {**B, "instruction": None}), ":2: field 'instruction'"),
    "instruction-empty": (lines(GOOD, {**B, "instruction": " \n"}), ":2: the instruction is empty"),
    "input-list": (lines(GOOD, {**B, "input": ["x"]}), ":2: field 'input' must be text"),
    "response-object": (lines(GOOD, {**B, "response": {}}), ":2: field 'response' must be text"),
    "many": (
        lines(GOOD, *[{**B, "instruction": 3}] * 9, "{oops"),
        "10 of 11 rows cannot be used",
    ),
}  # fmt: skip
#: Files that only one of the two readers refuses.
FOR_INSTRUCTIONS = {
    "no-id": (lines(GOOD, {"category": "QA", "instruction": "x"}), ":2: field 'id' is missing"),
    "no-category": (lines(GOOD, {"id": "b", "instruction": "x"}), "'category' is missing"),
    "category": (lines(GOOD, {**B, "category": "POEM"}), "unknown category 'POEM'"),
    "category-list": (lines(GOOD, {**B, "category": ["QA"]}), "'category' must be text"),
    "checker": (lines(GOOD, {**B, "checker": "magic"}), "unknown checker 'magic'"),
    "split-number": (lines(GOOD, {**B, "split": 2}), "'split' must be text"),
}
FOR_SAMPLES = {
    "form": (lines({"text": "a"}), "unknown form with the fields text"),
    "form-none": (lines({}), "unknown form with the fields none"),
    "other-form": (lines(GOOD, {"instruction": "x", "output": "y"}), "began in the form 'own'"),
    "response-empty": (lines(GOOD, {**B, "response": ""}), ":2: the response is empty"),
    "chat-text": (lines({"messages": "hi"}), "'messages' must be a list"),
    "chat-number": (lines({"messages": [3]}), "'messages' must be a list"),
    "chat-role": (lines({"messages": [{"role": "tool", "content": "x"}]}), "'role' is 'tool'"),
    "chat-role-list": (lines({"messages": [{"role": [], "content": "x"}]}), "'role' is []"),
    "chat-none": (lines({"messages": []}), "must begin with a user's turn"),
    "chat-half": (lines({"messages": [{"role": "user", "content": HALF}]}), "messages[0].content"),
}
#: Places that are no file to read; the word that the line must hold.
PLACES = {
    "missing": "nope.jsonl",
    "folder": ".",
    "device": "/dev/zero",
    "null-device": "/dev/null",
    "process": "/proc/self/mem",
    "broken-link": "link",
    "no-name": "",
    "too-long": "x" * 5000,
}

# --- commands ----------------------------------------------------------------------------------

IDENTIFY = "identify --model tiny-dense/base --data {good} --out {out}"
SELECT = "select --model tiny-dense/base --target {good} --pool {good} --ratio 1 --out {out}.jsonl"
ATTRIBUTE = "attribute --model tiny-dense/base --prompt Why --response So --out {out}.csv"
REPORT = "report --out {out} --notebook 00_start_here"


def instead(command, option, *values):
    """The command with other values of one option, or with that option added."""
    parts = command.split(" ")
    if option in parts:
        at = parts.index(option)
        parts[at : at + 2] = []
    return [([*parts, option, value], word) for value, word in values]


NUMBERS = (
    ("x", "valid"),
    ("", "valid"),
    ("1e", "valid"),
    ("2.5.1", "valid"),
)
WHOLE = (*NUMBERS, ("2.5", "valid"))
SHARE = (*NUMBERS, ("0", "above 0"), ("-0.1", "above 0"), ("1.01", "above 0"), ("nan", "above 0"),
         ("inf", "above 0"))  # fmt: skip
NAMES = (
    ("nope", "unknown model 'nope'"),
    ("", "model"),
    ("tiny-dense/nope", "tiny-dense/nope"),
    ("nope/base", "nope/base"),
    ("{good}", "good.jsonl"),
    ("{folder}", "folder"),
)


def common(command):
    """Options that every command has."""
    yield from instead(command, "--seed", *WHOLE, ("-1", "--seed"), (str(2**32), "--seed"))
    yield from instead(command, "--device", ("gpu", "unknown --device"), ("", "unknown --device"))
    yield from instead(command, "--batch-tokens", *WHOLE, ("0", "--batch-tokens"))
    yield [*command.split(" "), "--nope"], "No such option"
    yield [*command.split(" "), "more"], "more"


def commands():
    """Every wrong command line with a word that its one line must hold."""
    yield ["nope"], "No such command 'nope'"
    yield ["--nope"], "No such option"
    for command in ("models", IDENTIFY, SELECT, ATTRIBUTE, REPORT):
        yield from common(command)
        for option in [part for part in command.split(" ") if part.startswith("--")]:
            yield [command.split(" ")[0], option], option
    for command, needed in ((IDENTIFY, 3), (SELECT, 5), (ATTRIBUTE, 4)):
        for n in range(needed):
            parts = command.split(" ")
            yield [*parts[: 1 + 2 * n], *parts[3 + 2 * n :]], "Missing option"
    for command in (IDENTIFY, SELECT, ATTRIBUTE):
        yield from instead(command, "--model", *NAMES)
    yield from instead(IDENTIFY, "--top", *SHARE)
    yield from instead(IDENTIFY, "--threshold", *SHARE)
    yield from instead(IDENTIFY, "--agreement", *SHARE)
    yield from instead(IDENTIFY, "--relative", *NUMBERS, ("nan", "relative"), ("inf", "relative"),
                       ("-1", "relative"))  # fmt: skip
    yield from instead(IDENTIFY, "--span", ("all", "unknown span"), ("", "unknown span"))
    yield from instead(IDENTIFY, "--site", ("up", "unknown site"), ("Gate", "unknown site"))
    yield from instead(IDENTIFY, "--limit", *WHOLE, ("0", "limit"), ("-3", "limit"))
    yield [*IDENTIFY.split(" "), "--top", "0.1", "--threshold", "0.5"], "not both"
    yield from instead(SELECT, "--ratio", *SHARE)
    yield from instead(SELECT, "--skip", *WHOLE, ("-1", "skip"))
    yield from instead(SELECT, "--candidate", ("max", "unknown candidate"))
    yield from instead(SELECT, "--method", ("magic", "unknown method"), ("", "unknown method"))
    yield from instead(ATTRIBUTE, "--objective", ("loss", "unknown objective"))
    yield from instead(ATTRIBUTE, "--out", ("{out}", "must end in"), ("{out}.pdf", "must end in"))
    yield from instead(
        ATTRIBUTE, "--response", ("", "response is empty"), (" ", "response is empty")
    )
    yield from instead(REPORT, "--notebook", ("99_nope", "99_nope"), ("", "notebook"))
    yield from instead(REPORT, "--pair", ("nope", "unknown pair 'nope'"), ("", "pair"))
    yield from instead(REPORT, "--param", ("LIMIT", "NAME=VALUE"))
    yield from instead(REPORT, "--jobs", *WHOLE, ("0", "--jobs"))
    for place in PLACES.values():
        named = place if place.startswith("/") else "{folder}/" + place
        yield from instead(IDENTIFY, "--data", (named, ""))
        yield from instead(SELECT, "--pool", (named, ""))
        yield from instead(SELECT, "--target", (named, ""))
        yield from instead(ATTRIBUTE, "--prompt", ("@" + named, ""))
        yield from instead(ATTRIBUTE, "--response", ("@" + named, ""))
