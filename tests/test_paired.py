"""Halves, jackknife and exchange against plain loops; tests that hold what they promise."""

import numpy as np
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb import paired
from sparcom_nb.errors import InputError

CATEGORIES = ("CLS", "QA", "SUM")
SUBTYPES, ROWS, NEURONS = 5, 4, 30


def made(seed, drift=0.0, models=("base", "tuned")):
    """Marks of ``models`` on the same instructions: ``drift`` moves the later models.

    What a category means is the same for every seed; its sub-types and instructions are drawn anew.
    """
    world, rng = np.random.default_rng(99), np.random.default_rng(seed)
    category = np.repeat(CATEGORIES, SUBTYPES * ROWS)
    subtype = np.tile(np.repeat(np.arange(SUBTYPES), ROWS), len(CATEGORIES))
    of_category = {c: world.normal(size=(2, NEURONS)) for c in CATEGORIES}
    moved = world.normal(size=(2, NEURONS))
    own = rng.normal(size=(len(CATEGORIES), SUBTYPES, 2, NEURONS))
    arrays = {}
    for n, name in enumerate(models):
        level = [
            of_category[c] + 0.7 * own[CATEGORIES.index(c), s] + n * drift * moved
            for c, s in zip(category, subtype, strict=True)
        ]
        noise = rng.normal(size=(len(category), 2, NEURONS))
        arrays[name] = xr.DataArray(
            np.stack(level) + noise > 0.8,
            dims=("instruction", "layer", "neuron"),
            coords={
                "instruction": [f"i{k}" for k in range(len(category))],
                "layer": [0, 1],
                "category": ("instruction", category),
                "subtype": ("instruction", [f"s{s}" for s in subtype]),
                "n_tokens": ("instruction", rng.integers(4, 30, len(category))),
            },
        )
    return arrays


def category_set(marks, rows):
    """Components that at least half of ``rows`` mark, counted one by one."""
    found = set()
    for layer in range(marks.shape[1]):
        for neuron in range(marks.shape[2]):
            if sum(bool(marks[row, layer, neuron]) for row in rows) >= len(rows) / 2:
                found.add((layer, neuron))
    return found


def rows_of(array, category, subtypes):
    return [
        n
        for n in range(len(array))
        if array["category"].values[n] == category and array["subtype"].values[n] in subtypes
    ]


def jaccard_of_halves(arrays, first, second, category, splits, seed, names):
    rng = np.random.default_rng(seed)
    a, b = (arrays[x].to_numpy() for x in (first, second))
    half, found = len(names) // 2, []
    for order in [rng.permutation(len(names)) for _ in range(splits)]:
        one, two = ([names[n] for n in part] for part in (order[:half], order[half : 2 * half]))
        for left, right in ((one, two), (two, one)):
            x = category_set(a, rows_of(arrays[first], category, left))
            y = category_set(b, rows_of(arrays[second], category, right))
            found.append(len(x & y) / len(x | y))
    return np.mean(found)


def test_halves_of_sub_types_one_by_one():
    arrays = made(0, drift=0.8)
    parts, unit = paired.parts(arrays)
    names = [f"s{n}" for n in range(SUBTYPES)]
    assert unit == "sub-type" and list(parts) == list(CATEGORIES)
    for first, second in (("base", "base"), ("base", "tuned")):
        statistic = paired.halves(sn.sparcom.jaccard(), first, second, splits=3, seed=5)
        for category in CATEGORIES:
            expected = jaccard_of_halves(arrays, first, second, category, 3, 5, names)
            assert statistic(parts[category]) == pytest.approx(expected)


def test_jackknife_leaves_out_one_sub_type_at_a_time():
    arrays = made(1, drift=0.8)
    table = paired.estimate(
        paired.parts(arrays)[0], paired.same(sn.sparcom.jaccard(), "base", "tuned")
    )
    table = table.set_index("category")
    variances = []
    for category in CATEGORIES:
        left_out = []
        for gone in [None, *range(SUBTYPES)]:
            rows = rows_of(
                arrays["base"], category, [f"s{n}" for n in range(SUBTYPES) if n != gone]
            )
            x, y = (category_set(arrays[name].to_numpy(), rows) for name in ("base", "tuned"))
            left_out.append(len(x & y) / len(x | y))
        full, rest = left_out[0], np.array(left_out[1:])
        variances.append((SUBTYPES - 1) / SUBTYPES * ((rest - rest.mean()) ** 2).sum())
        assert table.loc[category, "value"] == pytest.approx(full)
        half_width = 2.7764 * np.sqrt(variances[-1])  # Student's t, 4 degrees of freedom
        assert table.loc[category, "high"] - full == pytest.approx(half_width, rel=1e-3)
    overall = table.loc["all"]
    assert overall["value"] == pytest.approx(table["value"].iloc[:3].mean())
    half_width = 2.1788 * np.sqrt(sum(variances)) / 3  # 12 degrees of freedom
    assert overall["value"] - overall["low"] == pytest.approx(half_width, rel=1e-3)


def test_an_exchange_swaps_whole_sub_types():
    part = paired.parts(made(2, drift=1.0))[0]["QA"]
    which = np.array([True, False, True, False, False])
    swapped = part.swapped("base", "tuned", which)
    for n, chosen in enumerate(which):
        expected = part.sums["tuned" if chosen else "base"][n]
        np.testing.assert_array_equal(swapped.sums["base"][n], expected)
    total = swapped.sums["base"] + swapped.sums["tuned"]
    np.testing.assert_array_equal(total, part.sums["base"] + part.sums["tuned"])


