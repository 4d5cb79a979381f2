"""Text of others is read as it stands, in Markdown, HTML, pictures and spreadsheets alike."""

import io
from html import unescape

import hostile
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from sparcom_nb.evidence import Finding
from sparcom_nb.view import prose, safe
from sparcom_nb.view.html.render import _markdown
from sparcom_nb.view.plots.identify import token_grid
from sparcom_nb.view.tables import text_table

TEXTS = [
    *hostile.MARKS,
    " x",
    "\nx",
    "a\n\n- b\n\n    c",
    "a  \nb\n===",
    "-",
    "*",
    "1) x",
    "\t",
    "\r\n",
]
NAME = hostile.FOLDER


def read(html):
    """Text of some HTML, and its tags."""
    soup = BeautifulSoup(html, "html.parser")
    return soup.get_text(), {tag.name for tag in soup.find_all(True)}


@pytest.mark.parametrize("text", TEXTS)
def test_a_literal_is_text_in_html_and_in_every_markdown(text):
    wanted = safe.visible(text)
    assert unescape(safe.literal(text)) == wanted
    sentences = f"Of “{safe.literal(text)}”.\n\n**{safe.literal(text)}**\n\n- {safe.literal(text)}"
    for html in (
        f'<p title="{safe.literal(text)}">{safe.literal(text)}',
        prose._MARKDOWN(sentences),
        _markdown(sentences),
        text_table(pd.DataFrame({text: [text]})),
    ):
        found, tags = read(html)
        assert wanted.strip() in found
        assert tags <= {"p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}


def test_what_cannot_be_seen_is_written_out():
    assert safe.visible("a\u202eb\u200b\u00ad\ufeff\U000e0041\u2028\ud800\x00") == (
        "a\\u202eb\\u200b\\u00ad\\ufeff\\ue0041\\u2028\\ud800␀"
    )
    assert safe.visible("é 中文 \n\t ❤️ עברית") == "é 中文 \n\t ❤️ עברית"


def test_sentences_hold_no_link_picture_heading_or_formula_even_unescaped(capsys):
    for mark in hostile.MARKS:
        _, tags = read(prose._MARKDOWN(mark))
        assert tags <= {"p", "strong", "em", "ul", "ol", "li", "code"}
    prose.tell(f"**{safe.literal('<b>$x$')}**")
    assert "**<b>$x$**" in capsys.readouterr().out


@pytest.mark.parametrize("text", [NAME, *hostile.MARKS])
def test_a_finding_says_what_others_wrote_as_text(text):
    told = dict.fromkeys(
        ("claim", "unit", "control", "units", "caveat", "invalid", "reading"), text
    )
    found, tags = read(prose._MARKDOWN(prose.sentence(Finding(**told, value=1.0, p=0.01))))
    assert found.count(safe.visible(text).strip()) == len(told) and tags <= {"p", "strong"}


@pytest.mark.parametrize("text", [r"$\frac{$", "$x$", r"\$a$", "$", "_^{}", "\u202e<b>"])
def test_pictures_draw_dollars_as_they_are(text):
    fig = token_grid(pd.DataFrame([[0, 1]]).to_numpy(), [text], pd.Series([0.5, 1]).to_numpy(), 0)
    fig.savefig(io.BytesIO())
    (label,) = fig.axes[0].get_yticklabels()
    assert label._preprocess_math(label.get_text()) == (safe.visible(text), False)
    plt.close(fig)


def test_a_spreadsheet_computes_no_text():
    texts = [
        "=1+1",
        "+x",
        "-x",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1",
        "-1+cmd|' /C calc'!A0",
        "--",
    ]
    kept = ["-5", "+3.2e-5", "x=1", " =1", "'s", ""]
    table = pd.DataFrame({"=a": [*texts, *kept], "n": range(-8, 8)})
    shown = safe.uncomputed(table)
    assert shown["'=a"].tolist() == [*(f"'{text}" for text in texts), *kept]
    assert shown["n"].tolist() == table["n"].tolist()


CLEANED = {
    '<a href="javascript:alert(1)">x</a>': "x",
    '<a href="java\tscript:alert(1)">x</a>': "x",
    '<a href=" DATA:text/html,x">x</a>': "x",
    '<img src="https://evil.example/x">': "",
    '<img src="data:text/html,x">': "",
    "<svg><style><img src=x onerror=alert(1)></style></svg>": "",
    "<math><mtext><table><mglyph><style><img src=x onerror=1></style></math>": "",
    '<noscript><p title="</noscript><img src=x onerror=1>">': '">',
    '<meta http-equiv="refresh" content="0"><base href="x"><link href="x">a': "a",
    "<form><input><button formaction=x>b</button></form>": "b",
    "<iframe srcdoc='<b>'></iframe><object></object><embed>c": "c",
    "<p onclick=x style=color:red>d": "d",
}


@pytest.mark.parametrize("html", CLEANED)
def test_clean_html_cannot_act(html):
    soup = BeautifulSoup(safe.clean(html), "html.parser")
    assert soup.get_text().strip() == CLEANED[html]
    for tag in soup.find_all(True):
        assert tag.name in {"a", "img", "math", "mtext", "table", "p", "button"}
        assert set(tag.attrs) <= {"rel", "style", "type"}


def test_clean_html_keeps_what_pages_show():
    kept = (
        '<math display="block"><mfrac><mi mathvariant="normal">a</mi><mn>2</mn></mfrac></math>'
        '<img src="data:image/png;base64,AA==" alt="x"><details open=""><summary>s</summary>t</details>'
        '<style>#a:has(.o1:hover) > .in{--s:var(--l1)}</style><button type="button" class="o1">t</button>'
        '<table class="dataframe"><thead><tr><th scope="col">a</th></tr></thead></table>'
    )
    assert safe.clean(kept) == kept
