"""Halves, and sets of one size: against plain loops."""

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sparcom_nb import sparcom
from sparcom_nb.errors import InputError
from sparcom_nb.rows.instructions import CATEGORIES

N_NEURONS = 60


@pytest.fixture
def data():
    """48 rows: six categories, four sub-types each, two rows a sub-type."""
    made = [
        {"id": f"{c}{s}{n}", "category": c, "subtype": f"s{s}"}
        for c, s, n in itertools.product(CATEGORIES, range(4), range(2))
    ]
    return pd.DataFrame(made)


def frequency_of(data, served=True, seed=0):
    """Neurons 5c to 5c+4 of layer 0 are always active on category c; the rest is chance."""
    rng = np.random.default_rng(seed)
    p = rng.random((len(data), 2, N_NEURONS)) * 0.8
    for n, category in enumerate(CATEGORIES if served else ()):
        p[(data["category"] == category).to_numpy(), 0, 5 * n : 5 * n + 5] = 1
    return xr.DataArray(
        p,
        dims=("instruction", "layer", "neuron"),
        coords={
            "instruction": data["id"].to_numpy(str),
            "category": ("instruction", data["category"].to_numpy(str)),
            "subtype": ("instruction", data["subtype"].to_numpy(str)),
            "n_tokens": ("instruction", np.full(len(data), 10)),
        },
    )


def sets_of_halves(frequency, half, which="all", top=0.1):
    """Sets of every category, defined on each half."""
    made = []
    for side in (0, 1):
        own = frequency[half == side]
        means = [sparcom.category_means(x) for x in (sparcom.specific(own, top=top), own)]
        made.append(sparcom.equal_sets(*means, which))
    return xr.concat(made, "half")


def test_halves_by_row_split_every_subtype_and_by_subtype_none(data):
    by_row, by_subtype = sparcom.halves(data, "row"), sparcom.halves(data, "subtype", seed=3)
    groups = data.groupby(["category", "subtype"]).indices.values()
    assert all(sorted(by_row[rows]) == [0, 1] for rows in groups)
    assert all(len(set(by_subtype[rows])) == 1 for rows in groups)
    assert (pd.Series(by_subtype).groupby(data["category"]).mean() == 0.5).all()
    single = data.assign(subtype="one")
    assert (pd.Series(sparcom.halves(single)).groupby(data["category"]).mean() == 0.5).all()
    alone = data.assign(subtype=data["id"])
    assert (pd.Series(sparcom.halves(alone, "row")).groupby(data["category"]).mean() == 0.5).all()
    with pytest.raises(InputError, match="unknown by 'item'"):
        sparcom.halves(data, "item")


def test_sets_are_found_of_one_size_and_on_their_half_only(data):
    frequency, half = frequency_of(data), sparcom.halves(data, "row")
    sets = sets_of_halves(frequency, half, top=5 / 120)
    assert (sets.sum(("layer", "neuron")) == 5).all()
    for n in range(6):
        assert sets[:, n, 0, 5 * n : 5 * n + 5].all()
    broken = frequency.copy()
    broken[half == 1] = 0.5
    again = sets_of_halves(broken, half, top=5 / 120)
    assert (again[0] == sets[0]).all()


def test_sets_are_cut_to_the_smallest_keeping_what_most_agree_on(data):
    """Against a loop over components: agreement first, then frequency; ties have no order."""
    frequency = frequency_of(data, seed=1)
    frequency[(data["category"] == "QA").to_numpy(), 1, :9] = 1
    half = sparcom.halves(data, "row")
    sets = sets_of_halves(frequency, half, top=0.1)
    marked = sparcom.specific(frequency[half == 0], top=0.1)
    full = sparcom.category_sets(marked)
    size = int(full.sum(("layer", "neuron")).min())
    for n, category in enumerate(CATEGORIES):
        rows = marked["category"].to_numpy() == category
        keys = [
            (
                -marked.to_numpy()[rows, 0 + i, j].mean(),
                -frequency[half == 0].to_numpy()[rows, i, j].mean(),
            )
            for i, j in zip(*full[n].to_numpy().nonzero(), strict=True)
        ]
        taken = sets[0, n].to_numpy()[full[n].to_numpy()]
        assert taken.sum() == sets[0, n].sum() == size
        worst_in = max(k for k, t in zip(keys, taken, strict=True) if t)
        assert all(k >= worst_in for k, t in zip(keys, taken, strict=True) if not t)


def test_unique_sets_are_disjoint_and_contrast_sets_have_the_size(data):
    frequency, half = frequency_of(data), sparcom.halves(data, "row")
    unique = sets_of_halves(frequency, half, "unique", top=0.2)
    assert (unique.sum("category") <= 1).all()
    contrast = sets_of_halves(frequency, half, "contrast", top=5 / 120)
    assert (contrast.sum(("layer", "neuron")) == 5).all()
    with pytest.raises(InputError, match="unknown which 'some'"):
        sets_of_halves(frequency, half, "some")
