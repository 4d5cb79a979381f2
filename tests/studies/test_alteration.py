"""Models compared beyond the floor and the placebo: against loops, and silent on one model twice."""

import numpy as np
import pytest
from worlds.alteration import marks, models

from sparcom_nb.evidence import NOT, UNTOLD
from sparcom_nb.sparcom import specific
from sparcom_nb.sparcom.alteration import agreed_jaccard, instruction_jaccard
from sparcom_nb.studies.alteration import (
    Compared,
    beyond_floor,
    beyond_placebo,
    by_category,
    layer_shares,
)


def distance(base, tuned):
    return np.abs(base - tuned).mean(axis=(-2, -1))


def test_halves_and_the_same_rows_equal_a_loop():
    two = models(0)
    made = Compared.of(two, 0)
    found, clusters = made.across(distance, "base", "tuned"), made.clusters
    category = two["base"]["category"].to_numpy()

    def mean(name, model, kept):
        rows = (category == name) & (kept[clusters.index] > 0)
        return two[model].to_numpy()[rows].mean(axis=0)

    for n, name in enumerate(clusters.strata):
        both = [
            distance(mean(name, "base", a), mean(name, "tuned", b))
            for sides in (made.sides, made.sides[::-1])
            for a, b in zip(*sides, strict=True)
        ]
        assert found[n] == pytest.approx(np.mean(both))
        every = np.ones(36)
        expected = distance(mean(name, "base", every), mean(name, "tuned", every))
        assert made.same(distance, "base", "tuned")[n] == pytest.approx(expected)
    assert not made.sides.prod(axis=0).any() and (made.sides.sum(axis=-1) == 18).all()


def test_exchanged_models_trade_whole_clusters():
    made = Compared.of(models(0), 0)
    swap = made.exchanged("base", "tuned", np.arange(36) < 9)
    assert (swap.sums["base"][:9] == made.sums["tuned"][:9]).all()
    assert (swap.sums["base"][9:] == made.sums["base"][9:]).all()
    assert (swap.sums["placebo"] == made.sums["placebo"]).all()


def test_one_model_twice_and_a_false_placebo_show_nothing():
    base = marks(models(0))["base"]
    twice = Compared.of(dict.fromkeys(("base", "tuned", "placebo"), base), 0)
    for found in (
        beyond_floor("sets", twice, agreed_jaccard, 1, 49, 0),
        beyond_placebo(twice, agreed_jaccard, 49, 0),
    ):
        assert found.value == pytest.approx(0) and found.p == 1 and found.verdict == NOT
    table = twice.table(agreed_jaccard)
    assert table.query("pair == 'base, tuned'")["value"].dropna().eq(1).all()
    assert by_category(instruction_jaccard(base, base), 99, 0).verdict == UNTOLD


def test_layer_shares_are_means_over_instructions_of_either_kind_of_model():
    dense = specific(1 / (1 + np.exp(models(0)["base"])), top=0.2)
    routing = ("instruction", "layer", "expert"), np.full((72, 2, 3), 0.5)
    moe = (
        dense.assign_coords(neuron=range(12))
        .coarsen(neuron=4)
        .construct(neuron=("expert", "neuron"))
    )
    for marked in (dense, moe.assign_coords(routing=routing)):
        table = layer_shares({"base": marked}).set_index(["category", "layer"])
        rows = (marked["category"] == "QA").to_numpy()
        expected = marked.to_numpy().reshape(72, 2, 12)[rows, 1].mean()
        assert table.loc[("QA", 1), "mean"] == pytest.approx(expected)
