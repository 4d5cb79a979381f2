"""Kinds of components, their nulls and whether sets hold, against Python sets and loops."""

from itertools import combinations, product

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom

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
    findings, tables = generality._kinds(Votes.of(marked), marked, 9, 0)
    assert tables["kinds"]["value"].to_list() == kinds_of(sets)
    assert tables["kinds"]["kind"].to_list() == ["unique", "shared", "general"]
    sizes = tables["sizes"].set_index(["part", "category"])["value"]
    for name, one in sets.items():
        others = set().union(*(s for other, s in sets.items() if other != name))
        assert sizes["set", name] == len(one)
        assert sizes["unique", name] == len(one - others)
    found = tables["combinations"].set_index("categories")["value"].to_dict()
    expected = {}
    for k in (1, 2, 3):
        for names in combinations(CATEGORIES, k):
            inside = set.intersection(*(sets[n] for n in names))
            outside = set().union(*(sets[n] for n in CATEGORIES if n not in names))
            if inside - outside:
                expected[" + ".join(names)] = len(inside - outside)
    assert found == expected
    pairs = tables["overlap"].set_index(["measure", "category", "category_b"])["value"]
    apart = []
    for a, b in product(CATEGORIES, CATEGORIES):
        both, either = len(sets[a] & sets[b]), len(sets[a] | sets[b])
        assert pairs["jaccard", a, b] == pytest.approx(both / either)
        assert pairs["overlap", a, b] == pytest.approx(both / min(len(sets[a]), len(sets[b])))
        apart += [1 - both / either] if a != b else []
    assert findings["distinct"].value == pytest.approx(np.mean(apart))
    layers = tables["layers"].set_index(["layer", "kind"])["value"]
    for layer, (k, kind) in product((0, 1), enumerate(("unique", "shared", "general"), 1)):
        inside = [n for n in range(60 * layer, 60 * layer + 60) if number_of(n, sets) == k]
        assert layers[layer, kind] == pytest.approx(len(inside) / 60)


def test_the_null_is_that_of_loops(marked):
    names, rng = (
        sorted({f"{c}/s{n}" for c in CATEGORIES for n in range(4)}),
        np.random.default_rng(5),
    )
    own, null = [n.split("/")[0] for n in names], []
    for _ in range(200):
        label = dict(zip(names, rng.permutation(own), strict=True))
        null.append(kinds_of(python_sets(marked, 0.5, label=label)))
    _, tables = generality._kinds(Votes.of(marked), marked, 200, 0)
    error = 4 * np.sqrt(2 / 200) * np.std(null, axis=0)
    assert (np.abs(tables["kinds"]["null_mean"] - np.mean(null, axis=0)) <= error).all()


def test_sweep_is_the_table_at_every_cut(marked):
    frequency = marked.copy(data=np.random.default_rng(2).random(marked.shape))
    _, table = generality._sweep(frequency, 0)
    assert len(table) == len(generality.TOPS) * len(generality.AGREEMENTS) * 3
    for (top, agreement), part in table.groupby(["top", "agreement"]):
        sets = python_sets(sn.sparcom.specific(frequency, top), agreement)
        assert part["value"].to_list() == kinds_of(sets)


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


def measured(a, b):
    """Own and other of every measure, written out."""
    unique = [[s - set().union(*(o for o in sets if o is not s)) for s in sets] for sets in (a, b)]
    made = (
        lambda i, j: jaccard(a[i], b[j]),
        lambda i, j: jaccard(unique[0][i], unique[1][j]),
        lambda i, j: len(unique[0][i] & b[j]) / len(unique[0][i]) if unique[0][i] else np.nan,
    )
    return [
        (
            np.nanmean([one(i, i) for i in range(3)]),
            np.nanmean([one(i, j) for i in range(3) for j in range(3) if i != j]),
        )
        for one in made
    ]


