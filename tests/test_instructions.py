"""Reading tables of instructions: what is filled in, and what is refused in one clear line."""

import json

import pandas as pd
import pytest

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.rows.instructions import COLUMNS, limit_rows, validate

GOOD = {"id": "a", "category": "QA", "instruction": "Why is the sky blue?"}


def write(path, *rows):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_small_file_is_filled(tmp_path):
    data = sn.load_instructions(write(tmp_path / "f.jsonl", GOOD, "", {**GOOD, "id": 7}))
    assert list(data.columns) == list(COLUMNS)
    assert data["id"].to_list() == ["a", "7"]
    assert data.loc[0, "subtype"] == "qa" and data.loc[0, "checker"] == "none"


BAD = [
    ("{not json", "f.jsonl:2: not JSON"),
    ("[1, 2]", "f.jsonl:2: a JSON object is expected"),
    ({**GOOD, "id": "a"}, "f.jsonl:2: id 'a' was used before, on line 1"),
    ({**GOOD, "id": "b", "category": "POEM"}, "f.jsonl:2: unknown category 'POEM'; use one of CLS"),
    ({**GOOD, "id": "b", "instruction": "  "}, "f.jsonl:2: the instruction is empty"),
    ({"id": "b", "category": "QA"}, "f.jsonl:2: field 'instruction' is missing"),
    ({**GOOD, "id": "b", "input": ["x"]}, "f.jsonl:2: field 'input' must be text"),
    ({**GOOD, "id": "b", "checker": "magic"}, "f.jsonl:2: unknown checker 'magic'"),
]


@pytest.mark.parametrize(("row", "message"), BAD)
def test_a_bad_row_is_named(tmp_path, row, message):
    with pytest.raises(InputError) as error:
        sn.load_instructions(write(tmp_path / "f.jsonl", GOOD, row))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_no_file_and_no_rows(tmp_path):
    with pytest.raises(InputError, match=r"no instructions at .*nope\.jsonl"):
        sn.load_instructions(tmp_path / "nope.jsonl")
    with pytest.raises(InputError, match="no rows"):
        sn.load_instructions(write(tmp_path / "e.jsonl", ""))
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xe9"}')
    with pytest.raises(InputError, match="not UTF-8"):
        sn.load_instructions(tmp_path / "latin.jsonl")


def test_a_table_is_checked_like_a_file():
    with pytest.raises(InputError, match="field 'instruction' is missing"):
        validate(pd.DataFrame([{"id": "a", "category": "QA"}]))


def test_limit_is_balanced_over_categories_and_subtypes():
    data = sn.load_instructions("hexainst")
    few = limit_rows(data, 120)
    assert few["category"].value_counts().to_dict() == dict.fromkeys(sn.CATEGORIES, 20)
    assert (few.groupby("category")["subtype"].nunique() == 20).all()
    assert limit_rows(data, None) is data and limit_rows(data, 10**6) is data
    with pytest.raises(InputError, match="limit must be 1 or more"):
        limit_rows(data, 0)
