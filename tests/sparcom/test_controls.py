"""Matched controls and the pooled test against brute force."""

import itertools

import numpy as np
import pytest
import xarray as xr

from sparcom_nb.sparcom import imbalance, matched_sets, pooled_p


def example(seed=0, shape=(3, 40), share=0.2):
    rng = np.random.default_rng(seed)
    dims = ("layer", "neuron") if len(shape) == 2 else ("layer", "expert", "neuron")
    mask = xr.DataArray(rng.random(shape) < share, dims=dims)
    features = rng.random((2, *shape)) * np.array([1, 50]).reshape(2, *[1] * len(shape))
    names = {"feature": ["frequency", "strength"]}
    return mask, xr.DataArray(features, dims=("feature", *dims), coords=names)


@pytest.mark.parametrize("shape", [(3, 40), (2, 4, 30)])
def test_controls_have_the_size_of_the_set_in_every_layer_and_nothing_of_it(shape):
    mask, features = example(shape=shape)
    drawn = matched_sets(mask, features, draws=7)
    assert drawn.shape == (7, *shape) and drawn.dtype == bool
    inner = list(mask.dims[1:])
    assert (drawn.sum(inner) == mask.sum(inner)).all() and not (drawn & mask).any()
    assert len({one.to_numpy().tobytes() for one in drawn}) == 7


def test_with_one_to_choose_from_every_control_is_greedy_nearest():
    """One neuron in the set: its control is the nearest other, computed by hand."""
    _, features = example()
    for neuron in range(40):
        mask = xr.zeros_like(features[0], bool)
        mask[1, neuron] = True
        scaled = features[:, 1] / features[:, 1].std("neuron")
        distance = ((scaled - scaled[:, neuron]) ** 2).sum("feature").to_numpy()
        distance[neuron] = np.inf
        (control,) = matched_sets(mask, features, draws=1, nearest=1)
        assert control[1].to_numpy().nonzero()[0].tolist() == [distance.argmin()]


def test_a_set_larger_than_the_rest_of_a_layer_gets_what_is_left():
    mask, features = example(share=0.8)
    drawn = matched_sets(mask, features, draws=2)
    assert (drawn.sum("neuron") == np.minimum(mask.sum("neuron"), (~mask).sum("neuron"))).all()


def test_matching_matches():
    """Sets of frequent neurons: matched controls are closer than any set of the same size."""
    _, features = example(shape=(2, 400))
    mask = (features[0] > 0.5) & (features[0] < 0.7)
    found = imbalance(mask, matched_sets(mask, features), features)
    assert found["size"] == found["control_size"] == mask.sum()
    assert found["frequency"] == pytest.approx(float(features[0].to_numpy()[mask].mean()))
    assert abs(found["control_frequency"] - found["frequency"]) < 0.12
    assert abs(found["control_strength"] / found["strength"] - 1) < 0.1


def test_imbalance_equals_a_loop():
    mask, features = example()
    drawn = matched_sets(mask, features, draws=3)
    found = imbalance(mask, drawn, features)
    values = [features[1].to_numpy()[one] for one in drawn.to_numpy()]
    assert found["control_strength"] == pytest.approx(np.concatenate(values).mean())


@pytest.mark.parametrize("seed", range(4))
def test_pooled_p_equals_all_combinations(seed):
    rng = np.random.default_rng(seed)
    own, controls = rng.integers(0, 6, 3) + 2.0, rng.integers(0, 6, (3, 4)) * 1.0
    ranks = []
    for row in np.column_stack([own, controls]):
        ranks.append([(row < x).sum() + (1 + (row == x).sum()) / 2 for x in row])
    observed = sum(of_set[0] for of_set in ranks)
    sums = [sum(way) for way in itertools.product(*ranks)]
    assert pooled_p(own, controls) == pytest.approx(np.mean(np.array(sums) >= observed))


def test_pooled_p_of_a_set_like_its_controls_is_uniform():
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(400, 6, 21))
    p = np.array([pooled_p(one[:, 0], one[:, 1:]) for one in drawn])
    assert 0.02 < (p <= 0.05).mean() < 0.09
    assert pooled_p(np.ones(6), np.zeros((6, 20))) == pytest.approx(21.0**-6)
