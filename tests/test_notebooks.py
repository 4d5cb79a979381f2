"""The notebooks: how they are written, that they run, and that their prose is honest."""

import ast
import json
import re
import statistics
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from sparcom_nb.evidence import NOT, SHOWS, UNTOLD
from sparcom_nb.files import shipped
from sparcom_nb.report import build
from sparcom_nb.studies.results import load

#: What the papers compute and what it takes: each is called in the notebook that teaches it.
METHODS = (
    *("load_pair", "load_instructions", "intervene", "evaluate", "tune"),
    *(
        "sparcom.activation_frequency",
        "sparcom.expert_frequency",
        "sparcom.expert_neuron_frequency",
    ),
    *("sparcom.specific", "sparcom.category_sets", "sparcom.overlap", "sparcom.generality"),
    *("sparcom.alteration", "shift.input_attribution", "shift.instruction_mask", "shift.levels"),
    *("shift.importance_density", "shift.instruction_score", "shift.attention_word_pairs"),
    *("shift.verb_shift", "shift.ffn_concepts", "shift.rotation", "nait.capability_direction"),
    *("nait.alignment_score", "nait.select"),
)
NOTEBOOKS = sorted(shipped("notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def cells(notebook, kind):
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def test_is_committed_clean(notebook):
    assert all(not c.outputs and c.execution_count is None for c in cells(notebook, "code"))
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}


def test_reads_like_a_textbook(notebook):
    code, text = cells(notebook, "code"), cells(notebook, "markdown")
    lines = [len(cell.source.splitlines()) for cell in code]
    assert len(text) >= 1.2 * len(code)
    assert statistics.median(lines) <= 6 and max(lines) <= 25
    joined = "\n".join(cell.source for cell in text)
    assert text[0].source.startswith("# ") and joined.count("\n# ") == 0
    for part in ("You will learn", "Before this", "Time:", "Exercise", "<details>", "What next"):
        assert part in joined, part


def test_has_one_cell_of_parameters_and_defines_no_function(notebook):
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert {"PAIR", "SEED", "OUT"} <= {
        t.id for n in ast.parse(tagged[0].source).body for t in n.targets
    }
    for cell in cells(notebook, "code"):
        assert not any(
            isinstance(n, ast.FunctionDef | ast.ClassDef) for n in ast.walk(ast.parse(cell.source))
        )


def test_prose_states_no_result(notebook):
    """Percentages and decimals in Markdown are definitions or arithmetic, never findings."""
    allowed = {"2.6", "95", "90", "5", "0.05"}
    for cell in cells(notebook, "markdown"):
        text = re.sub(
            r"arXiv [\d.]+|sections? [\d.]+|abs/[\d.]+|\[[\d.]+\]|<details>.*?</details>",
            "",
            cell.source,
            flags=re.S,
        )
        found = set(re.findall(r"(?<![\w.])(\d+\.\d+|\d+(?= ?%))", text))
        assert found <= allowed, cell.source


def test_every_method_is_called_in_some_notebook():
    code = "\n".join(
        cell.source
        for path in NOTEBOOKS
        for cell in cells(nbformat.read(path, as_version=4), "code")
    )
    assert [name for name in METHODS if not re.search(rf"\bsn\.{re.escape(name)}\b", code)] == []


def test_links_between_notebooks_exist(notebook):
    names = {path.stem for path in NOTEBOOKS}
    for cell in cells(notebook, "markdown"):
        assert set(re.findall(r"`(\d\d_\w+)`", cell.source)) <= names


def test_every_notebook_runs_and_leaves_a_page(course):
    for path in NOTEBOOKS:
        (page,) = course.glob(f"*/{path.stem}.html")
        text = page.read_text(encoding="utf-8")
        assert page.stat().st_size <= 5 * 2**20
        assert "bad-formula" not in re.sub(r"<style.*?</style>", "", text, flags=re.S)
        elements = BeautifulSoup(text, "html.parser").select("[src], [href]")
        led = [element.get("src") or element["href"] for element in elements]
        assert not [at for at in led if re.match(r"(https?:)?//(?!arxiv\.org|doi\.org)", at)]
        assert "Traceback" not in text
        figures = json.loads((page.with_suffix("") / "figures.json").read_text())
        assert figures["findings"] or figures["numbers"]


def test_doing_it_again_takes_no_time(course, run_course):
    import time

    began = time.perf_counter()
    assert run_course() == course
    assert time.perf_counter() - began < 5


def read_shuffled(notebook, shuffled, out, pair="tiny-dense", **parameters):
    """Text of a notebook's page where labels are drawn at random: nothing is shared by category."""
    assert build([pair], [notebook], out, {"DATA": str(shuffled), **parameters}) == 0
    return (out / pair / f"{notebook}.html").read_text(encoding="utf-8")


def verdicts(out, notebook):
    """Verdict of every finding that a notebook left."""
    (file,) = out.glob(f"*/{notebook}/figures.json")
    return {one["name"]: one["verdict"] for one in load(file.parent)["findings"]}


def shown(out, notebook):
    """Names of the findings of a notebook that show."""
    return [name for name, verdict in verdicts(out, notebook).items() if verdict == SHOWS]


@pytest.mark.parametrize("notebook", ["12_identify_neurons", "13_generality_uniqueness"])
def test_notebooks_12_and_13_claim_nothing_where_labels_are_shuffled(notebook, shuffled, tmp_path):
    read_shuffled(notebook, shuffled, tmp_path, LIMIT=120)
    assert verdicts(tmp_path, notebook) and shown(tmp_path, notebook) == []


def test_notebook_14_finds_no_effect_where_labels_are_shuffled(shuffled, tmp_path):
    small = {"LIMIT": 72, "DRAWS": 5, "SPLITS": 1, "TEXTS": 2, "ANSWER_TOKENS": 2}
    read_shuffled("14_ablation", shuffled, tmp_path, **small)
    found = verdicts(tmp_path, "14_ablation")
    assert "shows" not in {found[name] for name in ("category", "tasks", "other sub-types")}


def test_notebook_15_finds_no_effect_where_labels_are_shuffled(shuffled, tmp_path):
    read_shuffled("15_experts", shuffled, tmp_path, "tiny-moe")
    found = verdicts(tmp_path, "15_experts")
    assert "shows" not in found.values()


def test_notebook_21_finds_no_category_effect_where_labels_are_shuffled(shuffled, tmp_path):
    read_shuffled("21_input_attribution", shuffled, tmp_path, LIMIT=60)
    found = verdicts(tmp_path, "21_input_attribution")
    assert found["category"] == found["category_at_length"] == NOT


@pytest.mark.parametrize(
    ("notebook", "parameters"),
    [
        ("21_input_attribution", {"LIMIT": 24}),
        ("22_attention_patterns", {"DATA": "miniworld", "DRAWS": 3}),
        ("23_ffn_concepts", {"DATA": "miniworld", "DRAWS": 3}),
    ],
)
def test_a_model_compared_with_itself_shows_no_change(notebook, parameters, tmp_path):
    same = "tiny-dense/base,tiny-dense/base"
    assert build([same], [notebook], tmp_path, parameters) == 0
    found = verdicts(tmp_path, notebook)
    changes = {
        "gain", "contrast", "placebo", "at_length", "verbs", "half", "changed", "named_change",
        "rotation",
    }  # fmt: skip
    assert {found[name] for name in changes & set(found)} <= {NOT, UNTOLD}


def test_notebooks_31_to_33_find_no_effect_where_labels_are_shuffled(shuffled, tmp_path):
    small = {"OWN": 16, "SIZES": [4], "BASELINES": ["longest"]}
    read_shuffled("31_capability_directions", shuffled, tmp_path, **small)
    assert not shown(tmp_path, "31_capability_directions")
    small = {"POOL": 120, "STEPS": 2, "BATCH": 4, "SEEDS": 2, "EVALUATION": 36}
    for notebook in ("32_select_and_tune", "33_transfer_and_core"):
        read_shuffled(notebook, shuffled, tmp_path, **small)
        told = shown(tmp_path, notebook)
        assert not [
            name for name in told if " to " not in name
        ]  # directions carry over all the same


def test_notebook_41_finds_no_effect_where_labels_are_shuffled(shuffled, tmp_path):
    read_shuffled("41_synthesis", shuffled, tmp_path, LIMIT=72)
    found = verdicts(tmp_path, "41_synthesis")
    of_categories = [name for name in found if name.endswith(("other sets", "equal harm"))]
    assert len(of_categories) == 3 and SHOWS not in {found[name] for name in of_categories}


def test_index_page_names_every_notebook(course):
    text = Path(course / "index.html").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        assert f"{path.stem}.html" in text
