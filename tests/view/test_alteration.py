"""Sentences and pictures of before and after: they say what the numbers say, on nothing too."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.view.plots import alteration as plots
from sparcom_nb.view.sentences import alteration as sentences

TEST = {
    "value": 0.2, "low": 0.1, "high": 0.3, "null_mean": 0.0, "null_high": 0.05, "p": 0.005,
    "units": 30, "draws": 199,
}  # fmt: skip
EFFECT = {
    "r2": 0.6, "null_mean": 0.15, "null_high": 0.3, "p": 0.001, "units": 30, "unit": "sub-type",
    "draws": 999,
}  # fmt: skip
PAIRS = {
    "base A, base B": 0.6, "tuned A, tuned B": 0.5, "base A, tuned B": 0.3, "base, tuned": 0.35,
    "base, placebo": 0.55, "same model minus across": 0.25, "tuned beyond placebo": 0.2,
}  # fmt: skip


def table(**changed):
    rows = [
        {"category": c, "pair": pair, "value": value, "low": value - 0.1, "high": value + 0.1}
        for c in ("CLS", "QA", "all")
        for pair, value in (PAIRS | changed).items()
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def frequency():
    rng = np.random.default_rng(0)
    return xr.DataArray(
        rng.random((24, 3, 4, 5)),
        dims=("instruction", "layer", "expert", "neuron"),
        coords={
            "instruction": [f"i{n}" for n in range(24)],
            "layer": [0, 1, 2],
            "expert": range(4),
            "category": ("instruction", np.repeat(["CLS", "QA"], 12)),
            "subtype": ("instruction", [f"s{n % 4}" for n in range(24)]),
            "n_tokens": ("instruction", rng.integers(4, 20, 24)),
        },
    )


def test_the_pair_is_named_with_its_size(frequency):
    said = sentences.pair_shape("mine", frequency.assign_attrs(span="response"))
    assert "**mine**: 3 layers with 60 neurons in all, 4 experts in each layer" in said
    assert "24 instructions, response span" in said


def test_moved_names_layers_and_categories(frequency):
    means = sn.sparcom.category_means(frequency)
    assert "no change" in sentences.moved(means - means)
    change = xr.zeros_like(means)
    change[1, 2] = 0.4  # QA, layer 2
    said = sentences.moved(change)
    assert "most in layer 2 (0.200)" in said and "to 0.133 (QA)" in said
    assert "17% moved by more than 0.1, 17% upwards" in said


def test_alteration_counts_and_says_when_nothing_changed():
    rows = pd.DataFrame(
        {"category": "CLS", "layer": [0, 1], "kept": [8, 1], "gained": [1, 4], "lost": [1, 5]}
    )
    said = sentences.alteration(rows)
    assert "kept 9 neurons, gained 5 and lost 6: 60% of the base model's are kept" in said
    assert "Layer 1 is altered least" not in said and "Layer 0 is altered least" in said
    assert "(Jaccard 0.80 of 10 in either model), layer 1 most (0.10 of 10)" in said
    assert "no change" in sentences.alteration(rows.assign(gained=0, lost=0))
    assert "nothing to compare" in sentences.alteration(rows.assign(kept=0, gained=0, lost=0))


def test_floor_needs_test_and_interval():
    said = sentences.floor(table(), TEST, "overlap")
    assert "An alteration beyond sampling shows" in said and "in 2 of 2 categories" in said
    nothing = TEST | {"value": 0.01, "low": -0.05, "p": 0.4}
    assert "beyond sampling does not show" in sentences.floor(table(), nothing, "overlap")
    assert "is uncertain" in sentences.floor(table(), TEST | {"low": -0.1}, "overlap")
    same = TEST | {"value": 0.0, "null_high": 0.0, "p": 1.0}
    assert "no change" in sentences.floor(table(), same, "overlap")
    assert "empty at this cut" in sentences.floor(table(), TEST | {"value": np.nan}, "overlap")


def test_placebo_can_win_lose_or_be_missing():
    said = sentences.placebo(table(), TEST, "overlap")
    assert "An effect of the instructions beyond more training shows" in said
    nothing = TEST | {"value": 0.0, "low": -0.1, "high": 0.1, "p": 0.5}
    assert "beyond more training does not show" in sentences.placebo(table(), nothing, "overlap")
    worse = TEST | {"value": -0.2, "low": -0.3, "high": -0.1, "p": 1.0}
    assert "The placebo altered more" in sentences.placebo(table(), worse, "overlap")
    assert "the only floor" in sentences.no_placebo("mine")
    assert "make models" in sentences.no_placebo("mine")


def test_a_category_effect_must_outlive_length():
    assert "specific effect shows" in sentences.category_effect(EFFECT, EFFECT, "overlap")
    weak = EFFECT | {"p": 0.3}
    assert "effect does not show" in sentences.category_effect(weak, EFFECT, "overlap")
    assert "once length is taken out" in sentences.category_effect(EFFECT, weak, "overlap")


def test_routing_says_which_layer():
    layers = pd.concat([table(**{"base, tuned": 0.1 * (n + 1)}).assign(layer=n) for n in range(3)])
    said = sentences.routing(layers, TEST, EFFECT | {"p": 0.4})
    assert "moved 20.0% of a category's assignments" in said and "most in layer 2" in said
    assert "a routing shift shows" in said and "routing shift does not show" in said
    still = layers.assign(value=0.0)
    assert "no change" in sentences.routing(still, TEST, EFFECT)


def test_pictures_are_drawn_for_any_pair(frequency):
    means = sn.sparcom.category_means(frequency)
    marked = sn.sparcom.specific(frequency, top=0.2)
    altered = sn.sparcom.alteration(marked, marked[:, ::-1].assign_coords(layer=[0, 1, 2]))
    shares = sn.sparcom.layer_shares(marked, draws=20)
    routed = means.mean("neuron")
    layers = pd.concat([table().assign(layer=n) for n in range(3)])
    for figure in (
        plots.frequency_changes(means - means[::-1].to_numpy()),
        plots.kept_gained_lost(altered),
        plots.pairs_of_models(table(), "title", "y"),
        plots.profiles({"base": shares, "tuned": shares}),
        plots.routing_changes(routed - 0.5, layers),
    ):
        figure.canvas.draw()
        plt.close(figure)
