"""Kinds of components, their intervals and nulls, against Python sets and loops."""

from itertools import combinations, product

import numpy as np
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.uniqueness import Votes
from sparcom_nb.stats import against_null, half

CATEGORIES = ["CLS", "QA", "SUM"]


def instructions(values, category, subtype, **coords):
    return xr.DataArray(
        values,
        dims=("instruction", "layer", "expert", "neuron")[: values.ndim],
        coords={
            "instruction": [f"i{n}" for n in range(len(values))],
            "layer": range(values.shape[1]),
            "category": ("instruction", category),
            "subtype": ("instruction", subtype),
            **coords,
        },
    )


@pytest.fixture
def marked():
    """36 instructions of three categories with four sub-types each, over 2 layers, 3 experts, 20."""
    rng = np.random.default_rng(0)
    category = np.repeat([0, 1, 2], 12)
    subtype = np.tile([0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3], 3)
    likely = rng.random((3, 2, 3, 20))[category] * 0.6 + rng.random((12, 2, 3, 20))[
        4 * category + subtype
    ] * rng.choice([0, 0.6], (1, 2, 3, 20))
    values = rng.random(likely.shape) < likely
    return instructions(values, np.array(CATEGORIES)[category], [f"s{s}" for s in subtype])


def python_sets(marked, agreement, label=None, keep=None):
    """Category -> set of components, counted one by one."""
    own = {}
    units = [
        f"{c}/{s}" for c, s in zip(marked["category"].values, marked["subtype"].values, strict=True)
    ]
    for name in CATEGORIES:
        rows = [
            row.ravel()
            for row, unit in zip(marked.values, units, strict=True)
            if (label[unit] if label else unit.split("/")[0]) == name
            and (keep is None or unit in keep)
        ]
        votes = [sum(row[n] for row in rows) for n in range(marked[0].size)]
        own[name] = {n for n, v in enumerate(votes) if v / len(rows) >= agreement - 1e-12}
    return own


def number_of(n, sets):
    return sum(n in one for one in sets.values())


def kinds_of(sets):
    """How many components are in exactly 1, 2, 3 sets."""
    return [sum(number_of(n, sets) == k for n in set().union(*sets.values())) for k in (1, 2, 3)]


@pytest.mark.parametrize("agreement", [0.25, 0.5, 1.0])
def test_votes_give_the_sets_of_the_instructions(marked, agreement):
    votes = Votes.of(marked)
    plain = sn.sparcom.category_sets(marked, agreement).to_numpy().reshape(3, -1)
    np.testing.assert_array_equal(votes.sets(agreement), plain)
    expected = python_sets(marked, agreement)
    for name, found in zip(CATEGORIES, votes.sets(agreement), strict=True):
        assert set(np.flatnonzero(found)) == expected[name]


def test_sets_of_permuted_labels_and_of_half_the_subtypes(marked):
    votes, rng = Votes.of(marked), np.random.default_rng(1)
    for _ in range(20):
        category = rng.permutation(votes.category)
        label = {n: CATEGORIES[c] for n, c in zip(votes.names, category, strict=True)}
        keep = half(votes.category, rng)
        for found, expected in (
            (votes.sets(0.5, category), python_sets(marked, 0.5, label=label)),
            (votes.sets(0.5, keep=keep), python_sets(marked, 0.5, keep=set(votes.names[keep]))),
        ):
            assert [set(np.flatnonzero(row)) for row in found] == list(expected.values())


def test_every_number_of_the_sets(marked):
    sets = python_sets(marked, 0.5)
    options = {"draws": 9}
    kinds = sn.sparcom.kind_counts(marked, **options)
    assert kinds["value"].to_list() == kinds_of(sets)
    assert kinds["kind"].to_list() == ["unique", "shared", "general"]
    sizes = sn.sparcom.set_sizes(marked, **options).set_index(["part", "category"])["value"]
    for name, one in sets.items():
        others = set().union(*(s for other, s in sets.items() if other != name))
        assert sizes["set", name] == len(one)
        assert sizes["unique", name] == len(one - others)
    found = sn.sparcom.combinations(marked, **options).set_index("categories")["value"].to_dict()
    expected = {}
    for k in (1, 2, 3):
        for names in combinations(CATEGORIES, k):
            inside = set.intersection(*(sets[n] for n in names))
            outside = set().union(*(sets[n] for n in CATEGORIES if n not in names))
            if inside - outside:
                expected[" + ".join(names)] = len(inside - outside)
    assert found == expected
    for kind in ("jaccard", "overlap"):
        matrix = sn.sparcom.set_overlap(marked, kind, **options)
        for a, b in product(CATEGORIES, CATEGORIES):
            both, either = len(sets[a] & sets[b]), len(sets[a] | sets[b])
            bottom = either if kind == "jaccard" else min(len(sets[a]), len(sets[b]))
            value = matrix["value"].sel(category=a, category_b=b)
            assert float(value) == pytest.approx(both / bottom)
        off = matrix["value"].values[~np.eye(3, dtype=bool)]
        assert matrix.attrs["mean"]["value"] == pytest.approx(off.mean())
    layers = sn.sparcom.layer_kinds(marked, **options).set_index(["layer", "kind"])["value"]
    for layer, (k, kind) in product((0, 1), enumerate(("unique", "shared", "general"), 1)):
        inside = [n for n in range(60 * layer, 60 * layer + 60) if number_of(n, sets) == k]
        assert layers[layer, kind] == pytest.approx(len(inside) / 60)


