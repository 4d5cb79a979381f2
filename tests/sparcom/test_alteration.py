"""Kept, gained, lost and every measure against plain Python sets and numpy."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.spatial.distance import jensenshannon

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.alteration import (
    agreed_jaccard,
    profile_distance,
    routing_shift,
)

CATEGORIES = ("CLS", "QA", "SUM")


def frequencies(seed, inner):
    """36 instructions of three categories with four sub-types, 3 layers of ``inner`` components."""
    rng = np.random.default_rng(seed)
    dims = ("neuron",) if len(inner) == 1 else ("expert", "neuron")
    return xr.DataArray(
        rng.integers(0, 11, (36, 3, *inner)) / 10,
        dims=("instruction", "layer", *dims),
        coords={
            "instruction": [f"i{n}" for n in range(36)],
            "layer": [1, 2, 5],
            "category": ("instruction", np.repeat(CATEGORIES, 12)),
            "subtype": ("instruction", [f"s{n % 4}" for n in range(36)]),
            "n_tokens": ("instruction", rng.integers(3, 30, 36)),
        },
    )


@pytest.fixture(params=[(20,), (4, 7)], ids=["neurons", "expert neurons"])
def both(request):
    """Frequencies of a base and a tuned model."""
    return frequencies(0, request.param), frequencies(1, request.param)


def marks(both):
    return [sn.sparcom.specific(frequency, top=0.3) for frequency in both]


def counted(base, tuned, agreement):
    """Rows of the alteration table, from sets of coordinates."""
    rows = []
    for n, category in enumerate(CATEGORIES):
        for position, layer in enumerate((1, 2, 5)):
            sets = []
            for marked in (base.to_numpy(), tuned.to_numpy()):
                votes = marked[12 * n : 12 * n + 12, position].sum(axis=0)
                sets.append({tuple(where) for where in np.argwhere(votes / 12 >= agreement)})
            before, after = sets
            union = len(before | after)
            rows.append(
                (
                    category, layer, len(before & after), len(after - before), len(before - after),
                    len(before & after) / union if union else np.nan,
                )
            )  # fmt: skip
    return pd.DataFrame(rows, columns=["category", "layer", "kept", "gained", "lost", "jaccard"])


@pytest.mark.parametrize("agreement", [0.3, 0.5, 1.0])
def test_alteration_is_that_of_plain_sets(both, agreement):
    base, tuned = marks(both)
    table = sn.sparcom.alteration(base, tuned, agreement)
    expected = counted(base, tuned, agreement)
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
    sets = [sn.sparcom.category_sets(x, agreement) for x in (base, tuned)]
    pd.testing.assert_frame_equal(sn.sparcom.alteration(*sets), table)


def test_the_twin_tells_gained_from_lost(both):
    base, tuned = marks(both)
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(
            sn.sparcom.alteration(tuned, base), counted(base, tuned, 0.5), check_dtype=False
        )


def test_experts_by_layer_alone(both):
    """Sets [instruction, layer, expert] need no further dimension."""
    base, tuned = (
        (x.mean("neuron") > 0.5 for x in both) if "expert" in both[0].dims else marks(both)
    )
    pd.testing.assert_frame_equal(
        sn.sparcom.alteration(base, tuned), counted(base, tuned, 0.5), check_dtype=False
    )


def test_identical_models_are_not_altered(both):
    base, _ = marks(both)
    table = sn.sparcom.alteration(base, base)
    assert (table["gained"] == 0).all() and (table["lost"] == 0).all()
    assert (table["jaccard"].dropna() == 1).all()


def test_sets_of_other_kinds_are_refused(both):
    base, tuned = marks(both)
    with pytest.raises(InputError, match="differ in kind"):
        sn.sparcom.alteration(base, tuned[:12])
    with pytest.raises(InputError, match="differ in kind"):
        sn.sparcom.alteration(base, tuned[:, :2])


def test_instruction_jaccard(both):
    base, tuned = marks(both)
    base[3] = False
    tuned[3] = False
    found = sn.sparcom.instruction_jaccard(base, tuned)
    for n in range(36):
        x, y = (set(np.flatnonzero(a.to_numpy()[n])) for a in (base, tuned))
        expected = len(x & y) / len(x | y) if x | y else np.nan
        np.testing.assert_allclose(found.to_numpy()[n], expected)
    assert "subtype" in found.coords and "n_tokens" in found.coords


def test_measures_are_those_of_plain_sets_and_loops(both):
    base, tuned = (x.to_numpy().reshape(36, 3, -1)[:12].mean(axis=0) for x in marks(both))
    first, second = ({tuple(at) for at in np.argwhere(x >= 0.5)} for x in (base, tuned))
    union = len(first | second)
    assert agreed_jaccard(base, tuned) == pytest.approx(
        len(first & second) / union if union else np.nan, nan_ok=True
    )
    p, q = (x.sum(axis=1) / x.sum() for x in (base, tuned))
    assert profile_distance(base, tuned) == pytest.approx(jensenshannon(p, q, base=2))
    rates = [np.abs(a / a.sum() - b / b.sum()).sum() / 2 for a, b in zip(base, tuned, strict=True)]
    assert routing_shift(base, tuned) == pytest.approx(np.mean(rates))
    both_ways = np.stack([base, tuned]), np.stack([tuned, tuned])
    for measure, same in (
        (agreed_jaccard, 1),
        (profile_distance, 0),
    ):
        found = measure(*both_ways)
        assert found[0] == pytest.approx(measure(base, tuned), nan_ok=True)
        assert found[1] == pytest.approx(same, abs=1e-7, nan_ok=True)
