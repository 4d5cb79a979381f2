"""``select`` from files to a file: the rows as they were, best first, judged by rows held out."""

import itertools
import json
import sys

import numpy as np
import pandas as pd
import pytest

import sparcom_nb.nait.contest as contest
from sparcom_nb import selection
from sparcom_nb.errors import InputError
from sparcom_nb.model import capture as capture_module
from sparcom_nb.model import load as models
from sparcom_nb.nait import alignment_score, capability_direction
from sparcom_nb.nait.baselines import baseline_score
from sparcom_nb.nait.ranking import auc_interval
from sparcom_nb.nait.scores import layer_scores
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


METHODS = [
    ("nait", "mean", 0),
    ("nait-drift", "drift", 2),
    ("contrast", "mean", 1),
    ("length", "mean", 0),
    ("perplexity", "mean", 0),
]


def scores_by_hand(model, method, known, rows, pool, candidate, skip):
    """Scores of rows by the public functions; layers measured by the pool one by one."""
    if method in ("length", "perplexity"):
        return baseline_score(method, model, rows)
    if method != "nait":
        own = "contrast" if method == "contrast" else "pc1"
        direction = capability_direction(model, known, own, pool, skip=skip)
        return alignment_score(model, rows, direction, candidate)
    direction = capability_direction(model, known, "pc1", pool, sign="pool", skip=skip)
    layers, around = (
        layer_scores(model, part, {"d": direction}, (candidate,)) for part in (rows, pool)
    )
    scores = pd.Series(0.0, rows["id"].to_numpy())
    for layer in around["layer"].to_numpy():
        values = around.sel(layer=layer).to_numpy().ravel()
        scores += (layers.sel(layer=layer).to_numpy().ravel() - values.mean()) / values.std()
    return scores


@pytest.mark.parametrize(("method", "candidate", "skip"), METHODS)
def test_rows_come_as_they_were_best_first(
    method, candidate, skip, files, folders, load, rows, tmp_path
):
    out = tmp_path / "deep" / "out.jsonl"
    manifest = run(folders("llama"), files, out, method=method, candidate=candidate, skip=skip)
    model, own = load("llama", "float32"), rows[rows["category"] == "MATH"]
    known, held, _ = selection._dealt(own, "target", rows, "pool", 0)
    how = (rows, candidate, skip)
    scores = scores_by_hand(model, method, known, rows, *how)
    expected = scores.sort_values(ascending=False, kind="stable")[:6]
    lines = out.read_text(encoding="utf-8").splitlines()
    line_of = dict(zip(rows["id"], files["lines"], strict=True))
    found = pd.DataFrame([json.loads(line) for line in lines])
    assert found["rank"].to_list() == [1, 2, 3, 4, 5, 6]
    assert found["score"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-4, abs=1e-4)
    assert [line.partition(', "score"')[0] for line in lines] == [
        line_of[name][:-2] for name in expected.index
    ]
    assert manifest["fresh"] and manifest["chosen"] == 6 and manifest["method"] == method
    assert (manifest["target"]["form"], manifest["pool"]["form"]) == ("chat", "alpaca")
    assert -1 <= manifest["length_correlation"]["spearman"] <= 1
    assert {path.name for path in out.parent.iterdir()} == {"out.jsonl", "out.manifest.json"}
    # judged by the rows held out, against the pool's rows that are not the target's
    held_scores = scores_by_hand(model, method, known, held, *how)
    pairs = [
        (a > b) + (a == b) / 2
        for a, b in itertools.product(held_scores, scores[~scores.index.isin(own["id"])])
    ]
    area = manifest["auc"][method]
    assert area["value"] == pytest.approx(np.mean(pairs), abs=1e-9)
    assert (area["low"], area["high"]) == auc_interval(area["value"], 2, 16)
    assert manifest["pool"]["same_as_target"] == 8 and manifest["target"]["held_out"] == 2


