"""The forest of findings: verdicts by shape and text, names as text, whatever is missing."""

from typing import Any

import numpy as np
import pytest

from sparcom_nb.evidence import Finding
from sparcom_nb.view.figure import image
from sparcom_nb.view.plots.common import forest

KNOWN: dict[str, Any] = {
    "low": 0.1,
    "high": 0.5,
    "null_low": -0.1,
    "null_high": 0.1,
    "unit": "bits",
}
BELOW: dict[str, Any] = KNOWN | {"low": -0.5, "high": -0.1}
ELSE: dict[str, Any] = KNOWN | {"unit": "$nats"}
FOUND = {
    "one": Finding("a", 0.3, p=0.001, **KNOWN),
    "$\\frac{two": Finding("b", -0.3, p=0.001, **BELOW),
    "three": Finding("c", 0.1, p=0.4, **ELSE),
    "four": Finding("d", np.nan, invalid="no control"),
}


def test_a_forest_has_a_panel_a_unit_and_says_every_verdict():
    fig = forest(FOUND)
    assert [axes.get_xlabel() for axes in fig.axes] == ["bits", "\\$nats", ""]
    told = [text.get_text() for axes in fig.axes for text in axes.texts]
    assert told == ["shows", "opposite", "does not show", "cannot be told"]
    markers = {str(line.get_marker()) for axes in fig.axes for line in axes.lines} - {"None", "|"}
    assert markers == {"D", "v", "o", "x"}
    assert image(fig, "All claims.").startswith("<img")  # drawn: names are no formulas


@pytest.mark.parametrize("names", [[], ["four"]])
def test_a_forest_without_anything_to_draw_is_drawn(names):
    assert image(forest({name: FOUND[name] for name in names}), "Nothing.")
