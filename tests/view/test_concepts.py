"""Notebook 23: what its sentences say and its pictures show, with and without an effect."""

from html import unescape

import numpy as np
import pandas as pd
import pytest

import sparcom_nb as sn
from sparcom_nb.shift.shares import WHAT
from sparcom_nb.view.plots import concepts as plots
from sparcom_nb.view.sentences import concepts as sentences
from sparcom_nb.view.tables import text_table


def shares(explained):
    row = {"share": explained, "low": explained - 0.02, "high": explained + 0.02, "n": 400}
    return pd.DataFrame([{"what": what} | row for what in WHAT])


def comparison(difference=0.0, p=1.0, what="explained", width=0.02):
    """A table of compare_shares in which one row differs."""
    rows = []
    for name in WHAT:
        d, q = (difference, p) if name == what else (0.0, 1.0)
        rows.append(
            {"what": name, "base": 0.2, "tuned": 0.2 + d, "difference": d, "low": d - width,
             "high": d + width, "p": q, "p_holm": min(1, 9 * q), "n": 400}
        )  # fmt: skip
    return pd.DataFrame(rows)


def test_vocabulary_names_its_ends():
    text = sentences.vocabulary(["the", "of", "owl"], "miniworld")
    assert "3 most frequent words of miniworld" in text and "“the” to “owl”" in text


def test_variance_says_whether_layers_prefer_directions():
    base = pd.DataFrame({"layer": [0, 1], "components": [10.0, 8.0], "first": [0.2, 0.3]})
    random = base.assign(components=[20.0, 21.0], first=0.05)
    told = {"base": base, "tuned": base.copy(), "random directions": random}
    text = sentences.variance(told)
    assert (
        "fewest in layer 1: 8" in text and "do not differ" in text and "does not show" not in text
    )
    assert "explains 25.0%, there 5.0%" in text
    flat = sentences.variance(told | {"random directions": base, "tuned": random})
    assert "preferred directions does not show" in flat and "takes 20 components" in flat


def test_explained_gives_every_share():
    names = (
        "base",
        "tuned",
        "base, shuffled words",
        "base, random directions",
        "tuned, random directions",
    )
    told = sentences.explained({name: shares(0.1 * (n + 1)) for n, name in enumerate(names)})
    for said in ("10.0% [8.0%, 12.0%] of 400", "20.0%", "30.0%", "40.0%", "50.0%"):
        assert said in told


@pytest.mark.parametrize(
    ("all_", "strong", "said"),
    [
        ((0.1, 0.001), (0.2, 0.001), "concepts show, beyond chance"),
        ((0.0, 1.0), (0.2, 0.001), "among the strongest components only"),
        ((0.1, 0.001), (0.0, 1.0), "not clearly among the strongest"),
        ((0.0, 1.0), (0.01, 0.4), "mean more than random directions does not show"),
        ((-0.1, 0.001), (-0.1, 0.001), "mean more than random directions does not show"),
    ],
)
def test_beyond_chance(all_, strong, said):
    text = sentences.beyond_chance({"base": comparison(*all_)}, {"base": comparison(*strong)}, 20)
    assert said in text and "the 20 strongest" in text and "In the base model" in text


def test_difference_is_held_against_random_directions():
    nothing = sentences.difference(comparison(), comparison(0.01, 0.3))
    assert "**no change**" in nothing
    assert "A change does not show" in sentences.difference(
        comparison(0.01, 0.3), comparison(0.01, 0.3)
    )
    words = sentences.difference(comparison(-0.1, 1e-6), comparison(0.01, 0.3))
    assert "The change is one of the words" in words and "-10.0 [-12.0, -8.0]" in words
    real = sentences.difference(comparison(-0.1, 1e-6), comparison(-0.1, 1e-6))
    assert "A change of the concepts shows" in real and "no change shows beyond that" in real
    level = comparison(0.05, 1e-6, what="syntax")
    assert "shows for syntax (5.0" in sentences.difference(level, level)


ROTATED = {
    "value": 40.0, "control": 30.0, "control_low": 28.0, "control_high": 32.0, "cosine": 0.5,
    "control_cosine": 0.6, "draws": 39, "p": 0.05,
}  # fmt: skip
CEILING = pd.DataFrame([{"value": 74.0, "low": 73.0, "high": 75.0}])


