"""What may come in at the doors of the package, checked once and before anything runs.

A name means the same thing everywhere here: ``top`` is a share, ``skip`` a number of tokens,
``specific`` holds marks. So a signature says it all: its annotation gives the type, its name the
range. :func:`doors` puts the check between a namespace and whoever calls its functions; what the
package calls from inside passes no door.
"""

import collections.abc
import functools
import inspect
import math
import numbers
import os
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import lazy_loader

from sparcom_nb.errors import InputError, one_line

#: No count of anything here is larger.
MOST = 10**9
_SHARES = ("top", "threshold", "agreement", "ratio")
#: Name of a number -> least and most.
_RANGES: dict[str, tuple[float, float]] = {
    "seed": (0, 2**32 - 1),
    "L": (1, 255),
    **dict.fromkeys(("b", "layer", "skip"), (0, MOST)),
    "quantile": (0, 1),
    **dict.fromkeys(("lr", "relative"), (0, math.inf)),
    "epsilon": (1e-300, math.inf),  # what a division by zero would be without
    "p": (0.1, 100),  # beyond, sums of powers of levels are no floating-point numbers
}
#: Name of a word -> the words there are; modules that say so too take seconds to import.
CHOICES: dict[str, tuple[str, ...]] = {
    "instruction_mask.span": (),  # any text
    "halves.by": ("subtype", "row"),
    "candidate": ("mean", "drift"),
    "dtype": ("auto", "float32", "float64", "bfloat16", "float16"),
    "objective": ("probability", "log_probability", "logit"),
    "padding_side": ("right", "left"),
    "site": ("gate", "post"),
    "span": ("instruction", "prompt", "response", "sample"),
    "which": ("all", "unique", "contrast"),
    "kind": ("dense", "shared", "expert"),
    "overlap.kind": ("jaccard", "overlap"),
}
#: Lists and tables that may be empty.
_MAY_BE_EMPTY = ("spans",)


def doors(package: str, file: str) -> tuple[Callable[[str], Any], Any, list[str]]:
    """Attach the names of a package's stub, loaded when first used, each function behind a door."""
    load, names, everything = lazy_loader.attach_stub(package, file)

    def get(name: str) -> Any:
        found = load(name)
        if inspect.isfunction(found):
            found = vars(sys.modules[package])[name] = door(found)
        return found

    return get, names, everything


def door(function: Any) -> Any:
    """Return ``function`` behind a check of its arguments.

    Raises:
        InputError: an argument of another type or outside its range, a table or array that lacks
            what the function reads, or a file or folder that cannot be read or written.
        TypeError: arguments that the function does not have.
    """
    signature, hints = inspect.signature(function), typing.get_type_hints(function)

    @functools.wraps(function)
    def checked(*args: Any, **options: Any) -> Any:
        try:
            bound = signature.bind(*args, **options)
        except TypeError as error:
            raise TypeError(f"{function.__name__}: {error}") from None
        given = bound.arguments
        for name, value in given.items():
            if signature.parameters[name].kind != inspect.Parameter.VAR_KEYWORD:
                hint = hints.get(name, Any)
                given[name] = _plain(value, hint)
                expect(name, given[name], hint, function.__name__)
        try:
            return function(*bound.args, **bound.kwargs)
        except InputError:
            raise
        except (KeyError, ValueError) as error:
            if found := _lacking(error, given):
                raise found from error
            raise
        except OSError as error:
            if error.filename is None:
                raise
            where = one_line(os.fsdecode(error.filename), 150)
            raise InputError(f"{where}: {error.strerror}; give another file or folder") from error

    return checked


def expect(name: str, value: Any, hint: Any, function: str = "") -> None:
    """Check one value by the annotation ``hint`` and by what its name means.

    Raises:
        InputError: names the argument, the value and what is expected.
    """
    kinds = _kinds(hint)
    if Any in kinds or (value is None and type(None) in kinds):
        return
    kinds = [kind for kind in kinds if kind is not type(None)]
    fitting = [kind for kind in kinds if _is_a(value, kind)]
    if not fitting:
        said = " or ".join(dict.fromkeys(map(_said, kinds)))
        raise InputError(f"{name} must be {said}, not {shown(value)}")
    if check := _CHECKS.get(_called(fitting[0])):
        check(name, value, fitting[0], function)


