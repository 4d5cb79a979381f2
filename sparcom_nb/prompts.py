"""From rows to token ids, with the tokens that count.

Every method counts the tokens of one span, and every span is contiguous, so a prompt is its ids and
the half-open range ``start:stop`` that counts. BOS, padding and template tokens never count.

===============  ===================================  ===========================================
span             text that the model reads            tokens that count
===============  ===================================  ===========================================
``instruction``  instruction (newline, input)         all of them
``prompt``       the same in the chat template        those of the user's text
``response``     chat template, then the response     those of the response
``sample``       instruction (input), response        all of them (NAIT, Chen 2026)
===============  ===================================  ===========================================
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sparcom_nb.errors import InputError
from sparcom_nb.instructions import sample_text, user_text
from sparcom_nb.records import UnusableRows

SPANS = ("instruction", "prompt", "response", "sample")

#: A tokenizer keeps far more than the ids of the texts it gets at once.
_CHUNK_ROWS = 512


@dataclass(frozen=True)
class Template:
    """What stands before and after the user's text in a chat prompt."""

    prefix: str
    suffix: str

    def render(self, content: str) -> str:
        """Return the prompt whose user says ``content``."""
        return self.prefix + content + self.suffix


#: For a model that brings no chat template (the form of Stanford Alpaca, without its preamble).
PLAIN = Template("### Instruction:\n", "\n\n### Response:\n")


@dataclass(frozen=True)
class Prompt:
    """Token ids of one row (packed: all prompts of a run are kept) and the range that counts."""

    id: str
    ids: "array[int]"
    start: int
    stop: int


def chat_template(tokenizer: Any) -> Template:
    """Template of one user turn, from the tokenizer's own chat template when it has one.

    A default system text (SmolLM2: "You are a helpful AI assistant ...") is left out by giving an
    empty system turn: such a text would be shared by all prompts.
    """
    if not tokenizer.chat_template:
        return PLAIN
    user = {"role": "user", "content": "\u241fTEXT\u241f"}
    rendered = _apply(tokenizer, [user])
    if _has_default_system(tokenizer, user, rendered):
        rendered = _apply(tokenizer, [{"role": "system", "content": ""}, user])
    prefix, _, suffix = rendered.partition(user["content"])
    return Template(prefix, suffix)


def encode(
    tokenizer: Any, template: Template, data: pd.DataFrame, span: str, context: int
) -> list[Prompt]:
    """Tokenise every row of ``data`` for ``span``; at most ``context`` tokens each.

    Raises:
        InputError: unknown span, a row with no token to count, or one longer than the context.
    """
    if span not in SPANS:
        raise InputError(f"unknown span {span!r}; use one of {', '.join(SPANS)}")
    prompts = []
    for first in range(0, len(data), _CHUNK_ROWS):
        chunk = data.iloc[first : first + _CHUNK_ROWS]
        encoded = _ENCODERS[span](tokenizer, template, chunk)
        prompts += [
            Prompt(row_id, array("i", ids), start, stop)
            for row_id, (ids, start, stop) in zip(chunk["id"], encoded, strict=True)
        ]
    return _checked(prompts, span, context)


