"""Kinds of components, their nulls and whether sets hold, against Python sets and loops."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.evidence import permuted
from sparcom_nb.studies import generality
from sparcom_nb.studies.generality import Votes

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
    votes = Votes.of(marked, agreement)
    found = votes.sets(votes.clusters.stratum)
    plain = sn.sparcom.category_sets(marked, agreement).to_numpy().reshape(3, -1)
    np.testing.assert_array_equal(found, plain)
    expected = python_sets(marked, agreement)
    assert [set(np.flatnonzero(row)) for row in found] == list(expected.values())


def test_sets_of_permuted_labels_and_of_some_subtypes(marked):
    votes, rng = Votes.of(marked), np.random.default_rng(1)
    for stratum in permuted(votes.clusters, 20, 0):
        names = votes.clusters.names
        label = {n: CATEGORIES[c] for n, c in zip(names, stratum, strict=True)}
        keep = rng.random(12) < 0.7
        own = votes.clusters.stratum
        if len(set(own[keep])) < 3:
            continue
        for found, expected in (
            (votes.sets(stratum), python_sets(marked, 0.5, label=label)),
            (votes.sets(own, keep), python_sets(marked, 0.5, keep=set(names[keep]))),
        ):
            assert [set(np.flatnonzero(row)) for row in found] == list(expected.values())


def test_twin_sees_a_strict_agreement(marked):
    """The comparison with Python sets fails on votes that must exceed the agreement."""
    votes = Votes.of(marked, 0.5 + 1e-6)
    found = votes.sets(votes.clusters.stratum)
    assert [set(np.flatnonzero(row)) for row in found] != list(python_sets(marked, 0.5).values())


def test_every_number_of_the_sets(marked):
    sets = python_sets(marked, 0.5)
    votes = Votes.of(marked)
    drawn, clusters = generality.drawn_numbers(votes, 9, 0), votes.clusters
    table = generality.counts(drawn, clusters).set_index("name")["value"]
    for name, one in sets.items():
        others = set().union(*(s for other, s in sets.items() if other != name))
        assert table[name] == len(one) and table[f"only {name}"] == len(one - others)
    assert table[["1 (unique)", "2 (shared)", "3 (general)"]].to_list() == kinds_of(sets)
    assert generality.by_kind(votes, 0)[0].tolist() == kinds_of(sets)
    assert generality.general(drawn, clusters).value == kinds_of(sets)[-1]
    apart = [1 - jaccard(a, b) for a in sets.values() for b in sets.values() if a is not b]
    assert generality.distinct("distinct", drawn, clusters).value == pytest.approx(np.mean(apart))


def test_the_null_is_that_of_loops(marked):
    names, rng = (
        sorted({f"{c}/s{n}" for c in CATEGORIES for n in range(4)}),
        np.random.default_rng(5),
    )
    own, null = [n.split("/")[0] for n in names], []
    for _ in range(100):
        label = dict(zip(names, rng.permutation(own), strict=True))
        null.append(kinds_of(python_sets(marked, 0.5, label=label)))
    found = generality.by_kind(Votes.of(marked), 0)[1:]
    error = 4 * np.sqrt(2 / 100) * np.std(null, axis=0)
    assert (np.abs(found.mean(axis=0) - np.mean(null, axis=0)) <= error).all()


def test_sweep_is_the_table_at_every_cut(marked):
    frequency = marked.copy(data=np.random.default_rng(2).random(marked.shape))
    found, table = generality.sweep(frequency, 0)
    assert len(table) == len(generality.TOPS) * len(generality.AGREEMENTS) * 3
    for _, part in table.groupby(["top", "agreement"]):
        top, agreement = part[["top", "agreement"]].to_numpy()[0]
        sets = python_sets(sn.sparcom.specific(frequency, top), agreement)
        assert part["value"].to_list() == kinds_of(sets)
    assert found.value > 0


# ---------------------------------------------------------------- other instructions


def rows(n_subtypes, n_rows, own, seed, n=80):
    """Rows of three categories; ``own`` is how likely a category's own 12 components are in."""
    rng = np.random.default_rng(seed)
    units = [(c, s) for c in range(3) for s in range(n_subtypes) for _ in range(n_rows)]
    likely = np.full((len(units), n), 0.15)
    likely[:, 60:] = 0.8
    for row, (c, _) in enumerate(units):
        likely[row, 12 * c : 12 * c + 12] = own
    values = (rng.random(likely.shape) < likely)[:, None]
    found = instructions(
        values, np.array(CATEGORIES)[[c for c, _ in units]], [f"s{s}" for _, s in units]
    )
    return found.assign_coords(instruction=[f"{seed}-{i}" for i in range(len(units))])


def sets_of(marked):
    return list(python_sets(marked, 0.5).values())


def jaccard(a, b):
    return len(a & b) / len(a | b) if a | b else np.nan


