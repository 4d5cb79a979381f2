"""The heat map is safe and complete; sentences say what numbers say, also when they say nothing."""

import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sparcom_nb.view.plots import attribution as plots
from sparcom_nb.view.sentences import attribution as sentences
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


def shift_table(value, low, high, p, base=0.2):
    names = ["CLS", "QA", "all"]
    return pd.DataFrame({"category": names, "choice": names, "n": 20}).assign(
        base=base, tuned=base + value, value=value, low=low, high=high, null_mean=0.0, p=p, units=8
    )


def test_shift_says_rise_fall_or_nothing():
    assert "**A rise shows.**" in sentences.shift(shift_table(0.1, 0.05, 0.15, 0.005))
    assert "in 2 of 2 categories" in sentences.shift(shift_table(0.1, 0.05, 0.15, 0.005))
    assert "**A rise does not show.**" in sentences.shift(shift_table(0.0, -0.1, 0.1, 0.5))
    assert "**The score fell.**" in sentences.shift(shift_table(-0.1, -0.2, -0.05, 1.0))
    same = shift_table(0.0, 0.0, 0.0, 1.0)
    assert "**A rise does not show.**" in sentences.shift(same)


def test_control_of_the_rest():
    up, flat = shift_table(0.1, 0.05, 0.15, 0.01), shift_table(0, -0.1, 0.1, 0.5)
    assert "gained too" in sentences.against_rest(up, up)
    assert "the rest of the prompt did not" in sentences.against_rest(up, flat)
    assert "did not clearly gain" in sentences.against_rest(flat, up)


def test_placebo_and_its_absence():
    up = sentences.placebo(shift_table(0.1, 0.05, 0.15, 0.01))
    assert "placebo 0.200, tuned 0.300" in up and "beyond that of more training shows" in up
    assert "does not show" in sentences.placebo(shift_table(0, -0.1, 0.1, 0.5))
    assert "Plain documents raised" in sentences.placebo(shift_table(-0.1, -0.2, -0.05, 1.0))
    assert "no placebo of this pair" in sentences.placebo(None)


def test_sensitivity_counts_choices():
    all_up = sentences.sensitivity(shift_table(0.1, 0.05, 0.15, 0.01))
    assert "3 of 3" in all_up and "does not depend on these choices" in all_up
    none = sentences.sensitivity(shift_table(0.0, -0.1, 0.1, 0.6))
    assert "**No choice shows a rise.**" in none and "fall under none" in none
    mixed = pd.concat([shift_table(0.1, 0.05, 0.15, 0.01), shift_table(-0.1, -0.2, -0.1, 1.0)])
    assert "depends on choices" in sentences.sensitivity(mixed)
    assert "a fall under 3" in sentences.sensitivity(mixed)


@pytest.mark.parametrize(
    ("p", "equal", "said"),
    [(0.4, 0.4, "does not show"), (0.01, 0.4, "not once length"), (0.01, 0.01, "**The change dep")],
)
def test_category_effect(p, equal, said):
    effect = {"r2": 0.2, "units": 30, "unit": "sub-type", "null_mean": 0.1, "p": p}
    assert said in sentences.category_effect(effect, effect | {"p": equal})


def test_one_response_and_decades():
    said = sentences.one_response("base", attribution(NASTY, NASTY))
    assert "<script" not in said.replace("\\<script", "")
    assert "nothing to attribute" in sentences.one_response("base", attribution(outputs=()))
    assert "No response token" in sentences.decades([attribution(outputs=())])
    tiny = attribution() * 1e-8
    assert "100.0% vanish" in sentences.decades([abs(tiny) * 0.1 + 1e-12])


def test_pictures_are_drawn_also_when_nothing_changed():
    import matplotlib.pyplot as plt

    flat = shift_table(0.0, 0.0, 0.0, 1.0, base=0.0)
    words = pd.DataFrame({"word": ["$a$", "\x07", "b_c"], "density": [0.0, 1.0, 0.5]})
    table = pd.DataFrame(
        {"choice": ["a", "b"] * 3, "group": np.repeat(["user", "lima", "mtbench"], 2), "t": 1.0}
    ).assign(p=[0.01, 0.5, 0.99, 0.01, 0.2, 0.3])
    figures = [
        plots.shift(flat),
        plots.sensitivity(flat),
        plots.word_densities({"base": words, "tuned": words}),
        plots.published(table),
    ]
    for figure in figures:
        figure.canvas.draw()
        plt.close(figure)
    assert "a: 1 of 3, 1 reversed" in sentences.published(table)
