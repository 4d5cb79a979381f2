"""Where the shipped data and notebooks are, in a checkout and in an installed wheel."""

import hashlib
from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(folder: str) -> Path:
    """Path of the shipped ``data`` or ``notebooks`` folder: in the package, or in the checkout."""
    inside = _PACKAGE / f"_{folder}"
    return inside if inside.is_dir() else _PACKAGE.parent / folder


def sha256(path: Path) -> str:
    """SHA-256 of a file, or of all weight-bearing files of a folder in the order of their names."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
