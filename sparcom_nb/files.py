"""Where files are that come with the package."""

from pathlib import Path


def shipped(folder: str) -> Path:
    """Path of ``data`` or ``notebooks`` in the checkout that the package is installed from."""
    return Path(__file__).parent.parent / folder
