"""What notebook 22 says and shows, also where there is nothing to see."""

import numpy as np
import pandas as pd
import pytest

from sparcom_nb.view.plots import attention as plots
from sparcom_nb.view.sentences import attention as sentences

ROW = {
    "layers": "all", "n": 30, "share": 0.7, "low": 0.6, "high": 0.8, "std": 0.2,
    "general_n": 150, "general_share": 0.5, "general_low": 0.45, "general_high": 0.55,
    "general_std": 0.2, "t": 4.0, "p": 0.0004, "p_half": 0.001, "p_permuted": 0.0005,
}  # fmt: skip
NONE = ROW | {key: np.nan for key in ROW if key not in ("layers", "n", "general_n")}
NONE |= {"n": 0, "general_n": 0}


def table(*rows):
    return pd.DataFrame([*rows])


def test_verb_shift_is_said_only_when_both_tests_agree():
    quarter = ROW | {"layers": "0-7"}
    text = sentences.verb_shift(table(quarter, ROW), 34)
    assert "Heads turned towards instruction verbs" in text
    assert "34 are in the vocabulary, and 30" in text and "1 differ: layers 0-7" in text
    away = sentences.verb_shift(table(ROW | {"share": 0.3, "low": 0.2, "high": 0.4}), 34)
    assert "Heads turned away from instruction verbs" in away
    for weak in ({"p_permuted": 0.2}, {"p": 0.2}):
        text = sentences.verb_shift(table(quarter | weak, ROW | weak), 34)
        assert "beyond other verbs does not show" in text and "0 differ." in text


def test_verb_shift_with_nothing_to_see():
    text = sentences.verb_shift(table(NONE | {"layers": "0"}, NONE), 34)
    assert "there is no shift to see" in text
    single = NONE | {"n": 1, "share": 1.0, "general_n": 3, "general_share": 0.5}
    text = sentences.verb_shift(table(NONE | {"layers": "0"}, single), 1)
    assert "too few verbs" in text and "nan" not in text


def test_relatedness():
    ratio = {"value": 1.2, "low": 1.1, "high": 1.3, "n": 16}
    assert "does not show" in sentences.relatedness({"base": ratio | {"low": 0.9}})
    text = sentences.relatedness({"base": ratio, "tuned": ratio | {"low": 0.9}})
    assert "shows** (base)." in text and "1.20 [1.10, 1.30]" in text
    assert "shows** (base, tuned)." in sentences.directions({"base": ratio, "tuned": ratio})
    assert "does not show.**" in sentences.directions({"base": ratio | {"low": 0.9}})


def test_overlap():
    own = {"value": 0.5, "low": 0.45, "high": 0.55, "n": 16}
    other = {"value": 0.2, "low": 0.15, "high": 0.25, "n": 16}
    text = sentences.overlap(own, other, None)
    assert "Heads keep a part" in text and "There is no placebo" in text
    assert "does not show: other heads are as close" in sentences.overlap(other, own, None)
    less = {"value": 0.1, "low": 0.05, "high": 0.15, "n": 16}
    assert "changed more pairs than plain training" in sentences.overlap(own, other, less)
    assert "does not show" in sentences.overlap(own, other, less | {"low": -0.01})
    same = sentences.overlap({"value": 1.0, "low": 1.0, "high": 1.0, "n": 16}, other, None)
    assert "Tuning changed no word pair" in same and "placebo" not in same
    assert "nothing to compare" in sentences.overlap(own | {"n": 0, "value": np.nan}, other, None)


def test_source_labels_the_substitution():
    assert "a substitution" in sentences.source("corpus", ["a"], 100)
    for other in ("glove.840B.300d.txt", {"a": [1]}):
        assert "substitution" not in sentences.source(other, ["a"], 300)


@pytest.mark.parametrize("rows", [[ROW | {"layers": "0-7"}, ROW], [NONE | {"layers": "0"}, NONE]])
def test_picture_of_verb_shift(rows):
    (axes,) = plots.verb_shift(table(*rows)).axes
    assert [t.get_text().split("\n")[0] for t in axes.get_xticklabels()] == [
        row["layers"] for row in rows
    ]


def test_pictures_by_head():
    counts = pd.DataFrame({"layer": [0, 0, 1, 1], "head": [0, 1, 0, 1], "base": [1.0, 2, 3, 4.5]})
    assert len(plots.pairs_by_head(counts.assign(tuned=0), ["base", "tuned"]).axes) == 3
    overlap = pd.DataFrame({"layer": [0, 1], "head": 0, "jaccard": [0.5, np.nan], "other": 0.1})
    (axes,) = plots.overlap_by_head({"tuned": overlap, "placebo": overlap}).axes
    assert len(axes.get_legend().get_texts()) == 4