def fitting(model: Any, data: pd.DataFrame, spans: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the rows of ``data`` that a model cannot read in one of ``spans``.

    Returns:
        The rows that are left, and why each of the others is not.
    """
    found, faults = data, []
    for span in spans:
        try:
            encode(model.tokenizer, model.template, found, span, model.cfg.n_ctx)
        except UnusableRows as error:
            found = found[~found["id"].isin(error.faults)].reset_index(drop=True)
            faults += error.faults.values()
    if found.empty:
        raise InputError(f"no row is left to use: {faults[0]}")
    return found, faults


def templated(
    tokenizer: Any, template: Template, texts: Sequence[str], responses: Sequence[str]
) -> "Encoded":
    """Tokenise prompts in their template, and behind each its response on its own.

    The one place that says what a model reads where its template is used: tuning, evaluation,
    frequencies, ablation, attribution and scores all do. (In one text, a tokenizer might make other
    tokens of the end of the prompt and the start of the response than the model was tuned to say.)

    Returns:
        For every row its ids and the first and the stop of the response's.
    """
    prompts = _rendered(tokenizer, template, texts)
    answers = tokenizer(list(responses), add_special_tokens=False).input_ids
    return [
        (prompt + answer, len(prompt), len(prompt) + len(answer))
        for (prompt, _), answer in zip(prompts, answers, strict=True)
    ]


def encode_texts(tokenizer: Any, texts: Sequence[str], context: int) -> list[Prompt]:
    """Tokenise plain texts, cut at ``context``; the tokens count that have one before them.

    Raises:
        InputError: a text with no such token.
    """
    encoded = _encode_plain(tokenizer, list(texts))
    prompts = [
        Prompt(f"text {n}", array("i", ids[:context]), 1, len(ids[:context]))
        for n, (ids, _, _) in enumerate(encoded)
    ]
    return _checked(prompts, "text", context)


def shortened(prompt: Prompt, tokens: int) -> Prompt:
    """Return the prompt up to the first ``tokens`` counted ones; no causal model looks beyond.

    Raises:
        InputError: the prompt counts fewer tokens.
    """
    stop = prompt.start + tokens
    if tokens < 1 or stop > prompt.stop:
        raise InputError(
            f"row {prompt.id!r} has {prompt.stop - prompt.start} tokens to count, {tokens} are "
            "asked for: drop the row or ask for fewer, at least 1"
        )
    return Prompt(prompt.id, prompt.ids[:stop], prompt.start, stop)


Encoded = list[tuple[list[int], int, int]]


def _encode_plain(tokenizer: Any, texts: list[str]) -> Encoded:
    encoded = []
    for ids in tokenizer(texts, add_special_tokens=False).input_ids:
        full = missing_bos(tokenizer, ids) + ids
        encoded.append((full, len(_bos(tokenizer)), len(full)))
    return encoded


def _instruction(tokenizer: Any, _: Template, data: pd.DataFrame) -> Encoded:
    return _encode_plain(tokenizer, [user_text(row) for row in data.to_dict("records")])


def _sample(tokenizer: Any, _: Template, data: pd.DataFrame) -> Encoded:
    return _encode_plain(tokenizer, [sample_text(row) for row in data.to_dict("records")])


def _rendered(
    tokenizer: Any, template: Template, texts: Sequence[str]
) -> list[tuple[list[int], list[tuple[int, int]]]]:
    """Ids of prompts in their template, after a BOS, and the characters of each (none of an added BOS)."""
    made = tokenizer(
        [template.render(text) for text in texts],
        add_special_tokens=False,
        return_offsets_mapping=True,
    )
    found = []
    for ids, places in zip(made.input_ids, made.offset_mapping, strict=True):
        bos = missing_bos(tokenizer, ids)
        found.append((bos + ids, [(0, 0)] * len(bos) + places))
    return found


def _prompt(tokenizer: Any, template: Template, data: pd.DataFrame) -> Encoded:
    texts = [user_text(row) for row in data.to_dict("records")]
    encoded = []
    for text, (ids, places) in zip(texts, _rendered(tokenizer, template, texts), strict=True):
        low, high = len(template.prefix), len(template.prefix) + len(text)
        inside = [n for n, (a, b) in enumerate(places) if a < high and b > low]
        first, stop = (inside[0], inside[-1] + 1) if inside else (0, 0)
        encoded.append((ids, first, stop))
    return encoded


def _response(tokenizer: Any, template: Template, data: pd.DataFrame) -> Encoded:
    texts = [user_text(row) for row in data.to_dict("records")]
    return templated(tokenizer, template, texts, data["response"].to_list())


_ENCODERS = {
    "instruction": _instruction,
    "prompt": _prompt,
    "response": _response,
    "sample": _sample,
}


def _checked(prompts: list[Prompt], span: str, context: int) -> list[Prompt]:
    faults = {
        one.id: f"row {one.id!r} has {fault}"
        for one in prompts
        if (fault := _fault(one, span, context))
    }
    if faults:
        raise UnusableRows("the table", faults, len(prompts))
    return prompts


def _fault(prompt: Prompt, span: str, context: int) -> str:
    if prompt.stop <= prompt.start:
        return f"no token in its {span}"
    if len(prompt.ids) > context:
        return f"{len(prompt.ids)} tokens, more than the model's context of {context}"
    return ""


def _bos(tokenizer: Any) -> list[int]:
    return [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]


def missing_bos(tokenizer: Any, ids: Sequence[int]) -> list[int]:
    """The BOS to put in front of ``ids``: none when the tokenizer has none or it is there already."""
    bos = _bos(tokenizer)
    return [] if list(ids[:1]) == bos else bos


def _apply(tokenizer: Any, messages: list[dict[str, str]]) -> str:
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def _has_default_system(tokenizer: Any, user: dict[str, str], rendered: str) -> bool:
    """Whether a system text of our own takes the place of one that the template brings."""
    marked = "\u241fSYSTEM\u241f"
    try:
        with_system = _apply(tokenizer, [{"role": "system", "content": marked}, user])
    except Exception:  # jinja's raise_exception: the template knows no system turn
        return False
    before, found, after = with_system.partition(marked)
    return bool(found) and rendered.startswith(before) and rendered.endswith(after)
