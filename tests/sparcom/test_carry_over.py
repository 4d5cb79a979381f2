"""Whether sets hold on other instructions, against Python sets and loops."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.carry_over import MEASURES, _permuted

CATEGORIES = ["CLS", "QA", "SUM"]


def instructions(n_subtypes, n_rows, own, seed, n=80):
    """Rows of three categories; ``own`` is how likely a category's own 12 components are in."""
    rng = np.random.default_rng(seed)
    units = [(c, s) for c in range(3) for s in range(n_subtypes) for _ in range(n_rows)]
    likely = np.full((len(units), n), 0.15)
    likely[:, 60:] = 0.8
    for row, (c, _) in enumerate(units):
        likely[row, 12 * c : 12 * c + 12] = own
    return xr.DataArray(
        rng.random(likely.shape) < likely,
        dims=("instruction", "neuron"),
        coords={
            "instruction": [f"{seed}-{i}" for i in range(len(units))],
            "category": ("instruction", [CATEGORIES[c] for c, _ in units]),
            "subtype": ("instruction", [f"s{s}" for _, s in units]),
        },
    )


def sets_of(marked, agreement=0.5):
    values, category = marked.to_numpy(), marked["category"].to_numpy()
    found = []
    for name in CATEGORIES:
        rows = values[category == name]
        found.append({n for n in range(rows.shape[1]) if rows[:, n].sum() / len(rows) >= agreement})
    return found


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
    a, b = instructions(4, 5, 0.6, 0), instructions(3, 4, 0.6, 1)
    table = sn.sparcom.carry_over(a, b, draws=9)
    assert table["measure"].to_list() == list(MEASURES)
    np.testing.assert_allclose(table[["own", "other"]], measured(sets_of(a), sets_of(b)))
    np.testing.assert_allclose(table["value"], table["own"] - table["other"])


def test_halves_are_the_mean_over_splits():
    """With two sub-types a category a split is one against the other; all eight are equally likely."""
    marked = instructions(2, 6, 0.6, 2)
    found = sn.sparcom.split_halves(marked, splits=400, draws=1)
    category, subtype = marked["category"].to_numpy(), marked["subtype"].to_numpy()
    every = []
    for code in range(8):
        side = {name: f"s{code >> n & 1}" for n, name in enumerate(CATEGORIES)}
        first = np.array([side[c] == s for c, s in zip(category, subtype, strict=True)])
        every.append(measured(sets_of(marked[first]), sets_of(marked[~first])))
    expected = np.mean(every, axis=0)
    np.testing.assert_allclose(found[["own", "other"]], expected, atol=0.03)


def test_an_effect_shows_and_none_without_one():
    strong = sn.sparcom.split_halves(instructions(6, 6, 0.8, 3), draws=99)
    assert (strong["p"] <= 0.05).all() and (strong["low"] > strong["null_high"]).all()
    p = [
        sn.sparcom.split_halves(instructions(6, 4, 0.15, seed), splits=2, draws=39)["p"].iloc[0]
        for seed in range(30)
    ]
    assert np.mean(np.array(p) <= 0.05) <= 0.17


def test_a_subtype_takes_its_label_along():
    """Sub-types with components of their own, none of them the category's: no evidence."""
    rng = np.random.default_rng(0)
    own = rng.random((18, 90)) < 0.3
    p = []
    for seed in range(12):
        draw = np.random.default_rng(seed)
        parts = []
        for side in "ab":
            rows = instructions(6, 4, 0.15, seed, n=90).copy()
            unit = np.repeat(np.arange(18), 4)
            rows.data = (draw.random((72, 90)) < 0.9) & own[unit]
            parts.append(rows.assign_coords(instruction=[f"{side}{n}" for n in range(72)]))
        p.append(sn.sparcom.carry_over(*parts, agreement=0.3, draws=39)["p"].iloc[0])
    assert np.mean(np.array(p) <= 0.05) <= 0.4
    category, presence = np.repeat([0, 1, 2], 4), np.tile([1, 2, 3, 3], 3)
    for seed in range(20):
        permuted = _permuted(category, presence, np.random.default_rng(seed))
        for stratum in (1, 2, 3):
            same = presence == stratum
            assert sorted(permuted[same]) == sorted(category[same])


