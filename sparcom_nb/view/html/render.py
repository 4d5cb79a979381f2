"""Executed notebook to page: formulas as MathML, tables with headers, nothing fetched, no script.

nbconvert turns the cells into a fragment (`cells/`), BeautifulSoup puts right what the outputs of
other libraries lack, all is cleaned, and our own templates make the page around it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag
from jinja2 import Environment, FileSystemLoader, pass_context
from markupsafe import Markup
from math_core import LatexError, LatexToMathML
from nbconvert.exporters.html import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from sparcom_nb.findings import paper
from sparcom_nb.view.prose import digits
from sparcom_nb.view.safe import POLICY, clean, visible

HERE = Path(__file__).parent
HEADINGS = re.compile("^h[1-6]$")
HIDDEN = {"injected-parameters", "papermill-error-cell-tag"}
FOLDED = {"parameters", "hide-input"}
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGET_NOTE = '<p class="note">Interactive in JupyterLab.</p>'
BAR = re.compile(r"\[\d+:\d\d(:\d\d)?[<,]")  # the clock of a tqdm bar: [00:03<00:10, or [00:03,
GRADIENT = re.compile(r"background-color: #([0-9a-f]{6});\s*color: #[0-9a-f]{6};")
TEX = LatexToMathML(fancy_error=False)


@dataclass(frozen=True)
class Run:
    """What became of one notebook on one pair; the pages and the index are made from it."""

    notebook: str
    pair: str
    place: str
    title: str
    summary: str
    seconds: float
    finished: str
    error: str | None
    parameters: dict[str, str]
    versions: dict[str, str]
    findings: list[dict[str, Any]] = field(default_factory=list)
    numbers: list[dict[str, Any]] = field(default_factory=list)
    aside: bool = False  # it failed, and an earlier result still stands

    @property
    def page(self) -> str:
        """File name of its page."""
        return f"{self.notebook}{'.failed' if self.aside else ''}.html"


def page(nb: NotebookNode, run: Run, siblings: Sequence[Run], key: str) -> str:
    """The page of an executed notebook; `siblings` are the runs of its pair in order."""
    soup = BeautifulSoup(_cells(nb), "html.parser")
    at = [sibling.notebook for sibling in siblings].index(run.notebook)
    return _fill(
        "page.html.j2",
        key=key,
        run=run,
        heading=clean(_heading(soup) or escape(run.title)),
        body=clean(_mend(soup)),
        previous=siblings[at - 1] if at else None,
        next=siblings[at + 1] if at + 1 < len(siblings) else None,
    )


def contents(runs: Sequence[Run]) -> str:
    """The index page: per pair its notebooks, what they claim and their numbers."""
    pairs = {run.pair: [r for r in runs if r.pair == run.pair] for run in runs}
    papers = dict.fromkeys(paper(run.notebook) for run in runs if run.findings)
    failed = sum(bool(run.error) for run in runs)
    return _fill("index.html.j2", pairs=pairs, failed=failed, papers=list(papers), paper=paper)


def headline(nb: NotebookNode) -> tuple[str, str]:
    """Title and first paragraph of a notebook as plain text; empty where it has none."""
    text = "\n\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    soup = BeautifulSoup(_markdown(text), "html.parser")
    return _plain(soup.find("h1")), _plain(soup.find("p"))


def look() -> str:
    """Fingerprint of the templates: a page made with another look is out of date."""
    files = sorted(path for path in HERE.rglob("*") if path.suffix in {".j2", ".css", ".py"})
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _plain(tag: Any) -> str:
    """Text of an element on one line."""
    return " ".join(tag.get_text().split()) if tag else ""


# ---------------------------------------------------------------- formulas and text


def formula(tex: str, block: bool) -> str:
    """MathML of a formula; one that cannot be read is shown as marked source with the reason."""
    try:
        return TEX.convert_with_local_state(tex, displaystyle=block)
    except LatexError as error:
        return f'<code class="bad-formula">{escape(tex)} ({escape(str(error))})</code>'


class _Renderer(IPythonRenderer):
    """Markdown with formulas as MathML instead of text for MathJax."""

    def block_math(self, body: str) -> str:
        return f'<span class="formula" tabindex="0">{formula(body, block=True)}</span>'

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def inline_math(self, body: str) -> str:
        return formula(body, block=False)


def _markdown(text: str, attachments: dict[str, Any] | None = None, escape: bool = False) -> str:
    """HTML of Markdown; HTML inside it stays, unless it is to be escaped."""
    renderer = _Renderer(escape=escape, exclude_anchor_links=True, attachments=attachments)
    return MarkdownWithMath(renderer=renderer).render(text)


class _Exporter(HTMLExporter):
    """nbconvert's HTML exporter with our Markdown and our cells."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Markdown filter of the templates."""
        return _markdown(source, context.get("cell", {}).get("attachments"))


def _said(text: str) -> str:
    """HTML of the Markdown of an output, which others may have written."""
    return clean(_markdown(visible(text), escape=True))


def _cells(nb: NotebookNode) -> str:
    """The cells as an HTML fragment."""
    filters = {"visible": visible, "clean": clean, "said": _said}
    exporter = _Exporter(
        template_name="cells", extra_template_basedirs=[str(HERE)], filters=filters
    )
    return exporter.from_notebook_node(_tidy(nb))[0]


# ---------------------------------------------------------------- before nbconvert: the notebook


def _tidy(nb: NotebookNode) -> NotebookNode:
    """A copy without papermill's cells, progress bars and widgets; some cells marked as folded."""
    nb = deepcopy(nb)
    nb.cells = [cell for cell in nb.cells if not HIDDEN & set(cell.metadata.get("tags", []))]
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.metadata.folded = _folded(cell)
            cell.outputs = [output for output in cell.outputs if _keep(output)]
    return nb


