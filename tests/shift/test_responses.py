"""Base against tuned model on the same responses."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import sparcom_nb as sn


@pytest.fixture(scope="module")
def found(load, rows):
    return sn.shift.response_attributions(load("llama"), rows.iloc[:8])


def test_the_mask_is_the_instruction(found, rows):
    for one, row in zip(found, rows.to_dict("records"), strict=False):
        text = "".join(one["input_token"].to_numpy()[one["mask"].to_numpy()])
        assert text == row["instruction"]
        assert "".join(one["output_token"].to_numpy()) == row["response"]


def test_scores_equal_the_parts(found, rows):
    data = rows.iloc[:8]
    scores = sn.shift.instruction_scores(found, data, b=3)
    for one, score in zip(found, scores, strict=True):
        density = sn.shift.importance_density(one, 3)
        assert float(score) == sn.shift.instruction_score(density, one["mask"])
    assert scores["instruction"].to_numpy().tolist() == data["id"].tolist()
    assert scores["n_tokens"].to_numpy().tolist() == [one.sizes["output"] for one in found]
    rest = sn.shift.instruction_scores(found, data, b=3, rest=True)
    other = sn.shift.instruction_score(sn.shift.importance_density(found[0], 3), ~found[0]["mask"])
    assert float(rest[0]) == other


def test_a_length_cuts_and_drops(found, rows):
    longest = max(one.sizes["output"] for one in found)
    scores = sn.shift.instruction_scores(found, rows.iloc[:8], length=longest)
    kept = [one for one in found if one.sizes["output"] == longest]
    assert len(scores) == len(kept) < 8 and (scores["n_tokens"] == longest).all()


def made(values, n_subtypes=5):
    n = len(values)
    coords = {
        "instruction": [f"r{k}" for k in range(n)],
        "category": ("instruction", np.array(["CLS", "QA"])[np.arange(n) % 2]),
        "subtype": ("instruction", [f"s{k // 2 % n_subtypes}" for k in range(n)]),
    }
    return xr.DataArray(np.asarray(values, dtype=float), coords, "instruction")


def test_a_shift_that_is_there_is_found_and_none_where_there_is_none():
    rng = np.random.default_rng(0)
    base = rng.random(80)
    up = sn.shift.score_shift(made(base), made(base + 0.2 + 0.1 * rng.random(80)))
    assert up["category"].tolist() == ["CLS", "QA", "all"] and up["n"].tolist() == [40, 40, 80]
    assert (up["low"] > 0.2).all() and up["p"].iloc[-1] == 0.005
    flat = sn.shift.score_shift(made(base), made(base + rng.normal(size=80)))
    assert flat["low"].iloc[-1] < 0 < flat["high"].iloc[-1] and flat["p"].iloc[-1] > 0.05
    same = sn.shift.score_shift(made(base), made(base))
    assert (same["value"] == 0).all() and (same["p"] == 1).all()


def test_values_are_means_over_categories():
    base, tuned = made(np.arange(20)), made(np.arange(20) ** 1.5)
    found = sn.shift.score_shift(base, tuned).set_index("category")
    table = pd.DataFrame({"c": base["category"], "d": (tuned - base).to_numpy()})
    means = table.groupby("c")["d"].mean()
    assert found.loc["CLS", "value"] == pytest.approx(means["CLS"])
    assert found.loc["all", "value"] == pytest.approx(means.mean())


def test_sensitivity_holds_every_choice(found, rows):
    table = sn.shift.shift_sensitivity(found, found, rows.iloc[:8], 2, draws=9)
    assert table["choice"].is_unique and len(table) == 7
    assert (table["value"] == 0).all() and table["n"].iloc[0] == 8


def test_word_density():
    density = xr.DataArray(
        [0.1, 0.5, 0.2, 0.0, 0.9],
        {"input_token": ("input", ["Sa", "y", " yes", "\n", "now"])},
        "input",
    )
    table = sn.shift.word_density(density)
    assert table["word"].tolist() == ["Say", "yes", "now"]
    assert table["density"].tolist() == [0.5, 0.2, 0.9] and table["tokens"].tolist() == [2, 1, 1]
