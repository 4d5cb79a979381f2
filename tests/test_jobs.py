"""What a report refuses before anything runs: notebooks, parameters, pairs."""

import ast
import json
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from sparcom_nb import jobs, parameters
from sparcom_nb.errors import InputError
from sparcom_nb.files import shipped

CELL = """PAIR = "tiny-dense"
LIMIT = 120  # 12 <= LIMIT; rows
SHARE = 0.05  # 0 < SHARE <= 1
SPAN = "a"  # SPAN in ("a", "b")
FREE = "x"  # what it is called
FULL = False
SIZES = (4, 8)  # 2 <= SIZES
POOL = None  # type: int; 24 <= POOL
RATIOS = None  # type: list[float]; 0 < RATIOS <= 1
DATA = ""
OUT = "runs"
SHARED = "runs"
"""


@pytest.fixture
def planned(tmp_path):
    """Plan a report of one notebook with the parameters above."""
    cell = new_code_cell(CELL, metadata={"tags": ["parameters"]})
    (tmp_path / "notebooks").mkdir()
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "notebooks" / "10_a.ipynb")

    def plan(given=None, pairs=None, names=None, out="out"):
        return jobs.plan(pairs, names, tmp_path / out, given or {}, tmp_path / "notebooks")[0]

    return plan


RIGHT = [
    ("LIMIT", 12), ("SHARE", 1), ("SHARE", 0.5), ("SPAN", "b"), ("FREE", ""), ("FREE", "é b"),
    ("FULL", True), ("SIZES", [2]), ("SIZES", [16, 4]), ("POOL", None), ("POOL", 24),
    ("RATIOS", [0.1, 1]), ("RATIOS", []), ("RATIOS", None), ("DATA", "miniworld"),
]  # fmt: skip
WRONG = [
    ("LIMIT", 11), ("LIMIT", -1), ("LIMIT", 12.0), ("LIMIT", "120"), ("LIMIT", True), ("LIMIT", None),
    ("LIMIT", [120]), ("LIMIT", float("nan")), ("LIMIT", {}), ("LIMIT", 10**400 * -1),
    ("SHARE", 0), ("SHARE", 1.1), ("SHARE", float("nan")), ("SHARE", float("inf")), ("SHARE", False),
    ("SPAN", "c"), ("SPAN", "A"), ("SPAN", 1), ("SPAN", ["a"]), ("SPAN", None), ("SPAN", ""),
    ("FREE", 1), ("FREE", "a\nb"), ("FREE", "\x00"), ("FREE", "\udce9"), ("FREE", None),
    ("FULL", 1), ("FULL", "true"), ("FULL", None),
    ("SIZES", 4), ("SIZES", [1]), ("SIZES", [4, "8"]), ("SIZES", [4.5]), ("SIZES", [[4]]),
    ("SIZES", "48"), ("SIZES", [True]), ("SIZES", [None]),
    ("POOL", 23), ("POOL", "all"), ("POOL", 30.5), ("RATIOS", 0.1), ("RATIOS", [0]),
    ("RATIOS", [float("nan")]), ("DATA", "nowhere.jsonl"), ("DATA", 7), ("DATA", "a" * 5000),
    ("OUT", "elsewhere"), ("PAIR", "tiny-moe"), ("SHARED", "x"), ("limit", 120), ("LIMITS", 120),
    ("", 1), ("é", 1), ("N" * 999, 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_a_value_that_suits_is_passed(planned, tmp_path, name, value):
    (job,) = planned({name: value})
    passed = job.passed(tmp_path / "work")
    assert passed[name] == value and passed["OUT"] == str(tmp_path / "work")
    assert passed["SHARED"] == str(tmp_path / "out" / "tiny-dense")


@pytest.mark.parametrize(("name", "value"), WRONG, ids=range(len(WRONG)))
def test_one_that_does_not_is_one_line_and_nothing_is_written(planned, tmp_path, name, value):
    with pytest.raises(InputError) as refused:
        planned({name: value})
    text = str(refused.value)
    assert len(text.splitlines()) == 1 and len(text) <= 300 and name[:40] in text
    assert not (tmp_path / "out").exists()


def test_a_misspelt_name_is_guessed(planned):
    with pytest.raises(InputError, match="'limits'; do you mean LIMIT"):
        planned({"limits": 120})
    with pytest.raises(InputError, match="unknown notebook '10_b'; do you mean 10_a"):
        planned(names=["10_b"])


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["A=1", "B=0.5", "C=x y", "D="], {"A": 1, "B": 0.5, "C": "x y", "D": ""}),
        (["A=true", "B=False", "C=null", "D=None"], {"A": True, "B": False, "C": None, "D": None}),
        (["A=[1, 2]", "B=(1, 2)", 'C="1"', "D=a=b"], {"A": [1, 2], "B": (1, 2), "C": "1", "D": "a=b"}),
    ],
)  # fmt: skip
def test_values_are_json_or_python_or_text(texts, found):
    assert parameters.given(texts) == found


