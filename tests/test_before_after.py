"""Notebook 16 where there is nothing to see: one model twice."""

import json

from sparcom_nb.report import build

NAME = "16_before_after"


def verdicts(out, pair, **parameters):
    """Verdicts of the notebook on few rows."""
    few = {"LIMIT": 72, "DATA": "miniworld", "DRAWS": 499}
    assert build([pair], [NAME], out, few | parameters) == 0
    (path,) = out.glob(f"*/{NAME}/figures.json")
    return {one["name"]: one["verdict"] for one in json.loads(path.read_text())["findings"]}


def test_one_model_twice_is_not_changed(tmp_path):
    found = verdicts(tmp_path, "tiny-dense/base,tiny-dense/base")
    assert "shows" not in found.values()
    assert found["placebo"] == "cannot be told" and found["sets"] == "does not show"
