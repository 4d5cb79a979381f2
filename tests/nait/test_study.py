"""Arms and their outcomes: kept by what made them, compared as by hand."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import sparcom_nb as sn
from sparcom_nb.nait import study as module
from sparcom_nb.nait.full import full_results, make
from sparcom_nb.nait.kept import digest, kept, made_by

SMALL = sn.nait.plan(
    n_pool=60, n_target=4, n_evaluation=24, n_own=4, steps=1, batch=2, seeds=2, ratios=(0.5,),
    answer_tokens=2, sizes=(4,), draws=1, baselines=("random", "longest"),
)  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return sn.nait.begin_study("tiny-dense", "", SMALL, tmp_path_factory.mktemp("kept"))


def test_a_table_is_made_once(tmp_path):
    made = []

    def make():
        made.append(1)
        return pd.DataFrame({"x": [1.5]})

    inputs = {"b": [1], "a": "x"}
    first = kept(tmp_path, "thing", inputs, make)
    again = kept(tmp_path, "thing", dict(reversed(inputs.items())), make)
    assert len(made) == 1 and first.equals(again)
    assert first.attrs["fresh"] and not again.attrs["fresh"]
    kept(tmp_path, "thing", inputs | {"a": "y"}, make)
    assert len(made) == 2 and len(list(tmp_path.glob("*.parquet"))) == 2
    said = json.loads(next(tmp_path.glob(f"thing-{digest(inputs)[:16]}.json")).read_text())
    assert {name: said[name] for name in inputs} == inputs


def test_side_by_side_a_table_is_made_once(tmp_path):
    made = []

    def make():
        time.sleep(0.2)
        made.append(1)
        return pd.DataFrame({"x": [len(made)]})

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: kept(tmp_path, "t", {"a": 1}, make), range(4)))
    assert made == [1] and sum(table.attrs["fresh"] for table in found) == 1
    assert all(table["x"].tolist() == [1] for table in found)


def test_directions_are_made_once(study, monkeypatch):
    first = study.directions

    def no(*_, **__):
        raise AssertionError("made again")

    monkeypatch.setattr(module.precision, "pool_directions", no)
    again = replace(study).directions
    assert list(again) == list(first)
    for name, direction in first.items():
        assert again[name].metadata == direction.metadata
        assert again[name].vectors.equals(direction.vectors)
        assert again[name].digest == direction.digest
    with pytest.raises(AssertionError, match="made again"):
        replace(study, plan=replace(SMALL, n_own=3)).directions  # noqa: B018


def test_directions_move_to_what_was_tuned_from_the_base(study, monkeypatch):
    names = sn.nait.tuned_from("tiny-dense")
    assert names[0] == "tiny-dense/instruct" and sn.nait.tuned_from("a,b") == ["b"]
    table = study.moved(names[0])
    other = sn.load_model(names[0])
    own = replace(study, base=names[0]).directions
    whole = {name: one for name, one in study.directions.items() if "/0/" in name}
    expected = sn.nait.between_models(whole, own, other, study.mix, SMALL.ratio)
    pd.testing.assert_frame_equal(table, expected.replace({"method": {"pc1": "NAIT"}}))
    monkeypatch.setattr(module, "load_model", None)
    assert not study.moved(names[0]).attrs["fresh"]


def test_what_selections_have_in_common(study):
    tops = [set(study.scores["NAIT", c].nlargest(6).index) for c in sn.CATEGORIES]
    pairs = [(a, b) for n, a in enumerate(tops) for b in tops[:n]]
    expected = np.mean([len(a & b) / len(a | b) for a, b in pairs])
    assert study.in_common()["NAIT"] == pytest.approx(expected)


def test_what_made_it_names_libraries_and_files():
    made = made_by([module])
    assert {"torch", "transformers", module.__name__} <= set(made)


def test_arms_are_what_they_are_called(study):
    arms, scores = study.arms("SUM"), study.scores["contrast", "SUM"]
    assert set(arms["contrast: top"][0]) == set(scores.nlargest(6).index)
    assert set(arms["contrast: bottom"][0]) == set(scores.nsmallest(6).index)
    assert {len(one) for one in arms["full pool"]} == {60}
    wanted = study.mix.wanted("SUM")
    assert set(arms["only what is wanted"][0]) == set(wanted[wanted].index)
    assert all(len(one) == 6 for one in arms["random"])
    assert set(arms["random"][0]) != set(arms["random"][1])


def test_outcomes_are_read_when_they_are_there(study, monkeypatch):
    arms = {k: v for k, v in study.arms("SUM").items() if k in ("random", "contrast: top")}
    first = study.outcomes(arms)
    assert first["fresh"].all() and len(first) == 2 * 2 * 24
    assert first.loc[first["category"] != "SUM", "correct"].isna().all()
    assert not list(study.folder.glob("tuning-*"))

    def no(*_, **__):
        raise AssertionError("tuned again")

    monkeypatch.setattr(module, "tune", no)
    again = study.outcomes(arms)
    assert not again["fresh"].any()
    pd.testing.assert_frame_equal(first.drop(columns="fresh"), again.drop(columns="fresh"))
    with pytest.raises(AssertionError, match="tuned again"):
        replace(study, plan=replace(SMALL, steps=2)).outcomes(arms)


def test_an_arm_is_tune_and_evaluate(study, tmp_path):
    ids, mix = study.random(0.1)[1], study.mix
    rows = mix.pool[mix.pool["id"].isin(ids)].drop(columns="quality")
    folder = sn.tune("tiny-dense/base", rows, 1, 1, tmp_path / "own", batch=2)
    expected = sn.evaluate(sn.load_model(folder), mix.evaluation, answers=False).set_index("id")
    found = study.outcome(ids, 1).set_index("id")
    np.testing.assert_allclose(found["nll"], expected.loc[found.index, "nll"], atol=1e-5)


def outcomes(shift):
    """Two arms, two seeds, four sub-types; the second arm's loss is shifted by seed."""
    rng = np.random.default_rng(0)
    rows = []
    for n in range(16):
        own = rng.normal(3, 1)
        for arm, by in {"random": (0.0, 0.0), "other": shift}.items():
            for seed in (0, 1):
                rows.append(
                    {
                        "arm": arm, "seed": seed, "n": 5, "id": f"r{n}", "category": "QA",
                        "subtype": f"s{n % 4}", "nll": own + 0.1 * seed + by[seed],
                        "correct": n % 2 == 0, "fresh": True,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows).astype({"correct": "boolean"})


def test_effects_compare_rows_and_seeds():
    table = sn.nait.effects(outcomes((-1.0, -0.5))).set_index("arm")
    other = table.loc["other"]
    assert other["difference"] == pytest.approx(-0.75) and other["verdict"] == "lower"
    assert (other["seed_low"], other["seed_high"]) == pytest.approx((-1.0, -0.5))
    assert other["low"] == pytest.approx(-0.75) == other["high"]
    assert other["correct"] == 0.5
    assert table.loc["random", "verdict"] == "not clearly different"


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        ((1.0, 0.5), "higher"),
        ((1.0, -0.5), "not clearly different"),
        ((0, 0), "not clearly different"),
    ],
)
def test_seeds_and_interval_must_agree(shift, said):
    assert sn.nait.effects(outcomes(shift)).set_index("arm").loc["other", "verdict"] == said


