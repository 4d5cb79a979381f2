"""What a study hands to its notebook, and what the notebook leaves behind.

`OUT/figures.json` holds the claims (:class:`sparcom_nb.evidence.Finding`) and plain numbers that
claim nothing; tables stand beside it as Parquet. Report and commands read claims from there and
nowhere else: docs/findings.md describes the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import pandas as pd

from sparcom_nb.evidence import Finding, adjusted
from sparcom_nb.store import write

FILE = "figures.json"
#: Raised when what a field means changes.
SCHEMA = 2
NO_PLACEBO = "There is no placebo of this pair here."
_NUMBER = ("value", "low", "high", "n", "control")
_TEXT = ("unit", "note")
_FINDING = {one.name for one in fields(Finding)} | {"name", "verdict"}


@dataclass(frozen=True)
class Results:
    """Findings, plain numbers and tables of a study.

    Attributes:
        title: of the notebook.
        findings: by a short name; their p values are adjusted together.
        numbers: by name, what describes and claims nothing: a dict with ``value`` and, if known,
            ``low``, ``high``, ``n``, ``control``, ``unit``, ``note``.
        tables: by name.
    """

    title: str
    findings: Mapping[str, Finding] = field(default_factory=dict)
    numbers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        title: str,
        findings: Mapping[str, Finding],
        numbers: Mapping[str, Mapping[str, Any]] | None = None,
        tables: Mapping[str, pd.DataFrame] | None = None,
        method: str = "holm",
    ) -> Results:
        """Results with adjusted findings; ``method`` as in :func:`sparcom_nb.evidence.adjusted`."""
        return cls(title, adjusted(findings, method), numbers or {}, tables or {})

    def save(self, out: str | Path) -> Path:
        """Write ``figures.json`` and a Parquet file a table into a folder; return the former's path.

        Raises:
            ValueError: a name, field or value of a number that nobody could read.
        """
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "schema": SCHEMA,
            "title": self.title,
            "findings": [{"name": n, **one.record()} for n, one in self.findings.items()],
            "numbers": [plain(name, number) for name, number in self.numbers.items()],
        }
        for name, table in self.tables.items():
            table.to_parquet(folder / f"{name}.parquet")
        write(folder / FILE, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
        return folder / FILE


def plain(name: str, number: Mapping[str, Any]) -> dict[str, Any]:
    """A number with plain Python values; what has none (NaN) is None."""
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"a number's name must be text, got {name!r}")
    if "value" not in number:
        raise ValueError(f"number {name!r} has no value (None says: not estimable)")
    if unknown := sorted(set(number) - {*_NUMBER, *_TEXT}):
        raise ValueError(f"number {name!r}: unknown field {unknown[0]!r}")
    known = {key: _plain(name, key, number[key]) for key in _NUMBER if key in number}
    low, high = known.get("low"), known.get("high")
    if low is not None and high is not None and low > high:
        raise ValueError(f"number {name!r}: low {low} is above high {high}")
    return {"name": name, **known, **{key: str(number[key]) for key in _TEXT if number.get(key)}}


def load(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Findings and numbers that a notebook left in a folder; none when it left none.

    Raises:
        ValueError: the file is not what :meth:`Results.save` writes.
    """
    path = folder / FILE
    if not path.exists():
        return {"findings": [], "numbers": []}
    said = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(said, dict) or said.get("schema") != SCHEMA:
        raise ValueError(f"{FILE} has another schema than {SCHEMA}")
    for one in said["findings"]:
        if set(one) != _FINDING:
            raise ValueError(f"a finding lacks or adds {sorted(set(one) ^ _FINDING)[0]!r}")
    numbers = [
        plain(one["name"], {k: one[k] for k in one if k != "name"}) for one in said["numbers"]
    ]
    return {"findings": said["findings"], "numbers": numbers}


def _plain(name: str, key: str, value: Any) -> int | float | None:
    """A finite int or float, or None."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"number {name!r}: {key} must be a finite number or None, got {value!r}")
    return int(value) if isinstance(value, Integral) else float(value)
