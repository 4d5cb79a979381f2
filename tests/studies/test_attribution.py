"""The study of attributions finds what is there and nothing else; the published tables."""

import importlib.util
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sparcom_nb.evidence import NOT, SHOWS, UNTOLD
from sparcom_nb.files import shipped
from sparcom_nb.studies.attribution import compare, published_choices, study

GROUPS = ["user", "lima", "mtbench", "all"]
FOLDER, MODELS = shipped("data") / "published", ("llama", "vicuna")


def rows(n=48, subtypes=6):
    """Rows of two categories."""
    k = np.arange(n)
    return pd.DataFrame(
        {
            "id": [f"r{i}" for i in k], "category": np.array(["CLS", "QA"])[k % 2],
            "subtype": [f"s{i // 2 % subtypes}" for i in k],
        }
    )  # fmt: skip


def made(n, lead=0.0, seed=0, outputs=4):
    """Attributions [8, outputs] whose first four tokens, the instruction, get ``lead`` more."""
    rng = np.random.default_rng(seed)
    mask = ("input", np.arange(8) < 4)
    return [
        xr.DataArray(
            rng.random((8, outputs)) + lead * (np.arange(8) < 4)[:, None],
            {"mask": mask}, ("input", "output"),
        )
        for _ in range(n)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def gained():
    data = rows()
    return study({"base": made(48), "tuned": made(48, 0.5, 1), "placebo": made(48, 0.0, 2)}, data)


def test_a_gain_of_the_instruction_shows_against_base_and_placebo(gained):
    for name in ("gain", "lead", "placebo", "at_length"):
        assert gained.findings[name].verdict == SHOWS, name
    assert "these two checkpoints" in gained.findings["placebo"].caveat
    table = gained.tables["shift"].set_index("category")
    scores = gained.tables["scores"].pivot(
        index=["id", "category"], columns="member", values="score"
    )
    change = (scores["tuned"] - scores["base"]).groupby("category").mean()
    assert table.loc["CLS", "mean"] == pytest.approx(change["CLS"])
    assert table.loc["all", "mean"] == pytest.approx(change.mean())
    assert gained.findings["gain"].value == pytest.approx(change.mean())


def test_the_same_model_twice_gains_nothing_and_what_lacks_cannot_be_told(tmp_path):
    same = made(48)
    found = study({"base": same, "tuned": same}, rows())
    assert found.findings["gain"].verdict == found.findings["lead"].verdict == NOT
    assert found.findings["gain"].value == 0
    assert found.findings["placebo"].verdict == UNTOLD
    found.save(tmp_path)
    silent = study({"base": made(48, outputs=0), "tuned": made(48, outputs=0)}, rows())
    own = ("gain", "lead", "placebo", "at_length", "category")
    assert {silent.findings[name].verdict for name in own} == {UNTOLD}
    assert silent.tables["shift"].empty and "mean" in silent.tables["choices"]
    silent.save(tmp_path / "silent")
    one = study({"base": made(1), "tuned": made(1)}, rows(1))
    assert one.findings["gain"].verdict in (NOT, UNTOLD)


# ---------------------------------------------------------------- the published matrices


@pytest.fixture(scope="module")
def published():
    return pd.read_csv(FOLDER / "scores.csv"), pd.read_csv(FOLDER / "choices.csv")


def check(found, expected, sides, of):
    for row in found.to_dict("records"):
        own = expected[row["group"]]
        for side, name in sides.items():
            for what in ("mean", "std", "n"):
                assert row[f"{side} {what}"] == pytest.approx(own[name][what], abs=5e-5)
        assert row[f"t{of}"] == pytest.approx(own["t"], abs=5e-4)
        assert row[f"p{of}"] == pytest.approx(own["p"], rel=2e-3)


def test_tables_1_and_2_to_the_digits_of_the_methods(published):
    scores, _ = published
    one = compare(scores, "followed", ("no", "yes")).set_index("group")
    two = compare(scores, "model", MODELS).set_index("group")
    assert len(scores) == 1264
    for group, yes, no, n, p in (
        ("user", 1.2283, 0.8917, (194, 44), 5.7e-5), ("lima", 1.6173, 1.2799, (249, 50), 3.6e-6),
        ("mtbench", 1.4584, 0.9290, (60, 19), 4.8e-4),
    ):  # fmt: skip
        assert one.loc[group, ["yes mean", "no mean"]].tolist() == pytest.approx(
            [yes, no], abs=5e-5
        )
        assert tuple(one.loc[group, ["yes n", "no n"]]) == n
        assert one.loc[group, "p_welch"] == pytest.approx(p, rel=0.02)
    for group, llama, vicuna, n, p in (
        ("user", 0.9394, 1.1302, 252, 1.9e-5), ("lima", 1.2683, 1.5579, 300, 2.5e-14),
        ("mtbench", 1.1777, 1.3440, 80, 0.038),
    ):  # fmt: skip
        assert two.loc[group, ["llama mean", "vicuna mean"]].tolist() == pytest.approx(
            [llama, vicuna], abs=5e-5
        )
        assert two.loc[group, "vicuna n"] == n
        assert two.loc[group, "p"] == pytest.approx(p, rel=0.03)  # Student's, equal variances


def test_the_sign_of_table_2_hangs_on_the_normalisation(gained):
    table = gained.tables["published_choices"].set_index(["choice", "group"])["t"]
    assert (table["mean, not normalised"] > 0).all()
    assert (table["as published (b = 7)"] < 0).all()
    assert (table["paired"][GROUPS] < table["as published (b = 7)"][GROUPS]).all()
    assert gained.findings["published"].verdict == gained.findings["followed"].verdict == SHOWS
    one = gained.tables["table_1"].set_index("group")
    apart = (one["yes mean"] - one["no mean"])[["user", "lima", "mtbench"]]
    assert gained.findings["followed"].value == pytest.approx(apart.mean())
    assert gained.findings["published_raw"].verdict == "opposite"


def test_shipped_tables_equal_the_oracle_and_what_the_program_makes(oracle, published):
    scores, choices = published
    spec = importlib.util.spec_from_file_location("scores", FOLDER / "build" / "scores.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    made, other = program.build(oracle / "attribution")
    for shipped_one, one in ((scores, made), (choices, other)):
        numbers = one.select_dtypes("float").columns
        np.testing.assert_allclose(shipped_one[numbers], one[numbers], rtol=1e-6)
    stored = pd.read_csv(oracle / "attribution/all_scores.csv")
    stored["model"] = stored["model"].str.removesuffix("_7b")
    both = scores.merge(stored, on=["model", "id"], suffixes=("", "_stored"))
    assert len(both) == 1264 and (both["score"] - both["score_stored"]).abs().max() < 1e-6
    for name in ("n_out", "n_mask", "group"):
        assert (both[name] == both[f"{name}_stored"]).all()
    tables = json.loads((oracle / "attribution/table.json").read_text())
    sides = {"yes": "followed", "no": "unfollowed"}
    check(compare(scores, "followed", ("no", "yes")), tables["table1"]["groups"], sides, "_welch")
    names = {"llama": "llama", "vicuna": "vicuna"}
    check(compare(scores, "model", MODELS), tables["table2"]["groups"], names, "_welch")
    by_choice = published_choices(scores, choices).set_index(["choice", "group"])
    for choice, name in (
        ("b = 0", "b0"), ("mean over the instruction", "mean_over_mask"),
        ("mean, not normalised", "unnormalised_mean"),
        ("both responses at least 200 tokens", "both_outputs_at_least_200_tokens"),
    ):  # fmt: skip
        expected = tables["sensitivity"][name]["table2"]
        for group in expected:
            assert by_choice.loc[(choice, group), "t_welch"] == pytest.approx(
                expected[group]["t"], rel=1e-4
            )
    for group in GROUPS:
        own = tables["table2"]["paired"][group]["t"]
        assert -by_choice.loc[("paired", group), "t"] == pytest.approx(own, rel=1e-4)
