"""``select`` from files to a file: the rows as they were, best first, done once, taken up again."""

import json

import pandas as pd
import pytest

from sparcom_nb import capture as capture_module
from sparcom_nb import models
from sparcom_nb.errors import InputError
from sparcom_nb.nait import alignment_score, baseline_score, capability_direction
from sparcom_nb.selection import select_rows


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path, rows):
    """Target (chat) and pool (Alpaca, with odd spacing, numbers and letters that must survive)."""
    chats = [
        {"messages": [{"role": "user", "content": r.instruction + (f"\n{r.input}" if r.input else "")},
                      {"role": "assistant", "content": r.response}]}
        for r in rows[rows["category"] == "MATH"].itertuples()
    ]  # fmt: skip
    pool = [
        f'{{ "instruction":{json.dumps(r.instruction)},  "x": 1.50, "ü": "é\\u00e9",'
        f' "input": {json.dumps(r.input)}, "output": {json.dumps(r.response)} }}'
        for r in rows.itertuples()
    ]
    target = write(tmp_path / "target.jsonl", map(json.dumps, chats))
    return {"target": target, "pool": write(tmp_path / "pool.jsonl", pool), "lines": pool}


def run(folder, files, out, ratio=0.25, **options):
    return select_rows(
        str(folder), files["target"], files["pool"], ratio, out, device="cpu", **options
    )


METHODS = [("pc1", "mean", 0), ("pc1", "drift", 2), ("contrast", "mean", 1), ("length", "mean", 0)]


@pytest.mark.parametrize(("method", "candidate", "skip"), METHODS)
def test_rows_come_as_they_were_best_first(
    method, candidate, skip, files, folders, load, rows, tmp_path
):
    out = tmp_path / "deep" / "out.jsonl"
    manifest = run(folders("llama"), files, out, method=method, candidate=candidate, skip=skip)
    model, own = load("llama", "float32"), rows[rows["category"] == "MATH"]
    if method == "length":
        scores = baseline_score("length", model, rows)
    else:
        pool = rows if method == "contrast" else None
        direction = capability_direction(model, own, method, pool, skip=skip)
        scores = alignment_score(model, rows, direction, candidate)
    expected = scores.sort_values(ascending=False, kind="stable")[:6]
    lines = out.read_text(encoding="utf-8").splitlines()
    line_of = dict(zip(rows["id"], files["lines"], strict=True))
    found = pd.DataFrame([json.loads(line) for line in lines])
    assert found["rank"].to_list() == [1, 2, 3, 4, 5, 6]
    assert found["score"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-4)
    assert [line.partition(', "score"')[0] for line in lines] == [
        line_of[name][:-2] for name in expected.index
    ]
    assert manifest["fresh"] and manifest["chosen"] == 6
    assert (manifest["target"]["form"], manifest["pool"]["form"]) == ("chat", "alpaca")
    assert -1 <= manifest["length_correlation"]["spearman"] <= 1
    assert {path.name for path in out.parent.iterdir()} == {"out.jsonl", "out.manifest.json"}


def test_a_finished_run_is_not_done_again(files, folders, tmp_path, monkeypatch):
    out = tmp_path / "out.jsonl"
    run(folders("llama"), files, out)
    with monkeypatch.context() as patch:
        patch.setattr(models, "load_model", None)
        assert not run(folders("llama"), files, out)["fresh"]
    text = out.read_text()
    assert run(folders("llama"), files, out, seed=1)["fresh"]
    out.write_text("other")
    assert run(folders("llama"), files, out, seed=1)["fresh"] and out.read_text() == text


def test_an_interrupted_run_goes_on(files, folders, tmp_path, monkeypatch):
    monkeypatch.setattr(capture_module, "_BLOCK_ROWS", 6)
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    run(folders("llama"), files, whole)
    real, ran = capture_module._run, []

    def dies(*arguments):
        if len(ran) > 20:
            raise KeyboardInterrupt
        ran.extend(prompt.id for prompt in arguments[1])
        return real(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(capture_module, "_run", dies)
        run(folders("llama"), files, out)
    assert not out.exists()
    ran.clear()
    monkeypatch.setattr(
        capture_module, "_run", lambda *a: (ran.extend(p.id for p in a[1]), real(*a))[1]
    )
    run(folders("llama"), files, out)
    assert 0 < len(ran) < 24
    assert out.read_text() == whole.read_text()


def test_wrong_use_is_said(files, folders, tmp_path):
    out = tmp_path / "o.jsonl"
    for options, message in [
        ({"method": "luck"}, "unknown method 'luck'; use one of pc1, contrast, random"),
        ({"candidate": "sum"}, "unknown candidate 'sum'"),
        ({"ratio": 0.0}, "ratio must be above 0"),
        ({"skip": -1}, "skip must be 0 or more"),
    ]:
        with pytest.raises(InputError, match=message):
            run(folders("llama"), files, out, **options)
    taken = json.dumps({**json.loads(files["lines"][0]), "rank": 3})
    write(files["pool"], [files["lines"][1], taken])
    with pytest.raises(InputError, match=r"pool.jsonl:2: field 'rank' is there already; rename it"):
        run(folders("llama"), files, out)
    assert not out.exists()


def test_a_row_longer_than_the_context_is_named_by_its_line(files, folders, tmp_path):
    write(files["pool"], [json.dumps({"instruction": "word " * 300, "output": "x"})])
    with pytest.raises(InputError, match=r"row 'line 1' has \d+ tokens, more than"):
        run(folders("llama"), files, tmp_path / "o.jsonl")
