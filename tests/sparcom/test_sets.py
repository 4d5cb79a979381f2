"""Sets and overlaps against plain numpy, entry by entry."""

import numpy as np
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.sets import component_table


@pytest.fixture
def frequency():
    """30 instructions of three categories with three sub-types each, 4 layers of 50 neurons."""
    rng = np.random.default_rng(0)
    n_tokens = rng.integers(3, 20, 30)
    category = np.repeat(["CLS", "QA", "SUM"], 10)
    likely = rng.random((3, 4, 50))[np.repeat([0, 1, 2], 10)] * 0.7
    counts = rng.binomial(n_tokens[:, None, None], likely)
    values = (counts / n_tokens[:, None, None]).astype(np.float32)
    return xr.DataArray(
        values,
        dims=("instruction", "layer", "neuron"),
        coords={
            "instruction": [f"i{n}" for n in range(30)],
            "layer": range(4),
            "neuron": range(50),
            "category": ("instruction", category),
            "subtype": ("instruction", [f"s{n % 3}" for n in range(30)]),
            "n_tokens": ("instruction", n_tokens),
        },
    )


@pytest.mark.parametrize("top", [0.005, 0.05, 0.3, 1.0])
def test_top_share_takes_all_ties_and_no_zero(frequency, top):
    marked = sn.sparcom.specific(frequency, top=top)
    for row, mask in zip(frequency.to_numpy(), marked.to_numpy(), strict=True):
        wanted = max(1, round(top * 200))
        eps = sorted(row.ravel(), reverse=True)[wanted - 1]
        np.testing.assert_array_equal(mask, (row >= eps) & (row > 0))
    np.testing.assert_allclose(marked["share"], marked.mean(("layer", "neuron")))


def test_threshold_is_absolute(frequency):
    marked = sn.sparcom.specific(frequency, threshold=0.5)
    np.testing.assert_array_equal(marked.to_numpy(), frequency.to_numpy() >= 0.5)


def test_lazy_and_eager_agree(frequency):
    eager = sn.sparcom.specific(frequency, top=0.1)
    lazy = sn.sparcom.specific(frequency.chunk({"instruction": 7}), top=0.1)
    assert lazy.chunks is not None
    xr.testing.assert_equal(lazy.compute(), eager)
    xr.testing.assert_equal(sn.sparcom.category_sets(lazy), sn.sparcom.category_sets(eager))


def test_wrong_cuts_are_refused(frequency):
    with pytest.raises(InputError, match="not both"):
        sn.sparcom.specific(frequency, top=0.1, threshold=0.5)
    for wrong in ({"top": 0}, {"top": 1.5}, {"threshold": -1}):
        with pytest.raises(InputError, match="must be above 0 and at most 1"):
            sn.sparcom.specific(frequency, **wrong)


@pytest.mark.parametrize("agreement", [0.3, 0.5, 1.0])
def test_category_sets(frequency, agreement):
    marked = sn.sparcom.specific(frequency, top=0.2)
    sets = sn.sparcom.category_sets(marked, agreement)
    assert list(sets["category"].to_numpy()) == ["CLS", "QA", "SUM"]
    for n in range(3):
        votes = marked.to_numpy()[10 * n : 10 * n + 10].sum(axis=0)
        np.testing.assert_array_equal(sets.to_numpy()[n], votes / 10 >= agreement)


def test_generality_and_kinds(frequency):
    marked = sn.sparcom.specific(frequency, top=0.2)
    sets = sn.sparcom.category_sets(marked)
    number = sn.sparcom.generality(sets)
    np.testing.assert_array_equal(number.to_numpy(), sets.to_numpy().astype(int).sum(axis=0))
    table = component_table(marked)
    assert len(table) == int(sets.sum())
    for row in table.to_dict("records"):
        k = int(number.sel(layer=row["layer"], neuron=row["neuron"]))
        assert row["kind"] == {1: "unique", 3: "general"}.get(k, "shared")
        assert row["agreement"] >= 0.5


@pytest.mark.parametrize("kind", ["jaccard", "overlap"])
def test_overlap_of_every_pair(frequency, kind):
    marked = sn.sparcom.specific(frequency, threshold=0.6)
    marked[3] = False
    marked[4] = False
    found = sn.sparcom.overlap(marked, kind=kind)
    sets = [set(np.flatnonzero(row)) for row in marked.to_numpy().reshape(30, -1)]
    for i, a in enumerate(sets):
        for j, b in enumerate(sets):
            bottom = len(a | b) if kind == "jaccard" else min(len(a), len(b))
            expected = len(a & b) / bottom if bottom else np.nan
            np.testing.assert_allclose(found.to_numpy()[i, j], expected)
    assert found.dims == ("instruction", "instruction_b")
    sets_by_category = sn.sparcom.category_sets(marked)
    assert sn.sparcom.overlap(sets_by_category).dims == ("category", "category_b")


def test_overlap_of_different_models_is_refused(frequency):
    marked = sn.sparcom.specific(frequency)
    with pytest.raises(InputError, match="differ in kind"):
        sn.sparcom.overlap(marked, marked[:, :2])
    with pytest.raises(InputError, match="unknown kind"):
        sn.sparcom.overlap(marked, kind="dice")


def test_components_are_told_by_their_labels():
    values = np.random.default_rng(0).random((4, 2, 6)) < 0.4
    coords = {"layer": [0, 1], "neuron": np.arange(6)}
    sets = xr.DataArray(values, coords, ("category", "layer", "neuron"))
    turned = sets.isel(neuron=[3, 1, 5, 0, 2, 4], layer=[1, 0])
    xr.testing.assert_equal(sn.sparcom.overlap(sets, turned), sn.sparcom.overlap(sets, sets))
    with pytest.raises(InputError, match="b: its layers are others"):
        sn.sparcom.overlap(sets, sets.assign_coords(layer=[7, 8]))
