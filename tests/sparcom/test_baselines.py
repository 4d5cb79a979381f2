"""Baselines against loops over single components."""

import math

import numpy as np
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.baselines import entropy

CATEGORIES = ("CLS", "QA", "SUM")


@pytest.fixture(params=[(4, 50), (2, 3, 40), (6, 16)], ids=["dense", "moe", "experts"])
def values(request):
    """30 instructions of three categories; half of the components prefer one of them."""
    shape = request.param
    rng = np.random.default_rng(0)
    category = np.repeat(CATEGORIES, 10)
    likely = rng.random(shape) * 0.3 + np.zeros((30, *shape))
    preferred = rng.integers(0, 6, shape)
    for n, name in enumerate(CATEGORIES):
        likely[category == name] += 0.6 * (preferred == n)
    array = (rng.binomial(12, likely) / 12).astype(np.float32)
    array[..., 0] = 0
    dims = ("layer", "expert", "neuron") if len(shape) == 3 else ("layer", "neuron")
    return xr.DataArray(
        array, dims=("instruction", *dims), coords={"category": ("instruction", category)}
    )


def plain_means(values):
    """Category means [category][component], the components in one row."""
    flat, category = values.to_numpy().reshape(30, -1).astype(float), values["category"].to_numpy()
    return [flat[category == name].mean(axis=0) for name in CATEGORIES]


def plain_lape(values, top, quantile):
    """Language activation probability entropy, a component at a time."""
    means = plain_means(values)
    bar = np.quantile(np.concatenate(means), quantile)
    entropies = []
    for column in zip(*means, strict=True):
        total = sum(column)
        parts = [p / total for p in column if p > 0] if total else []
        found = -sum(p * math.log(p) for p in parts)
        entropies.append(found if max(column) > bar else math.inf)
    wanted = max(1, round(top * len(entropies)))
    cut = sorted(entropies)[wanted - 1]
    return [
        [m > bar and e <= cut + 1e-6 for m, e in zip(row, entropies, strict=True)] for row in means
    ]


def plain_contrast(values, top):
    means = plain_means(values)
    sets = []
    for n, row in enumerate(means):
        others = [m for k, m in enumerate(means) if k != n]
        gaps = [p - max(m[i] for m in others) for i, p in enumerate(row)]
        cut = sorted(gaps, reverse=True)[max(1, round(top * len(gaps))) - 1]
        sets.append([gap >= cut and gap > 0 for gap in gaps])
    return sets


@pytest.mark.parametrize(("top", "quantile"), [(0.05, 0.95), (0.2, 0.5), (0.3, 0.0)])
def test_lape_is_the_lowest_entropy_above_the_bar(values, top, quantile):
    found = sn.sparcom.lape(values, top, quantile)
    assert found.dims == ("category", *values.dims[1:]) and found.dtype == bool
    assert list(found["category"].to_numpy()) == list(CATEGORIES)
    np.testing.assert_array_equal(
        found.to_numpy().reshape(3, -1), plain_lape(values, top, quantile)
    )
    assert found.any()


@pytest.mark.parametrize("top", [0.02, 0.2, 1.0])
def test_contrast_is_the_gap_to_the_best_other(values, top):
    found = sn.sparcom.contrast(values, top)
    assert found.dims == ("category", *values.dims[1:]) and found.dtype == bool
    np.testing.assert_array_equal(found.to_numpy().reshape(3, -1), plain_contrast(values, top))
    assert (found.sum("category") <= 1).all()


def test_the_twins_see_a_broken_version(values):
    """The mean of the others instead of the best, and entropy of another distribution."""
    means = sn.sparcom.category_means(values)
    rest = xr.concat(
        [means.drop_sel(category=c).mean("category") for c in CATEGORIES], means["category"]
    )
    wrong = sn.sparcom.specific((1 + means - rest) / 2, top=0.2).to_numpy().reshape(3, -1)
    assert (wrong != np.array(plain_contrast(values, 0.2))).any()
    squared = sn.sparcom.lape(values**2, 0.2, 0.5).to_numpy().reshape(3, -1)
    assert (squared != np.array(plain_lape(values, 0.2, 0.5))).any()


def test_entropy_at_its_ends():
    means = xr.DataArray([[0.5, 0.2, 0.0], [0.0, 0.2, 0.0]], dims=("category", "neuron"))
    np.testing.assert_allclose(entropy(means), [0, math.log(2), np.nan])


def test_ties_are_all_in():
    """Two components with entropy zero and room for one."""
    array = np.zeros((4, 1, 10), np.float32)
    array[:2, 0, :2] = 0.5
    array[:, 0, 5] = 0.4
    tied = xr.DataArray(
        array,
        dims=("instruction", "layer", "neuron"),
        coords={"category": ("instruction", ["CLS", "CLS", "QA", "QA"])},
    )
    for found in (sn.sparcom.lape(tied, 0.1, 0.5), sn.sparcom.contrast(tied, 0.1)):
        assert found.to_numpy()[0, 0].nonzero()[0].tolist() == [0, 1] and not found[1].any()


def test_lazy_values_give_the_same(values):
    lazy = values.chunk({"instruction": 7})
    xr.testing.assert_equal(sn.sparcom.lape(lazy, 0.2), sn.sparcom.lape(values, 0.2))
    xr.testing.assert_equal(sn.sparcom.contrast(lazy), sn.sparcom.contrast(values))


def test_random_sets_have_the_size_and_nothing_else(values):
    sets = sn.sparcom.contrast(values, 0.2)
    sets = sets.transpose(*sets.dims[::-1]).copy().transpose(*sets.dims)  # another order in memory
    inner = sets.dims[1:]
    draws = [sn.sparcom.random_sets(sets, seed) for seed in range(60)]
    for drawn in draws:
        np.testing.assert_array_equal(drawn.sum(inner), sets.sum(inner))
    assert not (draws[0] == draws[1]).all()
    xr.testing.assert_equal(draws[0], sn.sparcom.random_sets(sets, 0))
    everywhere = np.mean([d.to_numpy() for d in draws], axis=0)
    expected = (sets.sum(inner) / sets[0].size).to_numpy()
    np.testing.assert_allclose(everywhere[sets.to_numpy()].mean(), expected.mean(), atol=0.05)


def test_one_category_cannot_be_contrasted(values):
    with pytest.raises(InputError, match="only category CLS"):
        sn.sparcom.contrast(values[:10])
