"""The files of data/miniworld are what the seed gives, and keep the rules of instruction files."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

import shipped
from tasks import CATEGORIES, COLUMNS, SUBTYPES

DATA = Path(__file__).parents[2] / "data" / "miniworld"
FILES = ("instructions", "paraphrases", "documents")


@pytest.fixture(scope="module")
def tables():
    return {name: pd.read_json(DATA / f"{name}.jsonl", lines=True, dtype=False) for name in FILES}


def test_the_seed_gives_the_shipped_bytes(tmp_path):
    shipped.write(tmp_path)
    for name in FILES:
        assert (tmp_path / f"{name}.jsonl").read_bytes() == (DATA / f"{name}.jsonl").read_bytes()
    for name in ("pool", "texts"):
        made, here = (folder / f"{name}.jsonl.gz" for folder in (tmp_path, DATA))
        assert gzip.decompress(made.read_bytes()) == gzip.decompress(here.read_bytes())


def test_another_seed_gives_other_rows():
    assert shipped.instructions(1)[0] != shipped.instructions(2)[0]


def test_balance_and_halves(tables):
    rows = tables["instructions"]
    assert list(rows.columns) == COLUMNS
    assert rows.groupby("category").size().to_dict() == dict.fromkeys(CATEGORIES, 100)
    assert set(rows.subtype) == {s.name for s in SUBTYPES}
    halves = rows.groupby(["subtype", "split"]).size().unstack()
    assert (halves.a - halves.b).abs().max() <= 1
    assert rows.id.is_unique and rows.id.str.fullmatch(r"mw-[a-z]+-\d{3}").all()
    assert not rows.duplicated(["instruction", "input"]).any()


def test_paraphrases_ask_the_same_otherwise(tables):
    rows, again = tables["instructions"].set_index("id"), tables["paraphrases"]
    assert again.groupby("category").size().to_dict() == dict.fromkeys(CATEGORIES, 20)
    originals = rows.loc[again.paraphrase_of]
    assert (originals.response.values == again.response.values).all()
    assert (originals.input.values == again.input.values).all()
    assert (originals.instruction.values != again.instruction.values).all()
    assert not set(again.id) & set(rows.index)


def test_documents(tables):
    assert len(tables["documents"]) == 200 and tables["documents"].text.is_unique
