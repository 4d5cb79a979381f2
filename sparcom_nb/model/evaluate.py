"""What a model answers, whether it is right, and how well it predicts a text."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.model import taps
from sparcom_nb.model.capture import batches, pad, token_budget
from sparcom_nb.model.intervene import changed
from sparcom_nb.model.prompts import Prompt, encode, encode_texts
from sparcom_nb.progress import progress
from sparcom_nb.rows.checkers import check
from sparcom_nb.rows.instructions import validate

_BATCH_ROWS = 32


def evaluate(
    model: TransformerBridge,
    data: pd.DataFrame,
    answers: bool = True,
    max_new_tokens: int = 64,
    batch_tokens: int | None = None,
    show_progress: bool = True,
) -> pd.DataFrame:
    """Judge a model by the reference responses, and by its own answers.

    Args:
        model: from :func:`sparcom_nb.load_model`; its template makes the prompt.
        data: rows from :func:`sparcom_nb.load_instructions`.
        answers: False leaves ``correct`` empty and saves the time to generate.
        max_new_tokens: longest answer.
        batch_tokens: tokens (padding included) in one batch; None chooses by device.
        show_progress: False for silence.

    Returns:
        DataFrame, a row an instruction: id, category, subtype, n_tokens (of the response), nll (mean
        negative log-likelihood of a response token in nats), correct (as :func:`answer` judges).

    Raises:
        InputError: a row without a response, or longer than the context.
    """
    data = validate(data)
    losses = ResponseLoss(model, data, batch_tokens)
    table = data[["id", "category", "subtype"]].assign(
        n_tokens=losses.n_tokens, nll=losses(), correct=pd.array([None] * len(data), "boolean")
    )
    if not answers:
        return table
    return table.assign(correct=answer(model, data, max_new_tokens, show_progress)["correct"])


def perplexity(
    model: TransformerBridge, texts: Sequence[str], batch_tokens: int | None = None
) -> pd.DataFrame:
    """How well a model predicts plain texts, without any template.

    Returns:
        DataFrame, a row a text: n_tokens (predicted), nll (mean negative log-likelihood of a token
        in nats), perplexity (its exponential). A text is cut at the model's context; the first
        token of all is predicted only where the model has a beginning-of-sequence token.

    Raises:
        InputError: a text with no token to predict.
    """
    prompts = encode_texts(model.tokenizer, texts, model.cfg.n_ctx)
    nll = token_losses(model, prompts, batch_tokens)
    n_tokens = [p.stop - p.start for p in prompts]
    return pd.DataFrame({"n_tokens": n_tokens, "nll": nll, "perplexity": np.exp(nll)})


def answers_under(
    model: TransformerBridge, data: pd.DataFrame, max_new_tokens: int = 64
) -> Callable[[xr.DataArray | None, np.ndarray], np.ndarray]:
    """Make the function ``right(mask, rows)``: 1 where :func:`answer` is right, 0 where it is wrong.

    ``mask`` as in :func:`loss_under`; NaN where the checker gives no verdict.
    """

    def right(rows: np.ndarray) -> np.ndarray:
        judged = answer(model, data.iloc[rows], max_new_tokens, show_progress=False)
        return judged["correct"].to_numpy(dtype=float, na_value=np.nan)

    return _under(model, right)


def text_loss_under(
    model: TransformerBridge, texts: list[str], batch_tokens: int | None = None
) -> Callable[[xr.DataArray | None, np.ndarray], np.ndarray]:
    """Make the function ``loss(mask, rows)`` of plain texts: nll of :func:`perplexity`.

    ``mask`` as in :func:`loss_under`.
    """

    def loss(rows: np.ndarray) -> np.ndarray:
        return perplexity(model, [texts[n] for n in rows], batch_tokens)["nll"].to_numpy()

    return _under(model, loss)


class ResponseLoss:
    """The loss of reference responses, asked for again and again: tokens are made and sorted once.

    ``loss(rows)`` is the mean negative log-likelihood of a response token in nats of the rows at
    these positions (None: all), a float64 array in their order.
    """

    def __init__(
        self, model: TransformerBridge, data: pd.DataFrame, batch_tokens: int | None = None
    ) -> None:
        self.model, self.batch_tokens = model, batch_tokens
        context = model.cfg.n_ctx
        self.prompts = encode(model.tokenizer, model.template, validate(data), "response", context)
        self.n_tokens = [p.stop - p.start for p in self.prompts]

    def __call__(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Loss of each row at the positions ``rows``."""
        chosen = self.prompts if rows is None else [self.prompts[n] for n in rows]
        return token_losses(self.model, chosen, self.batch_tokens)


