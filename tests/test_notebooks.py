"""The notebooks: how they are written, that they run, and that their prose is honest."""

import ast
import json
import re
import statistics
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from sparcom_nb.evidence import SHOWS
from sparcom_nb.files import shipped
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


def test_done_again_nothing_is_run(course, run_course):
    results = [*course.glob("*/*/notebook.ipynb"), *course.glob("*/*.html")]
    before = [path.stat().st_mtime_ns for path in results]
    assert run_course() == course and len(results) >= 2 * len(NOTEBOOKS)
    assert [path.stat().st_mtime_ns for path in results] == before


#: Findings of a notebook that speak of categories, which the rows of the course have by lot.
BY_LOT = {
    "12_identify_neurons": ".*",
    "13_generality_uniqueness": ".*",
    "14_ablation": "category|tasks|other sub-types",
    "15_experts": ".*",
    "16_before_after": "category",
    "21_input_attribution": "category",
    "31_capability_directions": ".*",
    "32_select_and_tune": ".*",
    # Any directions may carry over and favour the same rows.
    "33_transfer_and_core": "(?!to |in common).*",
    "41_synthesis": ".*other sets|.*equal harm",
}


@pytest.mark.parametrize("notebook", BY_LOT)
def test_nothing_shows_of_categories_that_are_drawn_by_lot(notebook, course):
    (file,) = course.glob(f"*/{notebook}/figures.json")
    found = {one["name"]: one["verdict"] for one in load(file.parent)["findings"]}
    asked = {name for name in found if re.fullmatch(BY_LOT[notebook], name)}
    assert asked and not [name for name in asked if found[name] == SHOWS]


def test_index_page_names_every_notebook(course):
    text = Path(course / "index.html").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        assert f"{path.stem}.html" in text
