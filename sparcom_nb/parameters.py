"""Parameters of a notebook: what its parameters cell says may be given, checked before it runs.

The cell is read, not run. A default tells the type; where it is None the comment does. What else
must hold is written behind it as Python, once for who reads the notebook and for the check:

    LIMIT = 600  # 12 <= LIMIT
    SPAN = "instruction"  # SPAN in ("instruction", "prompt", "response", "sample")
    RATIOS = None  # type: list[float]; 0 < RATIOS <= 1

A condition on a list is one on each of its elements; after a further semicolon come words.
"""

from __future__ import annotations

import ast
import io
import json
import math
import tokenize
from dataclasses import dataclass
from typing import Any

from sparcom_nb.errors import InputError

#: What the types of parameters are called.
TYPES = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "list[int]": "a list of whole numbers",
    "list[float]": "a list of numbers",
    "list[str]": "a list of texts",
}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell; `default` is source text, `type` a key of `TYPES`."""

    name: str
    default: str
    type: str
    condition: str = ""

    @property
    def optional(self) -> bool:
        """Whether None may be given."""
        return self.default == "None"

    @property
    def wanted(self) -> str:
        """What may be given, in words."""
        condition = f" with {self.condition}" if self.condition else ""
        return TYPES[self.type] + condition + (", or null" if self.optional else "")

    def takes(self, value: Any) -> bool:
        """Whether a value is of the type and within the range."""
        if value is None:
            return self.optional
        return _is(self.type, value) and all(map(self._holds, _elements(value)))

    def _holds(self, value: Any) -> bool:
        """Whether the condition holds; it is the notebook's own code, as trusted as its cells."""
        return not self.condition or bool(eval(self.condition, {}, {self.name: value}))  # noqa: S307


def _is(of: str, value: Any) -> bool:
    """Whether a value is of a type; a whole number is a number, true and false are none."""
    if of.startswith("list"):
        listed = isinstance(value, list | tuple)
        return listed and all(_is(of[5:-1], one) for one in value)
    if of == "str":
        return isinstance(value, str) and value.isprintable()
    if isinstance(value, bool) or of == "bool":
        return isinstance(value, bool) and of == "bool"
    return isinstance(value, int) or (
        of == "float" and isinstance(value, float) and math.isfinite(value)
    )


def _elements(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def read(source: str) -> dict[str, Parameter]:
    """The parameters of a cell by name, in its order."""
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = (
        _parameter(
            statement.targets[0].id, statement.value, comments.get(statement.end_lineno or 0, "")
        )
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    )
    return {parameter.name: parameter for parameter in found}


def _parameter(name: str, value: ast.expr, comment: str) -> Parameter:
    """One parameter from its assignment and the comment behind it."""
    default = ast.unparse(value)
    parts = [part.strip() for part in comment.split(";")]
    declared = parts.pop(0)[6:] if parts[0].startswith("type: ") else _type(ast.literal_eval(value))
    return Parameter(name, default, declared, parts[0] if parts and _speaks(parts[0], name) else "")


def _type(default: Any) -> str:
    """The type of a default; None says nothing and is taken for text."""
    if isinstance(default, list | tuple):
        return f"list[{_type(default[0])}]" if default else "list[str]"
    return type(default).__name__ if default is not None else "str"


def _speaks(text: str, name: str) -> bool:
    """Whether a comment is a condition on the name, not words."""
    try:
        nodes = list(ast.walk(ast.parse(text, mode="eval")))
    except SyntaxError:
        return False
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names == {name} and any(isinstance(node, ast.Compare) for node in nodes)


def given(texts: list[str]) -> dict[str, Any]:
    """Values of NAME=VALUE by name; VALUE is JSON or Python (`true`, `True`, `[1, 2]`), else text.

    InputError for a text without `=` or a name, and for a name that is given twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(f"--param {text!r}: write NAME=VALUE")
        if name.strip() in found:
            raise InputError(f"--param {name.strip()} is given twice")
        found[name.strip()] = _value(value)
    return found


def _value(text: str) -> Any:
    """JSON, else a Python literal, else the text itself."""
    for reader in (json.loads, ast.literal_eval):
        try:
            return reader(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return text
