"""Results that are made once: on disk, found again by the hash of all that made them."""

import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from filelock import FileLock

from sparcom_nb.nait.directions import Direction

_LIBRARIES = ("torch", "transformers", "transformer-lens", "numpy")


def kept(
    folder: Path, name: str, inputs: Mapping[str, Any], make: Callable[[], pd.DataFrame]
) -> pd.DataFrame:
    """Return the table made of these inputs; make it when it is not there.

    It stands under ``folder`` as ``NAME-HASH.parquet``, its inputs as JSON beside it.
    ``attrs["fresh"]`` says whether it was made now. A table is written at one stroke, so that an
    interrupted run leaves only whole ones.
    """
    path = folder / f"{name}-{digest(inputs)[:16]}.parquet"
    fresh = _once(path, inputs, lambda part: make().to_parquet(part))
    table = pd.read_parquet(path)
    table.attrs["fresh"] = fresh
    return table


def kept_directions(
    folder: Path, name: str, inputs: Mapping[str, Any], make: Callable[[], dict[str, Direction]]
) -> dict[str, Direction]:
    """Return the directions made of these inputs, by their names, as :func:`kept` does tables.

    They stand under ``folder`` in a folder ``NAME-HASH``, a file a direction.
    """

    def write(part: Path) -> None:
        for number, direction in enumerate(make().values()):
            direction.save(part / f"{number:04}.safetensors")

    path = folder / f"{name}-{digest(inputs)[:16]}"
    _once(path, inputs, write)
    read = [Direction.load(file) for file in sorted(path.iterdir())]
    return {direction.name: direction for direction in read}


def _once(path: Path, inputs: Mapping[str, Any], write: Callable[[Path], None]) -> bool:
    """Write what is not there, its inputs beside it, and say whether that was needed.

    Notebooks that run side by side share results: who comes second waits and reads.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if path.exists():
            return False
        part = path.with_suffix(".part")
        write(part)
        path.with_suffix(".json").write_text(_json(inputs), encoding="utf-8")
        part.replace(path)
    return True


def digest(inputs: Mapping[str, Any]) -> str:
    """SHA-256 of plain data, whatever the order of its names."""
    return hashlib.sha256(_json(inputs).encode()).hexdigest()


def made_by(modules: Iterable[ModuleType]) -> dict[str, str]:
    """What made a result besides its data: versions of libraries, and the hash of these modules' files."""
    return _versions() | {module.__name__: _source_hash(module) for module in modules}


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in _LIBRARIES}


@cache
def _source_hash(module: ModuleType) -> str:
    return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()[:16]


def _json(inputs: Mapping[str, Any]) -> str:
    return json.dumps(inputs, indent=1, sort_keys=True) + "\n"
