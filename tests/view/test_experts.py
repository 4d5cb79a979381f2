"""Notebook 15: what its sentences say, on numbers with and without an effect."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.view.plots import experts as plots
from sparcom_nb.view.sentences import experts as sentences


@pytest.fixture(scope="module")
def routing(load, rows):
    return sn.sparcom.expert_frequency(load("mixtral"), rows)


def test_routing_names_the_most_and_least_used():
    q = xr.DataArray(
        [[[0.9, 0.6, 0.4, 0.1]], [[0.7, 0.6, 0.4, 0.3]]],
        dims=("instruction", "layer", "expert"), coords={"layer": [7], "expert": range(4)},
    )  # fmt: skip
    text = sentences.routing(q, 0.5, 1.5)
    assert "expert 0 of layer 7 (q = 0.80)" in text and "expert 3 of layer 7 (q = 0.20)" in text
    assert "through 2 of them" in text and "12% of all pairs" in text


def test_usage_says_effect_and_none(routing):
    table = sn.sparcom.expert_usage(routing)
    effect = {"r2": 0.5, "null_mean": 0.2, "p": 0.01, "units": 6, "unit": "sub-type"}
    assert "A category effect on routing shows." in sentences.usage(table, effect)
    none = sentences.usage(table, effect | {"p": 0.3})
    assert "does not show" in none and "the largest of 12, that is no evidence" in none


def test_sets_with_and_without_an_effect(routing):
    marked = sn.sparcom.specific_experts(routing, 1.2)
    row = {"value": 4.0, "low": 3.0, "high": 6.0, "null_mean": 1.0, "p": 0.01}
    kinds = pd.DataFrame([row, row, row | {"value": 2.0, "null_mean": 2.5, "low": 1.0}])
    assert "the number of unique experts." in sentences.sets(marked, kinds, 1.2)
    same = kinds.assign(p=0.4)
    assert "Neither number is clearly different" in sentences.sets(marked, same, 1.2)
    assert "No expert is in any" in sentences.sets(marked, kinds.assign(value=0.0), 1.2)


def test_named_sweep_gaps_and_conditional():
    test = {"accuracy": 0.6, "low": 0.5, "high": 0.7, "chance": 0.2, "null_mean": 0.2, "p": 0.01}
    none = test | {"accuracy": 0.2, "low": 0.1, "high": 0.3, "p": 0.5}
    assert "**Better than shuffled labels: q.**" in sentences.named({"q": test, "length": none})
    assert "None names the category" in sentences.named({"q": none})
    row = {
        "relative": 2.0,
        "difference": 0.1,
        "low": 0.05,
        "high": 0.2,
        "null_mean": 0.0,
        "p": 0.01,
    }
    table = pd.DataFrame([row, row | {"difference": 0.01, "low": -0.1, "p": 0.6}])
    assert "at 1 of 2 cuts" in sentences.sweep(table) and "widest at 2 times" in sentences.sweep(
        table
    )
    assert "No choice of the cut" in sentences.sweep(table.assign(p=0.6))
    text = sentences.gaps(table.assign(sets=["a", "b"]))
    assert text.count("**shows**") == 1 and text.count("**does not show**") == 1
    p = xr.DataArray(np.array([0.1, 0.3]))
    assert "mostly follow the router" in sentences.conditional(p, 2 * p, 0.9, 0.2)
    assert "hardly follow the router" in sentences.conditional(p, 2 * p, 0.25, 0.2)


def test_pictures_are_drawn_for_any_layers(load, rows):
    joint = sn.sparcom.expert_neuron_frequency(load("qwen3_mixed"), rows)
    routing = joint["routing"]
    table, marked = sn.sparcom.expert_usage(routing), sn.sparcom.specific_experts(routing, 1.2)
    conditional = sn.sparcom.conditional_frequency(joint, routing)
    named = sn.sparcom.guess_category(routing, draws=9)
    taken = sn.sparcom.taken_by_routing(sn.sparcom.specific(joint), routing)
    assert taken["n"].sum() == routing.size and taken["mean"].between(0, 1).all()
    drawn = [
        plots.usage(table, 0.5), plots.layer_usage(table, 2, n=4), plots.expert_sets(marked, 0.5),
        plots.relative_sweep(sn.sparcom.relative_sweep(routing, draws=9)),
        plots.named({"q": named}), plots.confusion(sn.sparcom.confusion(named["guesses"])),
        plots.joint_and_conditional(joint, conditional, {"p": taken}),
        plots.gaps(sn.sparcom.compare_sets({"experts": marked}, draws=9)),
    ]  # fmt: skip
    assert [t.get_text() for t in drawn[0].axes[0].get_xticklabels()] == ["layer 0", "layer 2"]
    for fig in drawn:
        assert all(a.get_title(loc="left") or a.get_ylabel() for a in fig.axes)
