"""Results that are made once: on disk, found again by the hash of all that made them."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from sparcom_nb.nait.directions import Direction
from sparcom_nb.store import digest, once

_LIBRARIES = ("torch", "transformers", "transformer-lens", "numpy")


def kept(
    folder: Path, name: str, inputs: Mapping[str, Any], make: Callable[[], pd.DataFrame]
) -> pd.DataFrame:
    """Return the table made of these inputs; make it when it is not there.

    It stands under ``folder`` as ``NAME-HASH.parquet``, its inputs as JSON beside it.
    ``attrs["fresh"]`` says whether it was made now. Notebooks that run side by side share results:
    who comes second waits and reads.
    """
    path = _path(folder, name, inputs).with_suffix(".parquet")

    def write(work: Path) -> None:
        make().to_parquet(work / path.name)

    said = once(path, inputs, write, manifest=path.with_suffix(".json").name, wait=True)
    table = pd.read_parquet(path)
    table.attrs["fresh"] = said["fresh"]
    return table


def kept_directions(
    folder: Path, name: str, inputs: Mapping[str, Any], make: Callable[[], dict[str, Direction]]
) -> dict[str, Direction]:
    """Return the directions made of these inputs, by their names, as :func:`kept` does tables.

    They stand under ``folder`` in a folder ``NAME-HASH``, a file a direction.
    """
    path = _path(folder, name, inputs)

    def write(work: Path) -> None:
        for number, direction in enumerate(make().values()):
            direction.save(work / f"{number:04}.safetensors")

    once(path, inputs, write, wait=True)
    read = [Direction.load(file) for file in sorted(path.glob("*.safetensors"))]
    return {direction.name: direction for direction in read}


def _path(folder: Path, name: str, inputs: Mapping[str, Any]) -> Path:
    return folder / f"{name}-{digest(inputs)[:16]}"


def made_by(modules: Iterable[ModuleType]) -> dict[str, str]:
    """What made a result besides its data: versions of libraries, and the hash of these modules' files."""
    return _versions() | {module.__name__: _source_hash(module) for module in modules}


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in _LIBRARIES}


@cache
def _source_hash(module: ModuleType) -> str:
    return sha256(inspect.getsource(module).encode()).hexdigest()[:16]