def number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> None:
    """Expect a finite number from ``low`` to ``high``."""
    if not _is_a(value, float):
        raise InputError(f"{name} must be a number, not {shown(value)}")
    if not (abs(value) < math.inf and low <= value <= high):
        least = "a finite number" if low == -math.inf else f"{low:,.10g} or more"
        wanted = f"at most {high:,.10g}" if value > high else least
        raise InputError(f"{name} must be {wanted}, not {shown(value)}")


def whole(name: str, value: Any, low: float = 1, high: float = MOST) -> None:
    """Expect a whole number from ``low`` to ``high``."""
    if not _is_a(value, int):
        raise InputError(f"{name} must be a whole number, not {shown(value)}")
    number(name, value, low, high)


def share(name: str, value: Any) -> None:
    """Expect a number above 0 and at most 1."""
    if not _is_a(value, float) or not 0 < value <= 1:
        raise InputError(f"{name} must be above 0 and at most 1, not {shown(value)}")


def one_of(name: str, value: Any, options: Iterable[Any]) -> None:
    """Expect one of a few words."""
    if value not in (known := list(options)):
        raise InputError(f"unknown {name} {shown(value)}; use one of {', '.join(map(str, known))}")


def device(name: str, value: str) -> None:
    """Expect a device as torch calls it: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` ..."""
    if not re.fullmatch(r"auto|(cpu|cuda|mps|xpu)(:\d{1,3})?", value):
        raise InputError(f"unknown {name} {shown(value)}; use auto, cpu, cuda or cuda:NUMBER")


def text(name: str, value: str) -> None:
    """Expect text that can be written down: no half of a character, no NUL."""
    if "\0" in value:
        raise InputError(f"{name} {shown(value)} holds a NUL character; take it out")
    if half := half_character(value):
        raise InputError(f"{name} holds {half}; take it out")


