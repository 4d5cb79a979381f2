"""Which tokens of a prompt carry the instruction."""

import numpy as np
import pytest

import sparcom_nb as sn
from sparcom_nb.rows.instructions import user_text


def marked(model, prompt, spans, template=False):
    mask = sn.shift.instruction_mask(model, prompt, spans, template)
    return "".join(mask["input_token"].to_numpy()[mask.to_numpy()]), mask


@pytest.mark.parametrize("template", [False, True])
def test_a_span_marks_the_tokens_that_hold_it(template, load):
    prompt = "  Sort these words: pear, apple, fig. "
    text, mask = marked(load("llama"), prompt, ["these words"], template)
    assert text.strip() == "these words"
    by_place, _ = marked(load("llama"), prompt, [(7, 18)], template)
    assert by_place == text
    attribution = sn.shift.input_attribution(load("llama"), prompt, "fig", template=template)
    np.testing.assert_array_equal(mask["input_token"], attribution["input_token"])


def test_the_whole_prompt_in_a_template_leaves_the_template_out(load):
    model = load("llama")
    text, mask = marked(model, "Is it true?", ["Is it true?"], template=True)
    assert text == "Is it true?" and 0 < mask.sum() < mask.size


def test_several_spans_and_none(load):
    text, _ = marked(load("llama"), "Sort pear and fig.", ["Sort", (9, 13)])
    assert text.replace(" ", "") == "Sortand"
    assert marked(load("llama"), "Sort pear.", [])[0] == ""


@pytest.mark.parametrize("span", ["plum", "a", ""])
def test_a_text_that_is_not_there_once_is_an_error(span, load):
    with pytest.raises(sn.InputError, match="times, not once"):
        sn.shift.instruction_mask(load("llama"), "a pear and a fig", [span])


def test_all_rows_of_the_mini_world_can_be_read():
    model, data = sn.load_model("tiny-dense/base"), sn.load_instructions("miniworld")
    for row in data.iloc[::5].to_dict("records"):
        joint = sn.shift.join(model, user_text(row), row["response"], template=True)
        assert "".join(joint.outputs) == row["response"]
