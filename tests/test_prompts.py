"""Which tokens count, in every span, with and without a BOS and a chat template."""

import copy

import pandas as pd
import pytest

from sparcom_nb.errors import InputError
from sparcom_nb.instructions import validate
from sparcom_nb.prompts import PLAIN, SPANS, Template, chat_template, encode

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
WITH_SYSTEM = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are kind.<|im_end|>\n{% endif %}"
    + CHATML
)
NO_SYSTEM = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "[INST] {{ m['content'] }} [/INST]{% endfor %}"
)


@pytest.fixture
def row():
    return validate(
        pd.DataFrame(
            [
                {
                    "id": "a",
                    "category": "QA",
                    "instruction": "Name the colour of the sky.",
                    "input": "The sky is blue.",
                    "response": "Blue.",
                }
            ]
        )
    )


def with_template(tokenizer, text):
    changed = copy.deepcopy(tokenizer)
    changed.chat_template = text
    return changed


def counted_text(tokenizer, template, row, span):
    (prompt,) = encode(tokenizer, template, row, span, 512)
    return tokenizer.decode(prompt.ids[prompt.start : prompt.stop]), prompt


def test_instruction_counts_all_but_the_bos(tokenizer, row):
    text, prompt = counted_text(tokenizer, PLAIN, row, "instruction")
    assert text == "Name the colour of the sky.\nThe sky is blue."
    assert prompt.ids[0] == tokenizer.bos_token_id and prompt.start == 1
    assert prompt.ids.count(tokenizer.bos_token_id) == 1


def test_prompt_counts_the_user_text_only(tokenizer, row):
    template = Template("<<User>> ", " <<Answer>>")
    text, prompt = counted_text(tokenizer, template, row, "prompt")
    assert text.strip() == "Name the colour of the sky.\nThe sky is blue."
    whole = tokenizer.decode(prompt.ids[1:])
    assert whole == template.render("Name the colour of the sky.\nThe sky is blue.")


def test_response_counts_the_response_after_the_rendered_prompt(tokenizer, row):
    text, prompt = counted_text(tokenizer, PLAIN, row, "response")
    assert text == "Blue."
    before = tokenizer.decode(prompt.ids[1 : prompt.start])
    assert before == PLAIN.render("Name the colour of the sky.\nThe sky is blue.")


def test_sample_joins_instruction_input_and_response(tokenizer, row):
    text, _ = counted_text(tokenizer, PLAIN, row, "sample")
    assert text == "Name the colour of the sky.\nThe sky is blue.\nBlue."


def test_a_tokenizer_without_bos_gets_none(tokenizer, row):
    bare = copy.deepcopy(tokenizer)
    bare.bos_token = None
    for span in SPANS:
        with_bos = encode(tokenizer, PLAIN, row, span, 512)[0]
        without = encode(bare, PLAIN, row, span, 512)[0]
        assert without.ids == with_bos.ids[1:] and without.start == with_bos.start - 1


def test_a_bos_in_the_template_is_not_doubled(tokenizer, row):
    for span in ("prompt", "response"):
        (prompt,) = encode(tokenizer, Template("<s>Q: ", "\nA: "), row, span, 512)
        assert prompt.ids.count(tokenizer.bos_token_id) == 1


def test_chat_template_of_the_tokenizer(tokenizer):
    template = chat_template(with_template(tokenizer, CHATML))
    assert template.render("hi") == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"


def test_a_default_system_text_is_left_out(tokenizer):
    text = chat_template(with_template(tokenizer, WITH_SYSTEM)).render("hi")
    assert "kind" not in text and "user\nhi<|im_end|>" in text


def test_a_template_without_system_turn_works(tokenizer):
    assert chat_template(with_template(tokenizer, NO_SYSTEM)).render("hi") == "[INST] hi [/INST]"


def test_no_chat_template_means_the_plain_one(tokenizer):
    assert chat_template(tokenizer) == PLAIN


def test_errors_name_the_row(tokenizer, row):
    with pytest.raises(InputError, match="unknown span 'words'"):
        encode(tokenizer, PLAIN, row, "words", 512)
    with pytest.raises(InputError, match="row 'a' has no token in its response"):
        encode(tokenizer, PLAIN, row.assign(response=""), "response", 512)
    with pytest.raises(InputError, match=r"row 'a' has \d+ tokens, more than .* 5"):
        encode(tokenizer, PLAIN, row, "instruction", 5)