def half_character(value: str) -> str:
    r"""Name the first half of a surrogate pair (``\ud83d``), which no text file can hold; else empty."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return f"half a character ({value[error.start]!a}) at position {error.start + 1:,}"
    return ""


def marks(name: str, value: Any) -> None:
    """Expect a labelled array of True and False, a set a row."""
    if value.dtype != bool:
        raise InputError(
            f"{name} must hold True and False, not {value.dtype}: sn.sparcom.specific makes such "
            "marks of frequencies"
        )


def frequencies(name: str, value: Any) -> None:
    """Expect a labelled array [instruction, ...] of numbers from 0 to 1."""
    if value.dtype.kind != "f":
        raise InputError(f"{name} must hold frequencies from 0 to 1, not {shown(value)}")
    if value.ndim < 2 or value.dims[0] not in ("instruction", "category"):
        raise InputError(
            f"{name} must have the dimensions instruction, layer ..., not {shown(value)}"
        )
    low, high = _ends(value)
    if not 0 <= low <= high <= 1 + 1e-6:
        raise InputError(
            f"{name} must hold frequencies from 0 to 1; these go from {low:g} to {high:g}"
        )


def in_order(name: str, value: Any, labels: Mapping[Any, list[Any]]) -> Any:
    """Bring a labelled array into the order of ``labels``; a dimension without any is taken to have it.

    Raises:
        InputError: they are other components.
    """
    for dim, wanted in labels.items():
        given = value[dim].to_numpy().tolist() if dim in value.coords else wanted
        if given == wanted:
            continue
        if len(given) != len(wanted) or set(given) != set(wanted):
            raise InputError(
                f"{name}: its {dim}s are others ({shown(given)}, not {shown(wanted)}); give the same "
                "components, in any order"
            )
        value = value.sel({dim: wanted})
    return value


def finite(name: str, value: Any) -> None:
    """Expect a labelled array without NaN or infinity."""
    if value.size and not bool(abs(value).max(skipna=False) < math.inf):
        raise InputError(
            f"{name} holds NaN or infinity; {shown(value)} of finite numbers is expected"
        )


def shown(value: Any) -> str:
    """Say a value in a few words of one line."""
    if hasattr(value, "dims"):
        sizes = ", ".join(f"{n} {dim}" for dim, n in dict(value.sizes).items())
        return f"an array of {getattr(value, 'dtype', 'several')} [{sizes}]"
    if hasattr(value, "shape") and value.shape:
        return f"a {type(value).__name__} of shape {tuple(map(int, value.shape))}"
    if isinstance(value, int) and abs(value) > 10**30:
        return "a number of more than 30 digits"  # Python refuses to write thousands of them
    said = " ".join(ascii(value).split())
    return said if len(said) <= 60 else f"{said[:57]}..."


def _is_a(value: Any, kind: Any) -> bool:
    """Whether a value is of a type, without a look at what it holds."""
    origin = _origin(kind)
    if origin in (int, float):
        number = numbers.Integral if origin is int else numbers.Real
        return isinstance(value, number) and type(value).__name__ not in ("bool", "bool_")
    if origin is bool:
        return type(value).__name__ in ("bool", "bool_")
    if origin in (list, collections.abc.Sequence, collections.abc.Iterable):
        return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    if origin is dict:
        return isinstance(value, Mapping)
    if origin is collections.abc.Callable:
        return callable(value)
    if _called(kind) == "ndarray":
        return hasattr(value, "shape") or isinstance(value, list | tuple | range)
    checkable = isinstance(origin, type) and not getattr(origin, "_is_protocol", False)
    return not checkable or isinstance(value, origin)


def _number(name: str, value: Any, kind: Any, function: str) -> None:
    one = _one(name)
    known = _RANGES.get(f"{function}.{one}") or _RANGES.get(one)
    if one == "value":  # what a neuron may be set to
        return
    if one in _SHARES and kind is float:
        share(name, value)
    elif kind is int:
        whole(name, value, *known or (-MOST if "[" in name else 1, MOST))
    else:
        number(name, value, *known or ())


def _array(name: str, value: Any, kind: Any, function: str) -> None:
    if value.size == 0 and "output" not in value.dims:
        raise InputError(f"{name} is empty: {shown(value)}")
    if value.dtype.kind not in "bifuU":
        raise InputError(f"{name} must hold numbers or marks, not {shown(value)}")
    for meaning, names in _ARRAYS.items():
        if _one(name) in names or f"{function}.{name}" in names:
            meaning(name, value)


def _table(name: str, value: Any, kind: Any, function: str) -> None:
    if len(value) == 0 and name in ("data", "row"):
        raise InputError(f"{name} has no rows; give at least one")


def _sequence(name: str, value: Any, kind: Any, function: str) -> None:
    if not isinstance(value, collections.abc.Collection):
        return  # a generator: looking would use it up
    _some(name, value)
    for n, one in enumerate(value):
        expect(f"{name}[{n}]", one, _inner(kind), function)


def _mapping(name: str, value: Any, kind: Any, function: str) -> None:
    _some(name, value)
    for key, one in value.items():
        expect(f"{name}[{key!r}]", one, _inner(kind), function)


def _inner(kind: Any) -> Any:
    """Type of what a list or a dict holds."""
    return (typing.get_args(kind) or (Any,))[-1]


def _some(name: str, value: Any) -> None:
    if len(value) == 0 and name not in _MAY_BE_EMPTY:
        raise InputError(f"no {name}: give at least one")


def _text(name: str, value: Any, kind: Any, function: str) -> None:
    text(name, os.fspath(value))
    if _one(name) == "device":
        device(name, value)
    one = _one(name)
    if known := CHOICES.get(f"{function}.{one}", CHOICES.get(one)):
        one_of(one, value, known)


def _one(name: str) -> str:
    """The name of one element: ``top`` of ``tops[2]``, ``frequency`` of ``frequencies['a']``."""
    many, found, _ = name.partition("[")
    return many.removesuffix("s").replace("frequencie", "frequency") if found else many


def _ends(value: Any) -> tuple[float, float]:
    """Least and largest value, NaN where there is one; a lazy array is read once, block by block."""
    import xarray as xr  # here already, where there is an array

    held = value.variable
    ends = xr.Dataset({"low": held.min(skipna=False), "high": held.max(skipna=False)}).compute()
    return float(ends["low"]), float(ends["high"])


def _lacking(error: Exception, given: Mapping[str, Any]) -> InputError | None:
    """Name the argument without the column, coordinate or dimension that a function looked for."""
    said = str(error.args[0]) if error.args else ""
    for name, value in given.items():
        if isinstance(value, int | str) and value in error.args:
            return InputError(f"{name} {shown(value)} is not among those there are")
    quoted = re.findall(r"'(\w+)'", said)
    if isinstance(error, ValueError) and not (quoted and "dimensions" in said.lower()):
        return None
    wanted = (quoted or [said])[0]
    without = [name for name, value in _labelled(given) if wanted not in _held(value)]
    if not without:
        return None
    has = ", ".join(_held(dict(_labelled(given))[without[0]]))[:120]
    return InputError(f"{' or '.join(without)} lacks {wanted!r}; there is {has or 'nothing'}")


def _held(value: Any) -> list[str]:
    """Names of the columns, or of the dimensions and coordinates."""
    names = [*getattr(value, "columns", ()), *getattr(value, "dims", ())]
    return list(dict.fromkeys(map(str, [*names, *getattr(value, "coords", ())])))


def _labelled(given: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the tables and arrays among arguments, those in a dict too."""
    for name, value in given.items():
        if isinstance(value, Mapping) and not hasattr(value, "dims"):
            yield from ((f"{name}[{key!r}]", one) for key, one in value.items())
        if hasattr(value, "columns") or hasattr(value, "coords"):
            yield str(name), value


