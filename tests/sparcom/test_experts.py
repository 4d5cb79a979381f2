"""Experts as components, against plain numpy."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.sets import component_table

CATEGORIES = ["CLS", "QA", "SUM"]


def made(effect, seed=0):
    """36 instructions, 3 categories of 4 sub-types; 2 of 8 experts a token, 10 tokens, 3 layers."""
    rng = np.random.default_rng(seed)
    category = np.repeat(CATEGORIES, 12)
    liking = rng.normal(size=(3, 3, 8))[np.repeat([0, 1, 2], 12)] * effect
    noise = rng.gumbel(size=(10, 36, 3, 8))
    rank = (-(liking + noise)).argsort(axis=-1).argsort(axis=-1)
    routing = xr.DataArray(
        (rank < 2).mean(axis=0).astype(np.float32),
        dims=("instruction", "layer", "expert"),
        coords={
            "instruction": [f"i{n}" for n in range(36)],
            "layer": [1, 3, 5],
            "expert": range(8),
            "category": ("instruction", category),
            "subtype": ("instruction", [f"s{n % 4}" for n in range(36)]),
            "n_tokens": ("instruction", np.full(36, 10)),
        },
    )
    return routing


def test_the_cut_is_relative_to_uniform():
    routing = made(1.0)
    assert sn.sparcom.uniform_rate(routing) == 0.25
    marked = sn.sparcom.specific_experts(routing, relative=1.6)
    np.testing.assert_array_equal(marked, np.rint(routing.to_numpy() * 10) >= 4)
    assert marked.attrs["relative"] == 1.6 and float(marked["eps"][0]) == pytest.approx(0.4)
    for wrong in (0, -1, 4.1):
        with pytest.raises(InputError, match=r"relative must be (above 0 and at most 4|0 or more)"):
            sn.sparcom.specific_experts(routing, relative=wrong)


def test_component_table_of_experts_and_of_their_neurons():
    routing = made(1.0)
    marked = sn.sparcom.specific_experts(routing)
    table = component_table(marked)
    sets = sn.sparcom.category_sets(marked)
    assert len(table) == int(sets.sum()) and table["neuron"].isna().all()
    neurons = (marked.astype(float) * xr.DataArray([1.0, 0.0, 0.5], dims="neuron")).assign_coords(
        neuron=[0, 1, 2]
    )
    both = component_table(sn.sparcom.specific(neurons, threshold=0.9))
    assert list(both) == ["layer", "expert", "neuron", "category", "agreement", "kind"]
    assert set(both["neuron"]) == {0}
    columns = ["layer", "expert", "category", "agreement", "kind"]
    pd.testing.assert_frame_equal(both[columns], table[columns])
