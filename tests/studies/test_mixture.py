"""The pool: shares, what is spoiled and how, parts that share no row."""

import pandas as pd
import pytest

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.rows.instructions import user_text, validate
from sparcom_nb.studies.mixture import QUALITIES, mixture, spoiled


@pytest.fixture(scope="module")
def mix():
    return mixture(n_pool=300, n_target=12, n_evaluation=60, seed=3)


def texts(rows):
    return {user_text(row) for row in rows.to_dict("records")}


def test_shares_are_those_that_are_named(mix):
    counts = mix.pool.groupby(["category", "quality"]).size().unstack()
    assert (counts[list(QUALITIES)] == [30, 10, 10]).all().all() and len(counts) == 6
    assert mix.target["category"].value_counts().eq(12).all()
    assert mix.evaluation["category"].value_counts().eq(10).all()
    for capability in sn.CATEGORIES:
        wanted = mix.wanted(capability)
        assert wanted.mean() == 0.1
        chosen = mix.pool.set_index("id").loc[wanted[wanted].index]
        assert set(chosen["category"]) == {capability} and set(chosen["quality"]) == {"clean"}


def test_parts_share_no_row(mix):
    parts = [texts(part) for part in (mix.target, mix.pool, mix.evaluation)]
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert sum(map(len, parts)) == sum(map(len, (mix.target, mix.pool, mix.evaluation)))


def test_a_seed_begins_at_another_place_and_a_pool_ends_where_the_rows_end():
    rows = {seed: mixture(n_pool=300, n_target=12, seed=seed) for seed in (0, 1, 2**32 - 1)}
    pools = [texts(mix.pool) for mix in rows.values()]
    assert not pools[0] & pools[1] and pools[2] not in (pools[0], pools[1])
    for mix in rows.values():
        assert mix.pool["category"].value_counts().eq(50).all()
    assert rows[0].target["id"][0] == "mw-train-500-0"  # the first row of the file
    whole = mixture(n_pool=100_000, n_target=12)
    assert (
        10_000 < len(whole.pool) < 12_000 and whole.target["category"].value_counts().eq(12).all()
    )


def test_spoiled_rows_have_another_rows_answer(mix):
    before = pd.concat([mixture(n_pool=300, n_target=12, seed=3).pool])
    assert before.equals(mix.pool)  # the same seed deals the same
    plain = mix.pool.drop(columns="quality")
    again = spoiled(plain, 1)
    for old, new in zip(plain.to_dict("records"), again.to_dict("records"), strict=True):
        assert old["instruction"] == new["instruction"]
        if new["quality"] == "clean":
            assert new["response"] == old["response"]
            continue
        assert new["response"] != old["response"]
        donors = plain[plain["response"] == new["response"]]
        if new["quality"] == "shuffled":
            assert (donors["category"] != old["category"]).any()
        elif (plain[plain["subtype"] == old["subtype"]]["response"] != old["response"]).any():
            assert old["subtype"] in set(donors["subtype"])


def test_a_file_is_dealt_out(tmp_path):
    data = sn.limit_rows(sn.load_instructions("miniworld"), 240)
    file = tmp_path / "own.jsonl"
    file.write_text(data.to_json(orient="records", lines=True), encoding="utf-8")
    found = mixture(str(file), n_pool=1000, n_target=5, n_evaluation=1000, seed=1)
    assert found.target["category"].value_counts().eq(5).all()
    assert found.evaluation["category"].value_counts().eq(10).all()
    parts = [set(part["id"]) for part in (found.target, found.pool, found.evaluation)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 240


def test_too_little_is_told(tmp_path):
    data = sn.limit_rows(sn.load_instructions("miniworld"), 12)
    file = tmp_path / "few.jsonl"
    file.write_text(data.to_json(orient="records", lines=True), encoding="utf-8")
    with pytest.raises(InputError, match="too few rows to deal"):
        mixture(str(file))
    alike = [
        {"id": f"{n}", "category": "QA", "instruction": f"Say {n}", "response": "yes"}
        for n in range(10)
    ]
    with pytest.raises(InputError, match="no wrong one"):
        spoiled(validate(pd.DataFrame(alike)), 0)