def test_null_and_half_samples_by_loops(marked):
    """Draws made here, with Python sets, have the mean and the spread that the table gives."""
    names, rng = (
        sorted({f"{c}/s{n}" for c in CATEGORIES for n in range(4)}),
        np.random.default_rng(5),
    )
    own = [n.split("/")[0] for n in names]
    null, halves = [], []
    for _ in range(300):
        label = dict(zip(names, rng.permutation(own), strict=True))
        null.append(kinds_of(python_sets(marked, 0.5, label=label)))
        keep = {f"{c}/s{n}" for c in CATEGORIES for n in rng.permutation(4)[:2]}
        halves.append(kinds_of(python_sets(marked, 0.5, keep=keep)))
    null, halves = np.array(null), np.array(halves)
    table = sn.sparcom.kind_counts(marked, draws=300)
    error = 4 * np.sqrt(2 / 300)
    assert (np.abs(table["null_mean"] - null.mean(0)) <= error * null.std(0)).all()
    assert (np.abs(table["halves"] - halves.mean(0)) <= error * halves.std(0)).all()
    spread = np.quantile(halves, 0.975, axis=0) - halves.mean(0)
    np.testing.assert_allclose(table["high"] - table["value"], spread, atol=halves.std())


def test_twin_sees_a_strict_agreement(marked, monkeypatch):
    """The comparison with Python sets fails on votes that must exceed the agreement."""
    whole = Votes.sets
    monkeypatch.setattr(
        Votes, "sets", lambda self, agreement, *rest: whole(self, agreement + 1e-6, *rest)
    )
    with pytest.raises(AssertionError):
        test_votes_give_the_sets_of_the_instructions(marked, 0.5)


def test_shuffled_labels_show_nothing_and_true_specialists_show(marked):
    p = []
    for seed in range(40):
        order = np.random.default_rng(seed).permutation(36)
        labels = {n: ("instruction", marked[n].values[order]) for n in ("category", "subtype")}
        mixed = marked.assign_coords(labels)
        p.append(sn.sparcom.kind_counts(mixed, draws=99)["p"].iloc[0])
    assert np.mean(np.array(p) <= 0.05) <= 0.15
    special = marked.copy()
    for n, name in enumerate(CATEGORIES):
        special[:, 0, :, 5 * n : 5 * n + 5] = (special["category"] == name).values[:, None, None]
    row = sn.sparcom.kind_counts(special, agreement=0.8, draws=99).iloc[0]
    assert row["p"] <= 0.05 and row["low"] > row["null_mean"]


def test_interval_holds_the_value_and_stays_above_its_floor():
    halves = np.array([[8.0, 0.0, np.nan], [12.0, 0.0, np.nan]])
    found = against_null(np.array([1.0, 0.0, np.nan]), halves, halves, floor=0)
    assert found["low"][0] == 0 and found["high"][0] > 1 and found["halves"][0] == 10
    assert found["low"][1] == found["high"][1] == 0 and np.isnan(found["p"][2])
    assert found["p"][0] == pytest.approx(2 / 3) and found["p"][1] == 1


def test_moving_the_half_samples_makes_the_interval_cover():
    """The number that six sub-types a category give on average is in the interval.

    The half samples' own quantiles, which lie around what three sub-types give, miss it.
    """
    rng = np.random.default_rng(0)

    def sample(logit):
        likely = 1 / (1 + np.exp(-(logit[:, None] + rng.normal(0, 1.2, (3, 6, 300)))))
        return rng.random((3, 6, 8, 300)) < likely[:, :, None]

    hits = np.zeros(2)
    for _ in range(30):
        logit = rng.normal(-2.5, 1.5, 300) + rng.normal(0, 1, (3, 300))
        sets = [sample(logit).mean(axis=(1, 2)) >= 0.5 for _ in range(30)]
        expected = np.mean([(one.sum(axis=0) == 1).sum() for one in sets])
        names = np.repeat(np.arange(18), 8).astype(str)
        values = sample(logit).reshape(144, 1, 300)
        row = sn.sparcom.kind_counts(
            instructions(values, np.repeat(CATEGORIES, 48), names), draws=60
        ).iloc[0]
        moved = row["halves"] - row["value"]
        hits += [
            row["low"] + moved <= expected <= row["high"] + moved,
            row["low"] <= expected <= row["high"],
        ]
    assert hits[0] <= 24 and hits[1] >= 26


def test_sweep_is_the_table_at_every_cut(marked):
    rng = np.random.default_rng(2)
    frequency = marked.copy(data=rng.random(marked.shape)).drop_vars([])
    table = sn.sparcom.kinds_sweep(frequency, tops=(0.1, 0.4), agreements=(0.2, 0.5), draws=5)
    assert len(table) == 2 * 2 * 3
    for (top, agreement), part in table.groupby(["top", "agreement"]):
        sets = python_sets(sn.sparcom.specific(frequency, top), agreement)
        assert part["value"].to_list() == kinds_of(sets)


def test_wrong_agreement_is_refused(marked):
    with pytest.raises(InputError, match="agreement must be above 0 and at most 1, not 2"):
        sn.sparcom.kind_counts(marked, agreement=2)
    with pytest.raises(InputError, match="unknown kind 'dice'"):
        sn.sparcom.set_overlap(marked, "dice")


def test_an_odd_half_is_rounded_either_way():
    rng = np.random.default_rng(0)
    kept = np.array([half(np.repeat([0, 1, 2], [5, 4, 3]), rng) for _ in range(600)])
    assert {*kept[:, :5].sum(1)} == {2, 3} and {*kept[:, 5:9].sum(1)} == {2}
    assert {*kept[:, 9:].sum(1)} == {2}
    np.testing.assert_allclose(kept.mean(0)[:9], 0.5, atol=0.08)
