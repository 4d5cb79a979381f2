"""Levels, density and score: equal to plain numpy and to the reference numbers."""

import json
import math

import numpy as np
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.shift.density import instruction_scores


def attribution(seed=0, shape=(9, 14)):
    """Values of both signs over many decades."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape) * 10.0 ** rng.integers(-9, 1, size=shape[1])
    return xr.DataArray(values.astype(np.float32), dims=("input", "output"))


def levels_twin(values, L, b, epsilon):
    made = np.zeros(values.shape, int)
    for m in range(values.shape[1]):
        column = [max(float(v), 0.0) for v in values[:, m]]
        for n, value in enumerate(column):
            level = math.ceil(L * value / (max(column) + epsilon))
            made[n, m] = level if level > b else 0
    return made


def density_twin(level, b, p, normalise):
    raw = []
    for row in level:
        kept = [int(v) for v in row if v > b]
        raw.append(sum(kept) / (sum(v**p for v in kept) ** (1 / p) + 1e-9))
    return [a / (max(raw) + 1e-9) for a in raw] if normalise else raw


@pytest.mark.parametrize(("L", "b"), [(10, 0), (10, 7), (4, 1), (255, 30)])
def test_levels(L, b):
    S = attribution()
    found = sn.shift.levels(S, L, b)
    np.testing.assert_array_equal(found, levels_twin(S.to_numpy(), L, b, 1e-7))
    assert found.dtype == np.uint8 and found.dims == S.dims


def test_a_tiny_column_tops_out_below_ten():
    S = xr.DataArray(np.array([[3e-8, 1.0], [0.0, 0.5]]), dims=("input", "output"))
    np.testing.assert_array_equal(sn.shift.levels(S), [[3, 10], [0, 5]])
    np.testing.assert_array_equal(sn.shift.levels(S, b=7), [[0, 10], [0, 0]])


@pytest.mark.parametrize("b", [0, 3, 7])
@pytest.mark.parametrize("normalise", [True, False])
def test_density(b, normalise):
    S = attribution(1)
    raw = levels_twin(S.to_numpy(), 10, b, 1e-9)
    found = sn.shift.importance_density(S, b, normalise=normalise)
    np.testing.assert_allclose(found, density_twin(raw, b, 4, normalise), rtol=1e-9)
    stored = sn.shift.levels(S)
    found = sn.shift.importance_density(stored, b, p=2, levels=True, normalise=normalise)
    np.testing.assert_allclose(found, density_twin(stored.to_numpy(), b, 2, normalise), rtol=1e-9)


def test_the_twin_tells_the_two_epsilons_apart():
    S = attribution(2) * 1e-3
    stored = density_twin(levels_twin(S.to_numpy(), 10, 7, 1e-7), 7, 4, True)
    assert not np.allclose(sn.shift.importance_density(S), stored)


def test_unnormalised_density_grows_with_the_response_and_a_length_stops_it():
    once = attribution(3)
    S = xr.concat([once] * 4, "output")
    one, four = (sn.shift.importance_density(x, normalise=False) for x in (once, S))
    np.testing.assert_allclose(four, one * 4**0.75)
    cut = sn.shift.importance_density(S, normalise=False, length=once.sizes["output"])
    np.testing.assert_allclose(cut, one)


def test_an_empty_response_scores_zero():
    S = xr.DataArray(np.zeros((4, 0), np.float32), dims=("input", "output"))
    density = sn.shift.importance_density(S)
    assert sn.shift.levels(S).shape == (4, 0) and not density.any()
    assert sn.shift.instruction_score(density, [1, 0, 0, 0]) == 0


def test_score():
    density = xr.DataArray([1.0, 0.5, 0.25], dims="input")
    assert sn.shift.instruction_score(density, [1, 0, 1]) == pytest.approx(1.25 / 2)
    assert sn.shift.instruction_score(density, [True, False, True], mean=True) == 0.625
    assert sn.shift.instruction_score(density, [0, 0, 0], mean=True) == 0
    with pytest.raises(sn.InputError, match="the mask has 2 tokens, the density 3"):
        sn.shift.instruction_score(density, [1, 0])


def test_wrong_levels_are_named():
    for how in ({"L": 0}, {"L": 300}, {"b": -1}):
        with pytest.raises(sn.InputError, match="must be"):
            sn.shift.levels(attribution(), **how)


def test_equals_the_published_code(oracle):
    pairs = json.loads((oracle / "reference/input_explain.json").read_text())["pairs"]
    arrays = np.load(oracle / "reference/input_explain.npz")
    derived = np.load(oracle / "reference/input_levels_derived.npz")
    for n in (one["pair"] for one in pairs if one["output_tokens"]):
        S = xr.DataArray(arrays[f"pair{n}/expl"], dims=("input", "output"))
        level = sn.shift.levels(S)
        np.testing.assert_array_equal(level, derived[f"pair{n}/levels_L10"])
        for b in (0, 7):
            normal = sn.shift.importance_density(S, b)
            np.testing.assert_allclose(normal, arrays[f"pair{n}/compute_density_b{b}"], atol=1e-6)
            raw = sn.shift.importance_density(level, b, levels=True, normalise=False)
            np.testing.assert_allclose(raw, arrays[f"pair{n}/attr_b{b}"], rtol=1e-6, atol=1e-6)


def test_scores_of_rows_equal_the_parts_and_a_length_leaves_short_ones_out():
    mask = np.arange(9) < 4
    several = [
        attribution(n, (9, m)).assign_coords(mask=("input", mask)) for n, m in ((0, 6), (1, 2))
    ]
    found, rest, cut = (
        instruction_scores(several, b=3, **how) for how in ({}, {"rest": True}, {"length": 3})
    )
    for n, one in enumerate(several):
        density = sn.shift.importance_density(one, 3)
        assert found[n] == sn.shift.instruction_score(density, mask)
        assert rest[n] == sn.shift.instruction_score(density, ~mask)
    first = sn.shift.importance_density(several[0][:, :3], 3)
    assert cut[0] == sn.shift.instruction_score(first, mask) and np.isnan(cut[1])
    assert np.isnan(instruction_scores([several[0][:, :0]])[0])  # no response, no score