def test_rows_are_the_units_where_there_is_one_subtype():
    alone = outcomes((-1.0, -0.5)).assign(subtype="one")
    apart = alone["id"].isin(["r1", "r2"]) & (alone["arm"] == "other")
    alone.loc[apart, "nll"] += 9.0
    other = sn.nait.effects(alone).set_index("arm").loc["other"]
    assert other["low"] < other["difference"] < other["high"]


def test_effects_name_a_missing_reference():
    with pytest.raises(sn.InputError, match="no arm 'best'"):
        sn.nait.effects(outcomes((0, 0)), reference="best")


def test_plans_take_changes_and_leave_the_rest():
    assert sn.nait.plan(steps=None) == sn.nait.QUICK
    assert sn.nait.plan(True, steps=3) == replace(sn.nait.FULL, steps=3)


def test_the_full_experiments_are_written_as_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module.Study, "outcome", lambda self, ids, seed: self.untuned())
    short = replace(SMALL, seeds=1, scores=("contrast",), n_evaluation=12)
    make(tmp_path / "data" / "nait", tmp_path / "work", short)
    monkeypatch.setattr("sparcom_nb.nait.full.shipped", lambda name: tmp_path / name)
    tables, manifest = full_results()
    assert set(tables) == {"arms", "ratios", "transfer", "core"}
    study = sn.nait.begin_study("tiny-dense", "", short, tmp_path / "work")
    assert manifest["fingerprint"] == study.fingerprint
    assert manifest["changed"] == ["rows, weights or plan"]  # it is not the full plan
    monkeypatch.setattr("sparcom_nb.nait.full.FULL", short)
    assert full_results()[1]["changed"] == []
    monkeypatch.setattr("sparcom_nb.nait.full.made_by", lambda _: {"torch": "0"})
    assert full_results()[1]["changed"] == ["torch"]
    again = sn.nait.arm_effects(study, "SUM")
    np.testing.assert_allclose(tables["arms"]["loss"], again["loss"], atol=1e-5)
    assert len(tables["transfer"]) == 36
