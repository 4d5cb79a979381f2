"""The command line as a user runs it: results, exit codes, one-line errors."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.model.sources import model_path
from sparcom_nb.sparcom.sets import component_table

COMMAND = Path(sys.executable).with_name("sparcom-nb")


def run(*arguments):
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "COLUMNS": "200"},
        timeout=300,
    )


def identify(out):
    arguments = ["--model", "tiny-dense/instruct", "--data", "miniworld", "--limit", 60]
    return run("identify", *arguments, "--out", out)


@pytest.fixture(scope="module")
def identified(tmp_path_factory):
    out = tmp_path_factory.mktemp("identify") / "out"
    done = identify(out)
    assert done.returncode == 0, done.stderr
    return out, done


def test_identify_writes_its_three_results(identified):
    out, done = identified
    assert "60 instructions" in done.stdout and "share taken" in done.stdout
    stored = xr.open_zarr(out / "frequency.zarr")
    assert stored["frequency"].dims == ("instruction", "layer", "neuron")
    assert stored["count"].dtype == np.uint16
    expected = stored["count"] / stored["n_tokens"]
    np.testing.assert_allclose(stored["frequency"], expected, rtol=1e-6)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["tokens"] == int(stored["n_tokens"].sum())
    assert len(manifest["weights_sha256"]) == 64 and manifest["versions"]["torch"]


def test_identify_agrees_with_the_package(identified):
    out, _ = identified
    table = pd.read_parquet(out / "components.parquet")
    assert set(table) == {"layer", "expert", "neuron", "category", "agreement", "kind"}
    data = sn.limit_rows(sn.load_instructions("miniworld"), 60)
    frequency = sn.sparcom.activation_frequency(sn.load_model("tiny-dense/instruct"), data)
    marked = sn.sparcom.specific(frequency, top=0.05)
    expected = component_table(marked)
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)


def test_identify_says_kinds_and_shares(identified):
    out, done = identified
    manifest = json.loads((out / "manifest.json").read_text())
    table = pd.read_parquet(out / "components.parquet")
    neurons = table.groupby(["layer", "neuron"])["kind"].first()
    assert manifest["kinds"] == neurons.value_counts().to_dict()
    assert manifest["kind_shares"]["unique"] == pytest.approx((neurons == "unique").sum() / 2560)
    shares = manifest["share_taken_by_category"]
    assert set(shares) == set(sn.CATEGORIES) and min(shares.values()) > 0.04
    assert np.mean(list(shares.values())) == pytest.approx(manifest["share_taken"])
    assert f"{manifest['kinds']['unique']:,} unique" in done.stdout


def test_what_is_damaged_is_made_again_and_what_is_whole_is_used(identified, tmp_path):
    out = shutil.copytree(identified[0], tmp_path / "damaged")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "components.parquet").unlink()
    done = identify(out)
    assert done.returncode == 0 and "done before" not in done.stdout
    assert "damaged, made again: components.parquet" in done.stderr
    assert "capture: 0 of 60" in done.stderr
    after = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    changed = [path.name for path in before | after if before.get(path) != after.get(path)]
    assert changed == ["manifest.json"]  # its seconds


def test_other_inputs_on_the_same_place_are_refused(identified):
    out, _ = identified
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    arguments = ["--model", "tiny-dense/instruct", "--data", "miniworld", "--limit", 60]
    done = run("identify", *arguments, "--seed", 1, "--out", out)
    assert done.returncode == 2 and "(seed 0, not 1); choose another place" in done.stderr
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_identify_of_a_model_with_experts(tmp_path):
    arguments = ["identify", "--model", "tiny-moe/instruct", "--data", "miniworld", "--limit", 30]
    done = run(*arguments, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    stored = xr.open_zarr(tmp_path / "frequency.zarr")
    assert stored["frequency"].dims == ("instruction", "layer", "expert", "neuron")
    np.testing.assert_allclose(stored["routing"], stored["routed"] / stored["n_tokens"], rtol=1e-6)
    data = sn.limit_rows(sn.load_instructions("miniworld"), 30)
    joint = sn.sparcom.expert_neuron_frequency(sn.load_model("tiny-moe/instruct"), data)
    expected = component_table(sn.sparcom.specific(joint))
    found = pd.read_parquet(tmp_path / "components.parquet")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    experts = component_table(sn.sparcom.specific_experts(joint["routing"]))
    table = pd.read_parquet(tmp_path / "experts.parquet")
    pd.testing.assert_frame_equal(table, experts, check_dtype=False)
    assert len(table) and table["neuron"].isna().all() and not table["expert"].isna().any()
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["experts"]["components"] == table.groupby("category").size().to_dict()
    (tmp_path / "experts.parquet").unlink()
    assert "done before" not in run(*arguments, "--out", tmp_path).stdout
    assert "done before" in run(*arguments, "--out", tmp_path).stdout


def test_help_tells_the_defaults():
    from sparcom_nb.sparcom.experts import RELATIVE
    from sparcom_nb.sparcom.sets import DEFAULT_TOP

    text = run("identify", "--help").stdout
    assert f"[default: ({DEFAULT_TOP})]" in text and f"[default: {RELATIVE}]" in text


def test_a_finished_run_is_not_done_again(identified):
    out, _ = identified
    before = (out / "components.parquet").stat().st_mtime_ns
    arguments = ["identify", "--model", "tiny-dense/instruct", "--data", "miniworld", "--limit", 60]
    again = run(*arguments, "--out", out)
    assert again.returncode == 0 and "done before" in again.stdout
    assert (out / "components.parquet").stat().st_mtime_ns == before
    other = run(*arguments, "--out", out, "--top", 0.1)
    assert (
        other.returncode == 2 and "of other inputs (parameters.top 0.05, not 0.1)" in other.stderr
    )
    assert (out / "components.parquet").stat().st_mtime_ns == before


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Files and folders with one thing wrong each."""
    folder = tmp_path_factory.mktemp("broken")
    good = {"id": "a", "category": "QA", "instruction": "Why?"}
    lines = {
        "json": [json.dumps(good), "{oops"],
        "category": [json.dumps({**good, "category": "POEM"})],
        "empty": [json.dumps({**good, "instruction": ""})],
        "twice": [json.dumps(good)] * 2,
        "long": [json.dumps({**good, "instruction": "word " * 900})],
        "good": [json.dumps(good)],
    }
    for name, text in lines.items():
        (folder / f"{name}.jsonl").write_text("\n".join(text))
    pickled = folder / "pickled"
    shutil.copytree(model_path("tiny-dense/base"), pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    return folder


WRONG = [
    ("tiny-dense/base", "missing", "no instructions at"),
    ("tiny-dense/base", "json", "json.jsonl:2: not JSON"),
    ("tiny-dense/base", "category", "unknown category 'POEM'"),
    ("tiny-dense/base", "empty", "empty.jsonl:1: the instruction is empty"),
    ("tiny-dense/base", "twice", "twice.jsonl:2: id 'a' was used before, on line 1"),
    ("tiny-dense/base", "long", "row 'a' has"),
    ("nope", "good", "unknown model 'nope'"),
    ("pickled", "good", "no .safetensors weights"),
    ("some/model", "good", "hub cannot be reached"),
]


@pytest.mark.parametrize(("model", "data", "message"), WRONG)
def test_bad_input_is_one_line_and_exit_code_2(broken, tmp_path, model, data, message):
    model = broken / model if model == "pickled" else model
    done = run(
        "identify", "--model", model, "--data", broken / f"{data}.jsonl", "--out", tmp_path / "o"
    )
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("sparcom-nb: ") and message in lines[0]
    assert not (tmp_path / "o" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["identify"], "Missing option"),
        (["nosuch"], "No such command 'nosuch'"),
        (["identify", "--model", "a", "--data", "b", "--out", "x", "--top", "a"], "--top"),
        (["select", "--model", "a"], "Missing option"),
        (
            [
                "select",
                "--model",
                "tiny-dense/base",
                "--target",
                "no.jsonl",
                "--pool",
                "b.jsonl",
                "--ratio",
                0.1,
                "--out",
                "o.jsonl",
            ],
            "no samples at no.jsonl",
        ),
        (["report", "--param", "LIMIT"], "write NAME=VALUE"),
        (["report", "--notebook", "99_nope"], "99_nope"),
        (["report", "--pair", "nope"], "unknown pair 'nope'"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(arguments, message, tmp_path):
    done = subprocess.run(
        [COMMAND, *map(str, arguments)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2 and message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_select_writes_the_best_rows_and_tells_what_it_read(tmp_path):
    data = sn.load_instructions("miniworld")
    own = data[data["category"] == "SUM"]
    files = {"target": own[:20], "pool": sn.limit_rows(data.drop(own.index[:20]), 60)}
    for name, rows in files.items():
        rows.to_json(tmp_path / f"{name}.jsonl", orient="records", lines=True)
    files = [part for name in files for part in (f"--{name}", tmp_path / f"{name}.jsonl")]
    command = ["select", "--model", "tiny-dense/instruct", *files, "--ratio", 0.1]
    done = run(*command, "--method", "contrast", "--out", tmp_path / "o.jsonl")
    assert done.returncode == 0, done.stderr
    assert "pool: 60 rows in the form own" in done.stdout
    assert "AUC of 5 held-out target rows against the pool" in done.stdout
    assert "6 rows chosen by contrast" in done.stdout
    found = pd.read_json(tmp_path / "o.jsonl", lines=True)
    assert list(found.columns) == [*data.columns, "score", "rank"]
    assert found["score"].is_monotonic_decreasing
    assert (found["category"] == "SUM").sum() >= 3
    again = run(*command, "--method", "contrast", "--out", tmp_path / "o.jsonl")
    assert "done before" in again.stdout


def test_both_cuts_are_refused(tmp_path):
    done = run(
        "identify", "--model", "tiny-dense/base", "--data", "miniworld", "--out", tmp_path / "o",
        "--top", 0.1, "--threshold", 0.5,
    )  # fmt: skip
    assert done.returncode == 2 and "not both" in done.stderr


@pytest.mark.parametrize("command", ["models", "identify", "report", "select", "convert"])
def test_every_command_has_help(command):
    done = run(command, "--help")
    assert done.returncode == 0
    for option in ("--seed", "--device", "--batch-tokens"):
        assert option in done.stdout


def test_models_lists_the_pairs():
    done = run("models")
    assert done.returncode == 0
    for name in ("tiny-dense", "tiny-moe", "smollm2", "vicuna-7b", "llama-2-7b", "mistral-7b"):
        assert name in done.stdout


def test_every_public_name_loads_by_itself():
    code = "import sys, sparcom_nb as sn; getattr(sn, sys.argv[1])"
    for name in ("capture", "prompts", "taps"):  # modules below a package that is not loaded yet
        done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
