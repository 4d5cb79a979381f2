"""Sets and overlaps against plain numpy, entry by entry."""

import numpy as np
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.stats import category_overlap, mean_interval, separation
from sparcom_nb.view.sentences import identify as sentences


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
    table = sn.sparcom.component_table(marked)
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


def pairwise_means(pairwise):
    """Mean over pairs of different instructions by category, written out."""
    values, category = pairwise.to_numpy(), pairwise["category"].to_numpy()
    names = list(dict.fromkeys(category))
    return np.array(
        [
            [
                np.mean([values[i, j] for i in range(30) for j in range(30)
                         if i != j and category[i] == a and category[j] == b])
                for b in names
            ]
            for a in names
        ]
    )  # fmt: skip


def test_category_overlap_is_the_mean_over_pairs(frequency):
    pairwise = sn.sparcom.overlap(sn.sparcom.specific(frequency, top=0.2))
    matrix = category_overlap(pairwise, draws=50)
    np.testing.assert_allclose(matrix["mean"], pairwise_means(pairwise))
    assert (matrix["low"] <= matrix["high"]).all()
    assert (
        (matrix["low"] <= matrix["mean"] + 1e-9) & (matrix["mean"] <= matrix["high"] + 1e-9)
    ).mean() > 0.5


def test_separation_sees_a_category_effect_and_none_in_shuffled_labels(frequency):
    pairwise = sn.sparcom.overlap(sn.sparcom.specific(frequency, top=0.2))
    test = separation(pairwise, draws=199)
    means = pairwise_means(pairwise)
    assert test["within"] == pytest.approx(np.diag(means).mean())
    assert test["across"] == pytest.approx(means[~np.eye(3, dtype=bool)].mean())
    assert test["p"] <= 0.01 and test["low"] > 0 and test["unit"] == "sub-type"
    rng = np.random.default_rng(1)
    p = []
    for _ in range(40):
        order = rng.permutation(30)
        shuffled = pairwise.assign_coords(
            category=("instruction", pairwise["category"].to_numpy()[order]),
            subtype=("instruction", pairwise["subtype"].to_numpy()[order]),
        )
        p.append(separation(shuffled, draws=99)["p"])
    assert np.mean(np.array(p) <= 0.05) <= 0.2 and np.mean(p) == pytest.approx(0.5, abs=0.17)


def test_one_subtype_a_category_makes_the_instruction_the_unit(frequency):
    alike = frequency.assign_coords(subtype=("instruction", frequency["category"].to_numpy()))
    test = separation(sn.sparcom.overlap(sn.sparcom.specific(alike)), draws=19)
    assert test["unit"] == "instruction" and test["units"] == 30


def test_one_group_has_no_interval():
    mean, low, high = mean_interval(np.arange(5.0), np.array(["a"] * 5))
    assert mean == 2 and np.isnan([low, high]).all()


def test_mean_interval_covers_the_true_mean():
    """Groups with a common shift: an interval over rows would be far too narrow."""
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        groups = np.repeat(np.arange(20), 10)
        values = rng.normal(size=20)[groups] + 0.1 * rng.normal(size=200)
        _, low, high = mean_interval(values, groups, draws=200, seed=trial)
        hits += low <= 0 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_wording_ladder_counts_every_pair(frequency):
    marked = sn.sparcom.specific(frequency, top=0.2)
    paraphrases = marked[[0, 10, 20, 1, 11, 21]]
    original = paraphrases["instruction"].to_numpy()
    renamed = paraphrases.assign_coords(instruction=[f"p{n}" for n in range(6)])
    rungs = sn.sparcom.wording_ladder(sn.sparcom.overlap(renamed, marked), original, draws=50)
    assert rungs["pair"].to_list()[0] == "same request"
    assert rungs["mean"][0] == pytest.approx(1.0)
    rows_as_they_are = sn.sparcom.wording_ladder(sn.sparcom.overlap(marked), np.array(["x"] * 30))
    assert "same request" not in rows_as_they_are["pair"].to_list()
    assert rungs["n"].sum() == 6 * 30 and rungs["n"][0] == 6 and rungs["n"][3] == 6 * 20


def test_sweep_and_layer_shares(frequency):
    table = sn.sparcom.sweep(frequency, tops=(0.1, 0.3), thresholds=(0.5,), draws=19)
    assert table["by"].to_list() == ["top", "top", "threshold"]
    marked = sn.sparcom.specific(frequency, top=0.1)
    assert table["share"][0] == pytest.approx(float(marked["share"].mean()))
    shares = sn.sparcom.layer_shares(marked, draws=20)
    expected = marked.to_numpy()[:10, 2].mean()
    found = shares[(shares["category"] == "CLS") & (shares["layer"] == 2)]["share"].item()
    assert found == pytest.approx(expected)


def test_components_are_told_by_their_labels():
    values = np.random.default_rng(0).random((4, 2, 6)) < 0.4
    coords = {"layer": [0, 1], "neuron": np.arange(6)}
    sets = xr.DataArray(values, coords, ("category", "layer", "neuron"))
    turned = sets.isel(neuron=[3, 1, 5, 0, 2, 4], layer=[1, 0])
    xr.testing.assert_equal(sn.sparcom.overlap(sets, turned), sn.sparcom.overlap(sets, sets))
    with pytest.raises(InputError, match="b: its layers are others"):
        sn.sparcom.overlap(sets, sets.assign_coords(layer=[7, 8]))


def test_two_subtypes_a_category_give_no_interval(frequency):
    """Half of two is one, in which no pair of different sub-types is left."""
    kinds = np.char.add(frequency["category"].to_numpy(), [f"-{n % 2}" for n in range(30)])
    two = frequency.assign_coords(subtype=("instruction", kinds))
    pairwise = sn.sparcom.overlap(sn.sparcom.specific(two, top=0.2))
    test, matrix = separation(pairwise, draws=99), category_overlap(pairwise, draws=50)
    assert test["units"] == 6 and test["p"] < 1
    assert np.isnan([test["low"], test["high"]]).all() and test["difference"] > 0
    np.testing.assert_allclose(matrix["mean"], pairwise_means(pairwise))
    for bound in (matrix["low"], matrix["high"]):
        assert (np.isnan(bound) == np.eye(3, dtype=bool)).all()
    said = sentences.separation(test)
    assert "(too few rows for an interval)" in said and "disagree" not in said


def test_a_category_of_one_instruction_has_no_overlap_within(frequency):
    pairwise = sn.sparcom.overlap(sn.sparcom.specific(frequency, top=0.2))
    names = pairwise["category"].to_numpy()
    keep = np.flatnonzero((names != names[0]) | (np.arange(30) == 0))
    matrix = category_overlap(pairwise[keep, keep], draws=9)
    assert np.isnan(np.diag(matrix["mean"])).tolist() == [
        name == names[0] for name in matrix["category"]
    ]