def test_the_floor_test_sees_a_drift_and_none_where_there_is_none():
    jaccard = sn.sparcom.jaccard()
    assert sn.sparcom.floor_test(made(3, drift=1.0), jaccard, draws=99)["p"] == 0.01
    p = [sn.sparcom.floor_test(made(s), jaccard, 4, 39)["p"] for s in range(30)]
    assert np.mean(np.array(p) <= 0.05) <= 0.17
    assert 0.35 <= np.mean(p) <= 0.65


def test_the_placebo_test_needs_tuning_to_alter_more():
    arrays = made(4, drift=0.6, models=("base", "placebo", "tuned"))  # tuned drifts twice as far
    jaccard = sn.sparcom.jaccard()
    assert sn.sparcom.placebo_test(arrays, jaccard, draws=99)["p"] <= 0.05
    turned = arrays | {"tuned": arrays["placebo"], "placebo": arrays["tuned"]}
    test = sn.sparcom.placebo_test(turned, jaccard, draws=99)
    assert test["p"] >= 0.9 and test["value"] < 0
    same = sn.sparcom.placebo_test(arrays | {"placebo": arrays["tuned"]}, jaccard, draws=19)
    assert same["value"] == 0 and same["p"] == 1


def test_intervals_cover_the_expected_value():
    """Sub-types drawn anew many times: 95 % intervals hold the mean of all estimates nearly so often."""
    statistic = paired.same(sn.sparcom.jaccard(), "base", "tuned")
    tables = [paired.estimate(paired.parts(made(s, drift=0.8))[0], statistic) for s in range(60)]
    found = np.stack([table[["value", "low", "high"]].to_numpy() for table in tables])
    value, low, high = np.moveaxis(found, 2, 0)
    covered = (low <= value.mean(axis=0)) & (value.mean(axis=0) <= high)
    assert covered[:, -1].mean() >= 0.88 and covered.mean() >= 0.88
    assert (high - low)[:, -1].mean() <= 3 * 2 * 1.96 * value[:, -1].std(), "not uselessly wide"


def test_single_instructions_are_the_units_where_sub_types_are_few():
    arrays = made(5)
    alike = {
        name: a.assign_coords(subtype=("instruction", a["category"].to_numpy()))
        for name, a in arrays.items()
    }
    parts, unit = paired.parts(alike)
    assert unit == "instruction" and len(parts["QA"].size) == SUBTYPES * ROWS


def test_one_sub_type_has_a_value_and_no_interval(recwarn):
    part = paired.Part({"base": np.array([1.0]), "tuned": np.array([3.0])}, np.array([2]))
    table = paired.estimate({"QA": part}, lambda p: (p.mean("tuned") - p.mean("base")).item())
    assert (table["value"] == 1).all() and table[["low", "high"]].isna().all(axis=None)
    assert not recwarn.list


def test_models_of_other_rows_or_sizes_are_refused():
    arrays = made(6)
    with pytest.raises(InputError, match="tuned: other instructions"):
        paired.parts(arrays | {"tuned": arrays["tuned"][::-1]})
    with pytest.raises(InputError, match="only models of one architecture"):
        paired.parts(arrays | {"tuned": arrays["tuned"][:, :1]})


def explained(values, units, categories):
    """Share of the variance of unit means between categories, written out."""
    means = {u: np.mean([v for v, w in zip(values, units, strict=True) if w == u]) for u in units}
    of = dict(zip(units, categories, strict=True))
    grand = np.mean(list(means.values()))
    total = sum((m - grand) ** 2 for m in means.values())
    between = 0.0
    for c in set(of.values()):
        own = [m for u, m in means.items() if of[u] == c]
        between += len(own) * (np.mean(own) - grand) ** 2
    return between / total


def test_category_effect_is_the_share_of_variance_between_sub_types():
    own = sn.sparcom.instruction_jaccard(*made(7, drift=1.0).values())
    labels = [
        f"{c}/{s}" for c, s in zip(own["category"].values, own["subtype"].values, strict=True)
    ]
    expected = explained(own.to_numpy(), labels, own["category"].values)
    assert sn.stats.category_effect(own, draws=9)["r2"] == pytest.approx(expected)


def test_category_effect_shows_where_it_is_and_not_in_shuffled_labels():
    base = made(8)["base"]
    index = np.array([CATEGORIES.index(c) for c in base["category"].values])
    rng = np.random.default_rng(0)
    values = base[:, 0, 0].copy(data=index + rng.normal(size=len(index)))
    assert sn.stats.category_effect(values, draws=199)["p"] <= 0.01
    vectors = base[:, 0].copy(data=np.eye(NEURONS)[index] + rng.normal(size=(len(index), NEURONS)))
    assert sn.stats.category_effect(vectors, draws=199)["p"] <= 0.05
    p = []
    for trial in range(60):
        order = np.random.default_rng(trial).permutation(len(index))
        shuffled = values.copy(data=values.to_numpy()[order])
        p.append(sn.stats.category_effect(shuffled, draws=99)["p"])
    assert np.mean(np.array(p) <= 0.05) <= 0.15


def test_without_length_takes_out_a_line_in_the_logarithm():
    values = made(9)["base"][:, 0, 0]
    length = np.log(values["n_tokens"].to_numpy())
    noise = np.random.default_rng(0).normal(size=len(length))
    left = sn.stats.without_length(values.copy(data=2 + 3 * length + noise)).to_numpy()
    slope, offset = np.polyfit(length, 2 + 3 * length + noise, 1)
    np.testing.assert_allclose(left, 2 + 3 * length + noise - slope * length - offset)
    assert abs(np.corrcoef(left, length)[0, 1]) < 1e-9
