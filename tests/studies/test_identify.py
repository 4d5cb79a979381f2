"""Overlap within and across categories, by loops."""

import numpy as np
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.studies import identify
from sparcom_nb.studies.identify import Pairs, matrix, rungs, separation, sweep

CATEGORIES = ["CLS", "QA", "SUM"]


def labels(per_category, size):
    category = np.repeat(CATEGORIES, per_category * size)
    subtype = np.tile(np.repeat([f"s{n}" for n in range(per_category)], size), 3)
    return category, subtype


@pytest.fixture
def frequency():
    """36 instructions of three categories with three sub-types each, 2 layers of 50 neurons."""
    rng = np.random.default_rng(0)
    category, subtype = labels(3, 4)
    likely = rng.random((3, 2, 50))[np.repeat([0, 1, 2], 12)] * 0.8
    coords = {
        "instruction": [f"i{n}" for n in range(36)], "layer": range(2), "neuron": range(50),
        "category": ("instruction", category), "subtype": ("instruction", subtype),
        "n_tokens": ("instruction", np.full(36, 10)),
    }  # fmt: skip
    values = (rng.binomial(10, likely) / 10).astype(np.float32)
    return xr.DataArray(values, coords, ("instruction", "layer", "neuron"))


def test_means_are_those_of_a_loop_over_pairs(frequency):
    found = sn.sparcom.overlap(sn.sparcom.specific(frequency, top=0.2))
    values, category, subtype = (x.to_numpy() for x in (found, found["category"], found["subtype"]))
    unit = np.char.add(category, subtype)
    table = matrix(found).set_index(["category", "category_b"])["mean"]
    apart = {True: [], False: []}
    by = {}
    for i in range(36):
        for j in range(36):
            if i != j:
                by.setdefault((category[i], category[j]), []).append(values[i, j])
            if unit[i] != unit[j]:
                apart[category[i] == category[j]].append(values[i, j])
    assert {k: pytest.approx(np.mean(v)) for k, v in by.items()} == table.to_dict()
    pairs = Pairs.of(found)
    assert pairs.within_across(pairs.clusters.stratum) == pytest.approx(
        [np.mean(apart[True]), np.mean(apart[False])]
    )


def test_a_twin_that_counts_pairs_of_one_subtype_differs(frequency):
    found = sn.sparcom.overlap(sn.sparcom.specific(frequency, top=0.2))
    pairs, same = (
        Pairs.of(found),
        found["category"].to_numpy()[:, None] == found["category"].to_numpy(),
    )
    np.fill_diagonal(same, False)
    within = pairs.within_across(pairs.clusters.stratum)[0]
    assert within != pytest.approx(found.to_numpy()[same].mean(), abs=1e-6)


def test_every_rung_by_loops(frequency):
    marked = sn.sparcom.specific(frequency, top=0.2)
    again = marked[[0, 12, 24, 1]].assign_coords(instruction=["p0", "p1", "p2", "p3"])
    between, of = sn.sparcom.overlap(again, marked), np.array(["i0", "i12", "i24", "i1"])
    found, pairs = rungs(between, of)
    category, subtype = marked["category"].to_numpy(), marked["subtype"].to_numpy()
    for n, row in enumerate([0, 12, 24, 1]):
        values = between.to_numpy()[n]
        same = category == category[row]
        kin = same & (subtype == subtype[row])
        own = np.arange(36) == row
        expected = [values[m].mean() for m in (own, kin & ~own, same & ~kin, ~same)]
        assert found[n] == pytest.approx(expected)
    assert pairs.tolist() == [4, 12, 32, 96]


def test_rows_that_paraphrase_themselves_leave_the_request_untold(frequency):
    results = identify.study(frequency, frequency, frequency["instruction"].to_numpy())
    assert results.findings["request"].verdict == "cannot be told"
    assert results.tables["ladder"]["pair"].tolist() == list(identify.RUNGS[1:])
    assert {results.findings[name].verdict for name in ("category", "every cut")} == {"shows"}


def test_the_sweep_weighs_every_cut_alike(frequency):
    table, relative = sweep(frequency)
    parts = []
    for by, cut in zip(table["by"], table["cut"], strict=True):
        values = sn.sparcom.overlap(sn.sparcom.specific(frequency, **{by: cut})).to_numpy()
        parts.append(values / np.nanmean(values[~np.eye(36, dtype=bool)]))
    assert len(table) == 13
    np.testing.assert_allclose(relative, np.nanmean(parts, axis=0))


def test_one_subtype_a_category_is_said(frequency):
    alike = frequency.assign_coords(subtype=("instruction", frequency["category"].to_numpy()))
    found = separation(sn.sparcom.overlap(sn.sparcom.specific(alike)), 19, 0, "A.", "Jaccard")
    assert found.units == "36 rows" and "whole rows" in found.control


def test_a_category_of_one_instruction_has_no_overlap_within(frequency):
    found = sn.sparcom.overlap(sn.sparcom.specific(frequency, top=0.2))
    keep = np.r_[0, 12:36]
    table = matrix(found[keep, keep]).set_index(["category", "category_b"])["mean"]
    assert np.isnan(table["CLS", "CLS"]) and not np.isnan(table.drop(("CLS", "CLS"))).any()
