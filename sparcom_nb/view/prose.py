"""Sentences made from numbers, so that a notebook says only what it computed."""

from html import unescape

from IPython.display import display
from mistune import BlockParser, HTMLRenderer, InlineParser, Markdown

NO_PLACEBO = (
    "There is no placebo of this pair here, so that a change is not known to be more than any "
    "further training brings."
)


def tell(text: str) -> None:
    """Show sentences below a cell: paragraphs, lists, `**bold**`, `*slanted*` and code, nothing else.

    What others wrote goes into them as :func:`sparcom_nb.view.safe.literal` of it.
    """
    html = f'<div class="mathjax_ignore">{_MARKDOWN(text)}</div>'
    display({"text/html": html, "text/plain": unescape(text)}, raw=True)


def _sentences() -> Markdown:
    """Markdown without links, pictures, headings, formulas or HTML: sentences need none of them."""
    block, inline = BlockParser(), InlineParser()
    block.rules, block.list_rules = ["list", "blank_line"], ["blank_line"]
    inline.rules = ["codespan", "emphasis"]
    return Markdown(HTMLRenderer(escape=False), block, inline)  # False keeps entities as they are


_MARKDOWN = _sentences()


def evidence(p: float, low: float, null: float) -> str:
    """Say in words whether a difference shows: its test and its interval must agree.

    ``low`` is the lower end of the interval, ``null`` what the control gives on average.
    """
    if low != low:
        return "is uncertain: too few rows for an interval"
    if p <= 0.05 and low > null:
        return "shows"
    if p > 0.05 and low <= null:
        return "does not show"
    return "is uncertain: the test and the interval disagree"


def interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """Write a value with its interval, if it has one."""
    if low != low or high != high:
        return f"{value:z.{digits}f} (too few rows for an interval)"
    return f"{value:z.{digits}f} [{low:z.{digits}f}, {high:z.{digits}f}]"


def p_value(p: float) -> str:
    """Write a p; a very small one by its bound."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
