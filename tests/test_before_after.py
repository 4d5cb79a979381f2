"""Notebook 16 where there is nothing to see: one model twice, shuffled categories, a false placebo."""

import reading

from sparcom_nb.report import build

NAME = "16_before_after"


def told(out, pair, **parameters):
    """Sentences of the notebook on few rows."""
    assert build([pair], [NAME], out, {"LIMIT": 120, "DATA": "miniworld"} | parameters) == 0
    (path,) = out.glob(f"*/{NAME}/notebook.ipynb")
    return reading.told(path)


def test_one_model_twice_is_not_changed(tmp_path):
    said = told(tmp_path, "tiny-dense/base,tiny-dense/base")
    assert said.count("**no change**") == 6
    assert "shows" not in said.replace("does not show", "")
    assert "has no placebo here" in said


def test_shuffled_categories_show_no_category_effect(tmp_path, shuffled):
    """Tuning altered the model, whatever the rows are called; a false placebo alters as much."""
    said = told(tmp_path, "tiny-dense", DATA=str(shuffled), PLACEBO="tiny-dense/instruct")
    assert said.count("A category-specific effect does not show") == 2
    assert said.count("beyond more training does not show") == 2
    assert "An alteration beyond sampling shows" in said


def test_experts_of_the_moe_pair(tmp_path, shuffled):
    said = told(tmp_path, "tiny-moe", DATA=str(shuffled))
    assert "a category-specific routing shift does not show" in said
    assert "8 experts in each layer" in said and "experts, gained" in said
