"""The notebooks on a pair that nobody wrote them for: a small Qwen2, trained by a fixture."""

import json
import re

import pandas as pd
import pytest
from reading import told

from sparcom_nb.files import shipped
from sparcom_nb.report import build

LAYERS = 3
NOTEBOOKS = [p.stem for p in sorted(shipped("notebooks").glob("*.ipynb"))]
#: One of each way to use a model: capture, intervention, two models, gradients, weights, tuning.
DENSE = [name for name in NOTEBOOKS if name[:2] in ("12", "14", "16", "21", "23", "32")]
READ = {"LIMIT": 72, "DRAWS": 9}
SELECT = {"POOL": 120, "STEPS": 1, "BATCH": 2, "SEEDS": 1, "EVALUATION": 24}


@pytest.fixture(scope="module")
def pages(third_pair, tmp_path_factory):
    """Folder with the pages and results of the pair, on few rows."""
    out = tmp_path_factory.mktemp("third-report")
    for start, sizes in (("[124]", READ), ("3", SELECT)):
        names = [name for name in DENSE if re.match(start, name)]
        build([third_pair], names, out, {"DATA": "miniworld", **sizes})
    (folder,) = (path for path in out.iterdir() if path.is_dir())
    return folder


def test_the_pair_is_another_architecture(third_pair):
    base, tuned = third_pair.split(",")
    for folder in (base, tuned):
        config = json.loads((shipped("data") / folder / "config.json").read_text())
        assert config["architectures"] == ["Qwen2ForCausalLM"]
        assert config["num_hidden_layers"] == LAYERS
        assert config["num_key_value_heads"] < config["num_attention_heads"]


def test_tuning_taught_it_something(third_pair):
    """Answers begin to be right; the base gives none."""
    import sparcom_nb as sn

    pair = sn.load_pair(third_pair)
    data = sn.limit_rows(sn.load_instructions("miniworld"), 60)
    right = {name: sn.answer(getattr(pair, name), data)["correct"].mean() for name in pair.members}
    assert right["instruct"] > right["base"]


@pytest.mark.parametrize("name", DENSE)
def test_notebook_runs_and_speaks_of_this_pair(name, pages):
    record = json.loads((pages / name / "manifest.json").read_text())["run"]
    assert record["error"] is None
    assert "Traceback" not in (pages / f"{name}.html").read_text(encoding="utf-8")
    said = json.loads((pages / name / "figures.json").read_text())
    assert said["findings"] or said["numbers"]
    said = told(pages / name / "notebook.ipynb")
    others = r"The shipped results are of tiny-\w+|To tiny-moe/base \*\*no transfer is defined.*"
    assert said and "tiny-" not in re.sub(others, "", said)
    assert not re.search(r"\bnan\b", said)


@pytest.mark.parametrize("name", DENSE)
def test_tables_have_the_layers_of_this_pair(name, pages):
    tables = [pd.read_parquet(path) for path in (pages / name).glob("*.parquet")]
    layers = [set(table["layer"].dropna()) for table in tables if "layer" in table]
    assert all(found <= set(range(LAYERS)) for found in layers)
    assert not layers or set.union(*layers) == set(range(LAYERS))


def test_before_and_after_says_what_this_pair_lacks(pages):
    said = told(pages / "16_before_after" / "notebook.ipynb")
    assert "no placebo of this pair here" in said and "This pair has no experts." in said
