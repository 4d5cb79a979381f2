"""Lengths of rows: those of sub-types by chance, and by ``effect`` those of categories."""

import numpy as np
import pandas as pd

from sparcom_nb.evidence import Finding
from sparcom_nb.studies.hexainst import guessed
from worlds import Path


def alike(lengths: np.ndarray) -> np.ndarray:
    """How similar rows are [row, row] that have a length each."""
    return -np.abs(lengths[:, None] - lengths)


def lengths(effect: float, seed: int) -> tuple[Finding, float]:
    """Of words, too: the same guesser of another likeness. A share guessed rightly has no interval."""
    made = [(f"c{c}", f"s{s}") for c in range(6) for s in range(6) for _ in range(4)]
    rows = pd.DataFrame(made, columns=["category", "subtype"])
    rng, unit = np.random.default_rng(seed), np.arange(len(rows)) // 4
    own = rng.normal(size=36)[unit] + effect * (unit // 6) + 0.3 * rng.normal(size=len(rows))
    return guessed("Length tells.", alike(own), rows, 59, seed), np.nan


PATHS = {"length, words": Path(lengths, 1.1)}