def _plain(value: Any, hint: Any) -> Any:
    """What functions here take for granted: a number out of its array, lazy arrays in whole rows."""
    inner = _inner(_kinds(hint)[0])
    if type(value) in (list, tuple):
        return type(value)(_plain(one, inner) for one in value)
    if type(value) is dict:
        return {key: _plain(one, inner) for key, one in value.items()}
    if getattr(value, "ndim", None) == 0 and {int, float, bool} & {*_kinds(hint)}:
        return value.item() if hasattr(value, "item") else value
    return _in_rows(value) if hasattr(value, "dims") and hasattr(value, "dtype") else value


def _in_rows(value: Any) -> Any:
    """An array with every row in one block: what is computed of a row takes it whole."""
    if all(len(blocks) == 1 for blocks in (value.chunks or ())[1:]):
        return value
    whole = dict.fromkeys(range(1, value.ndim), -1)
    return value.copy(data=value.data.rechunk({0: "auto", **whole}))


def _kinds(hint: Any) -> tuple[Any, ...]:
    """Types that a hint allows."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if is_union else (hint,)


def _origin(kind: Any) -> Any:
    return typing.get_origin(kind) or kind


def _called(kind: Any) -> str:
    """Name of a type; importing some would cost time."""
    return getattr(_origin(kind), "__name__", str(kind))


def _said(kind: Any) -> str:
    """What to give for a type, in words."""
    return _WORDS.get(_called(kind), f"a {_called(kind)}")


#: Name of a type -> what to give.
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "str": "text",
    "Callable": "a function",
    "Sequence": "a list",
    "Iterable": "a list",
    "Mapping": "a dict",
    "Path": "a path",
    "DataArray": "a labelled array (xarray.DataArray with named dimensions)",
    "Dataset": "labelled arrays (xarray.Dataset)",
    "DataFrame": "a table (pandas.DataFrame)",
    "Series": "a column (pandas.Series)",
    "ndarray": "a numpy array",
    "TransformerBridge": "a loaded model (sn.load_model(...))",
}

_CHECKS: dict[str, Callable[[str, Any, Any, str], None]] = {
    **dict.fromkeys(("int", "float"), _number),
    **dict.fromkeys(("str", "Path"), _text),
    **dict.fromkeys(("DataFrame", "Series"), _table),
    **dict.fromkeys(("list", "Sequence", "Iterable"), _sequence),
    **dict.fromkeys(("dict", "Mapping"), _mapping),
    "DataArray": _array,
}

#: What an array holds, by the names it goes by (``function.name`` where a name alone does not tell).
_ARRAYS: dict[Callable[[str, Any], None], tuple[str, ...]] = {
    marks: (
        *("specific", "sets", "category_sets", "mask", "neurons", "experts"),
        *("alteration.base", "alteration.tuned", "instruction_jaccard.base"),
        *("instruction_jaccard.tuned", "overlap.a", "overlap.b"),
    ),
    frequencies: ("frequency", "routing", "joint"),
    finite: ("S", "density"),
}