def test_two_collections_against_python_sets():
    a, b = rows(4, 5, 0.6, 0), rows(3, 4, 0.6, 1)
    held = generality._compared(a, b, 0.5, 9, 0)
    np.testing.assert_allclose(held.found, measured(sets_of(a), sets_of(b)))
    np.testing.assert_allclose(held.table()["value"], held.found[:, 0] - held.found[:, 1])


def test_halves_are_the_mean_over_splits(monkeypatch):
    """With two sub-types a category a split is one against the other; all eight are equally likely."""
    monkeypatch.setattr(generality, "SPLITS", 300)
    marked = rows(2, 6, 0.6, 2)
    found = generality._halves(Votes.of(marked), 2, 0).found
    category, subtype = marked["category"].to_numpy(), marked["subtype"].to_numpy()
    every = []
    for code in range(8):
        side = {name: f"s{code >> n & 1}" for n, name in enumerate(CATEGORIES)}
        first = np.array([side[c] == s for c, s in zip(category, subtype, strict=True)])
        every.append(measured(sets_of(marked[first]), sets_of(marked[~first])))
    np.testing.assert_allclose(found, np.mean(every, axis=0), atol=0.04)


def test_halves_share_nothing_and_leave_nothing():
    rng, stratum = np.random.default_rng(0), np.repeat([0, 1, 2], [5, 4, 2])
    drawn = np.array([generality.half(stratum, rng) for _ in range(300)])
    for n, size in enumerate((2, 2, 1)):
        assert set(drawn[:, stratum == n].sum(axis=1)) == {size}
    np.testing.assert_allclose(drawn.mean(axis=0), np.repeat([0.4, 0.5, 0.5], [5, 4, 2]), atol=0.1)


def test_a_category_of_one_collection_is_left_out():
    a = rows(2, 3, 0.6, 0)
    held = generality._compared(a, a[a["category"].values != "SUM"], 0.5, 3, 0)
    assert held.found[0, 0] == 1 and len(held.clusters.strata) == 2


def test_other_rows_are_as_many_of_the_same_subtypes():
    marked = rows(3, 6, 0.6, 0)
    originals = np.arange(len(marked)) % 6 < 2
    found = generality._alike(marked[originals], marked, originals, seed=4)
    assert not originals[found].any() and len(set(found)) == len(found) == 18
    units = lambda x: sorted(zip(x["category"].values, x["subtype"].values, strict=True))  # noqa: E731
    assert units(marked[found]) == units(marked[originals])


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


def test_specialists_show_and_own_paraphrases_leave_the_requests_untold(monkeypatch):
    monkeypatch.setattr(generality, "TOPS", (0.05, 0.2))
    frequency = frequencies(0.5)
    names = frequency["instruction"].to_numpy()
    source = np.tile(["authored", "generated"], 36)
    results = generality.study(frequency, source, frequency, names, frequency, top=0.1)
    verdicts = {name: found.verdict for name, found in results.findings.items()}
    assert verdicts["requests"] == "cannot be told" and results.findings["sources"].p < 1
    for name in ("unique", "every cut", "halves", "unique again"):
        assert verdicts[name] == "shows", name
    assert set(results.tables["carry_over"]["collections"]) == {
        "halves of the sub-types", "authored to generated",
    }  # fmt: skip
    sets = sn.sparcom.category_sets(sn.sparcom.specific(frequency, 0.1))
    size = sn.sparcom.sets.unique_sets(sets).sum() / 3
    methods = results.tables["methods"].set_index(["method", "question"])
    assert methods.loc[("SPARCOM", "again on other sub-types"), "size"] == size
    assert methods["p"].notna().all() and len(methods) == 7


def test_rows_that_share_nothing_show_nothing(monkeypatch):
    monkeypatch.setattr(generality, "TOPS", (0.05,))
    frequency = frequencies(0.0, 3)
    again = frequency[::2].assign_coords(instruction=[f"p{n}" for n in range(36)])
    of = frequency["instruction"].to_numpy()[::2]
    one = np.repeat("authored", 72)
    results = generality.study(frequency, one, again, of, frequency, top=0.1, draws=199)
    shown = [name for name, found in results.findings.items() if found.verdict == "shows"]
    assert set(shown) <= {"requests"}  # these paraphrases are the originals themselves
    assert "sources" not in results.findings


