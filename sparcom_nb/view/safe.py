"""What others wrote (rows, models, parameters, names of files) is shown as text and can do nothing.

`literal` makes it text wherever it enters Markdown or HTML. `clean` and `POLICY` stand behind it:
whatever HTML a notebook holds, its page fetches nothing, runs nothing and leads nowhere by itself.
"""

import nh3
import pandas as pd
import regex

#: What a page may do: show its own styles and the pictures that it holds.
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)

#: Characters that cannot be seen or that turn others around; an emoji may choose its look.
_HIDDEN = regex.compile(
    r"(?![\n\t\uFE0E\uFE0F])[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]"
)
#: What may mean something in Markdown, HTML or a formula.
_MARKUP = regex.compile(r"[^\P{ASCII}\w ,/;%?]|_")
#: What a spreadsheet would compute (OWASP, CSV injection); numbers are left as they are.
_COMPUTED = regex.compile(r"[=+\-@＝＋－＠\t\r\n](?!(?<=[+-])[0-9.]+(e[+-]?[0-9]+)?$)")

_FORMULA = {
    "math", "menclose", "merror", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded",
    "mphantom", "mprescripts", "mroot", "mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup",
    "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover",
}  # fmt: skip
_FORMULA_ATTRIBUTES = {
    "accent", "accentunder", "columnalign", "columnspan", "display", "displaystyle", "fence", "form",
    "height", "linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits",
    "notation", "rowspan", "rspace", "scriptlevel", "separator", "stretchy", "symmetric", "width",
}  # fmt: skip
_TAGS = (nh3.ALLOWED_TAGS - {"area", "map"}) | _FORMULA | {"button", "section", "style", "tfoot"}
_EVERYWHERE = {"aria-label", "class", "dir", "id", "lang", "role", "style", "tabindex", "title"}
_ATTRIBUTES = (
    nh3.ALLOWED_ATTRIBUTES
    | dict.fromkeys(_FORMULA, _FORMULA_ATTRIBUTES)
    | {"*": _EVERYWHERE, "button": {"type"}, "details": {"open"}, "style": {"scoped"}}
)
#: Tags whose content is nothing to read.
_DROPPED = {"embed", "iframe", "noembed", "noframes", "noscript", "object", "script", "template"}


def visible(text: str) -> str:
    """Text with the characters written out that cannot be seen, such as a change of direction."""
    return _HIDDEN.sub(lambda found: _written_out(found[0]), text)


def literal(value: object) -> str:
    """A value as text for Markdown and for HTML, in quoted attributes too: it is read as it stands."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", visible(str(value)))


def drawn(text: str) -> str:
    """Text for a picture, where matplotlib would read a formula between two dollars."""
    return visible(text).replace("$", r"\$")


def uncomputed(table: pd.DataFrame) -> pd.DataFrame:
    """A table for a spreadsheet: texts that it would compute begin with an apostrophe."""
    return table.rename(columns=_as_text).map(_as_text)


def clean(html: str) -> str:
    """HTML that can neither fetch nor run anything, nor lead anywhere unless a link is followed."""
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED,
        attributes=_ATTRIBUTES,
        attribute_filter=_filtered,
        url_schemes={"data", "http", "https", "mailto"},
    )


def _filtered(tag: str, name: str, value: str) -> str | None:
    """Drop a link that holds data and a picture that does not; a button only presses."""
    start = value.strip().lower()
    if name == "src" and not start.startswith("data:image/"):
        return None
    if name in ("href", "cite") and start.startswith("data:"):
        return None
    return "button" if (tag, name) == ("button", "type") else value


def _as_text(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and _COMPUTED.match(value) else value


def _written_out(character: str) -> str:
    code = ord(character)
    return chr(0x2400 + code) if code < 32 else f"\\u{code:04x}"
