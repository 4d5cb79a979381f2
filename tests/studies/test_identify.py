"""Overlap within and across categories: by loops, and calibrated where the truth is known."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom

import sparcom_nb as sn
from sparcom_nb.evidence import Clusters
from sparcom_nb.studies import identify
from sparcom_nb.studies.identify import Pairs, matrix, rungs, separation

CATEGORIES = ["CLS", "QA", "SUM"]


def labels(per_category, size):
    category = np.repeat(CATEGORIES, per_category * size)
    subtype = np.tile(np.repeat([f"s{n}" for n in range(per_category)], size), 3)
    return category, subtype


def pairwise(values, category, subtype):
    """Any square array as overlaps of instructions."""
    coords = {
        "category": category,
        "subtype": subtype,
        "instruction": np.arange(len(values)).astype(str),
    }
    named = {f"{n}{s}": (f"instruction{s}", v) for n, v in coords.items() for s in ("", "_b")}
    return xr.DataArray(values, named, ("instruction", "instruction_b"))


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
    assert results.findings["category"].verdict == "shows"
    assert len(results.tables["sweep"]) == 13
    shares = results.tables["layers"].set_index(["category", "layer"])["share"]
    expected = sn.sparcom.specific(frequency).to_numpy()[:12, 1].mean()
    assert shares["CLS", 1] == pytest.approx(expected)


def test_one_subtype_a_category_is_said(frequency):
    alike = frequency.assign_coords(subtype=("instruction", frequency["category"].to_numpy()))
    found = separation(sn.sparcom.overlap(sn.sparcom.specific(alike)), draws=19)
    assert found.units == "36 rows" and found.caveat


def test_a_category_of_one_instruction_has_no_overlap_within(frequency):
    found = sn.sparcom.overlap(sn.sparcom.specific(frequency, top=0.2))
    keep = np.r_[0, 12:36]
    table = matrix(found[keep, keep]).set_index(["category", "category_b"])["mean"]
    assert np.isnan(table["CLS", "CLS"]) and not np.isnan(table.drop(("CLS", "CLS"))).any()


# ---------------------------------------------------------------- calibration


def at_most(level, runs):
    return binom.ppf(0.999, runs, level)


def simulated(rng, centres, per_category=6, size=3):
    """Inner products of rows whose sub-types differ; the gap is that of the categories' centres."""
    category, subtype = labels(per_category, size)
    own = np.repeat(rng.normal(size=(3 * per_category, 6)), size, axis=0)
    rows = centres[np.repeat([0, 1, 2], per_category * size)] + own + rng.normal(size=(len(own), 6))
    return pairwise(rows @ rows.T, category, subtype)


def test_within_above_across_is_calibrated():
    runs, nothing = 300, np.zeros((3, 6))
    p = [separation(simulated(np.random.default_rng(n), nothing), 99, n).p for n in range(runs)]
    assert np.sum(np.array(p) <= 0.05) <= at_most(0.05, runs)


@pytest.mark.parametrize("per_category", [3, 6])
def test_the_interval_of_the_gap_holds_the_truth(per_category):
    runs, centres = 300, np.zeros((3, 6))
    centres[[0, 1, 2], [0, 1, 2]] = 1.5
    truth, inside = 1.5**2, 0
    for n in range(runs):
        pairs = Pairs.of(simulated(np.random.default_rng(n), centres, per_category))
        found, _ = pairs.tested(2, 0)
        inside += found.low <= truth <= found.high
    assert 0.92 <= inside / runs <= 0.985


def test_twice_what_is_called_detectable_is_detected():
    """With an effect pairs spread more than under the null, so that more than the named one is needed."""
    centres = np.zeros((3, 6))
    reach = np.mean(
        [separation(simulated(np.random.default_rng(n), centres), 99).detectable for n in range(20)]
    )
    centres[[0, 1, 2], [0, 1, 2]] = np.sqrt(2 * reach)
    p = [separation(simulated(np.random.default_rng(n), centres), 99, n).p for n in range(60)]
    assert np.mean(np.array(p) <= 0.05) >= 0.7


def test_the_ladder_s_claims_are_calibrated():
    """Paraphrases and rows that are all alike: neither the request nor the sub-type matters."""
    runs, low = 200, {"request": 0, "phrasing": 0}
    category, subtype = labels(6, 2)
    for n in range(runs):
        rng = np.random.default_rng(n)
        rows, again = rng.normal(size=(36, 6)) + 1, rng.normal(size=(36, 6)) + 1
        between = pairwise(again @ rows.T, category, subtype)
        of = between["instruction_b"].to_numpy()
        named = between.assign_coords(instruction=[f"p{i}" for i in of])
        _, findings = identify._wording(named, of, 99, n)
        for name in low:
            low[name] += findings[name].p <= 0.05
    assert max(low.values()) <= at_most(0.05, runs)
    assert Clusters.of(between).units == "18 sub-types"