def test_every_run_judges_every_score_and_auto_takes_the_better(files, folders, tmp_path):
    made = {}
    for method in ("auto", "nait-drift", "random"):
        made[method] = run(folders("llama"), files, tmp_path / f"{method}.jsonl", method=method)
        assert set(made[method]["auc"]) == {"nait", "nait-drift", "contrast", "length"} | (
            {"random"} & {method}
        )
    areas = {name: area["value"] for name, area in made["auto"]["auc"].items()}
    assert {n: a["value"] for n, a in made["nait-drift"]["auc"].items()} == areas
    better = "nait" if areas["nait"] > areas["contrast"] else "contrast"
    assert made["auto"]["method"] == better
    run(folders("llama"), files, tmp_path / "better.jsonl", method=better)
    assert (tmp_path / "better.jsonl").read_text() == (tmp_path / "auto.jsonl").read_text()


def test_the_deal_is_a_quarter_of_what_differs_and_changes_with_the_seed(rows):
    def dealt(target, seed):
        known, held, same = selection._dealt(target, "t", pool, "p", seed)
        assert same.to_list() == [False, True]
        return known, held

    pool = pd.concat([rows[:1].assign(response="other"), rows[:1].assign(id="y")])
    twice = pd.concat([rows, rows.assign(id="x" + rows["id"], response=rows["response"] + " ")])
    known, held = dealt(twice.reset_index(drop=True), 0)
    assert (len(known), len(held)) == (18, 6)
    assert not set(selection._texts(known)) & set(selection._texts(held))
    assert set(dealt(rows, 1)[1]["id"]) != set(held["id"]) == set(dealt(rows, 0)[1]["id"])
    assert [len(part) for part in dealt(rows[:4], 0)] == [2, 2]


@pytest.mark.parametrize("drop", [False, True])
def test_rows_are_dealt_once(drop, files, folders, tmp_path, monkeypatch):
    real, seen = selection._dealt, []
    monkeypatch.setattr(selection, "_dealt", lambda *a: (seen.append(a), real(*a))[1])
    run(folders("llama"), files, tmp_path / "o.jsonl", drop_unusable=drop)
    assert len(seen) == 1


def test_rows_held_out_never_come_out_and_equal_ids_do_not_meet(files, folders, rows, tmp_path):
    """Target and pool both call their rows by the line."""
    pool = [line for line, c in zip(files["lines"], rows["category"], strict=True) if c != "MATH"]
    write(files["pool"], pool)
    manifest = run(folders("llama"), files, tmp_path / "out.jsonl", ratio=1)
    chosen = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert manifest["chosen"] == len(chosen) == 16 and manifest["pool"]["same_as_target"] == 0
    assert {one["instruction"] for one in chosen} == {
        json.loads(line)["instruction"] for line in pool
    }


@pytest.mark.parametrize(
    ("areas", "said"),
    [
        ({"nait": 0.6, "contrast": 0.9}, ""),
        (
            {"nait": 0.2, "contrast": 0.9},
            "chance .50); try --method contrast (AUC 0.90), more target",
        ),
        ({"nait": 0.5, "contrast": 0.55}, "chance .50); try more target rows"),
    ],
)
def test_below_enough_it_says_what_else_to_try(areas, said):
    advice = contest.advice("nait", {name: {"value": value} for name, value in areas.items()})
    assert said in advice and bool(said) == bool(advice)


def test_a_finished_run_is_not_done_again(files, folders, tmp_path, monkeypatch):
    out = tmp_path / "out.jsonl"
    run(folders("llama"), files, out)
    with monkeypatch.context() as patch:
        patch.setattr(models, "load_model", None)
        assert not run(folders("llama"), files, out)["fresh"]
    text = out.read_text()
    for other in ({"seed": 1}, {"ratio": 0.5}, {"method": "length"}):
        with pytest.raises(InputError, match=rf"of other inputs \(\S*{next(iter(other))} "):
            run(folders("llama"), files, out, **other)
    assert out.read_text() == text
    out.write_text("other")
    assert run(folders("llama"), files, out)["fresh"] and out.read_text() == text


