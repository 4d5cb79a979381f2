"""The heat map is safe and complete."""

import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import xarray as xr

from sparcom_nb.view.tokens import attribution_map, attribution_page, visible

NASTY = ["<script>alert(1)</script>", '"><img src=x>', "\x07\u202e", "\n", "", "a&b"]


def attribution(inputs=("Say", " yes"), outputs=("yes", " sir"), seed=0):
    values = np.random.default_rng(seed).normal(size=(len(inputs), len(outputs))).astype("float32")
    coords = {
        "input_token": ("input", list(inputs)),
        "output_token": ("output", np.array(outputs, dtype=str)),
    }
    return xr.DataArray(values, coords, ("input", "output"))


class Reader(HTMLParser):
    """Tags, and the text outside of style."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text, self.inside = [], [], "", ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.inside = tag

    def handle_data(self, data):
        self.text += "" if self.inside == "style" else data


def test_token_text_is_text():
    html = attribution_map({"<b>base": attribution(NASTY, NASTY)})
    read = Reader(html)
    assert not {"script", "img", "b"} & set(read.tags)
    assert not [name for name in read.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in read.text and "a&b" in read.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", html)
    assert "http" not in html


def test_what_cannot_be_seen_is_made_visible():
    assert visible("\x07") == "␇" and visible("\u202e") == "\\u202e" and visible("") == "·"
    assert visible("a\nb\x7f") == "a⏎\nb\\u007f" and visible(" yes") == " yes"


def test_every_value_stands_in_the_table():
    S = attribution()
    html = attribution_map({"base": S, "tuned": attribution(seed=1)})
    assert html.count("<table>") == 2 and html.count("<button") == 4
    own = html[html.index("<tbody>") : html.index("</tbody>")]
    cells = [int(cell) for cell in re.findall(r"<td>(\d+)</td>", own)]
    positive = np.maximum(S.to_numpy().astype(float), 0)
    largest = positive.max(axis=0)
    expected = np.ceil(10 * np.divide(positive, largest, where=largest > 0, out=positive * 0))
    assert cells == expected.astype(int).ravel().tolist()


def test_two_maps_on_a_page_do_not_share_rules():
    one, two = (attribution_map({"base": attribution(seed=n)}) for n in (0, 1))
    assert re.search(r'id="(\w+)"', one)[1] != re.search(r'id="(\w+)"', two)[1]
    page = attribution_page({"base": attribution()}, "<title>")
    assert page.startswith("<!doctype html>") and "<title><title></title>" in unescape(page)
