"""Which tokens count, in every span, with and without a BOS and a chat template."""

import copy
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

from sparcom_nb.errors import InputError
from sparcom_nb.model.prompts import (
    PLAIN,
    SPANS,
    Template,
    chat_template,
    encode,
    encode_texts,
    fitting,
)
from sparcom_nb.rows.instructions import validate
from sparcom_nb.rows.records import UnusableRows

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


LLAMA3 = (
    "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
    "{{ bos_token }}<|h|>system\n\nToday Date: {{ date_string }}\n\n"
    "{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] | trim }}"
    "{% set messages = messages[1:] %}{% endif %}<|e|>"
    "{% for m in messages %}<|h|>{{ m['role'] }}\n\n{{ m['content'] | trim }}<|e|>{% endfor %}"
    "{% if add_generation_prompt %}<|h|>assistant\n\n{% endif %}"
)
VICUNA = (
    "{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}"
    "{% set messages = messages[1:] %}{% else %}A chat between two.{% endif %}"
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('turns must alternate') }}{% endif %}"
    "{{ ' USER: ' if m['role'] == 'user' else ' ASSISTANT: ' }}{{ m['content'] }}"
    "{{ '</s>' if m['role'] == 'assistant' else '' }}{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)


def test_a_date_is_always_the_same_and_told(tokenizer):
    template = chat_template(with_template(tokenizer, LLAMA3))
    assert template.render("hi") == (
        "<s><|h|>system\n\nToday Date: 26 Jul 2024\n\n<|e|><|h|>user\n\nhi<|e|><|h|>assistant\n\n"
    )
    assert template.facts()["day"] == "2024-07-26"
    assert "day" not in chat_template(with_template(tokenizer, CHATML)).facts()
    assert PLAIN.facts() == {"prefix": PLAIN.prefix, "suffix": PLAIN.suffix}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (WITH_SYSTEM, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"),
        (VICUNA, " USER: hi ASSISTANT:"),
    ],
)
def test_a_default_system_text_goes_with_its_turn(text, made, tokenizer):
    assert chat_template(with_template(tokenizer, text)).render("hi") == made


@pytest.mark.parametrize("text", [CHATML, WITH_SYSTEM, NO_SYSTEM, LLAMA3, VICUNA])
def test_the_text_stands_in_it_once_and_untouched(text, tokenizer, row):
    template = chat_template(with_template(tokenizer, text))
    for said in (
        "x",
        "  spaces at both ends \n",
        '<b>&amp; "it" {{ so }}',
        "\u241f",
        "é\n\n ü" * 50,
    ):
        assert template.render(said) == template.prefix + said + template.suffix
    for mark in ("\u241f", "Say", "System"):
        assert mark not in template.prefix + template.suffix
    own = row.assign(instruction="  The sky. ", input="")
    counted, _ = counted_text(tokenizer, template, own, "prompt")
    assert counted.strip() == "The sky."


USER = "{% for m in messages %}[U]{{ TEXT }}[/U]{% endfor %}"
ALTERED = {
    "upper": "m['content'] | upper",
    "title": "m['content'] | title",
    "escape": "m['content'] | e",
    "json": "m['content'] | tojson",
    "quotes": "m['content'] | replace('\"', \"'\")",
    "lines": "m['content'] | replace('\\n', ' ')",
    "twice": "m['content'] ~ ' ' ~ m['content']",
    "its start": "m['content'][:3] ~ ': ' ~ m['content']",
    "cut": "m['content'][:40]",
    "its length": "m['content'] ~ (m['content'] | length)",
    "left out": "''",
    "fails": "raise_exception('never\nlike this')",
    "undefined": "m.nothing.at.all",
    "no syntax": "m['content'",
}


@pytest.mark.parametrize("text", ALTERED.values(), ids=ALTERED)
def test_a_template_that_alters_the_text_is_refused_when_it_is_needed(text, tokenizer, row):
    template = chat_template(with_template(tokenizer, USER.replace("TEXT", text)))
    assert len(encode(tokenizer, template, row, "instruction", 512)) == 1
    for use in (lambda: template.prefix, lambda: encode(tokenizer, template, row, "prompt", 512)):
        with pytest.raises(InputError, match="the chat template") as error:
            use()
        assert len(str(error.value)) <= 300 and "\n" not in str(error.value)


