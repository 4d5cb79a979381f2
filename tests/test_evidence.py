"""The rule of evidence: right by brute force, and calibrated where the truth is known."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from scipy.stats import t as student

from sparcom_nb import evidence
from sparcom_nb.evidence import Clusters, Finding

RUNS = 400


def at_most(level, runs=RUNS):
    """How often a calibrated test may reject at this level, but for one time in a thousand."""
    return binom.ppf(0.999, runs, level)


def rows(per_category, size=4, categories=3):
    """A table of sub-types with ``size`` rows each."""
    made = [(f"c{c}", f"s{s}") for c in range(categories) for s in range(per_category)]
    return pd.DataFrame(
        [pair for pair in made for _ in range(size)], columns=["category", "subtype"]
    )


def clustered(table, rng, sd=1.0, spread=0.5):
    """Numbers whose sub-types differ, more in one category than in another; their mean is 0."""
    clusters = Clusters.of(table)
    scale = np.exp(spread * rng.normal(size=len(clusters.strata)))[clusters.stratum]
    own = sd * scale * rng.normal(size=len(clusters.names))
    return own[clusters.index] + rng.normal(size=len(table)), clusters


# ---------------------------------------------------------------- brute force


def test_means_and_their_errors_are_those_of_a_loop():
    table = rows(4).iloc[:-3]
    values, clusters = clustered(table, np.random.default_rng(0))
    values[5] = np.nan
    found = evidence.means(values, clusters)
    label = (table["category"] + table["subtype"]).to_numpy()

    def by_hand(kept):
        each = [np.nanmean(values[kept & (table["category"] == c)]) for c in ("c0", "c1", "c2")]
        return np.array([*each, np.mean(each)])

    everything = np.ones(len(table), dtype=bool)
    variance = np.zeros(4)
    for category in ("c0", "c1", "c2"):
        names = np.unique(label[table["category"] == category])
        left = np.array([by_hand(label != name) for name in names])
        variance += (len(names) - 1) * left.var(axis=0)
    np.testing.assert_allclose(found.value, by_hand(everything), rtol=1e-12)
    np.testing.assert_allclose(found.error, variance**0.5, rtol=1e-12)


def test_holm_is_that_of_its_definition():
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert evidence.holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_two_sided_p_counts_the_draws_beyond():
    null = np.arange(99.0)
    assert evidence.against(97.5, null).p == pytest.approx(2 * (1 + 1) / 100)
    assert evidence.against(-5, null).p == evidence.against(500, null).p == pytest.approx(0.02)
    assert evidence.against(49, null).p == 1


def test_draws_without_a_value_never_help():
    null = np.append(np.arange(90.0), [np.nan] * 9)
    assert evidence.against(500, null).p == pytest.approx(2 * 10 / 100)


def test_partners_are_the_best_assignment_and_swapping_keeps_sizes():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(2, 3, 40))
    members = rng.random((3, 40)) < 0.3
    pairs = evidence.partners(members, features)
    places = np.arange(40)
    for layer in range(3):
        assert np.array_equal(pairs[layer][pairs[layer]], places)
        moved = pairs[layer] != places
        assert members[layer][moved].sum() * 2 == moved.sum() and moved[members[layer]].all()
    like = evidence.Matched.of(members[None, None], dict(enumerate(features)))
    assert np.array_equal(like.pairs, pairs)
    for again in replace(like, unlike="").swapped(20, 0):
        kept = again[0, 0] == members
        assert np.array_equal(again.sum(axis=-1)[0, 0], members.sum(axis=1))
        assert np.array_equal(kept, np.take_along_axis(kept, pairs, 1))
    assert not list(replace(like, unlike="so").swapped(20, 0))


def test_members_without_an_outsider_keep_their_place():
    members = np.array([[True, True, True, False]])
    pairs = evidence.partners(members, np.zeros((1, 1, 4)))
    assert (pairs != np.arange(4)).sum() == 2


# ---------------------------------------------------------------- the rule


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ({"value": 1.0, "p": 0.01}, "shows"),
        ({"value": -1.0, "p": 0.01}, "opposite"),
        ({"value": 1.0, "p": 0.01, "null_mean": 2.0}, "opposite"),
        ({"value": 1.0, "p": 0.051}, "does not show"),
        ({"value": 1.0, "p": 0.01, "p_adjusted": 0.06}, "does not show"),
        ({"value": 1.0, "p": 0.01, "low": -1.0, "high": 3.0}, "shows"),
        ({"value": 1.0}, "cannot be told"),
        ({"value": math.nan, "p": 0.01}, "cannot be told"),
        ({"value": 1.0, "p": 0.01, "invalid": "no match"}, "cannot be told"),
        ({"value": 1.0, "p": 0.05, "smallest_p": 0.05}, "cannot be told"),
    ],
)
def test_one_rule_makes_every_verdict(found, verdict):
    assert Finding("A lies above B.", **found).verdict == verdict


def test_only_what_can_be_told_is_adjusted():
    told = evidence.adjusted(
        {
            "a": Finding("A.", 1.0, p=0.03, detectable=1.0),
            "b": Finding("B.", 1.0, p=0.5, invalid="no match"),
            "c": Finding("C.", 1.0, p=0.02),
            "d": Finding("D.", 1.0),
        }
    )
    assert [told[k].p_adjusted for k in "ac"] == pytest.approx([0.04, 0.04])
    assert math.isnan(told["b"].p_adjusted + told["d"].p_adjusted) and told["a"].detectable > 1


def test_a_record_is_plain_and_says_the_verdict():
    record = Finding("A.", 1.0, p=0.01).record()
    assert record["verdict"] == "shows" and record["low"] is None and record["p"] == 0.01


def test_values_without_a_spread_have_no_interval():
    table = rows(3)
    found = evidence.means(np.ones(len(table)), Clusters.of(table))
    assert np.isnan(found.low).all() and np.isnan(found.error).all()


def test_rows_take_the_place_of_a_single_subtype():
    table = rows(1)
    assert Clusters.of(table).unit == "row" and Clusters.of(rows(2)).units == "6 sub-types"


# ---------------------------------------------------------------- calibration


@pytest.mark.parametrize("per_category", [2, 3, 6, 12])
def test_intervals_hold_the_truth(per_category):
    """95 % intervals of a mean over categories, 6 to 36 clusters of unequal spread."""
    rng, table = np.random.default_rng(per_category), rows(per_category)
    inside = 0
    for _ in range(RUNS):
        found = evidence.means(*clustered(table, rng))
        inside += found.low[-1] <= 0 <= found.high[-1]
    assert 0.92 * RUNS <= inside <= (0.985 if per_category == 2 else 0.975) * RUNS


def test_intervals_over_rows_would_not():
    """The test of coverage can fail: rows of a sub-type are not independent."""
    rng, table, inside = np.random.default_rng(0), rows(3), 0
    alone = Clusters.of(table.assign(subtype=np.arange(len(table)).astype(str)))
    for _ in range(RUNS):
        found = evidence.means(clustered(table, rng)[0], alone)
        inside += found.low[-1] <= 0 <= found.high[-1]
    assert inside < 0.85 * RUNS


def rejections(make, runs=RUNS):
    return sum(make(np.random.default_rng(seed)) <= evidence.LEVEL for seed in range(runs))


def paired_p(table, effect):
    def make(rng):
        first, second = clustered(table, rng)[0], clustered(table, rng)[0] + effect
        clusters = Clusters.of(table)
        return evidence.paired("B above A.", first, second, clusters, 199, rng.integers(999)).p

    return make


@pytest.mark.parametrize("per_category", [2, 6])
def test_paired_permutation_is_calibrated(per_category):
    assert rejections(paired_p(rows(per_category), 0)) <= at_most(0.05)


def test_what_is_called_detectable_is_detected_four_times_in_five():
    table, clusters, rng = rows(6), Clusters.of(rows(6)), np.random.default_rng(0)
    pair = [clustered(table, rng)[0] for _ in range(2)]
    sizes = [
        evidence.paired(
            "B above A.", *[clustered(table, rng)[0] for _ in pair], clusters
        ).detectable
        for _ in range(20)
    ]
    power = rejections(paired_p(table, float(np.mean(sizes))), 200) / 200
    assert 0.7 <= power <= 0.9


def label_p(effect=0.0, draws=199, fitted=False):
    """Spread of the category means against labels permuted over whole sub-types."""
    table = rows(6)

    def make(rng):
        values, clusters = clustered(table, rng, spread=0)
        sums, number = clusters.sums(values + effect * (table["category"] == "c1"))

        def apart(stratum):
            own = np.array([(sums / number)[stratum == n].mean() for n in range(3)])
            return own[1] - own.mean()

        null = [apart(labels) for labels in evidence.permuted(clusters, draws, rng.integers(999))]
        return evidence.against(apart(clusters.stratum), np.array(null), fitted).p

    return make


@pytest.mark.parametrize(("draws", "fitted"), [(199, False), (30, True)])
def test_permuted_labels_are_calibrated(draws, fitted):
    assert rejections(label_p(0, draws, fitted)) <= at_most(0.05)


def test_a_fit_to_thirty_draws_finds_what_ranks_could_not():
    """A p under .01, which thirty ranks cannot give, in most of the runs with a large effect."""
    make = label_p(2.5, 30, fitted=True)
    assert sum(make(np.random.default_rng(seed)) <= 0.01 for seed in range(50)) > 35


def t_p(rng):
    return evidence.t_test(evidence.means(*clustered(rows(6), rng))[-1]).p


def test_student_on_the_jackknife_is_calibrated():
    assert rejections(t_p) <= at_most(0.05)


def swap_p(effect=0.0):
    """Sets of frequent neurons; what a neuron does is noise, more of it in frequent ones."""

    def make(rng):
        frequency = rng.random((4, 60))
        sets = np.stack([rng.random(frequency.shape) < 0.15 + 0.3 * (frequency > 0.7)] * 3)
        sets &= rng.random(sets.shape) < 0.7
        does = frequency * rng.normal(1, 1, (3, *frequency.shape)) + effect * sets
        like = replace(evidence.Matched.of(sets[None], {"frequency": frequency}), unlike="")
        null = [(one[0] * does).sum() for one in like.swapped(199, rng.integers(999))]
        return evidence.against((sets * does).sum(), np.array(null)).p

    return make


def test_swaps_with_matched_outsiders_are_calibrated():
    assert rejections(swap_p()) <= at_most(0.05)


def test_swaps_find_a_set_that_matters():
    assert rejections(swap_p(0.5), 100) >= 80


def test_rows_of_one_name_are_a_cluster_in_the_stratum_of_the_first():
    found = Clusters.by([(0, 1), (0, 2), (0, 1)], "network", ["x", "y", "x"])
    assert found.index.tolist() == [0, 1, 0] and found.stratum.tolist() == [0, 1]
    assert found.strata == ["x", "y"] and found.units == "2 networks"
    assert Clusters.by([], "row").units == "0 rows"


def test_few_clusters_need_a_larger_effect_to_show():
    """Student's t with 3 degrees of freedom, not a normal."""
    layers = Clusters.by(range(4), "layer")
    found = evidence.means(np.array([1.0, 2, 3, 4]), layers)[-1]
    told = evidence.finding("c", found, evidence.t_test(found), layers)
    error = np.std([1, 2, 3, 4], ddof=1) / 2
    assert told.detectable == pytest.approx(error * (student.ppf(0.975, 3) + student.ppf(0.8, 3)))


