"""Sentences made from findings, so that a notebook says only what it computed and tested."""

from html import unescape

from IPython.display import display
from mistune import BlockParser, HTMLRenderer, InlineParser, Markdown

from sparcom_nb.evidence import NOT, OPPOSITE, SHOWS, UNTOLD, Finding
from sparcom_nb.view.safe import literal


def tell(what: str | Finding) -> None:
    """Show a finding, or sentences, below a cell: paragraphs, lists, `**bold**`, `*slanted*`, code.

    What others wrote goes into sentences as :func:`sparcom_nb.view.safe.literal` of it.
    """
    text = sentence(what) if isinstance(what, Finding) else what
    html = f'<div class="mathjax_ignore">{_MARKDOWN(text)}</div>'
    display({"text/html": html, "text/plain": unescape(text)}, raw=True)


def _sentences() -> Markdown:
    """Markdown without links, pictures, headings, formulas or HTML: sentences need none of them."""
    block, inline = BlockParser(), InlineParser()
    block.rules, block.list_rules = ["list", "blank_line"], ["blank_line"]
    inline.rules = ["codespan", "emphasis"]
    return Markdown(HTMLRenderer(escape=False), block, inline)  # False keeps entities as they are


_MARKDOWN = _sentences()


_VERDICT = {
    SHOWS: "this shows",
    OPPOSITE: "the opposite shows",
    NOT: "this does not show",
    UNTOLD: "this cannot be told",
}


def sentence(found: Finding) -> str:
    """A finding in words: claim and verdict, value and interval, control, p, what limits it."""
    parts = [f"**{literal(found.claim)}: {_VERDICT[found.verdict]}.**"]
    if found.value == found.value:
        parts.append(f"{_amount(found)}.")
    if found.verdict == UNTOLD:
        parts.append(_why_untold(found))
    elif found.detectable == found.detectable:
        reach = f"{digits(found.null_mean + found.detectable)} {literal(found.unit)}".strip()
        parts.append(f"About {reach} would have shown in four of five such runs.")
    parts += [literal(found.caveat), literal(found.reading)]
    return " ".join(filter(None, parts))


def _amount(found: Finding) -> str:
    """Value, interval, control, p and units."""
    text = f"{digits(found.value)} {literal(found.unit)}".strip()
    if found.low == found.low:
        text += f" [{digits(found.low)}, {digits(found.high)}]"
    if found.control and found.null_mean == found.null_mean:
        text += f", against {digits(found.null_mean)}"
        if found.null_low == found.null_low:
            text += f" [{digits(found.null_low)}, {digits(found.null_high)}]"
        text += f" for {literal(found.control)}"
    said = [_p(found), literal(found.units)]
    return text + "".join(f"; {one}" for one in said if one)


def _p(found: Finding) -> str:
    """p, and what adjusting made of it; a very small one by its bound."""
    if found.p != found.p:
        return ""
    ps = (found.p, found.p_adjusted)
    text, adjusted = ("p < 0.001" if p < 0.001 else f"p = {p:.3f}" for p in ps)
    return f"{text} ({adjusted} adjusted)" if found.p_adjusted > found.p else text


def _why_untold(found: Finding) -> str:
    if found.invalid:
        return literal(found.invalid)
    if found.p != found.p or found.value != found.value:
        return "There are too few rows or clusters for a test."
    return f"No p below {found.smallest_p:.3g} is possible with so few draws."


def digits(value: float | None) -> str:
    """A number with two significant digits, three from 100 on; whole ones as they are; a dash for none."""
    if value is None or value != value:
        return "–"
    if not float(value).is_integer() or abs(value) >= 1e6:
        value = float(f"{value:.3g}" if abs(value) >= 100 else f"{value:.2g}")
    return f"{value:,}".removesuffix(".0").replace("-", "−")
