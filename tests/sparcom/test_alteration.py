"""Kept, gained, lost and every yardstick against plain Python sets and numpy."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.spatial.distance import jensenshannon

import sparcom_nb as sn
from sparcom_nb.errors import InputError

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
    whole = sn.sparcom.over_layers(table)
    assert whole["kept"].sum() == expected["kept"].sum()
    first = expected[expected["category"] == "CLS"][["kept", "gained", "lost"]].sum()
    if first.sum():
        assert whole["jaccard"][0] == pytest.approx(first["kept"] / first.sum())


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
    models = {"base": base, "tuned": base}
    for yardstick in (
        sn.sparcom.jaccard(),
        sn.sparcom.kept_share(),
        sn.sparcom.profile_distance(),
    ):
        test = sn.sparcom.floor_test(models, yardstick, draws=19)
        assert test["value"] == pytest.approx(0) and test["p"] == 1
        same = sn.sparcom.before_after(models, yardstick).query("pair == 'base, tuned'")
        assert same["value"].round(6).eq(1 if yardstick.likeness else 0).all()


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


def value_of(table, category, pair="base, tuned"):
    return table[(table["category"] == category) & (table["pair"] == pair)]["value"].item()


def test_yardsticks_on_the_same_instructions(both):
    base, tuned = marks(both)
    kept, profile, moved = (
        sn.sparcom.before_after(dict(zip(("base", "tuned"), models, strict=True)), yardstick)
        for models, yardstick in (
            ((base, tuned), sn.sparcom.kept_share(0.4)),
            ((base, tuned), sn.sparcom.profile_distance()),
            (both, sn.sparcom.frequency_shift()),
        )
    )
    for n, category in enumerate(CATEGORIES):
        rows = slice(12 * n, 12 * n + 12)
        votes = [a.to_numpy()[rows].reshape(12, -1).sum(0) / 12 >= 0.4 for a in (base, tuned)]
        assert value_of(kept, category) == pytest.approx(
            (votes[0] & votes[1]).sum() / votes[0].sum()
        )
        layers = [a.to_numpy()[rows].reshape(12, 3, -1).sum((0, 2)) for a in (base, tuned)]
        assert value_of(profile, category) == pytest.approx(jensenshannon(*layers, base=2))
        means = [a.to_numpy()[rows].mean(axis=0) for a in both]
        assert value_of(moved, category) == pytest.approx(np.abs(means[0] - means[1]).mean())
    assert value_of(kept, "all") == pytest.approx(
        np.mean([value_of(kept, category) for category in CATEGORIES])
    )


def test_routing_shift_is_the_total_variation_by_layer():
    rng = np.random.default_rng(0)
    like = frequencies(0, (8,)).rename(neuron="expert")
    routed = [like.copy(data=2 * rng.dirichlet(np.ones(8), (36, 3))) for _ in range(2)]
    models = dict(zip(("base", "tuned"), routed, strict=True))
    table = sn.sparcom.before_after_by_layer(models, sn.sparcom.routing_shift())
    for position, layer in enumerate((1, 2, 5)):
        for n, category in enumerate(CATEGORIES):
            q = [a.to_numpy()[12 * n : 12 * n + 12, position].mean(axis=0) for a in routed]
            expected = (
                sum(abs(x - y) for x, y in zip(*q, strict=True)) / 2 / 2
            )  # two experts a token
            of_layer = table[table["layer"] == layer]
            assert value_of(of_layer, category) == pytest.approx(expected)
    everything = sn.sparcom.before_after(models, sn.sparcom.routing_shift())
    assert value_of(everything, "QA") == pytest.approx(
        table[(table["category"] == "QA") & (table["pair"] == "base, tuned")]["value"].mean()
    )


def test_a_placebo_adds_its_pairs(both):
    base, tuned = marks(both)
    table = sn.sparcom.before_after(
        {"base": base, "tuned": tuned, "placebo": base}, sn.sparcom.jaccard()
    )
    assert (table[table["pair"] == "base, placebo"]["value"] == 1).all()
    beyond = table[table["pair"] == "tuned beyond placebo"].set_index("category")["value"]
    for category in (*CATEGORIES, "all"):
        assert beyond[category] == pytest.approx(1 - value_of(table, category))
        assert value_of(table, category, "base A, placebo B") == pytest.approx(
            value_of(table, category, "base A, base B")
        )
    bounded = table[~table["pair"].isin(["tuned beyond placebo", "same model minus across"])]
    assert bounded["low"].min() >= 0 and bounded["high"].max() <= 1
