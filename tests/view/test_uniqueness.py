"""What the pictures and sentences of general and unique components make of tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sparcom_nb.sparcom.carry_over import MEASURES
from sparcom_nb.sparcom.comparison import QUESTIONS
from sparcom_nb.view.plots import uniqueness as plots
from sparcom_nb.view.sentences import uniqueness as sentences

NOTHING = {
    "value": 20.0, "low": 10.0, "high": 30.0, "halves": 22.0, "null_mean": 19.0, "null_low": 12.0,
    "null_high": 27.0, "p": 0.6,
}  # fmt: skip
MORE = NOTHING | {"value": 60.0, "low": 50.0, "high": 70.0, "halves": 90.0, "p": 0.01}
FEWER = NOTHING | {"value": 5.0, "low": 3.0, "high": 9.0, "halves": 1.0, "p": 0.01}


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def kinds(unique, general):
    rows = [unique, NOTHING, general]
    return pd.DataFrame(rows).assign(number=[1, 2, 3], kind=["unique", "shared", "general"])


def test_a_verdict_needs_the_test_and_the_interval():
    assert sentences.against(MORE) == "more" and sentences.against(FEWER) == "fewer"
    assert sentences.against(NOTHING) == "no different"
    assert sentences.against(MORE | {"p": 0.3}) == "not clearly different"
    assert sentences.against(NOTHING | {"p": 0.01}) == "not clearly different"


def test_kinds():
    assert "neurons of their own shows**" in sentences.kinds(kinds(MORE, FEWER))
    assert "neurons of their own shows only in part**" in sentences.kinds(kinds(NOTHING, FEWER))
    for general in (NOTHING, MORE):
        assert "neurons of their own does not show**" in sentences.kinds(kinds(NOTHING, general))
    assert "some of what is unique now would not be" in sentences.kinds(kinds(MORE, FEWER))
    assert "about as many" in sentences.kinds(kinds(NOTHING, FEWER))
    assert "more sub-types would make more" in sentences.kinds(kinds(FEWER, FEWER))
    empty = kinds(NOTHING, NOTHING).assign(value=0.0)
    assert sentences.kinds(empty).startswith("No neuron is in any category's set")
    assert plots.kinds(kinds(MORE, FEWER)).axes[0].get_yticklabels()[0].get_text() == "1 (unique)"


def matrix(mean):
    names = ["CLS", "QA"]
    values = {k: (("category", "category_b"), np.full((2, 2), v)) for k, v in NOTHING.items()}
    return xr.Dataset(
        values, {"category": names, "category_b": names}, {"kind": "jaccard", "mean": mean}
    )


def test_overlap():
    assert "sets are no different.**" in sentences.overlap(matrix(NOTHING))
    assert "sets are more distinct.**" in sentences.overlap(matrix(FEWER))
    assert "sets are more alike.**" in sentences.overlap(matrix(MORE))
    other = matrix(NOTHING).assign_attrs(kind="overlap")
    assert len(plots.overlap_matrices([matrix(NOTHING), other]).axes) == 2


def test_sizes_and_combinations_count_what_chance_gives():
    table = pd.DataFrame([NOTHING] * 4).assign(
        category=["CLS", "QA"] * 2, part=["set", "set", "unique", "unique"]
    )
    said = sentences.sizes(table)
    assert "0 of 4 sizes differ" in said and "no more than chance gives (up to 1)" in said
    plots.sizes(table)
    many = pd.DataFrame([MORE] * 3).assign(categories=["CLS + QA", "CLS", "QA"], number=[2, 1, 1])
    said = sentences.combinations(many)
    assert "3 combinations of categories occur; the largest is CLS + QA with 60 [50, 70]" in said
    assert "3 of 3 combinations differ" in said and "would rarely give more than 1" in said
    plots.upset(many)
    assert sentences.combinations(many[:0]).startswith("No neuron is in any category's set")


def test_layers_and_sweep():
    rows = [
        row | {"layer": layer, "kind": kind}
        for kind in ("unique", "shared", "general")
        for layer, row in enumerate((NOTHING, MORE))
    ]
    said = sentences.layers(pd.DataFrame(rows))
    assert said.startswith("Unique most in layer 1 (60.000") and "3 of 6 shares differ" in said
    assert sentences.layers(pd.DataFrame(rows).assign(value=0)).startswith("No layer holds any")
    plots.layers(pd.DataFrame(rows))
    swept = pd.DataFrame(
        row | {"top": top, "agreement": 0.5, "kind": kind}
        for kind, row in (("unique", MORE), ("shared", NOTHING), ("general", FEWER))
        for top in (0.05, 0.1)
    )
    said = sentences.sweep(swept)
    assert "Unique neurons: more than with shuffled labels at 2 and fewer at 0 of 2" in said
    assert "General neurons: more than with shuffled labels at 0 and fewer at 2 of 2" in said
    assert "No cut gives any unique neuron" in sentences.sweep(swept.assign(value=0.0))
    plots.sweep(swept)
    assert len(plots.kinds_at(swept, 0.1).axes) == 1


def carried(rows):
    return pd.concat(
        pd.DataFrame([row] * 3).assign(measure=MEASURES, own=0.5, other=0.4, collections=name)
        for name, row in rows.items()
    )


def test_carried_over():
    said = sentences.carried(carried({"halves": MORE}))
    assert "*halves*: Jaccard of sets 0.50 with the own category, 0.40 with others" in said
    assert "That a category's set carries over shows.**" in said
    nothing = NOTHING | {"low": -0.1}
    assert "carries over does not show.**" in sentences.carried(carried({"halves": nothing}))
    assert "All rows have one source" in sentences.carried(carried({"a": MORE})[:0])
    assert "nan" not in sentences.carried(carried({"a": MORE | {"value": np.nan}})).lower()
    plots.carried(carried({"a": MORE, "b": NOTHING}))


def test_wording():
    both = {"paraphrases to originals": MORE, "paraphrases to other rows": MORE}
    assert "serve about as well" in sentences.wording(carried(both))
    far = both | {"paraphrases to other rows": NOTHING}
    assert "clearly closer" in sentences.wording(carried(far))
    assert "There are no paraphrases" in sentences.wording(carried(both)[:0])


def test_cuts_and_methods():
    ranges = {"share_low": 0.05, "share_high": 0.06, "tokens_low": 8, "tokens_high": 9, "n": 60}
    table = pd.DataFrame(
        row | ranges | {"cut": cut, "measure": measure}
        for measure, rows in (("gap", (MORE, MORE)), ("unique components", (NOTHING, FEWER)))
        for cut, row in zip(("all ties", "equal share"), rows, strict=True)
    )
    said = sentences.cuts(table)
    assert "All ties: 5.0% to 6.0% taken, 8 to 9 tokens, 60 rows; equal share" in said
    assert "The gap against shuffled labels: above under every cut." in said
    assert "no different (all ties), below (equal share)" in said
    plots.cuts(table)
    methods = pd.DataFrame(
        [
            MORE | {"method": "SPARCOM", "question": QUESTIONS[1]},
            NOTHING | {"method": "random", "question": QUESTIONS[0]},
            NOTHING | {"method": "random", "question": QUESTIONS[1]},
        ]
    ).assign(size=6.0)
    said = sentences.methods(methods)
    assert "“again on other sub-types” shows for SPARCOM" in said
    assert "“same as SPARCOM's” shows for no method" in said
    assert len(plots.methods(methods).axes) == 2