def test_the_result_is_never_what_is_read(files, folders, tmp_path):
    text = files["pool"].read_bytes()
    for out in (files["pool"], files["target"]):
        with pytest.raises(InputError, match="is or holds it; choose another place"):
            run(folders("llama"), files, out)
    assert files["pool"].read_bytes() == text
    (tmp_path / "o.jsonl").write_text("mine")
    with pytest.raises(InputError, match=r"o\.jsonl is there already and not ours"):
        run(folders("llama"), files, tmp_path / "o.jsonl")
    run(folders("llama"), files, tmp_path / "p.jsonl")
    with pytest.raises(InputError, match=r"p\.manifest\.json is there already"):
        run(folders("llama"), files, tmp_path / "p.json")


def test_an_interrupted_run_goes_on(files, folders, tmp_path, monkeypatch):
    monkeypatch.setattr(capture_module, "_BLOCK_ROWS", 6)
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    run(folders("llama"), files, whole)
    real, ran = capture_module._run, []

    def dies(*arguments):
        if len(ran) > 30 + 12:  # 6 rows and the pool for directions, then some of the pool
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
    assert 0 < len(ran) < 24  # no direction again, and not all of the pool
    assert out.read_text() == whole.read_text()


def test_wrong_use_is_said(files, folders, tmp_path):
    out = tmp_path / "o.jsonl"
    for options, message in [
        (
            {"method": "luck"},
            "unknown method 'luck'; use one of auto, nait, nait-drift, contrast, random",
        ),
        ({"candidate": "sum"}, "unknown candidate 'sum'"),
        ({"ratio": 0.0}, "ratio must be above 0"),
        ({"skip": -1}, "skip must be 0 or more"),
    ]:
        with pytest.raises(InputError, match=message):
            run(folders("llama"), files, out, **options)
    lines = files["target"].read_text().splitlines()
    write(files["target"], [*lines[:3], lines[0]])
    with pytest.raises(InputError, match=r"target.jsonl: 3 different rows; give at least 4"):
        run(folders("llama"), files, out)
    write(files["target"], lines)
    write(files["pool"], lines[:2])
    with pytest.raises(InputError, match=r"pool.jsonl: every row is one of .*target.jsonl"):
        run(folders("llama"), files, out)
    taken = json.dumps({**json.loads(files["lines"][0]), "rank": 3})
    write(files["pool"], [files["lines"][1], taken])
    with pytest.raises(InputError, match=r"pool.jsonl:2: field 'rank' is there already; rename it"):
        run(folders("llama"), files, out)
    assert not out.exists()


def test_a_row_without_a_score_is_named(files, folders, tmp_path, monkeypatch):
    real = contest.layer_scores
    monkeypatch.setattr(
        contest, "layer_scores", lambda *a, **k: real(*a, **k).where(lambda x: x != x.min())
    )
    with pytest.raises(InputError, match=r"row '.*' has no score \(NaN\)"):
        run(folders("llama"), files, tmp_path / "o.jsonl")


def test_a_row_longer_than_the_context_is_named_by_its_line(files, folders, tmp_path):
    write(files["pool"], [json.dumps({"instruction": "word " * 300, "output": "x"})])
    with pytest.raises(InputError, match=r"row 'line 1' has \d+ tokens, more than"):
        run(folders("llama"), files, tmp_path / "o.jsonl")


def test_a_missing_extra_is_said_before_the_model_is_loaded(tmp_path, monkeypatch):
    for name in ("target", "pool"):
        rows = [{"instruction": f"{name} {n}?", "response": "yes"} for n in range(5)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    monkeypatch.setattr(models, "load_model", None)
    files = (tmp_path / "target.jsonl", tmp_path / "pool.jsonl")
    with pytest.raises(InputError, match=r"sentence_transformers: pip install 'sparcom-nb\[words"):
        select_rows("tiny-dense/base", *files, 0.5, tmp_path / "o.jsonl", method="embedding")
