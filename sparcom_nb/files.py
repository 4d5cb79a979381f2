"""Where files are: what comes with the package, and work that goes on where it stopped."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def shipped(folder: str) -> Path:
    """Path of ``data`` or ``notebooks`` in the checkout that the package is installed from."""
    return Path(__file__).parent.parent / folder


def begun_for(folder: Path, inputs: Mapping[str, Any]) -> Path:
    """Return a work folder, emptied when it was begun for other inputs than these.

    What it was begun for stands in a file beside it; see :func:`discard`.
    """
    marker, said = _marker(folder), json.dumps(inputs, sort_keys=True)
    if not marker.exists() or marker.read_text(encoding="utf-8") != said:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(said, encoding="utf-8")
    return folder


def discard(folder: Path) -> None:
    """Remove a work folder that is not needed any more, and what stands beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    _marker(folder).unlink(missing_ok=True)


def _marker(folder: Path) -> Path:
    return folder.with_name(f".{folder.name.lstrip('.')}.begun.json")