def own_minus_other(a, b):
    """Mean Jaccard of one category's sets minus that of two categories'."""
    own = [jaccard(x, y) for x, y in zip(a, b, strict=True)]
    other = [jaccard(x, y) for i, x in enumerate(a) for j, y in enumerate(b) if i != j]
    return np.nanmean(own) - np.nanmean(other)


def of_two(a: xr.DataArray, b: xr.DataArray) -> tuple[xr.DataArray, np.ndarray]:
    """Two collections as one, and the source of every row."""
    both: Any = xr.concat([a, b], "instruction")
    return both, np.repeat(["a", "b"], [len(a), len(b)])


def test_two_sources_against_python_sets():
    a, b = rows(4, 5, 0.6, 0), rows(3, 4, 0.6, 1)
    found = generality.sources(*of_two(a, b), 0.5, 9, 0)
    assert found.value == pytest.approx(own_minus_other(sets_of(a), sets_of(b)))


def test_a_category_of_one_source_is_left_out_and_one_source_is_said():
    a = rows(2, 3, 0.6, 0)
    found = generality.sources(*of_two(a, a[a["category"].values != "SUM"]), 0.5, 3, 0)
    assert found.units == "4 sub-types" and found.value == pytest.approx(
        own_minus_other(sets_of(a)[:2], sets_of(a)[:2])
    )
    none = generality.sources(a, np.repeat("a", len(a)), 0.5, 3, 0)
    assert none.verdict == "cannot be told" and "one source" in none.invalid


def test_a_subtype_takes_its_label_along():
    first, second = (Votes.of(rows(3, 2, 0.6, 0), 0.5, np.arange(18) % 6 < n) for n in (6, 4))
    both = second.size > 0
    for stratum in generality._with_both(first, second, 9, 0):
        assert sorted(stratum[both]) == sorted(first.clusters.stratum[both])


def test_halves_are_the_mean_over_splits(monkeypatch):
    """With two sub-types a category a split is one against the other; all eight are equally likely."""
    monkeypatch.setattr(generality, "SPLITS", 300)
    marked = rows(2, 6, 0.6, 2)
    found = generality.found_again(Votes.of(marked), 2, 0).value
    category, subtype = marked["category"].to_numpy(), marked["subtype"].to_numpy()
    every = []
    for code in range(8):
        side = {name: f"s{code >> n & 1}" for n, name in enumerate(CATEGORIES)}
        first = np.array([side[c] == s for c, s in zip(category, subtype, strict=True)])
        every.append(own_minus_other(sets_of(marked[first]), sets_of(marked[~first])))
    assert found == pytest.approx(np.mean(every), abs=0.04)


def test_halves_share_nothing_and_leave_nothing():
    rng, stratum = np.random.default_rng(0), np.repeat([0, 1, 2], [5, 4, 2])
    drawn = np.array([generality.half(stratum, rng) for _ in range(300)])
    for n, size in enumerate((2, 2, 1)):
        assert set(drawn[:, stratum == n].sum(axis=1)) == {size}
    np.testing.assert_allclose(drawn.mean(axis=0), np.repeat([0.4, 0.5, 0.5], [5, 4, 2]), atol=0.1)


# ---------------------------------------------------------------- the whole study


def frequencies(effect, seed=0):
    """Rows of six sub-types a category over 90 components; a category's own are more often active."""
    rng = np.random.default_rng(seed)
    category, subtype = np.repeat([0, 1, 2], 24), np.tile(np.repeat(range(6), 4), 3)
    likely = 0.4 * rng.random((18, 1, 90))[6 * category + subtype] + 0.4 * rng.random(90)
    for n in range(3):
        likely[category == n, :, 6 * n : 6 * n + 6] += effect
    values = (rng.binomial(20, np.minimum(likely, 1)) / 20).astype(np.float32)
    found = instructions(values, np.array(CATEGORIES)[category], [f"s{s}" for s in subtype])
    return found.assign_coords(n_tokens=("instruction", np.full(72, 20)))


def test_specialists_show_and_hold_on_other_subtypes(monkeypatch):
    monkeypatch.setattr(generality, "TOPS", (0.05, 0.2))
    frequency = frequencies(0.5)
    source = np.tile(["authored", "generated"], 36)
    results = generality.study(frequency, source, frequency, top=0.1)
    verdicts = {name: found.verdict for name, found in results.findings.items()}
    assert verdicts["unique"] == verdicts["halves"] == "shows"
    assert results.findings["sources"].p < 1


@pytest.mark.parametrize("keep", [range(0, 72, 12), [0, 24, 25, 48, 49, 50], range(48)])
def test_few_rows_are_no_error(keep, monkeypatch):
    """One row a sub-type, a category of one row, two categories."""
    monkeypatch.setattr(generality, "TOPS", (0.05,))
    frequency = frequencies(0.2)[list(keep)]
    source = np.array(["b", "a"] * 36)[: len(frequency)]
    results = generality.study(frequency, source, frequency, draws=9)
    assert len(results.findings) == 6 and len(results.tables["sweep"]) == 9
