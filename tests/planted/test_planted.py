"""The planted models: what is in the weights, what the methods find, what matters."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scoring
import sparcom_nb as sn
from planted import ROLES, SIZES, TASK_WORDS, WORDINGS, plant, planted_rows
from scoring import METHODS
from tables import TABLES

KINDS = ("dense", "moe")
SPANS = ("instruction", "response")


@pytest.fixture(scope="module", params=KINDS)
def grown(request):
    """A planted model without noise, and the truth."""
    return scoring.grow(request.param)


@pytest.fixture(scope="module")
def noisy():
    """Scores of all methods at three noises on the dense model, two plans."""
    return scoring.recovery("dense", (0.0, 0.5, 1.0), (0, 1))


@pytest.mark.parametrize("span", SPANS)
def test_roles_do_what_the_table_says(grown, span):
    """Frequencies by role at zero noise; a first word before the task word is all that is missed."""
    model, truth = grown
    frequency = sn.sparcom.neuron_frequency(model, truth.data, span=span, show_progress=False)
    rows = truth.data
    category, n_tokens = rows["category"].to_numpy(), frequency["n_tokens"].to_numpy()
    wording = np.array([WORDINGS.index(text.split()[0]) for text in rows["instruction"]])
    after = (n_tokens - (span == "instruction")) / n_tokens
    values = frequency.to_numpy()
    np.testing.assert_array_equal(values[:, (truth.roles == "general").to_numpy()], 1)
    for n, name in enumerate(sn.CATEGORIES):
        own = (category == name)[:, None]
        task = values[:, truth.sets("task").sel(category=name).to_numpy()]
        np.testing.assert_allclose(task, np.where(own, after[:, None], 0) * np.ones_like(task))
        inert = values[:, truth.sets("inert").sel(category=name).to_numpy()]
        assert (inert[~own[:, 0]] == 0).all() and 0.4 < inert[own[:, 0]].mean() < 0.8
        follows = values[:, truth.sets("wording").sel(category=name).to_numpy()]
        np.testing.assert_array_equal(follows, (wording == n)[:, None] * np.ones_like(follows))
    background = values[:, (truth.roles == "background").to_numpy()].mean()
    assert 0.02 < background < 0.2


def test_sizes_of_the_roles(grown):
    _, truth = grown
    counts = {role: int((truth.roles == role).sum()) for role in ROLES}
    assert counts["general"] == SIZES["general"]
    assert all(counts[role] == 6 * SIZES[role] for role in ("task", "wording", "inert"))
    assert (truth.neurons.sum("category") <= 1).all() and sum(counts.values()) == 2048
    for role in ("task", "wording", "inert"):
        assert (truth.sets(role).sum(truth.sets(role).dims[1:]) == SIZES[role]).all()
    if truth.experts is not None:
        assert (truth.experts.sum("expert") == 1).all()
        inside = truth.neurons.any("neuron") <= truth.experts
        assert inside.all()


def test_wording_crosses_categories():
    rows = planted_rows(favourite=0.4)
    wording = rows["instruction"].str.split().str[0]
    counts = rows.groupby(["category", wording]).size().unstack()
    assert (counts > 0).all(axis=None)
    for n, name in enumerate(sn.CATEGORIES):
        assert counts.loc[name, WORDINGS[n]] == counts.loc[name].max() == round(0.4 * 24)
        part = rows[rows["category"] == name]
        assert set(part["subtype"]) == set(TASK_WORDS[name])


@pytest.mark.parametrize("span", SPANS)
def test_sparcom_finds_all_and_only_the_planted_neurons(grown, span):
    model, truth = grown
    found = scoring.neuron_sets(model, truth, span)
    assert tuple(found) == METHODS
    np.testing.assert_array_equal(found["SPARCOM"], truth.neurons)
    score = scoring.precision_recall(found["SPARCOM"], truth.neurons)
    assert (score[["precision", "recall"]] == 1).all(axis=None)
    shares = {m: scoring.role_shares(sets, truth.roles).mean() for m, sets in found.items()}
    assert shares["LAPE"]["inert"] > 0.2  # entropy cannot tell them from neurons of the task
    assert shares["mean contrast"]["wording"] + shares["mean contrast"]["inert"] > 0.05
    assert shares["random"]["task"] < 0.1


def test_sparcom_finds_all_and_only_the_planted_experts():
    table = scoring.recovery("moe", (0.0, 1.0), (0,), SPANS, "experts")
    means = table.groupby(["method", "span", "noise"])[["precision", "recall"]].mean()
    for span in SPANS:
        assert (means.loc[("SPARCOM", span, 0.0)] == 1).all()
        assert means.loc[("random", span, 0.0), "recall"] < 0.6
        assert not means.loc[("SPARCOM", span, 1.0), "recall"] > 0.4
    assert set(table["method"]) == set(METHODS) - {"mean contrast"}


def test_other_plans_are_found_too():
    for kind in KINDS:
        table = scoring.recovery(kind, (0.0,), (5,))
        assert (table[table["method"] == "SPARCOM"][["precision", "recall"]] == 1).all(axis=None)


def test_it_degrades_with_noise_down_to_chance(noisy):
    curves = scoring.recovery_curves(noisy)
    assert not (curves["low"] > curves["high"]).any()
    recall = curves[curves["measure"] == "recall"].pivot_table(
        index=["span", "method"], columns="noise", values="mean"
    )
    informed = recall.drop("random", level="method")
    assert (informed.diff(axis=1).iloc[:, 1:] <= 0.1).all(axis=None)
    assert (informed[1.0] < 0.1).all() and (recall.xs("random", level="method") < 0.1).all(
        axis=None
    )
    sparcom = recall.xs("SPARCOM", level="method")
    assert (sparcom[0.0] == 1).all() and (sparcom[0.5] > 0.4).all()


def test_precision_and_recall_by_hand():
    truth = scoring.grow("dense")[1]
    sets = truth.neurons.copy()
    sets.loc[{"category": "QA"}] = False
    one = truth.neurons.sel(category="CLS").to_numpy()
    wrong = np.argwhere(truth.sets("inert").sel(category="CLS").to_numpy())[0]
    sets.to_numpy()[0][tuple(wrong)] = True
    sets.to_numpy()[0][tuple(np.argwhere(one)[0])] = False
    score = scoring.precision_recall(sets, truth.neurons).set_index("category")
    assert score.loc["CLS"].tolist() == [6, 5 / 6, 5 / 6]
    assert score.loc["QA", "size"] == 0 and np.isnan(score.loc["QA", "precision"])
    assert score.loc["QA", "recall"] == 0 and score.loc["SUM", "precision"] == 1
    shares = scoring.role_shares(sets, truth.roles)
    assert shares["inert"][0] == pytest.approx(1 / 6) and shares.loc[2].isna().all()


def test_what_fools_sparcom_and_what_helps():
    """Frequencies cannot tell an inert neuron; a confounded wording needs more agreement."""
    table = scoring.decoys("dense").set_index(["world", "method"])
    np.testing.assert_allclose(table[list(ROLES)].sum(axis=1), 1)
    np.testing.assert_allclose(table["precision"], table["task"], atol=0.04)
    sparcom = table.xs("SPARCOM", level="method")
    assert sparcom.loc["as planted", "precision"] == 1
    assert sparcom.loc["inert neurons always active", "inert"] > 0.3
    assert sparcom.loc["category mostly in one wording", "wording"] > 0.3
    model, truth = scoring.grow("dense", favourite=0.8)
    frequency = sn.sparcom.neuron_frequency(model, truth.data, show_progress=False)
    marked = sn.sparcom.specific(frequency, top=30 / 2048)
    strict = sn.sparcom.unique_sets(sn.sparcom.category_sets(marked, 0.9))
    np.testing.assert_array_equal(strict, truth.neurons)


def test_only_task_neurons_matter_and_only_for_their_category(grown):
    model, truth = grown
    table = scoring.switched_off(model, truth).set_index("role")
    assert (table.loc["task", "own"] > 1).all() and (table.loc["task", "others"].abs() < 0.05).all()
    assert (table.loc["inert", ["own", "others"]] == 0).all(axis=None)
    assert (table.loc["wording", ["own", "others"]].abs() < 0.01).all(axis=None)


def test_the_same_seed_is_the_same_world_at_every_noise(tmp_path):
    """Only gates and routers hold noise; the plan, the words and the instructions stay."""
    from safetensors.torch import load_file

    plants = [plant(tmp_path / str(s), "moe", s, 3) for s in (0.0, 0.7)]
    weights = [load_file(p.folder / "model.safetensors") for p in plants]
    changed = {name for name in weights[0] if not weights[0][name].equal(weights[1][name])}
    assert changed and all("gate" in n or "w1" in n for n in changed), changed
    assert plants[0].data.equals(plants[1].data) and plants[0].roles.equals(plants[1].roles)
    other = plant(tmp_path / "other", "moe", 0.0, 4)
    assert not other.neurons.equals(plants[0].neurons)


def test_the_shipped_tables_are_what_the_program_writes():
    shipped = Path(__file__).parents[2] / "data" / "planted"
    for name in ("decoys", "switched_off"):
        known = pd.read_csv(shipped / f"{name}.csv").query("kind == 'dense'").drop(columns="kind")
        made = TABLES[name]("dense")
        pd.testing.assert_frame_equal(known, made[list(known)], atol=1e-3, check_dtype=False)