def test_rotation_is_held_against_a_random_change():
    assert "more than a random change" in sentences.rotation(ROTATED, CEILING, 20)
    assert "spared them" in sentences.rotation(ROTATED | {"value": 20.0}, CEILING, 20)
    same = sentences.rotation(ROTATED | {"p": 0.4}, CEILING, 20)
    assert "no more than any change of its size" in same and "74.0 [73.0, 75.0]" in same
    assert "nothing rotated" in sentences.rotation(ROTATED | {"value": 1e-6}, CEILING, 20)


def test_placebo_and_its_absence():
    test = {"value": 5.0, "low": 2.0, "high": 8.0, "p": 0.01, "placebo": 30.0, "networks": 4}
    assert "more than plain documents" in sentences.placebo(test)
    assert "does not show" in sentences.placebo(test | {"p": 0.4})
    less = sentences.placebo(test | {"value": -5.0, "low": -8.0, "high": -2.0})
    assert "less than plain documents" in less
    assert "no placebo of this pair" in sentences.placebo(None)


def test_matches_and_ends():
    table = pd.DataFrame({"layer": [0, 1], "component": [0, 4], "cosine": [0.4, 0.95]})
    assert "50% of the 2 components" in sentences.matches(table)
    assert "component 4 of layer 1 (cosine 0.95)" in sentences.matches(table)
    assert "layer 1, expert 3" in sentences.matches(table.assign(expert=3))
    assert "nothing rotated" in sentences.matches(table.assign(cosine=1.0))
    assert "does not show" in sentences.ends(comparison(), comparison(0.01, 0.5))
    assert "Taken apart, ends mean more" in sentences.ends(comparison(), comparison(0.1, 0.001))


@pytest.fixture(scope="module", params=["llama", "mixtral"])
def made(request, load):
    """Everything that the pictures need, from a tiny model."""
    model, words = (
        load(request.param),
        ["sky", "pear", "apple", "fig", "cat", "mat", "rain", "line"],
    )
    lexicon = sn.shift.Lexicon(words, least=1, alpha=1.0)
    random = sn.shift.shuffled_weights(model)
    named = sn.shift.annotate(sn.shift.ffn_concepts(model, words), lexicon)
    control = sn.shift.annotate(sn.shift.ffn_concepts(model, words, weights=random), lexicon)
    return model, random, {"base": named, "tuned": named, "base, random directions": control}


def test_pictures_of_variance_and_shares(made):
    model, random, named = made
    explained = {"base": sn.shift.explained_variance(model)}
    explained |= {"tuned": explained["base"]}
    explained |= {"random directions": sn.shift.explained_variance(model, weights=random)}
    halves = {name: sn.shift.half_variance(table) for name, table in explained.items()}
    left, right = plots.variance(explained, halves).axes
    assert len(left.lines) == len(right.lines) == 3
    np.testing.assert_allclose(
        explained["base"]
        .groupby([k for k in ("layer", "expert") if k in explained["base"]])["explained"]
        .sum(),
        1,
    )
    (axes,) = plots.shares({n: sn.shift.concept_shares(t) for n, t in named.items()}).axes
    assert [t.get_text() for t in axes.get_xticklabels()] == list(WHAT)
    (axes,) = plots.shares_by_strength(
        {n: sn.shift.shares_by_strength(t) for n, t in named.items()}
    ).axes
    assert axes.get_xticklabels()[0].get_text() == "0 to 9"
    by_layer = {n: sn.shift.concept_shares(t, ["layer"]) for n, t in named.items()}
    assert len(plots.shares_by_layer(by_layer, ("explained", "syntax")).axes) == 2


def test_picture_of_rotation(made):
    model = made[0]
    angles = {
        "tuned": sn.shift.rotation(model, model, 4),
        "placebo": sn.shift.rotation(model, model, 4),
        "random change": sn.shift.random_change(model, model, 4, 2),
        "random subspaces": sn.shift.random_subspaces(32, 4, 3),
    }
    layers = {n: sn.shift.mean_rotation(t, ["layer"]) for n, t in angles.items() if "layer" in t}
    ceiling = sn.shift.mean_rotation(angles["random subspaces"].assign(all=0), ["all"])
    by_angle = {n: sn.shift.mean_rotation(t, ["component"]) for n, t in angles.items()}
    left, right = plots.rotation({**layers, "random subspaces": ceiling}, by_angle, 4).axes
    assert len(left.lines) == len(right.lines) == 4


def test_words_of_a_table_are_shown_as_text():
    concepts = pd.DataFrame(
        {"layer": 0, "component": 0, "explained": 0.5, "word": ["<script>", "&"], "rank": [1, 2]}
    )
    html = text_table(sn.shift.component_words(concepts))
    assert "<script> &<" in unescape(html) and "<script>" not in html
