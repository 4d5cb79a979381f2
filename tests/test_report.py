"""Report: running, keeping, failing; what pages and index hold."""

import json
import os
import re
import sys
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sparcom_nb import jobs, progress, report, running, store
from sparcom_nb.report import build
from sparcom_nb.view import figure
from sparcom_nb.view.html import render

FIGURES = """from sparcom_nb.evidence import Finding
from sparcom_nb.studies.results import Results
Results.of("Good", {
    "alike": Finding("Sets are <b>alike</b>", 0.4, 0.3, 0.5, "bits", "shuffled labels", 0.1, p=0.01),
    "unlike": Finding("Sets are unlike", 0.2, p=0.2),
}, {
    "overlap": {"value": 0.41372, "low": 0.39, "high": 0.44, "n": 1200, "control": 0.09},
    "a <tag>": {"value": None, "note": "not estimable"},
}).save(OUT)
print(PAIR, SEED)"""


def write_notebook(
    folder, name, *code, title="# A title\n\nWhat it is about.", extra="", pair="none", tags=()
):
    """A notebook with a heading, a parameters cell and code cells."""
    parameters = f'PAIR = "{pair}"\nSEED = 0\nOUT = "runs"\n{extra}'
    tagged = new_code_cell(parameters, metadata={"tags": ["parameters", *tags]})
    cells = [new_markdown_cell(title), tagged]
    nb = new_notebook(cells=[*cells, *(new_code_cell(source) for source in code)])
    nbformat.write(nb, folder / f"{name}.ipynb")


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A package and data of our own, so that only the test changes what a run depends on."""
    for name in ("package", "data", "notebooks"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(report, "PACKAGE", tmp_path / "package")
    for module in (report, jobs):
        monkeypatch.setattr(module, "shipped", lambda name: tmp_path / name)
    return tmp_path


@pytest.fixture
def run(house):
    """Build the house's notebooks into its `out`."""

    def built(pairs=("tiny-dense",), notebooks=None, params=None, fresh=False):
        pairs = pairs and list(pairs)
        return build(pairs, notebooks, house / "out", params or {}, fresh=fresh)

    return built


def job_of(house, pair="tiny-dense", **given):
    """The job of notebook 10_a."""
    return jobs.Job(jobs.read(house / "notebooks/10_a.ipynb"), pair, house / "out", given)


def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def stamps(out):
    """When each run was recorded, by notebook."""
    records = [*out.glob("*/*/manifest.json"), *out.glob("*/*.failed.json")]
    return {
        json.loads(path.read_text())["run"]["notebook"]: path.stat().st_mtime_ns for path in records
    }


# ---------------------------------------------------------------- running


def test_notebooks_run_side_by_side(house):
    """Each waits for the other's file: one after the other, both would fail."""
    wait = """import pathlib, time
pathlib.Path(r"{out}", "{own}").touch()
until = time.time() + 60
while not (there := pathlib.Path(r"{out}", "{other}").exists()) and time.time() < until:
    time.sleep(0.1)
assert there"""
    for own, other in (("a", "b"), ("b", "a")):
        code = wait.format(out=house, own=own, other=other)
        write_notebook(house / "notebooks", f"10_{own}", code)
    assert build(["tiny-dense"], None, house / "out", {}, at_once=2) == 0
    assert len(list((house / "out/tiny-dense").glob("*.html"))) == 2


def test_a_failure_is_shown_and_the_others_go_on(house, run, capsys):
    write_notebook(house / "notebooks", "10_bad", "print('before')", "1 / 0", "print('after')")
    write_notebook(house / "notebooks", "20_good", FIGURES)
    assert run() == 1

    page = soup(house / "out/tiny-dense/10_bad.html").get_text()
    assert "before" in page
    assert "ZeroDivisionError: division by zero" in page
    assert "tiny-dense 0" in soup(house / "out/tiny-dense/20_good.html").get_text()
    assert (house / "out/tiny-dense/20_good/notebook.ipynb").exists()

    index = soup(house / "out/index.html")
    rows = [row.get_text(" ", strip=True) for row in index.select("table.notebooks tbody tr")]
    assert "✗ failed" in rows[0] and rows[0].endswith("ZeroDivisionError: division by zero")
    assert "✓ ok" in rows[1] and rows[1].endswith("What it is about.")
    assert re.search(
        r"^10_bad  tiny-dense  [\d.]+ s  failed: ZeroDiv", capsys.readouterr().out, re.M
    )


