"""Pictures and sentences of the search for planted neurons."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from sparcom_nb.sparcom.scoring import METHODS
from sparcom_nb.view.plots import planted as plots
from sparcom_nb.view.sentences import planted as sentences


def curves(levels):
    """Curves whose precision and recall are ``levels[method]`` at noises 0, 0.5, 1."""
    rows = [
        {
            "measure": measure, "span": "instruction", "method": method, "noise": noise,
            "mean": mean, "low": mean - 0.05, "high": mean + 0.05, "n": 6,
        }
        for measure in ("precision", "recall")
        for method in METHODS
        for noise, mean in zip((0.0, 0.5, 1.0), levels.get(method, (0.0, 0.0, 0.0)), strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_recovery_is_read_from_the_curves():
    text = sentences.recovery(
        curves({"SPARCOM": (1.0, 0.95, 0.0), "LAPE": (1.0, 0.4, 0.0)}), "instruction"
    )
    assert (
        "at noise 0, SPARCOM has precision 1.00 [0.95, 1.05] and recall 1.00 [0.95, 1.05]." in text
    )
    assert "SPARCOM up to noise 0.5" in text and "LAPE up to noise 0," in text
    assert "mean contrast never" in text and "no method is clearly better than chance" in text


def test_a_method_that_recovers_late_is_not_credited():
    text = sentences.recovery(curves({"LAPE": (1.0, 0.4, 1.0)}), "instruction")
    assert "LAPE up to noise 0," in text and "best recall is 1.00 (LAPE)" in text
    assert "something is still found" in text


def test_a_method_that_finds_nothing_has_no_precision():
    table = curves({})
    table.loc[table["measure"] == "precision", ["mean", "low", "high"]] = float("nan")
    text = sentences.recovery(table, "instruction")
    assert "SPARCOM never" in text and "no method is clearly better" in text


def decoy_table(**shares):
    roles = dict.fromkeys(("task", "general", "wording", "inert", "background"), 0.0)
    rows = [
        {"world": "as planted", "method": method, **roles, **shares.get(method, {"task": 1.0})}
        for method in METHODS
    ]
    return pd.DataFrame(rows)


def test_decoys_name_who_is_fooled():
    assert "no method is fooled" in sentences.decoys(decoy_table())
    text = sentences.decoys(decoy_table(LAPE={"task": 0.6, "inert": 0.4}))
    assert "LAPE takes 40% inert neurons" in text and "SPARCOM" not in text


@pytest.mark.parametrize(("own", "verdict"), [(1.3, "tells task neurons from"), (0.0, "no role")])
def test_switching_off(own, verdict):
    table = pd.DataFrame(
        {"role": ["task", "inert"], "category": "QA", "own": [own, 0.0], "others": [0.01, 0.0]}
    )
    assert verdict in sentences.switched_off(table)


def test_pictures():
    figures = [
        plots.recovery_curves(curves({"SPARCOM": (1.0, 0.5, 0.0)}), "instruction"),
        plots.decoy_bars(decoy_table()),
    ]
    for fig in figures:
        assert all(axes.get_xlabel() for axes in fig.axes)
        plt.close(fig)