def loss_under(
    model: TransformerBridge, data: pd.DataFrame, **options: Any
) -> Callable[[xr.DataArray | None, np.ndarray], np.ndarray]:
    """Make the function ``loss(mask, rows)`` that ablations ask again and again.

    It gives the loss of the rows at these positions, as :class:`ResponseLoss`, while the neurons in
    ``mask`` are off, or the experts in it ([layer, expert]) barred; None changes nothing.
    """
    return _under(model, ResponseLoss(model, data, **options))


def _under(
    model: TransformerBridge, measure: Callable[[np.ndarray], np.ndarray]
) -> Callable[[xr.DataArray | None, np.ndarray], np.ndarray]:
    """Make a function of mask and rows from one of rows, see :func:`loss_under`."""

    def measured(mask: xr.DataArray | None, rows: np.ndarray) -> np.ndarray:
        with changed(model, mask):
            return measure(rows)

    return measured


def token_losses(
    model: TransformerBridge, prompts: list[Prompt], batch_tokens: int | None = None
) -> np.ndarray:
    """Mean negative log-likelihood in nats of the counted tokens of each prompt: float64 [prompt]."""
    losses = np.zeros(len(prompts))
    for places in batches(model, prompts, token_budget(prompts, batch_tokens, model)):
        losses[places] = _batch_losses(model, [prompts[n] for n in places])
    return losses


def _batch_losses(model: TransformerBridge, prompts: list[Prompt]) -> np.ndarray:
    """Only the positions before a counted token of any prompt get logits."""
    batch = pad(prompts, "right", taps.device(model))
    before = batch.counted.roll(-1, dims=1)
    positions = before.any(dim=0).nonzero().flatten()
    logits = taps.logits(model, batch.ids, positions)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    target = batch.ids[:, positions + 1, None]
    loss = logits.logsumexp(dim=-1) - logits.gather(-1, target).squeeze(-1)
    counted = before[:, positions]
    return ((loss.double() * counted).sum(dim=1) / counted.sum(dim=1)).cpu().numpy()


def answer(
    model: TransformerBridge,
    data: pd.DataFrame,
    max_new_tokens: int = 64,
    show_progress: bool = True,
) -> pd.DataFrame:
    """Let the model answer every row by greedy decoding, and judge by the row's checker.

    Args:
        model: from :func:`sparcom_nb.load_model`; its template makes the prompt.
        data: rows from :func:`sparcom_nb.load_instructions`.
        max_new_tokens: longest answer.
        show_progress: False for silence.

    Returns:
        DataFrame, a row an instruction: id, category, subtype, output (text, stripped), correct
        (True, False, or None where the checker gives no verdict; nothing is executed).
    """
    data = validate(data)
    context = model.cfg.n_ctx - max_new_tokens
    prompts = encode(model.tokenizer, model.template, data, "prompt", context)
    outputs = continuations(model, prompts, max_new_tokens, show_progress)
    judged = zip(data["checker"], data["response"], outputs, strict=True)
    return data[["id", "category", "subtype"]].assign(
        output=outputs, correct=pd.array([check(*one) for one in judged], dtype="boolean")
    )


def continuations(
    model: TransformerBridge, prompts: list[Prompt], max_new_tokens: int, show_progress: bool = True
) -> list[str]:
    """Greedy continuation of every prompt, as stripped text, in their order."""
    outputs = [""] * len(prompts)
    budget = _BATCH_ROWS * max(len(p.ids) for p in prompts)
    with progress(len(prompts), "answer", "instructions", show_progress) as shown:
        for rows in batches(model, prompts, budget, "left", _BATCH_ROWS):
            texts = _generate(model, [prompts[n] for n in rows], max_new_tokens)
            for n, text in zip(rows, texts, strict=True):
                outputs[n] = text
            shown.update(len(rows))
    return outputs


def _generate(model: TransformerBridge, prompts: list[Prompt], max_new_tokens: int) -> list[str]:
    batch = pad(prompts, "left", taps.device(model))
    with torch.inference_mode():
        answers = taps.generate(model, batch.ids, batch.mask, max_new_tokens)
    texts = model.tokenizer.batch_decode(answers, skip_special_tokens=True)
    return [text.strip() for text in texts]
