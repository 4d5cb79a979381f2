"""Notebooks 31 to 33 on numbers: right by brute force, and calibrated where the truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, spearmanr

import sparcom_nb as sn
from sparcom_nb.studies import directions as first
from sparcom_nb.studies import scoring, transfer, tuning
from sparcom_nb.studies.mixture import Mixture
from sparcom_nb.studies.scoring import SCORES, Samples

RUNS = 400


def at_most(level, runs=RUNS):
    """How often a calibrated test may reject at this level, but for one time in a thousand."""
    return binom.ppf(0.999, runs, level)


def labelled(names, subtypes, rows):
    made = [(c, f"s{s}") for c in names for s in range(subtypes) for _ in range(rows)]
    table = pd.DataFrame(made, columns=["category", "subtype"])
    return table.assign(id=[f"r{n}" for n in range(len(table))])


def planted(rng, effect, subtypes=4, names=("CLS", "QA", "SUM")):
    """Samples and pool whose sub-types differ, and whose categories do by ``effect``."""
    target, pool = labelled(names, subtypes, 4), labelled(names, subtypes, 6)
    pool["quality"] = ["clean", "clean", "clean", "clean", "corrupted", "shuffled"] * (
        len(pool) // 6
    )
    own = effect * rng.normal(size=(len(names), 2, 6))
    parts = []
    for table in (target, pool):
        kind = rng.normal(size=(len(names) * subtypes, 2, 2, 6))
        number = table["category"].map(list(names).index).to_numpy()
        which = number * subtypes + table["subtype"].str[1:].astype(int).to_numpy()
        values = kind[which] + own[number][:, None] + rng.normal(size=(len(table), 2, 2, 6))
        parts.append(values.transpose(1, 2, 0, 3))
    return Samples(*parts), Mixture(target, pool, target)


# ---------------------------------------------------------------- brute force


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
    samples, mix = planted(np.random.default_rng(0), 1.0)
    label = mix.target["category"].map(mix.capabilities.index).to_numpy()
    vectors = scoring.directions(samples, label, 3)
    ids = pd.Index(mix.pool["id"])
    values = scoring.scores(samples, vectors, "contrast")
    columns = {("contrast", c): values[n] for n, c in enumerate(mix.capabilities)}
    table = first.judged(pd.DataFrame(columns, ids), mix, 0.25).set_index("capability")
    pool = mix.pool.set_index("id")
    for n, c in enumerate(mix.capabilities):
        chosen = pool.loc[pd.Series(values[n], ids).nlargest(18).index]
        own, row = chosen["category"] == c, table.loc[c]
        assert row["precision"] == pytest.approx((own & (chosen["quality"] == "clean")).mean())
        assert row["corrupted"] == pytest.approx((own & (chosen["quality"] == "corrupted")).mean())
        assert row["other"] == pytest.approx((~own).mean())
        right = pool["quality"].eq("clean") & pool["category"].eq(c)
        above = np.subtract.outer(values[n][right], values[n][~right])
        assert row["auc"] == pytest.approx((above > 0).mean())
        assert row["low"] <= row["precision"] <= row["high"]
    for column in ("precision", "auc", "chance"):
        expected = table.loc[mix.capabilities, column].mean()
        assert table.loc["mean", column] == pytest.approx(expected)


def losses(rng, effect=0.0, by_seed=0.0, seeds=3, subtypes=4, names=("CLS", "QA", "SUM")):
    """Outcomes of arms ``random`` and ``other``, whose loss is lower by ``effect``."""
    rows = labelled(names, subtypes, 3)
    which = (rows["category"] + rows["subtype"]).factorize()[0]
    made = []
    for arm, by in (("random", 0.0), ("other", effect)):
        own = rng.normal(size=which.max() + 1)[which]
        for seed in range(seeds):
            noise = own + by_seed * rng.normal() + 0.5 * rng.normal(size=len(rows))
            made.append(rows.assign(arm=arm, seed=seed, n=5, nll=3 - by + noise, correct=pd.NA))
    return pd.concat(made, ignore_index=True)


def test_a_gain_is_the_mean_over_categories_of_the_paired_difference():
    made = losses(np.random.default_rng(0), 0.4).drop(index=[0, 1, 2])  # sizes differ
    made = made.merge(
        made.groupby("id")["arm"].count().loc[lambda n: n == 6].index.to_frame(index=False)
    )
    found = tuning.gain(made, tuning.versus("other", ["CLS", "QA"]))

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


def test_weights_are_means_over_pairs():
    own = transfer.weights([("CLS", "CLS"), ("QA", "QA")], -1)
    found = transfer.weights([("CLS", "QA"), ("QA", "CLS")], 1, own)
    assert found == {"CLS": {"CLS": -0.5, "QA": 0.5}, "QA": {"QA": -0.5, "CLS": 0.5}}


def test_counts_and_composition():
    _, mix = planted(np.random.default_rng(1), 0.0)
    values = np.random.default_rng(2).normal(size=(3, len(mix.pool)))
    top = [set(np.argsort(-one)[:18]) for one in values]
    votes = [sum(n in one for one in top) for n in range(len(mix.pool))]
    table = transfer.counts(values, 0.25)
    assert table["rows"].tolist() == [votes.count(n) for n in range(4)]
    assert table["expected"][3] == pytest.approx(72 / 64)
    clean = set(np.flatnonzero(mix.wanted("QA")))
    found = transfer.composition(values, mix, 0.25)
    assert found.loc["CLS", "QA"] == pytest.approx(len(top[0] & clean) / 18)


def test_a_direction_carries_over_to_the_same_neurons_only():
    rng = np.random.default_rng(0)
    own, pool = rng.normal(size=(2, 3, 20)), rng.normal(size=(3, 40, 20))
    value, null = transfer.carried(own, own, pool, 99, 0)
    assert value == pytest.approx(1) and null.p == pytest.approx(0.02)
    moved = rng.normal(size=(2, 3, 20))
    a, b = (np.einsum("clf,lrf->cr", v, pool) for v in (moved, own))
    expected = np.mean([spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)])
    assert transfer.carried(moved, own, pool, 9, 0)[0] == pytest.approx(expected)


# ---------------------------------------------------------------- calibration


def selects_p(rng, effect, draws=30):
    samples, mix = planted(rng, effect)
    label = mix.target["category"].map(mix.capabilities.index).to_numpy()
    values = scoring.scores(samples, scoring.directions(samples, label, 3), "contrast")
    columns = {("contrast", c): one for c, one in zip(mix.capabilities, values, strict=True)}
    drawn = first.null_precision(samples, mix, 0.2, draws, int(rng.integers(2**31)), ["contrast"])
    found = pd.DataFrame(columns, pd.Index(mix.pool["id"]))
    return first.selects("contrast", found, mix, 0.2, drawn["contrast"]).p


def test_selection_along_null_directions_is_calibrated():
    runs = 80
    p = np.array([selects_p(np.random.default_rng(n), 0.0) for n in range(runs)])
    assert (p <= 0.05).sum() <= at_most(0.05, runs)
    assert np.mean([selects_p(np.random.default_rng(n), 1.5) <= 0.05 for n in range(20)]) >= 0.8


def stable_p(rng, effect, draws=30):
    samples, mix = planted(rng, effect)
    found = first.stable("contrast", samples, mix.target, 0.2, draws, int(rng.integers(2**31)))
    return [one.p for one in found.values()]


def test_the_agreement_of_halves_is_calibrated():
    runs = 40
    p = np.array([stable_p(np.random.default_rng(n), 0.0) for n in range(runs)])
    assert ((p <= 0.05).sum(axis=0) <= at_most(0.05, runs)).all()
    shown = np.array([stable_p(np.random.default_rng(n), 3.0) for n in range(10)]) <= 0.05
    assert (shown.mean(axis=0) >= 0.8).all()


@pytest.mark.parametrize(("by_seed", "seeds"), [(0.0, 3), (0.5, 3), (0.5, 2), (0.0, 1)])
def test_gains_of_arms_are_calibrated(by_seed, seeds):
    told, inside = 0, 0
    for n in range(RUNS // 2):
        rng = np.random.default_rng(n)
        made = losses(rng, 0.3, by_seed, seeds, names=("SUM",), subtypes=6)
        found = tuning.gain(made, tuning.versus("other", ["SUM"]))
        inside += found.low <= 0.3 <= found.high
        made["nll"] += 0.3 * (made["arm"] == "other")  # no effect
        told += tuning.gained("A.", made, tuning.versus("other", ["SUM"])).p <= 0.05
    assert told <= at_most(0.05, RUNS // 2)
    assert inside / (RUNS // 2) >= 0.92


def test_gains_that_are_large_show():
    shown = [
        tuning.gained(
            "A.",
            losses(np.random.default_rng(n), 2.0, 0.3),
            tuning.versus("other", ["QA", "CLS", "SUM"]),
        ).p
        for n in range(50)
    ]
    assert np.mean(np.array(shown) <= 0.05) >= 0.8


def test_one_seed_is_said():
    found = tuning.gained(
        "A.", losses(np.random.default_rng(0), seeds=1), tuning.versus("other", ["QA"])
    )
    assert found.caveat == tuning.ONE_SEED and "1 seed" in found.units


def test_what_selections_share_is_calibrated():
    told = np.zeros(2)
    for n in range(100):
        rng = np.random.default_rng(n)
        _, mix = planted(rng, 0.0)
        kind = rng.normal(size=(3, 12))[:, np.arange(len(mix.pool)) // 6]
        values = kind + rng.normal(size=kind.shape)
        mix.pool["quality"] = rng.permutation(mix.pool["quality"])
        told += [found.p <= 0.05 for found in transfer.in_common(values, mix, 0.3).values()]
    assert (told <= at_most(0.05, 100)).all()
    assert transfer.in_common(values, mix, 0.1)["core is clean"].verdict == "cannot be told"
