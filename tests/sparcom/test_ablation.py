"""Ablation with losses made by hand, whose right answers are known, against plain loops."""

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sparcom_nb import sparcom
from sparcom_nb.errors import InputError
from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.view.sentences import ablation as sentences

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


def needed(data):
    """A loss that rises by 0.1 for every neuron of its category that is off, and 0.01 for others."""

    def loss(mask, rows):
        base = 1 + 0.1 * (rows % 3)
        if mask is None:
            return base
        off = mask.to_numpy()
        own = {c: off[0, 5 * n : 5 * n + 5].sum() for n, c in enumerate(CATEGORIES)}
        of_row = np.array([own[c] for c in data["category"].to_numpy()[rows]])
        return base + 0.09 * of_row + 0.01 * off.sum()

    return loss


def role(data, loss=None, frequency=None, draws=20, which="all"):
    frequency = frequency_of(data) if frequency is None else frequency
    half = sparcom.halves(data, "row")
    sets = sparcom.sets_of_halves(frequency, half, which, top=5 / 120)
    loss = loss or needed(data)
    return sparcom.critical_role(loss, sets, half, frequency, draws=draws, show_progress=False)


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
    sets = sparcom.sets_of_halves(frequency, half, top=5 / 120)
    assert (sets.sum(("layer", "neuron")) == 5).all()
    for n in range(6):
        assert sets[:, n, 0, 5 * n : 5 * n + 5].all()
    broken = frequency.copy()
    broken[half == 1] = 0.5
    again = sparcom.sets_of_halves(broken, half, top=5 / 120)
    assert (again[0] == sets[0]).all()


def test_sets_are_cut_to_the_smallest_keeping_what_most_agree_on(data):
    """Against a loop over components: agreement first, then frequency; ties have no order."""
    frequency = frequency_of(data, seed=1)
    frequency[(data["category"] == "QA").to_numpy(), 1, :9] = 1
    half = sparcom.halves(data, "row")
    sets = sparcom.sets_of_halves(frequency, half, top=0.1)
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
    unique = sparcom.sets_of_halves(frequency, half, "unique", top=0.2)
    assert (unique.sum("category") <= 1).all()
    contrast = sparcom.sets_of_halves(frequency, half, "contrast", top=5 / 120)
    assert (contrast.sum(("layer", "neuron")) == 5).all()
    with pytest.raises(InputError, match="unknown which 'some'"):
        sparcom.sets_of_halves(frequency, half, "some")


def test_effects_equal_a_loop(data):
    result, loss, half = role(data), needed(data), sparcom.halves(data, "row")
    sets = sparcom.sets_of_halves(frequency_of(data), half, top=5 / 120)
    for row in range(len(data)):
        for n in range(6):
            at = np.array([row])
            expected = (loss(sets[1 - half[row], n], at) - loss(None, at))[0]
            assert float(result["effect"][n, row]) == pytest.approx(expected)
    matrix = sparcom.effect_matrix(result)
    table = sparcom.effects(result).set_index("category")
    for n, a in enumerate(CATEGORIES):
        for b in CATEGORIES:
            rows = (data["category"] == b).to_numpy()
            expected = result["effect"].to_numpy()[n, rows].mean()
            assert float(matrix["mean"].sel(set=a, category=b)) == pytest.approx(expected)
        rows = (data["category"] == a).to_numpy()
        others = np.delete(result["effect"].to_numpy(), n, axis=0)[:, rows].mean()
        random = result["control"].to_numpy()[:, rows].mean()
        assert table.loc[a, "others"] == pytest.approx(others)
        assert table.loc[a, "minus_others"] == pytest.approx(table.loc[a, "own"] - others)
        assert table.loc[a, "random"] == pytest.approx(random)
        draws = result["control"].to_numpy()[:, rows].mean(axis=1)
        reached = (draws >= table.loc[a, "own"] - 1e-12).sum()
        assert table.loc[a, "p"] == pytest.approx((1 + reached) / 21)
    assert table.loc["all", "own"] == pytest.approx(table["own"].iloc[:-1].mean())
    assert (table["minus_random_low"] <= table["minus_random_high"]).all()


def test_the_loop_catches_sets_judged_on_their_own_half(data):
    """The halves use different layers, so that it matters which half's set is switched off."""
    frequency, loss = frequency_of(data), needed(data)
    half = sparcom.halves(data, "row")
    frequency[half == 1] = frequency[half == 1].to_numpy()[:, ::-1]
    sets = sparcom.sets_of_halves(frequency, half, top=5 / 120)
    effect = role(data, loss, frequency, draws=0)["effect"].to_numpy()
    for side, agrees in ((1 - half, True), (half, False)):
        loop = [
            [
                (loss(sets[side[r], n], np.array([r])) - loss(None, np.array([r])))[0]
                for r in range(48)
            ]
            for n in range(6)
        ]
        assert np.allclose(effect, loop) == agrees