def test_index_holds_claims_and_numbers(house, run):
    write_notebook(house / "notebooks", "20_good", FIGURES)
    assert run(pairs=["tiny-moe", "tiny-dense"]) == 0
    index = soup(house / "out/index.html")
    heads = [h.get_text() for h in index.select("h2")]
    assert heads == ["What is claimed", "tiny-dense", "tiny-moe"]
    rows = [[c.get_text(strip=True) for c in r.select("th, td")] for r in index.select("tr")]
    assert ["overlap", "0.41", "0.39 to 0.44", "1,200", "0.09"] in rows
    assert ["a <tag>not estimable", "–", "–", "–", "–"] in rows
    claims = [r.get_text(" ", strip=True) for r in index.select(".claims tbody tr")]
    assert claims[0].startswith("Sets are <b>alike</b> tiny-dense") and len(claims) == 4
    assert claims[0].endswith("shows 0.4 bits 0.3 to 0.5 0.1 0.02")
    assert "does not show 0.2 – 0 0.2" in claims[1]
    for link in index.select("main a"):
        assert (house / "out" / link["href"]).exists()


def test_a_dead_kernel_is_a_failure(house, run):
    write_notebook(house / "notebooks", "10_dead", "import os", "os._exit(1)")
    write_notebook(house / "notebooks", "20_good", "print(1)")
    assert run() == 1
    assert "DeadKernelError" in soup(house / "out/tiny-dense/10_dead.html").get_text()


def test_key_figures_nobody_can_read_are_a_failure(house, run):
    said = json.dumps({"schema": 2, "findings": [{}], "numbers": []})
    code = f"import pathlib\npathlib.Path(OUT, 'figures.json').write_text({said!r})"
    write_notebook(house / "notebooks", "10_odd", code)
    assert run() == 1
    assert (
        "figures.json: a finding lacks or adds 'caveat'"
        in soup(house / "out/index.html").get_text()
    )


def test_the_kernel_is_this_python(house, run, monkeypatch):
    spec = house / "jupyter/kernels/python3/kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text('{"argv": ["/nowhere/python"], "display_name": "other", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(house / "jupyter"))
    write_notebook(house / "notebooks", "10_where", "import sys\nprint(sys.executable)")
    assert run() == 0
    assert sys.executable in soup(house / "out/tiny-dense/10_where.html").get_text()


def test_an_interrupted_run_leaves_an_index(house, run, monkeypatch):
    write_notebook(house / "notebooks", "10_first", "print(1)")
    write_notebook(house / "notebooks", "20_second", "print(2)")
    execute = running.execute

    def interrupted(source, *others):
        if source.stem == "20_second":
            raise KeyboardInterrupt
        return execute(source, *others)

    monkeypatch.setattr(running, "execute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run()
    index = soup(house / "out/index.html")
    assert [link["href"] for link in index.select("main a")] == ["tiny-dense/10_first.html"]


# ---------------------------------------------------------------- choosing


def test_parameters_go_where_they_are_defined(house, run):
    write_notebook(house / "notebooks", "10_with", "print('share', SHARE)", extra="SHARE = 0.1")
    write_notebook(house / "notebooks", "20_without", "print('SHARE' in globals())")
    assert run(params={"SHARE": 0.25}) == 0
    page = soup(house / "out/tiny-dense/10_with.html")
    assert "share 0.25" in page.get_text()
    table = dict(row.get_text(" ", strip=True).split(" ") for row in page.select("header tr")[1:])
    assert table == {
        "PAIR": "'tiny-dense'",
        "SEED": "0",
        "OUT": "'tiny-dense/10_with'",
        "SHARE": "0.25",
    }
    assert "False" in soup(house / "out/tiny-dense/20_without.html").get_text()


@pytest.mark.parametrize("name", ["20_second", "20", "20_second.ipynb"])
def test_a_notebook_is_chosen_by_name_or_number(house, run, name):
    write_notebook(house / "notebooks", "10_first", "print(1)")
    write_notebook(house / "notebooks", "20_second", "print(2)")
    run(notebooks=[name])
    assert list(stamps(house / "out")) == ["20_second"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"notebooks": ["99_none"]}, "'99_none'; known: 10_first"),
        ({"params": {"SHARE": 1}}, "'SHARE'; known: OUT, PAIR, SEED"),
        ({"pairs": []}, "no model pair"),
    ],
)
def test_wrong_use_names_what_there_is(house, run, wrong, message):
    write_notebook(house / "notebooks", "10_first", "print(1)")
    with pytest.raises(ValueError, match=message):
        run(**wrong)
    assert not (house / "out").exists()


