"""Shares of explainable concepts: counts by hand, intervals, tests."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

import sparcom_nb as sn
from sparcom_nb.shift.shares import (
    WHAT,
    compare_shares,
    concept_shares,
    holm,
    shares_by_strength,
)


def annotated(concepts, run=0):
    """A row a component: each of ``concepts`` is "" (cannot tell) or task/level."""
    rows = []
    for n, said in enumerate(concepts):
        task, _, level = said.partition("/")
        said = {"concept": "x", "task": task, "level": level} if said else {
            "concept": "cannot tell", "task": "none", "level": "none"
        }  # fmt: skip
        rows.append({"layer": n % 2, "component": n // 2, "run": run} | said)
    return pd.DataFrame(rows)


SOME = ["math/semantic", "", "none/syntax", "coding/semantic", "", "", "", "none/semantic"]


def test_shares_are_counted():
    table = concept_shares(annotated(SOME)).set_index("what")
    assert list(table.index) == list(WHAT)
    assert table["share"]["explained"] == 0.5 and table["share"]["semantic"] == 3 / 8
    assert table["share"]["math"] == 1 / 8 and table["share"]["writing"] == 0
    assert table["of_explained"]["semantic"] == 3 / 4
    for what, k in (("explained", 4), ("math", 1), ("writing", 0)):
        interval = binomtest(k, 8).proportion_ci(method="wilson")
        assert table["low"][what] == pytest.approx(interval.low, abs=1e-4)
        assert table["high"][what] == pytest.approx(interval.high, abs=1e-4)


def test_shares_by_layer():
    table = concept_shares(annotated(SOME), ["layer"])
    assert table.columns[0] == "layer" and len(table) == 2 * len(WHAT)
    explained = table[table["what"] == "explained"]
    assert explained["share"].tolist() == [0.5, 0.5] and explained["n"].tolist() == [4, 4]


def test_nothing_explained_gives_no_share_of_it():
    table = concept_shares(annotated([""] * 4))
    assert (table["share"] == 0).all() and table["of_explained"].isna().all()


def test_runs_have_an_interval_of_their_own():
    other = ["", "", "none/syntax", "coding/semantic", "", "", "", ""]
    both = pd.concat([annotated(SOME, 0), annotated(other, 1)])
    row = concept_shares(both).set_index("what").loc["explained"]
    assert row["share"] == (4 + 2) / 16 and row["n"] == 8
    spread = 12.706 * np.std([0.5, 0.25], ddof=1) / 2**0.5
    assert row["run_high"] - row["share"] == pytest.approx(spread, rel=1e-3)
    table = compare_shares(both, both.assign(concept="cannot tell"))
    assert table["p_runs"].notna().any()


def test_difference_is_paired_by_component():
    base = annotated(["none/semantic"] * 9 + [""] * 11)
    tuned = annotated([""] * 8 + ["none/semantic"] * 3 + [""] * 9)
    row = compare_shares(base, tuned).set_index("what").loc["explained"]
    assert row["difference"] == pytest.approx(-6 / 20)
    assert row["p"] == pytest.approx(binomtest(2, 10).pvalue)
    change = np.array([-1] * 8 + [0] + [1] * 2 + [0] * 9)
    assert row["high"] - row["difference"] == pytest.approx(1.96 * change.std(ddof=1) / 20**0.5)


def test_no_change_no_difference():
    table = compare_shares(annotated(SOME), annotated(SOME))
    assert (table["difference"] == 0).all() and (table["p"] == 1).all()
    assert (table["low"] == 0).all() and "p_runs" not in table


def test_holm():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.5])), [0.04, 0.09, 0.09, 0.5])


def test_models_of_other_shape_are_refused():
    with pytest.raises(sn.InputError, match="8 components against 6"):
        compare_shares(annotated(SOME), annotated(SOME[:6]))


def test_controls_are_taken_off_first():
    base, tuned = (
        annotated(["none/semantic"] * 6 + [""] * 4),
        annotated(["none/semantic"] * 3 + [""] * 7),
    )
    fewer = annotated([""] * 3 + ["none/semantic"] + [""] * 6)
    row = compare_shares(base, tuned, (base, fewer)).set_index("what").loc["explained"]
    assert (row["base"], row["tuned"]) == pytest.approx((0, 0.2))
    change = np.array([1.0] * 3 + [-1] + [0] * 6)
    assert row["difference"] == pytest.approx(change.mean())
    assert row["p"] == pytest.approx(binomtest(3, 4).pvalue)
    with pytest.raises(sn.InputError, match="10 components against 6"):
        compare_shares(base, tuned, (base, annotated(SOME[:6])))


def test_strong_components_come_first():
    table = annotated(["none/syntax"] * 4 + [""] * 8)  # components 0 and 1 of two layers
    groups = shares_by_strength(table, edges=(0, 2, 4)).query("what == 'explained'")
    assert groups["start"].tolist() == [0, 2, 4]
    assert groups["share"].tolist() == [1, 0, 0] and groups["n"].tolist() == [4, 4, 4]