def test_a_template_that_alters_one_text_is_refused_for_that_text(tokenizer, row):
    text = "m['content'] ~ ('?' if 'blue' in m['content'] else '')"
    template = chat_template(with_template(tokenizer, USER.replace("TEXT", text)))
    assert template.render("green") == "[U]green[/U]"
    with pytest.raises(InputError, match="depends on it"):
        encode(tokenizer, template, row, "prompt", 512)


def test_text_that_spells_a_special_token_is_read_as_written(tokenizer, row):
    for spelled in ("<s>", "</s>", "a <pad> b", "<s><s>"):
        own = row.assign(instruction=f"{spelled} of it", input="", response=spelled)
        for span, said in (
            ("instruction", f"{spelled} of it"),
            ("sample", f"{spelled} of it\n{spelled}"),
        ):
            text, prompt = counted_text(tokenizer, PLAIN, own, span)
            assert text == said and prompt.ids[0] == tokenizer.bos_token_id and prompt.start == 1
            assert not set(prompt.ids[1:]) & set(tokenizer.all_special_ids)
        plain = own.assign(instruction="What?")
        text, prompt = counted_text(tokenizer, PLAIN, plain, "response")
        assert text == spelled and not set(prompt.ids[1:]) & set(tokenizer.all_special_ids)
        (read,) = encode_texts(tokenizer, [spelled], 512)
        assert read.ids[0] == tokenizer.bos_token_id and read.start == 1 and len(read.ids) > 2


def many(row, *texts):
    ids = [f"r{n}" for n in range(len(texts))]
    return pd.concat([row] * len(texts)).assign(id=ids, instruction=list(texts), input="")


@pytest.mark.parametrize("span", ["prompt", "response"])
def test_rows_that_a_template_cannot_hold_are_told_together(span, tokenizer, row):
    text = "{{ m['content'] ~ ('?' if 'blue' in m['content'] else '') }}"
    template = chat_template(
        with_template(tokenizer, USER.replace("{{ TEXT }}", text).replace("[U]", "<s>[U]"))
    )
    data = many(row, "green", "a blue sky", "x" * 4000, "say </s> now", "<s>")
    with pytest.raises(UnusableRows) as error:
        encode(tokenizer, template, data, span, 512)
    faults = error.value.faults
    assert list(faults) == ["r1", "r3", "r4", "r2"] and "4 of 5 rows" in str(error.value)
    assert "row 'r1': the chat template alters" in faults["r1"] and "'</s>'" in faults["r3"]
    assert all(len(fault) < 250 for fault in faults.values())
    model = SimpleNamespace(tokenizer=tokenizer, template=template, cfg=SimpleNamespace(n_ctx=512))
    left, told = fitting(model, data, [span])
    assert left["id"].to_list() == ["r0"] and told == list(faults.values())


ENDLESS = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "writes": "{% for a in range(99999) %}{% for b in range(99999) %}{{ b }}{% endfor %}{% endfor %}",
    "calls": "{% macro f(n) %}{% for b in range(9) %}{{ f(n + 1) if n < 99 }}{% endfor %}{% endmacro %}"
    "{{ f(0) }}",
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_a_template_without_end_is_stopped(text, tokenizer, row):
    before = sys.gettrace()
    template = chat_template(with_template(tokenizer, text + CHATML))
    with pytest.raises(InputError, match="the chat template fails: TimeoutError: no end after 1 s"):
        encode(tokenizer, template, row, "prompt", 512)
    assert sys.gettrace() is before


@pytest.mark.parametrize("power", ["{{ 9**9**9 }}", "{% set x = 9 ** 9 ** 9 %}", "{{ (9)\n**9 }}"])
def test_a_template_that_computes_a_power_is_refused(power, tokenizer):
    template = chat_template(with_template(tokenizer, power + CHATML))
    with pytest.raises(InputError, match=r"the chat template fails: .* it computes a power"):
        template.render("hi")
    harmless = "**bold** {# 9**9 #}{% macro f(a) %}{{ a }}{% endmacro %}{{ f( **{'a': '**'}) }}"
    assert chat_template(with_template(tokenizer, harmless + CHATML)).render("hi").startswith("**")
