"""Area under the curve: pairs counted, and an interval that holds the truth as often as it says."""

import itertools

import numpy as np
import pytest
from scipy.stats import norm

from sparcom_nb.nait.ranking import auc, auc_interval


def test_auc_counts_pairs():
    values, positive = np.array([1.0, 2, 2, 3, 0]), np.array([False, True, False, True, False])
    pairs = [
        (a > b) + (a == b) / 2
        for (a, p), (b, q) in itertools.product(zip(values, positive, strict=True), repeat=2)
        if p and not q
    ]
    assert auc(values, positive) == pytest.approx(np.mean(pairs))
    assert np.isnan(auc(values, np.zeros(5, dtype=bool)))
    assert np.isnan(auc(values, np.ones(5, dtype=bool)))
    assert auc(np.array([np.inf, 1, -np.inf]), np.array([True, False, False])) == 1


@pytest.mark.parametrize("n", [2, 8])
@pytest.mark.parametrize("truth", [0.5, 0.8, 0.97])
def test_the_interval_covers_with_few_rows(n, truth):
    rng, m, runs = np.random.default_rng(n), 60, 300
    shift, covered = norm.ppf(truth) * np.sqrt(2), 0
    positive = np.arange(n + m) < n
    for _ in range(runs):
        values = rng.normal(size=n + m) + shift * positive
        value = auc(values, positive)
        low, high = auc_interval(value, n, m)
        assert 0 <= low <= value <= high <= 1
        covered += low <= truth <= high
    assert covered / runs >= 0.92


def test_a_perfect_ranking_of_few_rows_is_not_certain():
    assert auc_interval(1.0, 2, 100)[0] < 0.65 < 0.8 < auc_interval(1.0, 10, 100)[0]
    assert auc_interval(1.0, 2, 100)[1] == 1 and auc_interval(0.0, 2, 100)[0] == 0