def _folded(cell: NotebookNode) -> bool:
    """Whether the page shows this cell's code only on demand."""
    hidden = cell.metadata.get("jupyter", {}).get("source_hidden", False)
    return hidden or bool(FOLDED & set(cell.metadata.get("tags", [])))


def _keep(output: NotebookNode) -> bool:
    """Clean an output in place; False when nothing readable is left of it."""
    if output.output_type == "stream":
        output.text = _settled(output.text)
        return bool(output.text.strip())
    if output.output_type == "error":
        return True
    return _keep_data(output.data)


def _keep_data(data: dict[str, str]) -> bool:
    """Replace a widget by a note, drop a bar; arrays are shown by their text, not by their HTML."""
    if WIDGET in data:
        bar = BAR.search(data.pop(WIDGET) and data.get("text/plain", ""))
        data.update({"text/html": "" if bar else WIDGET_NOTE, "text/plain": ""})
    if "xr-wrap" in data.get("text/html", ""):
        del data["text/html"]
    return any(value and str(value).strip() for value in data.values())


def _settled(text: str) -> str:
    """Text of a stream as a terminal shows it in the end, without progress bars."""
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return "\n".join(line for line in lines if not BAR.search(line))


# ---------------------------------------------------------------- after nbconvert: the fragment


def _heading(soup: BeautifulSoup) -> str:
    """Take the first h1 out of the fragment: it heads the page."""
    first = soup.find("h1")
    return first.extract().decode_contents() if isinstance(first, Tag) else ""


def _mend(soup: BeautifulSoup) -> str:
    """The fragment with ordered headings, headed tables, white under colours."""
    _drop(soup)
    _order_headings(soup)
    _own_ground(soup)
    for number, table in enumerate(soup.find_all("table"), start=1):
        _head_table(table)
        _make_scrollable(soup, table, number)
    for link in soup.select('a[href$=".ipynb"]:not([href*="://"])'):
        link["href"] = re.sub(r"ipynb$", "html", str(link["href"]))
    return str(soup)


def _drop(soup: BeautifulSoup) -> None:
    """Remove pandas' own styles; a picture from elsewhere leaves its description."""
    for tag in soup.select("style[scoped]"):
        tag.decompose()
    for image in soup.select('img:not([src^="data:"])'):
        image.replace_with(str(image.get("alt", "")))


def _order_headings(soup: BeautifulSoup) -> None:
    """One h1 stands above: here levels start at 2 and never skip one. Each gets an id."""
    level = 1
    for heading in soup.find_all(HEADINGS):
        level = max(2, min(int(heading.name[1]), level + 1))
        heading.name = f"h{level}"
        heading["id"] = heading.get_text().strip().replace(" ", "-")


def _own_ground(soup: BeautifulSoup) -> None:
    """Outputs that bring their own colours stand on white in the dark theme too."""
    for row in soup.select(".dataframe tr[style]"):
        del row["style"]
    for output in soup.select(".output:has([style]:not(math *), style)"):
        output["class"] = "output paper"
        output["tabindex"] = "0"
    for style in soup.find_all("style"):
        style.string = GRADIENT.sub(_legible, style.get_text())


def _legible(match: re.Match[str]) -> str:
    """Black or white on a cell's colour, whichever stands out more (pandas takes near-white)."""
    red, green, blue = (_linear(match[1][i : i + 2]) for i in (0, 2, 4))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue  # WCAG 2, relative, 0 to 1
    return f"background-color: #{match[1]}; color: {'#000000' if luminance > 0.179 else '#ffffff'};"


def _linear(channel: str) -> float:
    """Linear light, 0 to 1, of an sRGB channel in hexadecimal."""
    value = int(channel, 16) / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _head_table(table: Tag) -> None:
    """Scope on header cells; empty header cells become plain ones."""
    del table["border"]
    for cell in table.find_all("th"):
        cell["scope"] = "col" if cell.find_parent("thead") else "row"
        if not cell.get_text(strip=True):
            cell.name = "td"
            del cell["scope"]


def _make_scrollable(soup: BeautifulSoup, table: Tag, number: int) -> None:
    """A wide table scrolls by itself, with the keyboard too."""
    caption = _plain(table.find("caption"))
    label = f"Table {number}" + (f": {caption}" if caption else "")
    attributes = {"class": "scroll", "role": "region", "aria-label": label, "tabindex": "0"}
    table.wrap(soup.new_tag("div", attrs=attributes))


# ---------------------------------------------------------------- templates


def _fill(template: str, **values: Any) -> str:
    """A page from one of our templates."""
    loader = FileSystemLoader(HERE)
    env = Environment(loader=loader, autoescape=True, trim_blocks=True, finalize=_shown)
    env.filters.update(duration=duration, number=number, interval=interval)
    return env.get_template(template).render(policy=POLICY, **values)


def _shown(value: Any) -> Any:
    """A value of a template with all of it visible; what is HTML already stays."""
    return value if isinstance(value, Markup) else visible(str(value))


def duration(seconds: float) -> str:
    """Seconds in readable form: `31 s`, `4 min 05 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.2g} s"


def number(value: float | None, unit: str | None = None) -> str:
    """A number and its unit, as a sentence has them; a dash for None."""
    return f"{digits(value)} {unit}" if unit and value is not None else digits(value)


def interval(figure: dict[str, Any]) -> str:
    """`low to high` of a claim or number, or a dash."""
    ends = figure.get("low"), figure.get("high")
    return "–" if ends == (None, None) else " to ".join(map(number, ends))
