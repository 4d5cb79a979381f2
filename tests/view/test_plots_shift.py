"""Pictures of behaviour shift take whatever a study leaves: one row, unknown ends, missing arms."""

import numpy as np
import pandas as pd
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.view.plots import attention, attribution, concepts
from sparcom_nb.view.plots.common import ladder
from sparcom_nb.view.tables import text_table


def test_a_ladder_has_a_line_a_row_and_takes_unknown_and_negative_ends():
    table = pd.DataFrame({"of": ["QA", "all"], "mean": [-0.1, np.nan], "low": np.nan, "high": 0.2})
    (axes,) = ladder(table, "of", "x", "title").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["QA", "all"]
    assert axes.get_xlim()[0] < -0.1
    ladder(table.iloc[:0], "of", "x", "title")


def test_tokens_are_drawn_as_text():
    density = xr.DataArray([0.1, 1.0], {"input_token": ("input", ["$x$", "\n"])}, "input")
    (axes,) = attribution.densities({"base": density, "tuned": density}).axes
    assert len(axes.lines) == 2
    axes.figure.canvas.draw()


def test_overlap_and_verbs_without_a_placebo_or_a_verb():
    heads = pd.DataFrame(
        {"layer": [0, 1], "head": 0, "tuned: same head": 0.5, "tuned: other heads": 0.2}
    )
    (axes,) = attention.overlap_by_head(heads).axes
    assert len(axes.collections) == 2
    table = pd.DataFrame(columns=["layers", "instruction", "mean", "low", "high", "n"])
    attention.verb_shift(table)
    one = {
        "layers": "all",
        "instruction": True,
        "mean": 0.5,
        "low": np.nan,
        "high": np.nan,
        "n": 1,
    }
    attention.verb_shift(pd.DataFrame([one]))


def test_rotation_has_a_line_for_every_change():
    angles = pd.DataFrame(
        {"change": ["tuned", "random change"], "layer": 0, "value": 9.0, "low": 8.0, "high": 10}
    )
    left, right = concepts.rotation(angles, angles.rename(columns={"layer": "component"}), 1).axes
    assert len(left.lines) == len(right.lines) == 2


def test_words_of_a_table_are_shown_as_text():
    words = pd.DataFrame(
        {"layer": 0, "component": 0, "explained": 0.5, "word": ["<script>", "&"], "rank": [1, 2]}
    )
    assert "<script>" not in text_table(sn.shift.component_words(words))