def test_a_broken_or_missing_notebook_is_named(house, run):
    with pytest.raises(ValueError, match="no notebooks in"):
        run()
    (house / "notebooks/10_torn.ipynb").write_text("{")
    with pytest.raises(ValueError, match=r"10_torn.ipynb is not a notebook"):
        run()
    (house / "notebooks/10_torn.ipynb").unlink()
    (house / "notebooks").rmdir()
    with pytest.raises(ValueError, match="install from a checkout"):
        run()


def test_without_a_pair_each_notebook_runs_on_its_own(house, run):
    write_notebook(house / "notebooks", "10_plain", "print(PAIR)", pair="tiny-dense")
    write_notebook(house / "notebooks", "15_experts", "print(PAIR)", pair="tiny-moe", tags=["moe"])
    assert run(pairs=None) == 0
    pages = sorted(str(p.relative_to(house / "out")) for p in (house / "out").glob("*/*.html"))
    assert pages == ["tiny-dense/10_plain.html", "tiny-moe/15_experts.html"]
    assert "tiny-moe" in soup(house / "out/tiny-moe/15_experts.html").get_text()


def test_a_notebook_about_experts_is_skipped_on_a_dense_pair(house, run, folders, capsys):
    write_notebook(house / "notebooks", "15_experts", "print(PAIR)", tags=["moe"])
    mine = f"{folders('llama')},{folders('llama')}"
    experts = f"{folders('olmoe')},{folders('olmoe')}"
    assert run(pairs=["tiny-dense", mine]) == 0
    told = capsys.readouterr().out
    assert "15_experts  tiny-dense  skipped: it is about experts, and this pair has none" in told
    assert f"15_experts  {mine}  skipped" in told
    assert not list((house / "out").glob("*/*.html")) and (house / "out/index.html").exists()
    assert run(pairs=["tiny-moe", experts]) == 0
    assert len(list((house / "out").glob("*/*.html"))) == 2


# ---------------------------------------------------------------- keeping


def test_only_what_changed_is_run_again(house, run):
    write_notebook(house / "notebooks", "10_same", FIGURES)
    write_notebook(house / "notebooks", "20_bad", "1 / 0")
    run()
    first, page = stamps(house / "out"), (house / "out/tiny-dense/10_same.html").stat().st_mtime_ns
    assert run() == 1
    second = stamps(house / "out")
    assert second["10_same"] == first["10_same"]
    assert second["20_bad"] > first["20_bad"]
    assert (house / "out/tiny-dense/10_same.html").stat().st_mtime_ns == page


