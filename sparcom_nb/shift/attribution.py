"""How much each token of a prompt made each token of the response more likely (input x gradient).

With x_1..x_N the tokens of a prompt, e_n their input embeddings and y_1..y_M the response,

    S[n,m] = sum_d  dP(y_m | x, y_<m) / d e_n[d]  *  e_n[d]

(Wu et al. 2024, arXiv 2310.00492, equation 1), P the softmax of the logits in float32. To first order
it is what P(y_m) would lose if the embedding of x_n shrank to zero. The logit or the log-probability
of y_m may take the place of its probability.

The model runs once, in pieces of ``chunk`` response tokens that hand their keys and values on, so that
a derivative goes back through nothing after its token. The unembedding is differentiated once for a
piece, and the derivatives of a piece share one vectorised backward pass. No number changes by this.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.model import taps
from sparcom_nb.model.capture import batches, pad, token_budget
from sparcom_nb.model.prompts import (
    Prompt,
    as_written,
    check_embedded,
    in_template,
    missing_bos,
    templated,
)
from sparcom_nb.rows.instructions import user_text, validate

#: Response tokens in one backward pass: memory grows with it, time hardly falls beyond.
CHUNK = 16

#: From logits [..., vocabulary] and target ids [..., 1] to what is differentiated [..., 1].
OBJECTIVES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "probability": lambda logits, target: logits.softmax(dim=-1).gather(-1, target),
    "log_probability": lambda logits, target: logits.log_softmax(dim=-1).gather(-1, target),
    "logit": lambda logits, target: logits.gather(-1, target),
}
#: A part of the prompt: its text, or its first character and the one after its last.
Span = str | tuple[int, int]


@overload
def input_attribution(
    model: TransformerBridge, prompt: str, response: str, objective: str = ..., *,
    template: bool = ..., chunk: int = ..., batch_tokens: int | None = ...,
) -> xr.DataArray: ...  # fmt: skip


@overload
def input_attribution(
    model: TransformerBridge, prompt: list[str], response: list[str], objective: str = ..., *,
    template: bool = ..., chunk: int = ..., batch_tokens: int | None = ...,
) -> list[xr.DataArray]: ...  # fmt: skip


def input_attribution(
    model: TransformerBridge,
    prompt: str | list[str],
    response: str | list[str],
    objective: str = "probability",
    *,
    template: bool = False,
    chunk: int = CHUNK,
    batch_tokens: int | None = None,
) -> xr.DataArray | list[xr.DataArray]:
    """Attribute every token of a response to the tokens of its prompt: raw S (equation 1).

    Args:
        model: from :func:`sparcom_nb.load_model`; only activations are differentiated.
        prompt: what the user says; or a list, of which those with responses of one length run
            together.
        response: may be empty: then there are no outputs; a list where ``prompt`` is one.
        objective: what of a response token is differentiated: its ``probability`` (the paper's),
            ``logit`` or ``log_probability``.
        template: put the prompt into the model's chat template, and behind it the response as it
            was tuned to say it. Without, the text is the paper's: prompt, space, response, both
            stripped.
        chunk: response tokens in one backward pass; memory grows with it, results do not change.
        batch_tokens: tokens that may run together, padding included.

    Returns:
        DataArray float32 [input, output] with the text of the tokens as coordinates input_token (no
        BOS) and output_token; a list of them for lists.

    Raises:
        InputError: an unknown objective, a chunk below 1, lists of other lengths, or what :func:`join`
            cannot read.
    """
    if isinstance(prompt, str) and isinstance(response, str):
        one = [prompt], [response]
        return attributions(model, *one, objective, template, chunk, batch_tokens)[0]
    if isinstance(prompt, str) or isinstance(response, str) or len(prompt) != len(response):
        raise InputError("prompt and response must be two texts, or two lists of as many texts")
    return attributions(model, prompt, response, objective, template, chunk, batch_tokens)


def response_attributions(
    model: TransformerBridge,
    data: pd.DataFrame,
    objective: str = "probability",
    *,
    chunk: int = CHUNK,
    batch_tokens: int | None = None,
) -> list[xr.DataArray]:
    """:func:`input_attribution` of the reference response of every row, in the model's template.

    Args:
        model: from :func:`sparcom_nb.load_model`.
        data: rows from :func:`sparcom_nb.load_instructions`, with responses.
        objective: of :func:`input_attribution`.
        chunk: likewise.
        batch_tokens: tokens (padding included) read together; None chooses by device.

    Returns:
        A DataArray [input, output] a row, with the coordinate mask on input: True for tokens of the
        instruction (not of the input that follows it, nor of the template).
    """
    rows = validate(data).to_dict("records")
    texts, responses = [user_text(row) for row in rows], [row["response"] for row in rows]
    found = attributions(model, texts, responses, objective, True, chunk, batch_tokens)
    masked = []
    for row, text, one in zip(rows, texts, found, strict=True):
        mask = instruction_mask(model, text, [(0, len(row["instruction"]))], template=True)
        masked.append(one.assign_coords(mask=("input", mask.values)))
    return masked


def attributions(
    model: TransformerBridge,
    prompts: Sequence[str],
    responses: Sequence[str],
    objective: str = "probability",
    template: bool = False,
    chunk: int = CHUNK,
    batch_tokens: int | None = None,
) -> list[xr.DataArray]:
    """:func:`input_attribution` of several prompts; those with responses of one length run together."""
    if objective not in OBJECTIVES:
        raise InputError(f"unknown objective {objective!r}; use one of {', '.join(OBJECTIVES)}")
    if chunk < 1:
        raise InputError(f"chunk must be 1 or more, not {chunk}")
    joints = [join(model, *texts, template) for texts in zip(prompts, responses, strict=True)]
    values = [torch.zeros(len(joint.inputs), 0) for joint in joints]
    places = [n for n, joint in enumerate(joints) if joint.outputs]
    for together in _together(model, [joints[n].sequence for n in places], batch_tokens):
        rows = [places[n] for n in together]
        batch = _batch(model, [joints[n].sequence for n in rows], objective, chunk)
        for n, of_all in zip(rows, batch, strict=True):
            values[n] = of_all[-len(joints[n].inputs) :]
    return [_labelled(joint, own, objective) for joint, own in zip(joints, values, strict=True)]


def _together(
    model: TransformerBridge, sequences: list[Prompt], batch_tokens: int | None
) -> Iterator[list[int]]:
    """Positions of sequences to run together: of one number of response tokens, to waste no work."""
    sizes = np.array([one.stop - one.start for one in sequences])
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        group = [sequences[n] for n in rows]
        for batch in batches(model, group, token_budget(group, batch_tokens, model), "left"):
            yield rows[batch].tolist()


def _batch(model: TransformerBridge, sequences: list[Prompt], objective: str, chunk: int) -> Tensor:
    """S of several prompts [batch, token, output]; prompts end, and responses start, in line."""
    device = taps.device(model)
    left = pad([_part(one, 0, one.start) for one in sequences], "left", device)
    right = pad([_part(one, one.start, one.stop) for one in sequences], "right", device)
    ids, mask = (
        torch.cat([getattr(x, of) for x in (left, right)], dim=1) for of in ("ids", "mask")
    )
    start, found = left.ids.shape[1], []
    with torch.enable_grad():
        for leaf, state, logits in taps.differentiable_logits(model, ids, mask, start, chunk):
            first = sum(part.shape[-1] for part in found)
            target = right.ids[:, first : first + logits.shape[1], None]
            exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
            found.append(_piece(leaf, state, OBJECTIVES[objective](exact, target)))
    return torch.cat(found, dim=-1)[:, :start].float().cpu()


def _piece(leaf: Tensor, state: Tensor, value: Tensor) -> Tensor:
    """Input x gradient [batch, token, output] of values [batch, output, 1] at the same positions.

    The value of a position depends on the state at that position alone, so that one backward pass
    from their sum to the state gives the slope of each.
    """
    n_outputs = value.shape[1]
    (slope,) = torch.autograd.grad(value.sum(), state, retain_graph=True)
    each = torch.eye(n_outputs).to(slope)[:, None, :, None] * slope
    (gradient,) = torch.autograd.grad(state, leaf, each, is_grads_batched=True, retain_graph=True)
    return torch.einsum("mbnd,bnd->bnm", gradient, leaf.detach())


def _part(sequence: Prompt, first: int, stop: int) -> Prompt:
    return Prompt(sequence.id, sequence.ids[first:stop], 0, stop - first)


def _labelled(joint: "Joint", values: Tensor, objective: str) -> xr.DataArray:
    coords = {
        "input_token": ("input", joint.inputs),
        "output_token": ("output", np.array(joint.outputs, dtype=str)),
    }
    return xr.DataArray(
        values.numpy(), coords, ("input", "output"), "attribution", {"objective": objective}
    )


# ---------------------------------------------------------------- prompt and response, one sequence


@dataclass(frozen=True)
class Joint:
    """Ids of a prompt and its response, which count, and the text of every token of either."""

    sequence: Prompt
    inputs: list[str]
    outputs: list[str]


def join(model: TransformerBridge, prompt: str, response: str, template: bool = False) -> Joint:
    """Tokenise prompt and response, as :func:`input_attribution` says for ``template``.

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
    return Joint(sequence, inputs[bos - added :], outputs)


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
        template: of :func:`input_attribution`.

    Returns:
        DataArray bool [input] with the coordinate input_token, as of :func:`input_attribution`.

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
