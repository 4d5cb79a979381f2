"""``sparcom-nb attribute``: its three kinds of files, and wrong use in one line."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.attribute import attribute
from sparcom_nb.cli import main

PROMPT, RESPONSE = "Is the <b>hotel</b> awful?", "negative"


@pytest.fixture(scope="module")
def expected():
    return sn.shift.input_attribution(sn.load_model("tiny-dense/instruct"), PROMPT, RESPONSE)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line; return its exit code and what it printed."""

    def command(*arguments):
        monkeypatch.setattr("sys.argv", ["sparcom-nb", "attribute", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code or 0, capsys.readouterr()

    return command


def test_writes_a_page_a_table_and_an_array(run, tmp_path, expected):
    file = tmp_path / "prompt.txt"
    file.write_text(PROMPT + "\n", encoding="utf-8")
    for name in ("a.html", "sub/a.csv", "a.nc"):
        options = ["--prompt", f"@{file}", "--response", RESPONSE, "--out", tmp_path / name]
        code, said = run("--model", "tiny-dense/instruct", *options)
        assert code == 0 and f"{expected.shape[0]} prompt tokens x" in said.out
    array = xr.open_dataarray(tmp_path / "a.nc")
    np.testing.assert_allclose(array, expected, rtol=1e-6)
    assert array["input_token"].to_numpy().tolist() == expected["input_token"].to_numpy().tolist()
    assert array.attrs["objective"] == "probability"
    table = pd.read_csv(tmp_path / "sub/a.csv", keep_default_na=False)
    assert len(table) == expected.size
    np.testing.assert_allclose(table["attribution"], expected.to_numpy().ravel(), rtol=1e-5)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<b>" not in page and "http" not in page and "<script" not in page


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--out": "a.txt"}, "must end in .html, .csv, .nc"),
        ({"--prompt": "@missing.txt"}, "missing.txt: no such file"),
        ({"--response": " "}, "the response is empty"),
        ({"--prompt": " "}, "the prompt is empty"),
        ({"--objective": "odds"}, "unknown objective 'odds'"),
        ({"--model": "nobody/nothing"}, "nobody/nothing"),
        ({"--batch-tokens": "3"}, "batch_tokens 3 is smaller"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(run, tmp_path, change, message):
    given = {
        "--model": "tiny-dense/instruct", "--prompt": PROMPT, "--response": RESPONSE, "--out": "a.csv",
    } | change  # fmt: skip
    given["--out"] = str(tmp_path / given["--out"])
    code, said = run(*[part for both in given.items() for part in both])
    assert code == 2 and message in said.err and said.err.strip().count("\n") == 0
    assert not list(tmp_path.iterdir())


def test_the_function_is_what_the_command_runs(tmp_path, expected):
    found = attribute(
        "tiny-dense/instruct", PROMPT, RESPONSE, tmp_path / "a.nc", objective="logit", template=True
    )
    assert found.attrs["objective"] == "logit" and found.sizes["input"] > expected.sizes["input"]
