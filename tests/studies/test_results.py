"""What a notebook leaves behind, and the commands that read it."""

import json

import numpy as np
import pandas as pd
import pytest

from sparcom_nb.errors import InputError
from sparcom_nb.evidence import Finding
from sparcom_nb.findings import compare, findings
from sparcom_nb.studies.results import Results, load
from sparcom_nb.view.prose import digits, sentence


def leave(root, pair="tiny-dense", notebook="14_ablation", **changed):
    one = Finding("Sets matter", 0.5, 0.25, 0.75, "nats", p=0.01, units="9 sub-types")
    for key, value in changed.items():
        one = Finding(**{**{f: getattr(one, f) for f in one.__dataclass_fields__}, key: value})
    Results.of("T", {"sets": one, "rest": Finding("More", np.nan)}).save(root / pair / notebook)


def test_what_is_saved_is_plain_and_read_again(tmp_path):
    numbers = {"size": {"value": np.float32(0.5), "n": np.int64(7), "low": np.nan, "unit": "%"}}
    table = pd.DataFrame({"a": [1, 2]})
    path = Results("Title", numbers=numbers, tables={"t": table}).save(tmp_path / "new")
    said = json.loads(path.read_text())
    assert said["numbers"] == [{"name": "size", "value": 0.5, "low": None, "n": 7, "unit": "%"}]
    assert said["schema"] == 2 and said["title"] == "Title" and said["findings"] == []
    assert pd.read_parquet(path.parent / "t.parquet").equals(table)
    assert load(path.parent)["numbers"] == said["numbers"]


@pytest.mark.parametrize(
    ("name", "number", "message"),
    [
        (" ", {"value": 1}, "name must be text"),
        ("a", {}, "'a' has no value"),
        ("a", {"value": 1, "high": np.inf}, "'a': high must be"),
        ("a", {"value": "1"}, "'a': value must be"),
        ("a", {"value": True}, "'a': value must be"),
        ("a", {"value": 1, "colour": "red"}, "'a': unknown field 'colour'"),
        ("a", {"value": 1, "low": 2, "high": 1}, "low 2 is above high 1"),
    ],
)
def test_wrong_numbers_are_named(tmp_path, name, number, message):
    with pytest.raises(ValueError, match=message):
        Results("T", numbers={name: number}).save(tmp_path)
    assert not (tmp_path / "figures.json").exists()


def test_every_claim_is_a_row(tmp_path):
    leave(tmp_path)
    leave(tmp_path, notebook="21_input_attribution", p=0.5)
    table = findings(tmp_path)
    assert table["verdict"].to_list() == [
        "shows",
        "cannot be told",
        "does not show",
        "cannot be told",
    ]
    assert table["paper"].to_list() == ["SPARCOM"] * 2 + ["behaviour shift"] * 2
    assert table.loc[0, "low"] == 0.25 and table.loc[0, "p_adjusted"] == 0.01


def test_only_changed_verdicts_differ(tmp_path):
    leave(tmp_path / "a")
    leave(tmp_path / "b", p=0.2)
    leave(tmp_path / "b", notebook="12_identify")
    table = compare(tmp_path / "a", tmp_path / "b")
    changed = table.set_index(["notebook", "name"])[["verdict_before", "verdict_after"]].fillna("")
    assert changed.loc[("14_ablation", "sets")].to_list() == ["shows", "does not show"]
    assert changed.loc[("12_identify", "sets")].to_list() == ["", "shows"] and len(changed) == 3
    assert compare(tmp_path / "a", tmp_path / "a").empty


def test_no_report_and_a_damaged_one_are_one_line(tmp_path):
    with pytest.raises(InputError, match="no claims here; give the folder"):
        findings(tmp_path)
    leave(tmp_path)
    for text in ("[", "[]", '{"schema": 1}', '{"schema": 2}', '{"schema": 2, "findings": [{}]}'):
        (tmp_path / "tiny-dense/14_ablation/figures.json").write_text(text)
        with pytest.raises(InputError, match="run the report again") as told:
            findings(tmp_path)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.14159, "0.14"), (-0.00321, "−0.0032"), (12.345, "12"), (1234.5, "1,230"), (3.0, "3"),
     (100.4, "100"), (float("nan"), "–")],
)  # fmt: skip
def test_digits(value, text):
    assert digits(value) == text


def test_a_sentence_says_verdict_numbers_and_what_would_have_shown():
    one = {"value": 0.142, "low": 0.03, "high": 0.28, "unit": "nats", "control": "shuffled labels"}
    null = {"null_mean": 0.01, "null_low": -0.05, "null_high": 0.06, "detectable": 0.12}
    shows = sentence(Finding("A <b>", **one, **null, p=0.006, p_adjusted=0.024, units="9 rows"))
    assert shows == (
        "**A &#60;b&#62;: this shows.** 0.14 nats [0.03, 0.28], against 0.01 [−0.05, 0.06] for "
        "shuffled labels; p = 0.006 (p = 0.024 adjusted); 9 rows. About 0.13 nats would have shown in "
        "four of five such runs."
    )
    assert sentence(Finding("A", **one, **null, p=0.5)).endswith(
        "About 0.13 nats would have shown in four of five such runs."
    )
    assert "the opposite shows" in sentence(Finding("A", -1.0, p=0.01))
    unknown = Finding("A", 1.0, control="others", null_mean=np.nan, invalid="No match.")
    assert "against" not in sentence(unknown)
    assert "  " not in sentence(Finding("A", 1.0, p=0.01, units="9 rows", reading="So."))
    assert sentence(Finding("A", 1.0)).endswith("too few rows or clusters for a test.")
    assert sentence(Finding("A", 1.0, p=0.01, invalid="No match.")).endswith("No match&#46;")