def test_collections_need_two_categories_in_common():
    a = instructions(2, 3, 0.6, 0)
    table = sn.sparcom.carry_over(a, a[a["category"].values != "SUM"], draws=3)
    assert table["own"].iloc[0] == 1
    with pytest.raises(InputError, match="share 1 categories"):
        sn.sparcom.carry_over(a, a[a["category"].values == "SUM"])


def test_sources():
    marked = instructions(3, 4, 0.6, 0)
    assert sn.sparcom.between_sources(marked, np.repeat("generated", 36)).empty
    source = np.tile(["authored", "generated", "generated"], 12)
    table = sn.sparcom.between_sources(marked, source, draws=9)
    assert set(table["collections"]) == {"generated to authored"}
    written = source == "authored"
    expected = sn.sparcom.carry_over(marked[~written], marked[written], draws=9)
    pd.testing.assert_frame_equal(table[expected.columns], expected)


def test_wording_compares_with_originals_and_with_other_rows():
    marked = instructions(3, 6, 0.6, 0)
    originals = np.flatnonzero(np.arange(len(marked)) % 6 < 2)
    again = marked[originals].assign_coords(instruction=[f"p{n}" for n in originals])
    of = marked["instruction"].to_numpy()[originals]
    table = sn.sparcom.wording_sets(again, marked, of, draws=9)
    first = table[table["collections"] == "paraphrases to originals"]
    assert first["own"].iloc[0] == 1
    other = table[table["collections"] == "paraphrases to other rows"]
    assert other["own"].iloc[0] < 1
    assert sn.sparcom.wording_sets(marked, marked, marked["instruction"].to_numpy()).empty


def test_other_rows_are_as_many_of_the_same_subtypes():
    from sparcom_nb.sparcom.wording import _alike

    marked = instructions(3, 6, 0.6, 0)
    originals = np.arange(len(marked)) % 6 < 2
    rows = _alike(marked[originals], marked, originals, seed=4)
    assert not originals[rows].any() and len(set(rows)) == len(rows) == 18
    units = lambda x: sorted(zip(x["category"].values, x["subtype"].values, strict=True))  # noqa: E731
    assert units(marked[rows]) == units(marked[originals])


@pytest.fixture
def frequency():
    """Each category has 12 of 900 components that are often active on it."""
    own = instructions(4, 5, 0.9, 0, n=900)
    for n, name in enumerate(CATEGORIES):
        own[own["category"] != name, 12 * n : 12 * n + 12] = False
    own[:, 36:] = False
    noise = 0.4 * np.random.default_rng(0).random(own.shape)
    return own.astype(float) * 0.5 + noise


def test_methods_find_a_category_s_own_components(frequency):
    marked = sn.sparcom.specific(frequency, threshold=0.5)
    table = sn.sparcom.compare_methods(frequency, marked, draws=19)
    assert table.groupby("method").size().to_dict() == {
        "SPARCOM": 1, "LAPE": 2, "contrast": 2, "random": 2,
    }  # fmt: skip
    by = table.set_index(["method", "question"])
    again, same = "again on other sub-types", "same as SPARCOM's"
    assert by.loc[("SPARCOM", again), "own"] > 0.8 and by.loc[("SPARCOM", again), "other"] == 0
    for method in ("LAPE", "contrast"):
        assert by.loc[(method, same), "own"] > 0.8
        assert by.loc[(method, again), "own"] > 0.6
    assert by.loc[("random", same), "own"] < 0.3
    own = sn.sparcom.unique_sets(sn.sparcom.category_sets(marked)).to_numpy()
    assert by.loc[("SPARCOM", again), "size"] == own.sum(axis=1).mean()
    assert by.loc[("random", again), "size"] == own.sum(axis=1).mean()
