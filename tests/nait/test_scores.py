"""Scores: the sum of products by hand, the same for any batch; combination and selection."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from scipy.stats import rankdata

from sparcom_nb.errors import InputError
from sparcom_nb.model import capture as capture_module
from sparcom_nb.model import taps
from sparcom_nb.nait import (
    alignment_score,
    capability_direction,
    combine,
    sample_activations,
    select,
)
from sparcom_nb.nait import readout as readout_module
from sparcom_nb.nait import scores as scores_module
from sparcom_nb.nait.baselines import baseline_score
from sparcom_nb.nait.scores import layer_scores, length_correlation, standardised

NAMES = ["llama", "qwen2", "gpt2", "mixtral", "qwen3_mixed"]


@pytest.fixture(scope="module")
def directions(load, rows):
    """Directions of a model by two methods, read alike; and alone, read otherwise."""

    def made(name, dtype="float64"):
        model, maths, qa = load(name, dtype), *(rows[rows["category"] == c] for c in ("MATH", "QA"))
        return {
            "maths": capability_direction(model, maths, skip=1, show_progress=False),
            "qa": capability_direction(model, qa, "contrast", rows, skip=1, show_progress=False),
        }

    return made


def table(model, rows, given, **options):
    """Scores by id, columns (candidate, direction)."""
    found = scores_module.summed(layer_scores(model, rows, given, **options))
    ids = pd.Index(found["instruction"].to_numpy().astype(object), name="id")
    columns = pd.MultiIndex.from_product([["mean", "drift"], list(given)])
    return pd.DataFrame(found.to_numpy().reshape(len(ids), -1), ids, columns)


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_sums_of_products(name, directions, load, rows):
    model, given = load(name), directions(name)
    found = table(model, rows, given)
    other = {
        key: capability_direction(model, rows, **how)
        for key, how in {"gate": {"site": "gate"}, "later": {"skip": 3}}.items()
    }
    for key, one in (given | other).items():
        own = sample_activations(model, rows, site=one.site, skip=one.skip)
        for candidate in ("mean", "drift"):
            a = own.sel(candidate=candidate).to_numpy().reshape(len(rows), -1).astype(float)
            expected = a @ one.vectors.to_numpy().ravel()
            alone = alignment_score(model, rows, one, candidate)
            np.testing.assert_allclose(alone, expected, rtol=1e-5, atol=1e-5)
            if key in given:
                np.testing.assert_allclose(found[candidate, key], alone, rtol=1e-9, atol=1e-12)
    assert alone.index.name == "id" and alone.attrs.keys() == {"length_correlation"}


@pytest.mark.parametrize("name", ["llama", "qwen3_mixed"])
def test_standardised_layers_are_equal_before_they_are_summed(name, directions, load, rows):
    model = load(name)
    for key, one in directions(name).items():
        found = alignment_score(model, rows, one, standardise=True)
        own = sample_activations(model, rows, site=one.site, skip=one.skip).sel(candidate="mean")
        expected = np.zeros(len(rows))
        for layer in one.vectors["layer"].to_numpy():
            products = [float((own[n].sel(layer=layer) * one.vectors.sel(layer=layer)).sum())
                        for n in range(len(rows))]  # fmt: skip
            expected += (products - np.mean(products)) / np.std(products)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=key)


def test_a_layer_without_spread_says_nothing_and_others_are_measured_by_the_pool():
    values = np.array([[1.0, 5, 0], [3, 5, 4]])
    layers = xr.DataArray(values, dims=("instruction", "layer"))
    np.testing.assert_allclose(standardised(layers), [[-1, 0, -1], [1, 0, 1]])
    held = xr.DataArray([[4.0, 6, 2]], dims=("instruction", "layer"))
    np.testing.assert_allclose(standardised(held, layers), [[2, 0, 0]])
    lost = xr.DataArray([[np.nan, 5, 0], [3, 5, 4]], dims=("instruction", "layer"))
    assert np.isnan(scores_module.summed(standardised(lost))).all()
    assert np.isnan(scores_module.summed(lost)).to_numpy().tolist() == [True, False]


def softmax_in_its_own_type(values, dim, dtype=None):
    """The softmax of attention; transformers asks for 32 bits, whatever the model has."""
    return torch.softmax(values, dim)


def largest_change(model, rows, given):
    """What other batches, orders and padding change, relative to the largest score."""
    found = table(model, rows, given)
    changes = [table(model, rows.iloc[[4]], given) - found.loc[["r4"]]]
    for n, budget, side in [
        (1, 60, "right"),
        (2, 130, "left"),
        (3, 400, "right"),
        (4, 20_000, "left"),
    ]:
        shuffled = rows.sample(frac=1, random_state=n)
        again = table(model, shuffled, given, batch_tokens=budget, padding_side=side)
        assert list(again.index) == list(shuffled["id"])
        changes.append(again.loc[found.index] - found)
    return (pd.concat(changes).abs() / found.abs().max()).to_numpy().max()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("dtype", "close"), [("float64", 1e-11), ("float32", 1e-5)])
def test_scores_do_not_depend_on_batch_order_or_padding(
    name, dtype, close, directions, load, rows, monkeypatch
):
    """In 32 bits the sum of a softmax depends in its last digit on the length of the padded row.

    That is all that batches change: with the softmax in the model's own type nothing is left.
    """
    monkeypatch.setattr(torch.nn.functional, "softmax", softmax_in_its_own_type)
    assert largest_change(load(name, dtype), rows, directions(name, dtype)) <= close


def pads_that_count(real):
    return lambda counted, *a: real(counted | True, *a)


def pads_that_are_seen(real):
    return lambda *a: {}


@pytest.mark.parametrize(
    ("module", "function", "broken"),
    [
        (readout_module, "token_weights", pads_that_count),
        (taps, "left_padding", pads_that_are_seen),
    ],
)
def test_the_comparison_catches_padding(
    module, function, broken, directions, load, rows, monkeypatch
):
    given = directions("llama", "float32")
    monkeypatch.setattr(module, function, broken(getattr(module, function)))
    assert largest_change(load("llama", "float32"), rows, given) > 1e-2


def test_the_length_correlation_is_reported(directions, load, rows):
    values = alignment_score(load("gpt2"), rows, directions("gpt2")["maths"])
    lengths = baseline_score("length", load("gpt2"), rows)
    told = values.attrs["length_correlation"]
    assert told["pearson"] == pytest.approx(np.corrcoef(values, lengths)[0, 1])
    ranks = np.corrcoef(rankdata(values), rankdata(lengths))[0, 1]
    assert told["spearman"] == pytest.approx(ranks)
    constant = pd.Series(1.0, lengths.index)
    assert np.isnan(length_correlation(constant, lengths)["spearman"])


def test_an_interrupted_scoring_goes_on(directions, load, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(capture_module, "_BLOCK_ROWS", 5)
    model, given = load("llama"), directions("llama")
    expected = table(model, rows, given)
    real, ran = capture_module._run, []

    def dies(*arguments):
        if len(ran) > 12:
            raise KeyboardInterrupt
        ran.extend(prompt.id for prompt in arguments[1])
        return real(*arguments)

    store = tmp_path / "s.zarr"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(capture_module, "_run", dies)
        table(model, rows, given, store=store)
    ran.clear()
    monkeypatch.setattr(
        capture_module, "_run", lambda *a: (ran.extend(p.id for p in a[1]), real(*a))[1]
    )
    resumed = table(model, rows, given, store=store)
    assert 0 < len(ran) < len(rows)
    pd.testing.assert_frame_equal(resumed, expected)
    ran.clear()
    table(model, rows, given, store=store)
    assert not ran
    changed = rows.assign(response=[*rows["response"][:-1], "no"])
    for data, wanted in [(rows, {"qa": given["qa"]}), (changed, given)]:
        with pytest.raises(InputError, match="of other inputs"):
            table(model, data, wanted, store=store)


def test_wrong_use_is_said(directions, load, rows):
    model, given = load("llama"), directions("llama")
    with pytest.raises(InputError, match="no direction"):
        layer_scores(model, rows, {})
    with pytest.raises(InputError, match="unknown candidate 'sum'; use"):
        alignment_score(model, rows, given["qa"], candidate="sum")
    for how, said in (
        ({"span": "response"}, "span response and sample"),
        ({"skip": 3}, "skip 1 and 3"),
    ):
        other = capability_direction(model, rows, **({"skip": 1} | how))
        with pytest.raises(
            InputError, match=f"directions of {said} are read in passes of their own"
        ):
            layer_scores(model, rows, {**given, "other": other})


def test_rows_without_a_category_can_be_scored(directions, load, rows):
    given = directions("llama")["qa"]
    expected = alignment_score(load("llama"), rows, given)
    found = alignment_score(load("llama"), rows.assign(category=""), given)
    pd.testing.assert_series_equal(found, expected)


def test_combined_is_the_mean_of_standardised_scores():
    scores = pd.DataFrame({"a": [1.0, 2, 3], "b": [30.0, 10, 20], "flat": [5.0, 5, 5]})
    found = combine(scores)
    z = np.sqrt(1.5)
    np.testing.assert_allclose(found, [0, (0 - z) / 3, (z + 0) / 3], atol=1e-12)


def test_select_takes_the_best_and_keeps_the_order_of_ties():
    scores = pd.Series([1.0, 3, 2, 3, 0, 2, 2, 2, 2, 2], list("abcdefghij"))
    assert list(select(scores, 0.1)) == ["b"]
    assert list(select(scores, 0.5)) == ["b", "d", "c", "f", "g"]
    assert list(select(-scores, 0.2)) == ["e", "a"]
    assert list(select(scores, 1)) == ["b", "d", "c", "f", "g", "h", "i", "j", "a", "e"]
    assert list(select(scores, 0.001)) == ["b"]


@pytest.mark.parametrize(
    ("scores", "ratio", "message"),
    [
        ({"a": 1.0}, 0, "ratio must be above 0 and at most 1, not 0"),
        ({"a": 1.0}, 1.5, "not 1.5"),
        ({}, 0.5, "no scores"),
        ({"a": 1.0, "b": float("nan")}, 0.5, "row 'b' has no score"),
    ],
)
def test_select_says_what_is_wrong(scores, ratio, message):
    with pytest.raises(InputError, match=message):
        select(pd.Series(scores, dtype=float), ratio)
    with pytest.raises(InputError, match="id 'a' has several"):
        select(pd.Series([1.0, 2.0], ["a", "a"]), 0.5)