CHANGES = {
    "fresh": lambda house: {"fresh": True},
    "parameter": lambda house: {"params": {"SEED": 1}},
    "source": lambda house: (house / "package/new.py").write_text("x = 1"),
    "data": lambda house: (house / "data/rows.jsonl").write_text("{}"),
    "notebook": lambda house: write_notebook(house / "notebooks", "10_a", FIGURES, "print(2)"),
    "lost output": lambda house: (house / "out/tiny-dense/10_a/figures.json").unlink(),
    "version": lambda house: pytest.MonkeyPatch().setattr(report, "LIBRARIES", ("numpy",)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_runs_it_again(house, run, change, monkeypatch):
    monkeypatch.setattr(report, "LIBRARIES", report.LIBRARIES)
    write_notebook(house / "notebooks", "10_a", FIGURES)
    run()
    before = stamps(house / "out")
    options = CHANGES[change](house)
    run(**(options if isinstance(options, dict) else {}))
    assert stamps(house / "out")["10_a"] > before["10_a"]


def test_a_local_model_counts_with_its_files(house):
    weights = house / "model/weights.bin"
    weights.parent.mkdir()
    weights.write_text("1")
    write_notebook(house / "notebooks", "10_a", "print(1)")
    job = job_of(house, pair=f"{weights.parent},{weights.parent}")
    before = report.depends_on(job)
    assert report.depends_on(job) == before
    stat = weights.stat()
    weights.write_text("2")
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert report.depends_on(job) != before


def test_all_that_the_package_reads_counts():
    """But what only says how a page looks, which has a fingerprint of its own, and stubs."""
    files = report.PACKAGE.rglob("*.*")
    kinds = {file.suffix for file in files if "__pycache__" not in file.parts}
    assert kinds - report.SOURCES == {".css", ".j2", ".pyi"}


def test_caches_and_hidden_files_do_not_count(house):
    write_notebook(house / "notebooks", "10_a", "print(1)")
    job = job_of(house)
    before = report.depends_on(job)
    (house / "package/__pycache__").mkdir()
    (house / "package/__pycache__/a.py").write_text("")
    (house / "data/.hidden").write_text("")
    (house / "package/page.css").write_text("")
    assert report.depends_on(job) == before


def test_a_new_look_writes_the_page_again_without_running(house, run, monkeypatch):
    write_notebook(house / "notebooks", "10_a", "print(1)")
    run()
    before, page = stamps(house / "out"), (house / "out/tiny-dense/10_a.html").stat().st_mtime_ns
    monkeypatch.setattr(render, "look", lambda: "another")
    run()
    assert stamps(house / "out") == before
    assert (house / "out/tiny-dense/10_a.html").stat().st_mtime_ns > page


def test_earlier_pages_learn_of_later_ones(house, run):
    write_notebook(house / "notebooks", "10_a", "print(1)", title="# First")
    write_notebook(house / "notebooks", "20_b", "print(1)", title="# Second")
    run(notebooks=["10"])
    assert not soup(house / "out/tiny-dense/10_a.html").select("a[rel=next]")
    run(notebooks=["20"])
    assert soup(house / "out/tiny-dense/10_a.html").select("a[rel=next]")[0]["href"] == "20_b.html"
    assert soup(house / "out/tiny-dense/20_b.html").select("a[rel=prev]")[0]["href"] == "10_a.html"


def failing(house, name="10_a"):
    """The notebook of the house fails, unless a file says not to."""
    code = f'import pathlib\nassert pathlib.Path(r"{house}", "go").exists(), "no file"'
    write_notebook(house / "notebooks", name, FIGURES, code)


@pytest.mark.parametrize("options", [{"params": {"SEED": 1}}, {"fresh": True}])
def test_a_failure_leaves_what_went_well_and_says_so(house, run, options, capfd):
    failing(house)
    (house / "go").touch()
    assert run() == 0
    good = house / "out/tiny-dense/10_a"
    before = {path.name: path.read_bytes() for path in good.iterdir()}
    (house / "go").unlink()

    assert run(**options) == 1
    assert {path.name: path.read_bytes() for path in good.iterdir()} == before
    assert "failed" not in soup(good.with_suffix(".html")).get_text()
    assert "AssertionError: no file" in soup(good.with_suffix(".failed.html")).get_text()
    rows = [
        row.get_text(" ", strip=True)
        for row in soup(house / "out/index.html").select(".notebooks tbody tr")
    ]
    assert "✓ ok" in rows[0] and "✗ failed" in rows[1] and "earlier run" in rows[1]
    links = [link["href"] for link in soup(house / "out/index.html").select(".notebooks a")]
    assert links == ["tiny-dense/10_a.html", "tiny-dense/10_a.failed.html"]

    (house / "go").touch()
    assert run(**options) == 0
    assert not list(house.glob("out/tiny-dense/*failed*"))
    assert "failed" not in (house / "out/index.html").read_text().replace(".failed", "")
    assert "KeyboardInterrupt" not in capfd.readouterr().err


def test_half_a_figure_is_a_failure(house, run):
    code = """import pathlib; pathlib.Path(OUT, "figures.json").write_text('{"figures": [')"""
    write_notebook(house / "notebooks", "10_a", code)
    assert run() == 1
    assert "figures.json: Expecting value" in soup(house / "out/index.html").get_text()


@pytest.mark.parametrize("harm", ["cut", "flipped", "emptied", "gone"])
def test_a_damaged_page_is_written_again_without_running(house, run, harm):
    write_notebook(house / "notebooks", "10_a", "print(1)")
    run()
    page, before = house / "out/tiny-dense/10_a.html", stamps(house / "out")
    whole = page.read_bytes()
    changed = {"cut": whole[:-99], "flipped": whole.replace(b"A title", b"B title"), "emptied": b""}
    page.write_bytes(changed[harm]) if harm in changed else page.unlink()
    if harm != "emptied":  # an empty file says nothing of whose it is
        run()
        assert page.read_bytes() == whole and stamps(house / "out") == before


def test_a_damaged_result_is_made_again_and_named(house, run, capfd):
    write_notebook(house / "notebooks", "10_a", FIGURES)
    write_notebook(house / "notebooks", "20_b", "print(1)")
    run()
    damaged = house / "out/tiny-dense/10_a/notebook.ipynb"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    run(notebooks=["20"])
    assert "notebook.ipynb is damaged" in capfd.readouterr().out
    run()
    assert damaged.read_bytes() == whole
    assert "damaged, made again: notebook.ipynb" in capfd.readouterr().err


@pytest.mark.parametrize(
    "name", ["index.html", "tiny-dense/10_a.html", "tiny-dense/10_a/figures.json"]
)
def test_files_of_others_stay(house, run, name):
    write_notebook(house / "notebooks", "10_a", FIGURES)
    foreign = house / "out" / name
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    with pytest.raises(ValueError, match="is there already and no"):
        run()
    assert foreign.read_text() == "mine"
    foreign.rename(foreign.with_suffix(".txt"))
    assert run() == 0 and foreign.with_suffix(".txt").read_text() == "mine"


def test_a_second_report_says_who_holds_the_folder(house, run):
    write_notebook(house / "notebooks", "10_a", "print(1)")
    held = store.held(house / "out/index.html")
    with held, pytest.raises(ValueError, match=f"made by process {os.getpid()}"):
        run()
    assert run() == 0 and not (house / "out/.index.html.lock").exists()


@pytest.mark.parametrize("out", ["x" * 300, "/proc/x/y", "/dev/null/x"])
def test_a_place_that_cannot_be_written_is_one_line(house, out):
    write_notebook(house / "notebooks", "10_a", "print(1)")
    with pytest.raises(ValueError, match=r"cannot be written|null is a file"):
        build(["tiny-dense"], None, house / out, {})


def test_it_says_which_notebook_is_in_which_section(house, run, capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0)
    code = "import time; time.sleep(2.5)"
    write_notebook(house / "notebooks", "10_a", code, title="# A title\n\n## Is it so? ##\n\nText.")
    run()
    assert "10_a tiny-dense: 1/3 Is it so?\n" in capsys.readouterr().err


def test_links_to_pages_are_addresses(house, run):
    write_notebook(house / "notebooks", "10_a b#?%é", "print(1)")
    write_notebook(house / "notebooks", "20_b", "print(1)")
    assert run() == 0
    links = soup(house / "out/index.html").select("main a")
    assert links[0]["href"] == "tiny-dense/10_a%20b%23%3F%25%C3%A9.html"
    assert all((house / "out" / unquote(link["href"])).exists() for link in links)


# ---------------------------------------------------------------- pages

RUN = render.Run(
    notebook="12_x",
    pair="tiny",
    place="tiny",
    title="Title",
    summary="",
    seconds=61.2,
    finished="today",
    error=None,
    parameters={},
    versions={},
)
TEXT = r"""# Sparse & small

The share $f_{ij} < 1$, and

$$\frac{1}{T}\sum_t \mathbb{1}[x_t > 0]$$

\begin{align*} a &= b \\ c &= d \end{align*}

#### Deep

# Another

| a | b |
|---|---|
| 1 | 2 |

See [the next](13_y.ipynb) and [a paper](https://example.org/x.ipynb).
![far](https://example.org/far.png)
<script src="https://example.org/x.js"></script>

<details><summary>Solution</summary>

It is $x^2$.

</details>
"""
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WIDGET = "application/vnd.jupyter.widget-view+json"


def shown(*outputs, text=TEXT):
    """The page of a notebook with a text cell and one code cell with these outputs."""
    code = new_code_cell("x = 1", execution_count=1, outputs=list(outputs))
    nb = new_notebook(cells=[new_markdown_cell(text), code])
    return BeautifulSoup(render.page(nb, RUN, [RUN], "key"), "html.parser")


def data(kind="display_data", metadata=None, **mime):
    """A display output; underscores in names of types stand for what Python does not allow."""
    mapped = {key.replace("__", "/"): value for key, value in mime.items()}
    return new_output(kind, data=mapped, metadata=metadata or {})


def test_page_fetches_and_runs_nothing():
    page = shown(data(text__html='<script>1</script><img src="https://example.org/y.png" alt="y">'))
    assert not page.select("script, link, iframe")
    assert not re.search(r"@import|url\(", "".join(s.get_text() for s in page.select("style")))
    sources = [tag["src"] for tag in page.select("[src]")]
    assert all(source.startswith("data:") for source in sources)
    outside = [tag for tag in page.select('[href*="://"]') if tag.name != "a"]
    assert not outside
    assert "far" in page.get_text()


def test_formulas_are_mathml():
    page = shown()
    assert len(page.select("math")) == 4
    assert len(page.select('math[display="block"]')) == 2
    assert page.select("math mfrac") and page.select("details math")
    assert "$" not in page.body.get_text()
    assert "begin{" not in page.body.get_text()


@pytest.mark.parametrize("tex", [r"\frac{1", r"\nosuch{x}", "x_1_2", "a & b"])
def test_a_wrong_formula_is_shown_with_the_reason(tex):
    (bad,) = shown(text=f"# T\n\n${tex}$").select("code.bad-formula")
    assert tex in bad.get_text()
    assert len(bad.get_text()) > len(tex) + 10


def test_page_says_what_it_is():
    page = shown()
    assert page.html["lang"] == "en"
    assert page.title.get_text() == "Title · tiny"
    assert [h.get_text() for h in page.select("h1")] == ["Sparse & small"]
    levels = [int(h.name[1]) for h in page.find_all(re.compile("^h[1-6]$"))]
    assert levels == [1, 2, 2]
    assert page.select("header, main, footer, nav")
    assert "1 min 01 s" in page.get_text()
    links = {a.get_text(): a["href"] for a in page.select("main a")}
    assert links == {"the next": "13_y.html", "a paper": "https://example.org/x.ipynb"}


def test_tables_have_header_cells():
    frame = '<table border="1"><thead><tr><th></th><th>a</th></tr></thead><tbody><tr><th>r</th>'
    page = shown(data("execute_result", text__html=f"{frame}<td>1</td></tr></tbody></table>"))
    tables = page.select("main table")
    assert len(tables) == 2
    assert [(th.get_text(), th["scope"]) for th in tables[1].select("th")] == [
        ("a", "col"),
        ("r", "row"),
    ]
    labels = [table.parent["aria-label"] for table in tables]
    assert labels == ["Table 1", "Table 2"]


def test_text_outputs_are_escaped():
    page = shown(
        new_output("stream", name="stdout", text="<b>bold</b> & $5\n"),
        data("execute_result", text__plain="<i>x</i>"),
        new_output("error", ename="E", evalue="v", traceback=["\x1b[31mE\x1b[0m: <v>"]),
    )
    assert not page.select("main b, main i, main v")
    assert [pre.get_text() for pre in page.select(".output pre")] == [
        "<b>bold</b> & $5\n",
        "<i>x</i>",
        "E: <v>",
    ]


def test_pictures_have_alternative_text():
    alt = {"image/png": {"alt": 'a "rising" line'}}
    named = data(image__png=PNG, metadata=alt)
    page = shown(
        named,
        data(image__png=PNG),
        data(text__html=f'<img alt="z" src="data:image/png;base64,{PNG}">'),
    )
    alts = [image["alt"] for image in page.select("img")]
    assert alts == ['a "rising" line', "Picture without a description", "z"]


def test_widgets_become_a_note_and_bars_vanish():
    widget = data(text__plain="interactive(...)")
    widget.data[WIDGET] = {"model_id": "1"}
    bar = data(text__plain="capture:  10%|#   | 1/10 [00:00<00:01,  9.9it/s]")
    bar.data[WIDGET] = {"model_id": "2"}
    endless = data(text__plain="0it [00:00, ?it/s]")
    endless.data[WIDGET] = {"model_id": "3"}
    stream = "\r  0%|  | 0/2 [00:00<?, ?it/s]\r100%|##| 2/2 [00:01<00:00]\nover\rdone\n"
    stderr = new_output("stream", name="stderr", text=stream)
    outputs = [
        o.get_text(strip=True) for o in shown(widget, bar, endless, stderr).select(".output")
    ]
    assert outputs == ["Interactive in JupyterLab.", "done"]


def test_arrays_are_shown_as_text():
    array = data("execute_result", text__html='<div class="xr-wrap">..</div>', text__plain="<xr>")
    assert [pre.get_text() for pre in shown(array).select(".output pre")] == ["<xr>"]


def test_markdown_and_latex_outputs_are_rendered():
    page = shown(data(text__markdown="**12 %** of $n$"), data(text__latex=r"$\displaystyle x$"))
    assert page.select_one(".output strong").get_text() == "12 %"
    assert len(page.select(".output math")) == 2


def test_colours_stand_on_white_and_text_on_them_is_legible():
    css = "#T_1 { background-color: #3585bf; color: #f1f1f1; } #T_2 { background-color: #08306b;\n"
    page = shown(data(text__html=f"<style>{css}  color: #000000; }}</style><p id='T_1'>x</p>"))
    assert "paper" in page.select_one(".output")["class"]
    style = page.select_one(".output style").get_text()
    assert "#3585bf; color: #000000" in style
    assert "#08306b; color: #ffffff" in style


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.41372, None, "0.41"),
        (-0.5, "%", "−0.5 %"),
        (12345, "neurons", "12,345 neurons"),
        (12345.6, None, "12,300"),
        (7, None, "7"),
        (0, None, "0"),
        (None, "%", "–"),
    ],
)
def test_numbers_are_readable(value, unit, text):
    assert render.number(value, unit) == text


def test_intervals_may_be_open_on_one_side():
    assert render.interval({"low": 0.1, "high": 0.25}) == "0.1 to 0.25"
    assert render.interval({"low": 0.1, "high": None}) == "0.1 to –"
    assert render.interval({}) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.714, "0.71 s"), (31.2, "31 s"), (245, "4 min 05 s")]
)
def test_durations_are_readable(seconds, text):
    assert render.duration(seconds) == text


# ---------------------------------------------------------------- what notebooks call


def test_show_gives_an_opaque_picture_with_text(monkeypatch):
    import matplotlib.pyplot as plt

    caught = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: caught.append(data))
    fig, _ = plt.subplots()
    figure.show(fig, 'a "quoted" & <tagged> line')
    image = BeautifulSoup(caught[0]["text/html"], "html.parser").img
    assert image["alt"] == caught[0]["text/plain"] == 'a "quoted" & <tagged> line'
    assert image["src"].startswith("data:image/png;base64,iVBOR")
    assert not plt.fignum_exists(fig.number)


def test_show_wants_a_description():
    import matplotlib.pyplot as plt

    fig, _ = plt.subplots()
    with pytest.raises(ValueError, match="alt is blank"):
        figure.show(fig, "  ")
    plt.close(fig)
