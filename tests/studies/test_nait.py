"""Notebooks 31 to 33 on numbers: right by brute force. (Calibration: tests/worlds.)"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from worlds.directions import planted
from worlds.tuning import losses

import sparcom_nb as sn
from sparcom_nb import evidence
from sparcom_nb.studies import directions as first
from sparcom_nb.studies import scoring, selection, transfer, tuning
from sparcom_nb.studies.mixture import Mixture
from sparcom_nb.studies.scoring import SCORES, Samples


@pytest.fixture(scope="module")
def mix(rows):
    """24 rows as pool; the same rows under other ids as in-domain samples."""
    quality = ["clean", "clean", "corrupted", "shuffled"] * 6
    target = rows.assign(id=["t" + name for name in rows["id"]])
    return Mixture(target, rows.assign(quality=quality), rows)


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_scores_are_those_of_the_methods(name, load, mix):
    model = load(name)
    both = pd.concat([mix.target, mix.pool.drop(columns="quality")], ignore_index=True)
    samples = Samples.of(sn.nait.sample_activations(model, both), len(mix.target))
    label = mix.target["category"].map(mix.capabilities.index).to_numpy()
    vectors = scoring.directions(samples, label, 3)
    c, capability = 1, mix.capabilities[1]
    own, pool = mix.in_domain(capability), mix.pool.drop(columns="quality")
    for score, (kind, candidate, one_scale) in SCORES.items():
        method, _, oriented = kind.partition(", ")
        sign = "pool" if oriented else "drift"
        made = sn.nait.capability_direction(model, own, method, pool, sign=sign)
        expected = sn.nait.alignment_score(model, pool, made, candidate, one_scale)
        found = scoring.scores(samples, vectors, score)[c]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4, err_msg=score)


def test_precision_is_what_counting_gives():
    samples, mix = planted(1.0, 0)
    label = mix.target["category"].map(mix.capabilities.index).to_numpy()
    vectors = scoring.directions(samples, label, 3)
    values = scoring.scores(samples, vectors, "contrast")
    held = first.resampled([values], mix, 0.25)
    table = first.judged({"contrast": values}, held, mix).set_index("capability")
    for n, c in enumerate(mix.capabilities):
        chosen = mix.pool.loc[np.argsort(-values[n])[:27]]
        own, row = chosen["category"] == c, table.loc[c]
        assert row["precision"] == pytest.approx((own & (chosen["quality"] == "clean")).mean())
        mine = mix.pool["category"].eq(c).to_numpy()
        right = mine & mix.pool["quality"].eq("clean").to_numpy()
        wrong = mine & mix.pool["quality"].eq("corrupted").to_numpy()
        for column, others in (("auc", ~right), ("auc_corrupted", wrong)):
            above = np.subtract.outer(values[n][right], values[n][others])
            assert row[column] == pytest.approx((above > 0).mean())
        assert row["low"] <= row["precision"] <= row["high"]
    for column in ("precision", "auc", "chance"):
        expected = table.loc[mix.capabilities, column].mean()
        assert table.loc["mean", column] == pytest.approx(expected)


def test_a_baseline_that_is_better_shows_as_the_opposite():
    _, mix = planted(1.0, 0)
    right = first.truth(mix) + np.random.default_rng(0).normal(size=(3, len(mix.pool)))
    noise = np.random.default_rng(1).normal(size=right.shape)
    found = first.beats(noise, {"a": noise[::-1], "b": 3 * right}, mix, 0.2)
    assert found.verdict == "opposite"
    assert first.beats(3 * right, {"a": noise}, mix, 0.2).verdict == "shows"


def test_a_gain_is_the_mean_over_categories_of_the_paired_difference():
    made = losses(np.random.default_rng(0), 0.4).drop(index=[0, 1, 2])  # sizes differ
    made = made.merge(
        made.groupby("id")["arm"].count().loc[lambda n: n == 6].index.to_frame(index=False)
    )
    found = tuning.gain(
        made, [("other", c) for c in ("CLS", "QA")], [("random", c) for c in ("CLS", "QA")]
    )

    def by_hand(rows):
        wide = rows.pivot_table(index=["category", "id"], columns="arm", values="nll")
        return (wide["random"] - wide["other"]).groupby("category").mean().loc[["CLS", "QA"]].mean()

    assert found.value == pytest.approx(by_hand(made))
    variance = 0.0
    for c in ("CLS", "QA"):
        names = made.loc[made["category"] == c, "subtype"].unique()
        out = [(made["category"] == c) & (made["subtype"] == s) for s in names]
        left = np.array([by_hand(made[~rows]) for rows in out])
        variance += (len(left) - 1) * left.var()
    seeds = [by_hand(made[made["seed"] == s]) for s in range(3)]
    assert found.error == pytest.approx((variance + np.var(seeds, ddof=1) / 3) ** 0.5)


def test_a_gain_weighs_every_place_alike():
    made = losses(np.random.default_rng(0), 0.4)
    others = [("random", "CLS"), ("random", "QA"), ("other", "SUM")]
    found = tuning.gain(made, [("other", "CLS"), ("other", "QA")], others)
    mean = made.groupby(["arm", "category"])["nll"].mean()
    expected = mean[others].mean() - mean[[("other", "CLS"), ("other", "QA")]].mean()
    assert found.value == pytest.approx(expected)


def test_counts_and_composition():
    _, mix = planted(0.0, 1)
    values = np.random.default_rng(2).normal(size=(3, len(mix.pool)))
    top = [set(np.argsort(-one)[:27]) for one in values]
    votes = [sum(n in one for one in top) for n in range(len(mix.pool))]
    table = transfer.counts(values, 0.25)
    assert table["rows"].tolist() == [votes.count(n) for n in range(4)]
    assert table["expected"][3] == pytest.approx(108 / 64)
    clean = set(np.flatnonzero(mix.wanted("QA")))
    found = transfer.composition(values, mix, 0.25)
    shared = np.mean([len(top[a] & top[b]) / 27 for a, b in ((0, 1), (0, 2), (1, 2))])
    assert transfer.in_common(values, mix, 0.25).value == pytest.approx(shared - 0.25)
    assert found.loc["CLS", "QA"] == pytest.approx(len(top[0] & clean) / 27)


def test_a_direction_carries_over_to_the_same_neurons_only():
    rng = np.random.default_rng(0)
    own, pool = rng.normal(size=(2, 3, 20)), rng.normal(size=(3, 40, 20))
    value, null = transfer.carried(own, own, pool, 99, 0)
    assert value == pytest.approx(1) and evidence.against(value, null).p == pytest.approx(0.02)
    moved = rng.normal(size=(2, 3, 20))
    a, b = (np.einsum("clf,lrf->cr", v, pool) for v in (moved, own))
    expected = np.mean([spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)])
    assert transfer.carried(moved, own, pool, 9, 0)[0] == pytest.approx(expected)


def test_few_seeds_are_said():
    for seeds, said in ((1, "1 seed"), (2, "2 seeds"), (3, "3 seeds")):
        made = losses(np.random.default_rng(0), seeds=seeds)
        found = tuning.gained("A.", made, [("other", "QA")], [("random", "QA")])
        assert found.units == f"6 sub-types, {said}"
        assert found.caveat == (tuning.FEW_SEEDS if seeds < 3 else "")


def test_arms_are_told_over_all_capabilities_together():
    arms = (
        "random",
        "only what is wanted",
        "full pool",
        "NAIT: top",
        "contrast: top",
        "contrast: bottom",
    )
    found = selection.findings(losses(np.random.default_rng(0), 3.0, arms=arms))
    assert {name for name, one in found.items() if one.verdict == "shows"} == {
        "only what is wanted", "NAIT", "contrast",
    }  # fmt: skip
    assert found["contrast"].units == "18 sub-types, 3 seeds"