@pytest.mark.parametrize("texts", [["A"], ["=1"], [" =1"], ["A=1", "A=1"], ["A=1", " A =2"]])
def test_what_is_no_value_is_refused(texts):
    with pytest.raises(InputError):
        parameters.given(texts)


def test_all_notebooks_say_what_their_numbers_may_be():
    for path in sorted(shipped("notebooks").glob("*.ipynb")):
        for name, one in jobs.read(path).parameters.items():
            assert one.takes(ast.literal_eval(one.default)), (path.stem, name)
            numbers = one.type in ("int", "float", "list[int]", "list[float]")
            assert one.condition or not numbers, (path.stem, name)


def test_a_mistake_is_told_before_anything_heavy_is_loaded():
    program = """import sys; sys.argv = ["sparcom-nb", "report", "--param", "LIMIT=1"]
from sparcom_nb import cli
try: cli.main()
finally: print([name for name in ("torch", "papermill", "transformers") if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == "[]\n"
    assert done.stderr.startswith(
        "sparcom-nb: parameter LIMIT is 1, but 00_start_here takes a whole "
    )


# ---------------------------------------------------------------- pairs


@pytest.fixture
def changed(folders, tmp_path):
    """A copy of a tiny model whose configuration says something else."""

    def copy(**fields):
        folder = shutil.copytree(folders("llama"), tmp_path / "changed")
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | fields))
        return folder

    return copy


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_hidden_layers": 5}, "layers 3 and 5"),
        ({"intermediate_size": 64}, "neurons a layer 48 and 64"),
        ({"hidden_size": 64}, "activations a token 32 and 64"),
        ({"model_type": "qwen2"}, "architecture 'llama' and 'qwen2'|architecture llama and qwen2"),
    ],
)
def test_models_of_other_sizes_are_not_compared(planned, folders, changed, fields, message):
    with pytest.raises(InputError, match=message) as refused:
        planned(pairs=[f"{folders('llama')},{changed(**fields)}"])
    assert len(str(refused.value)) <= 300


def test_models_of_other_words_are_not_compared(planned, folders, changed):
    other = changed()
    text = (other / "tokenizer.json").read_text()
    vocabulary = json.loads(text)
    one, two = list(vocabulary["model"]["vocab"])[50:52]
    words = vocabulary["model"]["vocab"]
    words[one], words[two] = words[two], words[one]
    (other / "tokenizer.json").write_text(json.dumps(vocabulary))
    with pytest.raises(InputError, match="their vocabularies differ, first in"):
        planned(pairs=[f"{folders('llama')},{other}"])
    (other / "tokenizer.json").write_text(text + "\n")
    assert planned(pairs=[f"{folders('llama')},{other}"])


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        ["nope"],
        ["nope,nope"],
        ["a,b,c"],
        [",x"],
        ["tiny-dense", " tiny-dense"],
        ["tiny-dense,"],
    ],
)
def test_wrong_pairs_are_refused(planned, pairs):
    with pytest.raises(InputError):
        planned(pairs=pairs)


def test_a_broken_configuration_is_one_line(planned, folders, changed):
    other = changed()
    for text in ("{", "[]", ""):
        (other / "config.json").write_text(text)
        with pytest.raises(InputError, match=r"config\.json"):
            planned(pairs=[f"{folders('llama')},{other}"])


def test_a_blank_behind_the_comma_is_the_same_pair(planned, folders):
    base = folders("llama")
    (one,) = planned(pairs=[f"{base},{base}"])
    (other,) = planned(pairs=[f" {base} , {base}"])
    assert one == other and len(one.place) <= 100
    with pytest.raises(InputError, match="is given twice"):
        planned(pairs=[f"{base},{base}", f"{base}, {base}"])


def test_names_that_look_alike_get_folders_of_their_own(tmp_path):
    notebook = jobs.Notebook(tmp_path / "10_a.ipynb", {}, frozenset())
    long = "x" * 300
    pairs = [
        "a/b,c",
        "a-b,c",
        "a-b-c",
        "a b,c",
        f"{long}1,{long}",
        f"{long}2,{long}",
        "../a,b",
        "é,é",
    ]
    places = {jobs.Job(notebook, pair, tmp_path, {}).place for pair in pairs}
    assert len(places) == len(pairs) and max(map(len, places)) <= 100


@pytest.mark.parametrize("names", [["99"], [""], ["10", "10_a"], ["10_a", "10_a"]])
def test_wrong_notebooks_are_refused(planned, names):
    with pytest.raises(InputError):
        planned(names=names)


def test_out_must_be_a_folder_and_not_of_an_older_version(planned, tmp_path):
    (tmp_path / "file").touch()
    for out in ("file", "file/below"):
        with pytest.raises(InputError, match="file is a file"):
            planned(out=out)
    old = tmp_path / "old" / "tiny-dense" / "10_a" / "run.json"
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    with pytest.raises(InputError, match="older version"):
        planned(out="old")
