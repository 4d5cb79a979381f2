"""Worlds in which the truth is known: one module a study, one :class:`Path` a way to a verdict.

``tests/test_calibration.py`` draws each some hundred times, ``benchmarks/calibration.py`` some
thousand times for the table of ``docs/calibration.md``.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sparcom_nb.evidence import LEVEL, Finding

#: A world with an effect of this size from this seed, judged by the study: its finding, and the
#: true value of what it estimates (NaN where it has no interval).
Draw = Callable[[float, int], tuple[Finding, float]]


@dataclass(frozen=True)
class Path:
    """A way to a verdict.

    draw: see :data:`Draw`; effect: the size, in the world's own unit, that shows four times in five;
    runs: how often the tests draw the null; beside: fewer than five clusters a category, or a null
    of few draws: the interval's coverage is told and not asked for.
    """

    draw: Draw
    effect: float
    runs: int = 60
    beside: bool = False


@dataclass(frozen=True)
class Rates:
    """Shares of the runs: a verdict by the unadjusted p, and a truth within its interval.

    told: the mean of what is told to be detectable, as a share of the mean distance from the null.
    """

    runs: int
    called: float
    covered: float
    told: float


def rates(path: Path, effect: float, runs: int, seed: int = 0) -> Rates:
    """Draw a world ``runs`` times and count."""
    drawn = [path.draw(effect, seed + n) for n in range(runs)]
    called = [found.p <= LEVEL and not found.invalid for found, _ in drawn]
    known = [(found, truth) for found, truth in drawn if found.low == found.low and truth == truth]
    inside = [found.low <= truth <= found.high for found, truth in known]
    told = np.nanmean([found.detectable for found, _ in drawn])
    told /= np.abs(np.nanmean([found.value - found.null_mean for found, _ in drawn]))
    covered = float(np.mean(inside)) if inside else np.nan
    return Rates(runs, float(np.mean(called)), covered, float(told))


def paths() -> dict[str, Path]:
    """All, as ``STUDY: NAME``."""
    modules = [importlib.import_module(f"worlds.{m.name}") for m in pkgutil.iter_modules(__path__)]
    return {
        f"{module.__name__.rpartition('.')[2]}: {name}": path
        for module in modules
        for name, path in module.PATHS.items()
    }
