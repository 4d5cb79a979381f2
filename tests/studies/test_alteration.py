"""Models compared beyond the floor and the placebo: calibrated on numbers, silent on one model twice."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from sparcom_nb.evidence import NOT, SHOWS, UNTOLD, Clusters, explained
from sparcom_nb.sparcom.alteration import frequency_shift, jaccard
from sparcom_nb.studies.alteration import (
    NO_PLACEBO,
    Compared,
    _beyond_placebo,
    _by_category,
    _exchange_test,
    _floor,
)

CATEGORIES = ("CLS", "QA", "SUM")


def models(seed, moved=0.0, names=("base", "tuned"), units=6, each=2):
    """Frequencies of models: categories, sub-types and rows differ; ``moved`` is what tuning did."""
    rng, n = np.random.default_rng(seed), 3 * units * each
    category, unit = np.repeat(np.arange(3), units * each), np.arange(n) // each
    common = rng.normal(size=(3, 2, 12))[category] + 0.5 * rng.normal(size=(3 * units, 2, 12))[unit]
    change = moved * rng.normal(size=(2, 12))
    coords = {
        "category": ("instruction", np.array(CATEGORIES)[category]),
        "subtype": ("instruction", unit.astype(str)),
        "n_tokens": ("instruction", rng.integers(4, 20, n)),
    }
    made = {}
    for name in names:
        own = 0.5 * rng.normal(size=(3 * units, 2, 12))[unit] + 0.2 * rng.normal(size=(n, 2, 12))
        values = common + own + (change if name == "tuned" else 0)
        made[name] = xr.DataArray(values, coords, ("instruction", "layer", "neuron"))
    return made


def test_halves_and_the_same_rows_equal_a_loop():
    two = models(0)
    made = Compared.of(two)
    (side, other), clusters = made.sides(1, 0)[:, 0], made.clusters
    found = made.halves(
        frequency_shift, "base", "tuned", np.ones(18), np.stack([side, other])[:, None]
    )
    for n, name in enumerate(clusters.strata):
        both = []
        for a, b in ((side, other), (other, side)):
            of = two["base"]["category"].to_numpy() == name
            means = [
                x.to_numpy()[of & (half[clusters.index] > 0)].mean(axis=0)
                for x, half in ((two["base"], a), (two["tuned"], b))
            ]
            both.append(np.abs(means[0] - means[1]).mean())
        assert found[n] == pytest.approx(np.mean(both))
    assert not (side * other).any() and side.sum() == other.sum() == 9


def test_one_model_twice_and_a_false_placebo_show_nothing():
    base = models(0)["base"] > 0
    twice = {"base": base, "tuned": base, "placebo": base}
    found, table = _floor("sets", twice, jaccard, 1, 2, 49, 0)
    assert found.value == pytest.approx(0) and found.p == 1 and found.verdict == NOT
    assert table.query("pair == 'base, tuned'")["value"].dropna().eq(1).all()
    swap = Compared.of(twice).exchanged("base", "tuned", np.arange(18) < 9)
    assert (swap.sums["base"] == swap.sums["tuned"]).all()
    none = _beyond_placebo({}, {}, lambda model: base, 0.1, jaccard, 9, 0)
    assert {f.verdict for f in none.values()} == {UNTOLD}
    assert {f.invalid for f in none.values()} == {NO_PLACEBO}
    assert _by_category("category", None, 9, 0).verdict == UNTOLD
    alike = models(0)["base"][:, 0, 0] * 0 + 0.3
    assert _by_category("category", alike, 99, 0).verdict == UNTOLD
    assert _floor("sets", {}, jaccard, 1, 2, 9, 0)[0].verdict == UNTOLD


def test_what_tuning_moved_shows_and_more_than_a_placebo():
    three = models(0, 0.8, ("base", "tuned", "placebo"))
    found, _ = _floor("frequencies", three, frequency_shift, -1, 2, 199, 0)
    assert found.verdict == SHOWS and found.low > 0

    def beyond(of, keep):
        first, second = (of.same(frequency_shift, "base", n, keep) for n in ("placebo", "tuned"))
        return float((second - first).mean())

    assert _exchange_test("placebo", Compared.of(three), beyond, "placebo", 199, 0).verdict == SHOWS


def rate(moved, runs, beyond=False):
    """How often base and tuned (or tuned and placebo) are told apart at 5 %."""
    p = []
    for run in range(runs):
        three = models(run, moved, ("base", "tuned", "placebo"), 5)
        if beyond:

            def statistic(of, keep):
                first, second = (
                    of.same(frequency_shift, "base", n, keep) for n in ("placebo", "tuned")
                )
                return float((second - first).mean())

            p.append(_exchange_test("placebo", Compared.of(three), statistic, "placebo", 59, run).p)
        else:
            made = Compared.of(three)
            sides = made.sides(1, run)

            def statistic(of, keep, sides=sides):
                own, tuned, across = (
                    of.halves(frequency_shift, a, b, keep, sides)
                    for a, b in (("base", "base"), ("tuned", "tuned"), ("base", "tuned"))
                )
                return float((across - (own + tuned) / 2).mean())

            p.append(_exchange_test("frequencies", made, statistic, "base", 59, run).p)
    return (np.array(p) <= 0.05).mean()


@pytest.mark.parametrize("beyond", [False, True])
def test_no_more_than_five_percent_are_told_apart_where_nothing_moved(beyond):
    assert rate(0.0, 150, beyond) <= 0.093  # 97.5th percentile of 150 at .05


@pytest.mark.parametrize("beyond", [False, True])
def test_a_change_of_seven_tenths_of_the_spread_is_found(beyond):
    assert rate(0.7, 25, beyond) >= 0.8


def test_a_category_effect_is_calibrated_and_found():
    p = []
    for run in range(400):
        values = models(run)["base"][:, 0, 0]
        clusters = Clusters.of(values)
        noise = np.random.default_rng(run).normal(size=18)[clusters.index]
        p.append(explained(noise, clusters, 99, run)[1].p)
    assert (np.array(p) <= 0.05).mean() <= 0.074  # 97.5th percentile of 400 at .05
    value, null = explained(clusters.stratum[clusters.index] + 0.3 * noise, clusters)
    assert null.p < 0.01 and value > null.mean
    rows = replace(clusters, stratum=clusters.stratum)
    means = np.array([noise[rows.index == n].mean() for n in range(18)])
    groups = [means[rows.stratum == c] for c in range(3)]
    between = sum(len(g) * (g.mean() - means.mean()) ** 2 for g in groups)
    expected = between / ((means - means.mean()) ** 2).sum()
    assert explained(noise, rows, 9)[0] == pytest.approx(expected)
