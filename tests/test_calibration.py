"""Every way to a verdict: at most 5 % false, intervals that hold, and an effect that shows."""

import numpy as np
import pytest
from scipy.stats import binom
from worlds import paths, rates

from sparcom_nb.evidence import LEVEL, POWER

PATHS = paths()


@pytest.mark.parametrize("name", PATHS)
def test_a_path_is_calibrated(name):
    path = PATHS[name]
    none = rates(path, 0.0, path.runs)
    assert none.called * path.runs <= binom.ppf(0.999, path.runs, LEVEL), f"{none.called:.1%} false"
    if not np.isnan(none.covered) and not path.beside:
        low, high = (
            binom.ppf(q, path.runs, c) / path.runs for q, c in ((0.001, 0.92), (0.999, 0.97))
        )
        assert low <= none.covered <= high, f"covered in {none.covered:.1%}"
    there = rates(path, path.effect, 20, seed=10_000)
    assert there.called * 20 >= binom.ppf(0.001, 20, POWER), f"{there.called:.0%} shown"
    assert 0.55 <= there.told <= 1.6, f"detectable is told as {there.told:.0%} of what shows"
