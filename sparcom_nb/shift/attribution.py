"""How much each token of a prompt made each token of the response more likely (input x gradient).

With x_1..x_N the tokens of a prompt, e_n their input embeddings and y_1..y_M the response,

    S[n,m] = sum_d  dP(y_m | x, y_<m) / d e_n[d]  *  e_n[d]

(Wu et al. 2024, arXiv 2310.00492, equation 1), P the softmax of the logits in float32. To first order
it is what P(y_m) would lose if the embedding of x_n shrank to zero. The logit or the log-probability
of y_m may take the place of its probability.

Three savings, none of which changes a number. The model runs once, in pieces of ``chunk`` response
tokens that hand their keys and values on, so that the derivative of a token goes back through nothing
after it. The unembedding is differentiated once for all tokens of a piece, since each has a position
of its own. And the ``chunk`` derivatives of a piece share one vectorised backward pass.
"""

from collections.abc import Callable, Iterator
from typing import overload

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.model import taps
from sparcom_nb.model.capture import batches, pad, token_budget
from sparcom_nb.model.prompts import Prompt
from sparcom_nb.progress import progress
from sparcom_nb.shift.joint import Joint, join

#: Response tokens in one backward pass: memory grows with it, time hardly falls beyond.
CHUNK = 16

#: From logits [..., vocabulary] and target ids [..., 1] to what is differentiated [..., 1].
OBJECTIVES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "probability": lambda logits, target: logits.softmax(dim=-1).gather(-1, target),
    "log_probability": lambda logits, target: logits.log_softmax(dim=-1).gather(-1, target),
    "logit": lambda logits, target: logits.gather(-1, target),
}


@overload
def input_attribution(
    model: TransformerBridge, prompt: str, response: str, objective: str = ..., *,
    template: bool = ..., chunk: int = ..., batch_tokens: int | None = ..., show_progress: bool = ...,
) -> xr.DataArray: ...  # fmt: skip


@overload
def input_attribution(
    model: TransformerBridge, prompt: list[str], response: list[str], objective: str = ..., *,
    template: bool = ..., chunk: int = ..., batch_tokens: int | None = ..., show_progress: bool = ...,
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
    show_progress: bool = False,
) -> xr.DataArray | list[xr.DataArray]:
    """Attribute every token of a response to the tokens of its prompt: raw S.

    Args:
        model: from :func:`sparcom_nb.load_model`; only activations are differentiated.
        prompt: one text, or several.
        response: one text, or as many.
        objective: what of a response token is differentiated: its ``probability`` (the paper's),
            ``logit`` or ``log_probability``.
        template: put the prompt into the model's chat template, and behind it the response as it
            was tuned to say it. Without, the text is the paper's: prompt, space, response, both
            stripped.
        chunk: response tokens in one backward pass; memory grows with it, results do not change.
        batch_tokens: tokens (padding included) of several prompts run together; None chooses by
            device.
        show_progress: True for a bar.

    Returns:
        DataArray float32 [input, output], for several prompts a list of them. Coordinates
        input_token and output_token hold the text of the tokens. No BOS among the inputs; an empty
        response gives no outputs.

    Raises:
        InputError: an unknown objective, a chunk below 1, not as many responses as prompts, or a
            text that cannot be read (see :func:`sparcom_nb.shift.join`).
    """
    if objective not in OBJECTIVES:
        raise InputError(f"unknown objective {objective!r}; use one of {', '.join(OBJECTIVES)}")
    if chunk < 1:
        raise InputError(f"chunk must be 1 or more, not {chunk}")
    if isinstance(prompt, str) and isinstance(response, str):
        return input_attribution(
            model, [prompt], [response], objective,
            template=template, chunk=chunk, batch_tokens=batch_tokens, show_progress=show_progress,
        )[0]  # fmt: skip
    if isinstance(prompt, str) or isinstance(response, str) or len(prompt) != len(response):
        raise InputError("give as many responses as prompts: two texts, or two lists of one length")
    joints = [join(model, *texts, template) for texts in zip(prompt, response, strict=True)]
    values = _values(model, joints, objective, chunk, batch_tokens, show_progress)
    return [_labelled(joint, own, objective) for joint, own in zip(joints, values, strict=True)]


def _values(
    model: TransformerBridge,
    joints: list[Joint],
    objective: str,
    chunk: int,
    batch_tokens: int | None,
    show_progress: bool,
) -> list[Tensor]:
    """S [input, output] of every sequence."""
    found = [torch.zeros(len(joint.inputs), 0) for joint in joints]
    places = [n for n, joint in enumerate(joints) if joint.outputs]
    groups = list(_together(model, [joints[n].sequence for n in places], batch_tokens))
    with progress(len(places), "attribution", "responses", show_progress) as shown:
        for together in groups:
            rows = [places[n] for n in together]
            batch = _batch(model, [joints[n].sequence for n in rows], objective, chunk)
            for n, of_all in zip(rows, batch, strict=True):
                found[n] = of_all[-len(joints[n].inputs) :]
            shown.update(len(rows))
    return found


def _together(
    model: TransformerBridge, sequences: list[Prompt], batch_tokens: int | None
) -> Iterator[list[int]]:
    """Positions of sequences to run together: of one number of response tokens.

    The work grows with the response tokens of the longest response times all the batch's tokens.
    """
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
        torch.cat(both, dim=1) for both in ((left.ids, right.ids), (left.mask, right.mask))
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


def _labelled(joint: Joint, values: Tensor, objective: str) -> xr.DataArray:
    coords = {
        "input_token": ("input", joint.inputs),
        "output_token": ("output", np.array(joint.outputs, dtype=str)),
    }
    return xr.DataArray(
        values.numpy(), coords, ("input", "output"), "attribution", {"objective": objective}
    )
