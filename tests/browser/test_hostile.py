"""Pages of hostile rows, models and notebooks, opened as a reader would: they do nothing, show all."""

import re
from dataclasses import dataclass, field

import hostile
import pytest
import xarray as xr
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sparcom_nb.evidence import Finding
from sparcom_nb.files import shipped
from sparcom_nb.view.html.render import Run, contents, page
from sparcom_nb.view.tokens import attribution_page

pytest.importorskip("playwright", reason="no playwright: pip install -e .[dev]")
NAMES = sorted(path.stem for path in shipped("notebooks").glob("*.ipynb"))
#: Pages that show texts, identifiers, sub-types or sources of rows.
ROWS = {
    name
    for name in NAMES
    if name[:2] in ("00", "11", "12", "14", "15", "16", "21", "31", "33", "41")
}
#: All text of a page, and what it says in attributes.
READ = """() => [document.body.textContent, ...[...document.querySelectorAll('*')].flatMap(tag =>
  ['alt', 'title', 'aria-label'].map(name => tag.getAttribute(name) || ''))].join('\\n')"""
#: What acts by itself or leads away.
ACTING = (
    "script, base, form, iframe, object, embed, svg, textarea, link, [onload], [onerror], "
    "input:not(.claims > fieldset input), "  # the index's own choice of a paper
    "[onmouseover], meta[http-equiv=refresh i], a[href^='javascript:' i], a[href^='data:' i], "
    "img:not([src^='data:image/'])"
)
LINK = ", a[href^='https://evil' i], a[href^='//evil' i]"


@dataclass
class Visit:
    """What a page did while it was open, and what it shows."""

    asked: list = field(default_factory=list)
    moved: list = field(default_factory=list)
    dialogs: list = field(default_factory=list)
    text: str = ""

    def __bool__(self):
        return bool(self.asked or self.moved or self.dialogs)


@pytest.fixture
def visit(browser):
    """Open a file with scripts and without its policy, press all that can be pressed, and wait."""

    def opened(file, acting=ACTING + LINK, bypass_csp=True):
        context = browser.new_context(bypass_csp=bypass_csp)
        seen, tab = Visit(), context.new_page()
        context.route(re.compile("^(?!file:|data:)"), lambda route: route.abort())
        tab.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
        tab.goto(file.resolve().as_uri(), wait_until="load")
        context.on("request", lambda request: seen.asked.append(request.url))
        context.on("page", lambda other: seen.moved.append(other.url))
        tab.on("framenavigated", lambda frame: seen.moved.append(frame.url))
        tab.evaluate("document.querySelectorAll('button, summary').forEach(one => one.click())")
        tab.wait_for_timeout(150)
        assert not tab.evaluate("'hit' in window"), "a script of a row ran"
        assert [tag.evaluate("tag => tag.outerHTML") for tag in tab.locator(acting).all()] == []
        first = tab.evaluate("document.head.firstElementChild.httpEquiv")
        assert first == "Content-Security-Policy"
        seen.text = tab.evaluate(READ)
        context.close()
        return seen

    return opened


def marks(text):
    """Numbers of the marks in a text, and of those that do not read as they were written."""
    flat = flattened(text)
    found = [(int(m[1]), flat[m.end() :]) for m in re.finditer(r"qx(\d+)x", flat)]
    wrong = [n for n, rest in found if not begins(rest, flattened(hostile.shown(n)) + f"x{n}xq")]
    return {n for n, _ in found}, wrong


def flattened(text):
    """Without white space, and without the signs that stand for it in tokens."""
    return re.sub(r"[\s␣⏎⇥]+", "", text)


def begins(rest, wanted):
    """Whether a text begins as wanted; tables of pandas cut it short by dots."""
    cut = re.match(r"(.{2,}?)\.\.\.", rest)
    return rest.startswith(wanted) or bool(cut and wanted.startswith(cut[1]))


@pytest.mark.parametrize("name", ["index", *NAMES])
def test_a_page_of_hostile_rows_does_nothing_and_shows_them(visit, course, name):
    (file,) = course.rglob(f"{name}.html")
    seen = visit(file)
    assert not seen, seen
    found, wrong = marks(seen.text)
    assert not wrong, [hostile.MARKS[n] for n in wrong]
    assert bool(found) == (name in ROWS)
    if not name.startswith("33"):  # on the pair's own name
        assert hostile.FOLDER in seen.text


def hostile_notebook():
    """Every mark as text, as Markdown and as HTML, in every kind of output."""
    cells = [new_markdown_cell("# Title of a page\n\nAll begins well.")]
    for n, mark in enumerate(hostile.MARKS):
        text = hostile.framed(n)
        outputs = [
            new_output("stream", text=text),
            new_output("display_data", data={"text/plain": text}),
            new_output("display_data", data={"text/markdown": mark}),
            new_output("display_data", data={"text/html": mark, "text/plain": text}),
            new_output("display_data", data={"text/latex": mark}),
            new_output("display_data", data={"image/svg+xml": f"<svg>{mark}</svg>"}),
            new_output("error", ename="E", evalue=text, traceback=[f"\x1b[0;31m{text}", mark]),
        ]
        cells += [new_markdown_cell(mark), new_code_cell(f"# {text}", outputs=outputs)]
    return new_notebook(cells=[*cells, new_markdown_cell("## The very end")])


def run_of(text):
    numbers = [{"name": text, "value": 1.0, "unit": text, "note": text}]
    claims = [{"name": text, **Finding(text, 1.0, unit=text, p=0.01).record()}]
    return Run(
        notebook='javascript:1 "<b>#?%.' , pair=text, place="place", title=text,
        summary=text, seconds=1.0, finished="", error=text, parameters={text: text},
        versions={text: text}, findings=claims, numbers=numbers,
    )  # fmt: skip


@pytest.mark.parametrize("bypass", [False, True])
def test_whatever_a_notebook_holds_its_page_does_nothing(visit, tmp_path, bypass):
    run = run_of(hostile.framed(0))
    (tmp_path / "page.html").write_text(page(hostile_notebook(), run, [run], "key"), "utf-8")
    seen = visit(tmp_path / "page.html", ACTING, bypass)  # a link of its author stays a link
    assert not seen, seen
    assert seen.text.count("The very end") == 1
    found, wrong = marks(seen.text)
    assert found == set(range(len(hostile.MARKS)))
    assert all("\x1b" in hostile.MARKS[n] for n in wrong)  # the colours of a terminal are left out


def test_an_index_of_hostile_names_shows_them(visit, tmp_path):
    runs = [run_of(hostile.framed(n)) for n in range(len(hostile.MARKS))]
    (tmp_path / "index.html").write_text(contents(runs), "utf-8")
    seen = visit(tmp_path / "index.html")
    assert not seen, seen
    assert marks(seen.text) == (set(range(len(hostile.MARKS))), [])


def test_an_attribution_of_hostile_tokens_shows_them(visit, tmp_path):
    tokens = [hostile.framed(n) for n in range(len(hostile.MARKS))]
    coords = {"input_token": ("input", tokens), "output_token": ("output", tokens[:3])}
    S = xr.DataArray([[1.0, 0.5, 0.0]] * len(tokens), coords, ("input", "output"))
    text = attribution_page({tokens[0]: S}, tokens[1])
    (tmp_path / "page.html").write_text(text, "utf-8")
    seen = visit(tmp_path / "page.html")
    assert not seen, seen
    assert marks(seen.text) == (set(range(len(tokens))), [])