def test_explained_is_between_over_total_and_length_is_taken_out_of_it():
    rows = {"category": np.repeat(list("abc"), 12), "subtype": np.tile(np.repeat(range(6), 2), 3)}
    rng, clusters = np.random.default_rng(0), Clusters.of(rows)
    noise = rng.normal(size=36)
    means = np.array([noise[clusters.index == n].mean() for n in range(18)])
    groups = [means[clusters.stratum == c] for c in range(3)]
    between = sum(len(g) * (g.mean() - means.mean()) ** 2 for g in groups)
    expected = between / ((means - means.mean()) ** 2).sum()
    assert evidence.explained("c", noise, clusters, 9).value == pytest.approx(expected)
    length = rng.integers(4, 9, 36) * 2.0 ** clusters.stratum[clusters.index]
    driven = np.log(length) ** 2 + 0.01 * noise
    assert evidence.explained("c", driven, clusters, 99).p == 0.02
    assert evidence.explained("c", driven, clusters, 99, length=length).p > 0.05
    assert np.isnan(evidence.explained("c", np.ones(36), clusters, 9, length=length).value)


def test_own_sets_are_held_against_every_order_of_them():
    rng, clusters = (
        np.random.default_rng(0),
        Clusters.of(
            {"category": np.repeat(list("abcde"), 6), "subtype": np.tile(np.repeat(range(3), 2), 5)}
        ),
    )
    effects = rng.normal(size=(30, 5))
    found, null = evidence.own_above_others(effects, clusters)
    by_category = effects.reshape(5, 6, 5).mean(axis=1)

    def margin(order):
        each = [
            row[n] - np.delete(row, n).mean() for row, n in zip(by_category, order, strict=True)
        ]
        return np.mean(each)

    assert found.value == pytest.approx(margin(range(5)))
    assert sorted(null) == pytest.approx(sorted(map(margin, itertools.permutations(range(5)))))
    product = np.outer([5, 1, 1, 1, 1.0], [5, 1, 1, 1, 1])[np.repeat(range(5), 6)]
    found, null = evidence.own_above_others(product + 0.01 * effects, clusters)
    assert evidence.t_test(found).p < 0.05 < evidence.against(float(found.value), null).p
    own = np.eye(5)[clusters.stratum[clusters.index]]
    _, about_one = evidence.own_above_others(effects + own, clusters, beyond=1.0)
    assert about_one - 1 == pytest.approx(evidence.own_above_others(effects, clusters)[1])
