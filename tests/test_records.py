"""Files of rows in every form they come in, and going on without rows that cannot be used."""

import gzip
import json
import subprocess
import sys

import pandas as pd
import pytest
from bad_input import HALF, rows
from typer.testing import CliRunner

import sparcom_nb as sn
from sparcom_nb.cli import app
from sparcom_nb.errors import InputError
from sparcom_nb.model.prompts import fitting
from sparcom_nb.rows.forms import read_samples
from sparcom_nb.rows.instructions import validate

ALPACA = [
    {"instruction": f"Say {n} words", "input": "", "output": "so be it 🙂", "more": {"n": [n]}}
    for n in range(6)
]


def as_lines(values):
    return "\n".join(json.dumps(one) for one in values).encode()


WRITERS = {
    "jsonl": as_lines,
    "json": lambda values: json.dumps(values, indent=1).encode(),
    "bom": lambda values: b"\xef\xbb\xbf" + as_lines(values).replace(b"\n", b"\r\n"),
    "bom-array": lambda values: b"\xef\xbb\xbf \n" + json.dumps(values).encode(),
    "jsonl.gz": lambda values: gzip.compress(as_lines(values)),
    "json.gz": lambda values: gzip.compress(json.dumps(values).encode()),
    "parquet": lambda values: pd.DataFrame(values).to_parquet(),
}


@pytest.fixture(params=WRITERS)
def pool(request, tmp_path):
    path = tmp_path / f"pool.{request.param}"
    path.write_bytes(WRITERS[request.param](ALPACA))
    return path


def test_samples_are_the_same_whatever_the_file(pool):
    found = read_samples(pool)
    assert found.form == "alpaca" and found.unusable == []
    assert found.rows["instruction"].to_list() == [row["instruction"] for row in ALPACA]
    assert [json.loads(line) for line in found.lines] == ALPACA
    assert all(line.startswith("{") and line.endswith("}") for line in found.lines)


@pytest.mark.parametrize("kind", WRITERS)
def test_instructions_are_the_same_whatever_the_file(kind, tmp_path):
    data = rows(6).drop(columns="subtype")
    path = tmp_path / "odd name"  # what it is shows in its bytes
    path.write_bytes(WRITERS[kind](data.to_dict("records")))
    pd.testing.assert_frame_equal(sn.load_instructions(path), validate(data))


def test_missing_cells_of_a_parquet_file_are_filled(tmp_path):
    data = rows(6).assign(paraphrase_of=None, split=[None, *"abaab"])
    data.to_parquet(tmp_path / "f.parquet")
    assert sn.load_instructions(tmp_path / "f.parquet")["split"].to_list() == list("aabaab")


def test_rows_are_listed_together_and_can_be_left_out(tmp_path):
    data = rows(20).to_dict("records")
    for n in (1, 3, 5, 7, 9, 11):
        data[n]["instruction"] = n
    path = tmp_path / "f.jsonl"
    path.write_bytes(as_lines(data))
    with pytest.raises(InputError) as error:
        sn.load_instructions(path)
    said = str(error.value)
    assert "6 of 20 rows cannot be used" in said and "--drop-unusable" in said and len(said) <= 600
    for line in (2, 4, 6, 8, 10):
        assert f"f.jsonl:{line}: field 'instruction' must be text" in said
    assert "f.jsonl:12" not in said
    left = sn.load_instructions(path, drop_unusable=True)
    assert left["id"].to_list() == [f"r{n}" for n in range(20) if n % 2 == 0 or n > 11]
    assert len(left.attrs["unusable"]) == 6
    assert sn.limit_rows(left, 4).attrs["unusable"] == left.attrs["unusable"]


def test_no_row_that_can_be_used_is_an_error_all_the_same(tmp_path):
    (tmp_path / "f.jsonl").write_text("{oops\n{oops\n")
    with pytest.raises(InputError, match="2 of 2 rows"):
        sn.load_instructions(tmp_path / "f.jsonl", drop_unusable=True)


@pytest.mark.parametrize("field", ["id", "instruction", "input", "response", "source"])
def test_half_a_character_in_a_table(field):
    data = rows(3).astype(object)
    data.loc[1, field] = HALF
    with pytest.raises(InputError, match=rf"the table, row 2: field '{field}' holds half"):
        validate(data)


def test_rows_that_a_model_cannot_read_are_told_together_and_left_out(tmp_path):
    model, data = sn.load_model("tiny-dense/base", device="cpu"), rows(4)
    data.loc[[1, 3], "instruction"] = "word " * 900
    with pytest.raises(InputError, match=r"2 of 4 rows .*row 'r1' has \d+ tokens.*row 'r3' has"):
        sn.sparcom.activation_frequency(model, data, show_progress=False)
    left, why = fitting(model, data, ["instruction"])
    assert left["id"].to_list() == ["r0", "r2"] and len(why) == 2
    with pytest.raises(InputError, match="no row is left"):
        fitting(model, data[1:2], ["instruction"])


def sparcom(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


def test_identify_goes_on_without_rows_and_says_so(tmp_path):
    data = rows(12).to_dict("records")
    data[3]["instruction"], data[5]["instruction"] = "word " * 900, HALF
    path, out = tmp_path / "f.json", tmp_path / "out"
    path.write_text(json.dumps(data))
    done = sparcom("identify", "--model", "tiny-dense/base", "--data", path, "--out", out,
                   "--drop-unusable")  # fmt: skip
    assert done.exit_code == 0 and "2 rows of" in done.stdout
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["instructions"] == 10 and manifest["unusable"]["rows"] == 2
    first = manifest["unusable"]["first"]
    assert "element 6: field 'instruction' holds half" in first[0] and "'r3' has" in first[1]


def test_select_goes_on_without_rows_and_says_so(tmp_path):
    held = [*ALPACA, {**ALPACA[0], "output": "word " * 900}, {**ALPACA[0], "more": HALF}]
    (tmp_path / "pool.json").write_text(json.dumps(held))
    target = [row | {"output": f"{row['output']} again"} for row in ALPACA]
    pd.DataFrame(target).to_parquet(tmp_path / "target.parquet")
    command = ["select", "--model", "tiny-dense/base", "--target", tmp_path / "target.parquet",
               "--pool", tmp_path / "pool.json", "--ratio", 1, "--method", "length",
               "--out", tmp_path / "o.jsonl"]  # fmt: skip
    done = sparcom(*command, "--drop-unusable")
    assert done.exit_code == 0 and "2 rows of" in done.stdout
    chosen = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert len(chosen) == 6 and all({**row, "score": 0, "rank": 0} for row in chosen)
    for row in chosen:
        assert {key: row[key] for key in ALPACA[0]} in ALPACA
    told = json.loads((tmp_path / "o.manifest.json").read_text())
    assert told["target"]["unusable"]["rows"] == 0 and told["pool"]["unusable"]["rows"] == 2
    assert "element 8: field 'more' holds half" in told["pool"]["unusable"]["first"][0]


def test_python_runs_the_package():
    done = subprocess.run(
        [sys.executable, "-m", "sparcom_nb", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0 and "identify" in done.stdout


@pytest.mark.parametrize(
    "command", [one.name or one.callback.__name__ for one in app.registered_commands]
)
def test_help_explains_every_option(command):
    from typer.main import get_command

    found = get_command(app).commands[command.replace("_", "-")]
    assert found.help and all(option.help for option in found.params)
    assert {"seed", "device", "batch_tokens"} <= {option.name for option in found.params}
    assert sparcom(command.replace("_", "-"), "--help").exit_code == 0
