"""Prompt and response as one sequence: its tokens, and which of the prompt's carry the instruction.

Wu et al. (2024, section 3.1) read ``strip(prompt) + " " + strip(response)`` as one text. In a chat
template prompt and response are read as everywhere else (:func:`sparcom_nb.model.prompts.templated`): the
response untouched, its tokens those that the model was tuned to say.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.model.prompts import (
    Prompt,
    as_written,
    check_embedded,
    in_template,
    missing_bos,
    templated,
)

#: A part of the prompt: its text, or its first character and the one after its last.
Span = str | tuple[int, int]


@dataclass(frozen=True)
class Joint:
    """A prompt and its response as one sequence.

    sequence: all ids, those of the response count; bos: how many ids come before the prompt's own
    (0 or 1); inputs, outputs: the text of every token of the prompt and of the response.
    """

    sequence: Prompt
    bos: int
    inputs: list[str]
    outputs: list[str]


def join(model: TransformerBridge, prompt: str, response: str, template: bool = False) -> Joint:
    """Tokenise ``prompt`` and ``response``.

    Args:
        model: with its tokenizer and template.
        prompt: what the user says.
        response: may be empty.
        template: put the prompt into the model's chat template, and the response behind it as it is.
            Without, both are stripped and read as one text with a space between.

    Raises:
        InputError: an empty prompt, one that shares a token with the response, or a text longer
            than the context.
    """
    read = _templated if template else _one_text
    asked = _asked(model, prompt, template)
    ids, start, inputs, outputs = read(model, prompt, response)
    if len(ids) > model.cfg.n_ctx:
        raise InputError(
            f"the prompt {asked[:30]!r} and its response have {len(ids)} tokens, more than the "
            f"model's context of {model.cfg.n_ctx}: shorten them"
        )
    check_embedded(model.tokenizer, ids, f"the prompt {asked[:30]!r}")
    bos, added = int(ids[:1] == [model.tokenizer.bos_token_id]), start - len(inputs)
    sequence = Prompt(asked[:30], array("i", ids), start, len(ids))
    return Joint(sequence, bos, inputs[bos - added :], outputs)


def _templated(model: TransformerBridge, prompt: str, response: str) -> "_Read":
    """Read what every other method reads of a row."""
    ((ids, start, _),) = templated(model.tokenizer, model.template, [prompt], [response])
    asked = model.template.render(prompt)
    inputs = _pieces(asked, _tokens(model, asked, template=True)[1])
    return ids, start, inputs, _pieces(response, _tokens(model, response)[1])


def _one_text(model: TransformerBridge, prompt: str, response: str) -> "_Read":
    """Read the paper's text; the first tokens must be those of the prompt alone."""
    asked, answer = prompt.strip(), response.strip()
    text = f"{asked} {answer}" if answer else asked
    prompt_ids, (ids, places) = _tokens(model, asked)[0], _tokens(model, text)
    start = len(prompt_ids)
    if ids[:start] != prompt_ids:
        raise InputError(
            f"the tokenizer makes one token of the end of the prompt {asked[-20:]!r} and the start "
            f"of the response {answer[:20]!r}; end the prompt with a full stop or a line break"
        )
    bos, pieces = missing_bos(model.tokenizer, ids), _pieces(text, places)
    return bos + ids, len(bos) + start, pieces[:start], pieces[start:]


#: All ids, where the response begins, the text of every token (of an added BOS none) of either part.
_Read = tuple[list[int], int, list[str], list[str]]


def instruction_mask(
    model: TransformerBridge, prompt: str, spans: Sequence[Span], template: bool = False
) -> xr.DataArray:
    """Mark the tokens of a prompt that hold any character of some of its parts.

    Args:
        model: with its tokenizer and template.
        prompt: what the user says.
        spans: texts that stand in the prompt once, or (first, stop) in characters of the prompt.
        template: the prompt is read in the model's chat template, as in :func:`join`.

    Returns:
        DataArray bool [input] with the coordinate input_token, aligned with
        :func:`sparcom_nb.shift.input_attribution`.

    Raises:
        InputError: a text that the prompt does not hold, or holds more than once.
    """
    joint = join(model, prompt, "", template)
    _, places = _tokens(model, _asked(model, prompt, template), template)
    first, stop = np.array(places[len(places) - len(joint.inputs) :]).T
    lead = len(model.template.prefix) if template else -(len(prompt) - len(prompt.lstrip()))
    marked = np.zeros(len(first), dtype=bool)
    for low, high in (_place(prompt, span) for span in spans):
        marked |= (first < high + lead) & (stop > low + lead)
    return xr.DataArray(marked, {"input_token": ("input", joint.inputs)}, "input", "mask")


def _asked(model: TransformerBridge, prompt: str, template: bool) -> str:
    """Return the text of the prompt as the model reads it."""
    if not prompt.strip():
        raise InputError("the prompt is empty; say something")
    return model.template.render(prompt) if template else prompt.strip()


def _tokens(
    model: TransformerBridge, text: str, template: bool = False
) -> tuple[list[int], list[tuple[int, int]]]:
    """Ids of a text, and the characters [first, stop) of each; only a template has special tokens."""
    read = in_template if template else as_written
    made = read(model.tokenizer, [text], return_offsets_mapping=True)
    return made.input_ids[0], made.offset_mapping[0]


def _pieces(text: str, places: list[tuple[int, int]]) -> list[str]:
    """Cut a text by its tokens. Of several tokens in one character the first gets it."""
    stops = np.maximum.accumulate([0, *(stop for _, stop in places)]).tolist()
    return [text[first:stop] for first, stop in pairwise(stops)]


def _place(prompt: str, span: Span) -> tuple[int, int]:
    """First character of a part of the prompt, and the one after its last."""
    if not isinstance(span, str):
        return span
    if not span or prompt.count(span) != 1:
        raise InputError(
            f"the prompt holds {span[:40]!r} {prompt.count(span) if span else 0} times, not once; "
            "give its place as (first, stop) in characters"
        )
    return prompt.index(span), prompt.index(span) + len(span)
