"""What the pictures and sentences of the synthesis make of numbers, also where there is nothing."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sparcom_nb.view.plots import synthesis as plots
from sparcom_nb.view.sentences import synthesis as sentences

SHOWS = {"own": 0.3, "other": 0.1, "value": 0.2, "low": 0.1, "high": 0.3, "null_mean": 0.01,
         "null_low": -0.05, "null_high": 0.06, "p": 0.01}  # fmt: skip
NOT = SHOWS | {"value": 0.01, "low": -0.1, "high": 0.1, "p": 0.6}
ANY = SHOWS | {"null_mean": 0.19, "p": 0.7}
LESS = SHOWS | {"value": -0.2, "low": -0.3, "high": -0.1, "p": 0.01}
NONE = dict.fromkeys(SHOWS, np.nan)
TEST = {"value": 0.2, "low": 0.1, "high": 0.3, "p": 0.01, "sets": 3}


def loaded(row):
    keys = [(m, c) for m in ("pc1", "contrast") for c in ("random", "others")]
    return pd.DataFrame([{"method": m, "control": c} | row for m, c in keys])


def turned(row, names=("tuned", "placebo", "tuned beyond placebo")):
    keys = [(name, m) for name in names for m in ("rotation", "change")]
    return pd.DataFrame([{"comparison": name, "measure": m} | row for name, m in keys])


def effects(own=0.2, p=0.01, low=0.1, size=20.0):
    row = {"category": "all", "size": size, "loss": -0.5, "own": own, "own_low": low,
           "own_high": own + 0.1, "random": 0.0, "others": 0.01, "minus_random": own,
           "minus_random_low": low, "minus_random_high": own + 0.1, "p": p}  # fmt: skip
    return pd.DataFrame([row | {"category": "QA"}, row])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (SHOWS, "shows"),
        (NOT, "does not show"),
        (ANY, "does not show: sets of permuted labels do as well"),
        (LESS, "does not show; the opposite does"),
        (NONE, "cannot be told"),
    ],
)
def test_verdict(row, said):
    assert sentences.verdict(row) == said
    text = sentences.loading(loaded(row))
    assert "nan" not in text
    assert text.count(f"more than these {said}.**") == (0 if row is NONE else 4)


def test_rotated_names_its_control():
    text = sentences.rotated(turned(SHOWS))
    assert (
        text.count("**An excess shows.**") == 6
        and "0.300 for tuning, 0.100 for the placebo" in text
    )
    assert "There is no placebo of this pair here" in sentences.rotated(turned(NOT, ("tuned",)))
    assert sentences.rotated(turned(NONE)).startswith("**Nothing turned")
    half = turned(SHOWS)
    half.loc[2, list(NONE)] = np.nan
    assert "nan" not in sentences.rotated(half)


def test_density():
    text = sentences.density(effects(), TEST, TEST | {"p": 0.4, "low": -0.1}, 0.99)
    assert "score falls more than with random sets shows.**" in text
    assert "belongs to the category shows.**" in text
    assert "**a fall beyond the harm does not show.**" in text
    assert "score is 0.500" in text
    text = sentences.density(effects(0.0, 0.5, -0.1), *[TEST | {"p": 0.4, "low": -0.1}] * 2, 0.99)
    assert text.count("does not show") == 3
    text = sentences.density(effects(), TEST, TEST, 0.8)
    assert "random sets is no evidence: the random sets have only 80% of the frequency" in text
    few = TEST | {"low": np.nan, "high": np.nan}
    text = sentences.density(effects(), few, few, 0.99)
    assert text.count("too few rows for an interval") == text.count("cannot be told") == 2
    assert "nan" not in text
    empty = sentences.density(effects(size=0.0), TEST, TEST, 0.99)
    assert empty.startswith("**There is nothing to switch off")
    assert "raises the loss by 0.20" in sentences.harm(effects())


def test_balance():
    def of(frequency):
        values = [[20.0, 20.0], [0.8, frequency]]
        return xr.DataArray(
            values, {"feature": ["size", "frequency"], "of": ["set", "random"]}, ("feature", "of")
        )

    assert "The match holds." in sentences.balance(of(0.79))
    assert "falls short in frequency" in sentences.balance(of(0.6))
    assert "empty" in sentences.balance(of(0.6) * 0)


def test_answers_and_conclusion():
    table = sentences.answers(
        loaded(SHOWS), turned(NOT), effects(), TEST, TEST | {"p": 0.4, "low": -1}, 0.99
    )
    assert table["question"].value_counts().tolist() == [6, 4, 3]
    assert table["shows"].eq("shows").sum() == 6
    text = sentences.conclusion(table)
    assert "**directions**: 4 of 4" in text and "**concepts**: 0 of 6 comparisons show." in text
    assert "**attribution**: 2 of 3" in text and "0.7 would show by chance" in text
    nothing = sentences.answers(
        loaded(NOT), turned(NOT), effects(0, 0.5, -0.1), *[TEST | {"p": 0.4, "low": -1}] * 2, 0.99
    )
    assert "shows" not in set(nothing["shows"])


def test_pictures():
    names = ["CLS", "QA"]
    shares = xr.Dataset(
        {"share": (("form", "set", "direction"), np.full((2, 2, 2), 0.1)),
         "random": (("form", "direction"), np.full((2, 2), 0.05))},
        {"form": ["pc1", "contrast"], "set": names, "direction": names},
    )  # fmt: skip
    assert [axes.get_title(loc="left") for axes in plots.loading(shares).axes] == [
        "pc1",
        "contrast",
    ]
    assert plots.loading_matrix(shares, "pc1").axes[0].get_xlabel() == "direction of"
    fig = plots.gaps(turned(NONE), ["a"] * 6, "title", "x")
    assert fig.axes[0].get_title(loc="left") == "title"
    part = pd.DataFrame(
        {"network": [0, 0], "component": [0, 1], "angle": [1, 2], "share": [0.1, 0.2]}
    )
    assert len(plots.concepts(part, part, "t").axes[0].lines) == 2
    assert len(plots.effects(effects(), effects()).axes) == 2
    each = pd.DataFrame({"kind": ["own", "random"], "fall": [0.1, 0.0], "harm": [1.0, 0.0]})
    labels = plots.falls(each, "t").axes[0].get_legend_handles_labels()[1]
    assert labels == ["random set off", "other set off", "own set off"]
