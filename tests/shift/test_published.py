"""Tables 1 and 2 of the paper, to the fourth decimal."""

import json

import pandas as pd
import pytest

import sparcom_nb as sn

GROUPS = ["user", "lima", "mtbench", "all"]


@pytest.fixture(scope="module")
def tables(oracle):
    return json.loads((oracle / "attribution/table.json").read_text())


@pytest.fixture(scope="module")
def scores(oracle):
    return sn.shift.published_scores(oracle / "attribution/all_attributions_u8.npz")


def check(found, expected, sides):
    for row in found.set_index("group").loc[GROUPS].reset_index().to_dict("records"):
        of = expected[row["group"]]
        for side in sides:
            for what in ("mean", "std", "n"):
                assert row[f"{side} {what}"] == pytest.approx(of[side][what], abs=5e-5)
        assert row["t"] == pytest.approx(of["t"], abs=5e-5)
        assert row["p"] == pytest.approx(of["p"], rel=1e-3)


def test_every_score(oracle, scores):
    stored = pd.read_csv(oracle / "attribution/all_scores.csv")
    stored["model"] = stored["model"].str.removesuffix("_7b")
    both = scores.merge(stored, on=["model", "id"], suffixes=("", "_stored"))
    assert len(both) == len(scores) == 1264
    assert (both["score"] - both["score_stored"]).abs().max() < 1e-6
    assert (both["n_out"] == both["n_out_stored"]).all() and (
        both["n_mask"] == both["n_mask_stored"]
    ).all()


def test_table_1(tables, scores):
    check(sn.shift.table_1(scores), tables["table1"]["groups"], ("followed", "unfollowed"))


def test_table_2(tables, scores):
    check(sn.shift.table_2(scores), tables["table2"]["groups"], ("llama", "vicuna"))
    paired = sn.shift.table_2(scores, paired=True).set_index("group")
    for group in GROUPS:
        assert -paired.loc[group, "t"] == pytest.approx(tables["table2"]["paired"][group]["t"])


def test_without_normalisation_table_2_reverses(oracle, tables):
    file = oracle / "attribution/all_attributions_u8.npz"
    raw = sn.shift.published_scores(file, normalise=False, mean=True)
    expected = tables["sensitivity"]["unnormalised_mean"]
    check(sn.shift.table_1(raw), expected["table1"], ("followed", "unfollowed"))
    check(sn.shift.table_2(raw), expected["table2"], ("llama", "vicuna"))
    assert (sn.shift.table_2(raw)["t"] > 0).all()


def test_every_choice_of_the_sensitivity_table(oracle, tables, scores):
    table = sn.shift.published_sensitivity(oracle / "attribution/all_attributions_u8.npz")
    assert table["choice"].nunique() == 8 and len(table) == 8 * len(GROUPS)
    by_choice = {name: part.set_index("group") for name, part in table.groupby("choice")}
    for choice, name in (
        ("b = 0", "b0"),
        ("mean over the instruction", "mean_over_mask"),
        ("mean, not normalised", "unnormalised_mean"),
        ("both responses at least 200 tokens", "both_outputs_at_least_200_tokens"),
    ):
        expected = tables["sensitivity"][name]["table2"]
        for group in expected:
            assert by_choice[choice].loc[group, "t"] == pytest.approx(expected[group]["t"])
    published = by_choice["as published (b = 7)"]
    check(published.reset_index(), tables["table2"]["groups"], ("llama", "vicuna"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(sn.InputError, match="no published attributions"):
        sn.shift.published_scores(tmp_path / "none.npz")