@pytest.mark.parametrize("keep", [range(0, 72, 12), [0, 24, 25, 48, 49, 50], range(48)])
def test_few_rows_are_no_error(keep, monkeypatch):
    """One row a sub-type, a category of one row, two categories; no row beside the paraphrased."""
    monkeypatch.setattr(generality, "TOPS", (0.05,))
    frequency = frequencies(0.2)[list(keep)]
    again = frequency.assign_coords(instruction=[f"p{n}" for n in keep])
    source = np.array(["b", "a"] * 36)[: len(frequency)]
    names = frequency["instruction"].to_numpy()
    results = generality.study(frequency, source, again, names, frequency, draws=9)
    assert {found.verdict for found in results.findings.values()} <= {
        "cannot be told", "does not show", "shows",
    }  # fmt: skip


# ---------------------------------------------------------------- calibration


def at_most(level, runs):
    return binom.ppf(0.999, runs, level)


def test_counts_of_kinds_are_calibrated_and_find_specialists():
    p = []
    for seed in range(80):
        marked = sn.sparcom.specific(frequencies(0.0, seed), 0.1)
        findings, _ = generality._kinds(Votes.of(marked), marked, 59, seed)
        p.append([findings[name].p for name in ("unique", "distinct", "agree")])
    assert ((np.array(p) <= 0.05).sum(axis=0) <= at_most(0.05, 80)).all()
    found = 0
    for seed in range(20):
        marked = sn.sparcom.specific(frequencies(0.5, seed), 0.1)
        found += generality._kinds(Votes.of(marked), marked, 59, seed)[0]["unique"].p <= 0.05
    assert found >= 16


def test_one_test_of_all_cuts_is_calibrated(monkeypatch):
    """Its p is fitted to few draws."""
    monkeypatch.setattr(generality, "TOPS", (0.05, 0.2))
    p = [generality._sweep(frequencies(0.0, seed), seed)[0].p for seed in range(100)]
    assert np.sum(np.array(p) <= 0.05) <= at_most(0.05, 100)


def test_halves_are_calibrated():
    p = []
    for seed in range(80):
        marked = sn.sparcom.specific(frequencies(0.0, seed), 0.1)
        held = generality._halves(Votes.of(marked), 39, seed)
        p.append(held.table()["p"])
    assert ((np.array(p) <= 0.05).sum(axis=0) <= at_most(0.05, 80)).all()


def test_a_subtype_takes_its_label_along():
    """Sub-types with components of their own, none of them the category's: no evidence."""
    rng, p = np.random.default_rng(0), []
    own = rng.random((18, 90)) < 0.3
    for seed in range(100):
        draw = np.random.default_rng(seed)
        order = draw.permutation(18)
        parts = []
        for side in "ab":
            made = rows(6, 4, 0.15, seed, n=90).copy()
            made.data = ((draw.random((72, 90)) < 0.9) & own[order[np.repeat(np.arange(18), 4)]])[
                :, None
            ]
            parts.append(made.assign_coords(instruction=[f"{side}{n}" for n in range(72)]))
        p.append(generality._compared(*parts, 0.3, 39, seed).table()["p"][0])
    assert np.sum(np.array(p) <= 0.05) <= at_most(0.05, 100)


def test_originals_exchanged_with_rows_like_them_are_calibrated():
    p, close = [], []
    for seed in range(150):
        a, b, c = (rows(6, 3, 0.5, 3 * seed + n) for n in range(3))
        p.append(generality._requests(a, b, c, 0.5, 99, seed).p)
        if seed < 20:
            near = a.copy(data=a.to_numpy() ^ (np.random.default_rng(seed).random(a.shape) < 0.02))
            close.append(generality._requests(a, near, c, 0.5, 99, seed).p)
    assert np.sum(np.array(p) <= 0.05) <= at_most(0.05, 150)
    assert np.sum(np.array(close) <= 0.05) >= 16