def test_what_is_needed_is_found_needed_and_specific(data):
    result = role(data)
    table, test = sparcom.effects(result).iloc[-1], sparcom.specificity(result)
    assert table["p"] < 1e-6 and table["minus_random_low"] > 0
    assert test["above"] == 6 and test["p"] == pytest.approx(1 / 720) and test["low"] > 0
    assert "specific to a set's own tasks shows" in sentences.specificity(test)
    # Served neurons are always active, and no others are: no random set can match them.
    assert "is no evidence for the category" in sentences.controls(sparcom.effects(result), result)
    frequency = frequency_of(data)
    frequency[:, 0, 30:] = 0.98
    result = role(data, frequency=frequency, which="contrast")
    assert "than random ones like it shows" in sentences.controls(sparcom.effects(result), result)


def test_specificity_equals_all_permutations(data):
    rng = np.random.default_rng(0)
    result = role(data, lambda mask, rows: rng.random(len(rows)))
    matrix, test = sparcom.effect_matrix(result)["mean"].to_numpy(), sparcom.specificity(result)
    ways = [
        np.mean([matrix[i, way[i]] for i in range(6)]) for way in itertools.permutations(range(6))
    ]
    assert test["p"] == pytest.approx(np.mean(np.array(ways) >= np.diag(matrix).mean() - 1e-12))
    assert test["value"] == pytest.approx(np.diag(matrix).mean() - np.mean(ways))


def test_harmful_sets_and_fragile_categories_are_not_specific(data):
    """Loss = harm of the set times fragility of the row, plus noise: no set serves a category."""
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        fragile = dict(zip(CATEGORIES, rng.random(6), strict=True))

        def loss(mask, rows, rng=rng, fragile=fragile):
            harm = 0 if mask is None else (mask.to_numpy() * np.linspace(0, 1, N_NEURONS)).sum()
            each = np.array([fragile[c] for c in data["category"].to_numpy()[rows]])
            return harm * each + rng.normal(0, 0.3, len(rows))

        found.append(sparcom.specificity(role(data, loss, frequency_of(data, False, seed), 2)))
    shows = [test["p"] <= 0.05 and test["low"] > 0 for test in found]
    assert sum(shows) <= 3


def test_a_category_without_a_set_is_said_and_left_out(data):
    frequency = frequency_of(data)
    frequency[(data["category"] == "GEN").to_numpy()] = 0
    result = role(data, frequency=frequency)
    table = sparcom.effects(result).set_index("category")
    assert (
        table.loc["GEN", "size"] == 0
        and np.isnan(table.loc["GEN", ["own", "p"]].astype(float)).all()
    )
    assert sparcom.specificity(result)["sets"] == 5
    half = sparcom.halves(data, "row")
    sets = sparcom.sets_of_halves(frequency, half, top=5 / 120)
    assert "Empty in at least one half: GEN." in sentences.set_sizes(sets, 120)


def test_nothing_at_all_is_said(data):
    frequency = frequency_of(data) * 0
    result = role(data, frequency=frequency)
    table, test = sparcom.effects(result), sparcom.specificity(result)
    assert sentences.specificity(test) == sentences.NOTHING
    assert sentences.controls(table, result) == sentences.NOTHING
    assert sentences.balance(result) == sentences.NOTHING
    summary = sparcom.compare_variants({"only": result})
    assert sentences.variants(summary) == sentences.NOTHING


def test_variants_run_and_are_compared(data):
    plans = sparcom.variants(amplify=3.0)
    assert {plan.span for plan in plans} == {"response", "instruction"}
    scales = []

    def loss_at(scale):
        scales.append(scale)
        return needed(data)

    both = dict.fromkeys(("response", "instruction"), frequency_of(data))
    options = {"top": 5 / 120, "draws": 2}
    results = {p.name: sparcom.try_variant(p, loss_at, data, both, **options) for p in plans}
    assert scales == [0, 0, 0, 0, 0, 3]
    summary = sparcom.compare_variants(results)
    assert list(summary["variant"]) == [plan.name for plan in plans]
    assert summary["p_random"].notna().all()
    assert (summary["match"] < 1).all()
    said = sentences.variants(summary)
    assert "A specific effect shows in 6 of 6 variants" in said
    assert "an effect specific to the category shows" in said


def test_outcomes_measure_own_and_control(data):
    frequency, half = frequency_of(data), sparcom.halves(data, "row")
    sets = sparcom.sets_of_halves(frequency, half, top=5 / 120)
    control = sparcom.one_control(sets, half, frequency)
    assert not (control & sets[0]).any()
    rows = {c: np.flatnonzero((data["category"] == c).to_numpy() & (half == 1)) for c in CATEGORIES}
    table = sparcom.outcomes(needed(data), sets[0], control, rows)
    means = table.groupby("state")["value"].mean()
    assert means["own set off"] == pytest.approx(means["as it is"] + 0.5)
    assert means["random set off"] < means["as it is"] + 0.2
    assert len(table) == 3 * sum(map(len, rows.values()))
    nothing = sparcom.outcomes(needed(data), sets[0] & False, control, rows)
    assert nothing.empty and "no set" in sentences.outcomes(nothing, "anything")
