"""What a score has to beat: chance, length, perplexity, difficulty, similarity of meaning.

Every baseline is one function from rows to a number each; more is selected first, as with a score.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.model.encoder import DEFAULT, embed_texts
from sparcom_nb.model.evaluate import ResponseLoss, token_losses
from sparcom_nb.model.prompts import Prompt, encode
from sparcom_nb.nait.scores import length_correlation
from sparcom_nb.rows.instructions import sample_text, validate


def baseline_score(
    name: str,
    model: TransformerBridge,
    data: pd.DataFrame,
    target: pd.DataFrame | None = None,
    seed: int = 0,
    encoder: str = DEFAULT,
    batch_tokens: int | None = None,
) -> pd.Series:
    """Score of every candidate by a baseline.

    Args:
        name: one of :data:`BASELINES`.

            * ``random``: uniform in [0, 1), drawn for the ids in their sorted order;
            * ``length``: number of tokens of instruction, input and response;
            * ``perplexity``: exp of the mean loss of a response token after the prompt. Highest
              first; select by its negative for the most likely responses;
            * ``difficulty``: instruction-following difficulty (Li et al. 2024, "From Quantity to
              Quality", eq. 3): loss of the response after the prompt over its loss on its own.
              Where that is 1 or more the instruction does not help and the row comes last, as the
              source leaves it out: its score is minus the ratio;
            * ``embedding``: cosine of the row's sentence embedding with the mean of the target's.
        model: gives tokens and losses.
        data: rows with responses.
        target: in-domain rows, for ``embedding``.
        seed: of ``random``.
        encoder: sentence-transformers model of ``embedding``.
        batch_tokens: tokens (padding included) in one batch.

    Returns:
        Series float64 by id, with ``attrs["length_correlation"]`` as
        :func:`sparcom_nb.nait.alignment_score` has it.

    Raises:
        InputError: an unknown name, no target, or a row without a response.
    """
    if name not in BASELINES:
        raise InputError(f"unknown baseline {name!r}; use one of {', '.join(BASELINES)}")
    data = validate(data)
    values = BASELINES[name](
        model=model,
        data=data,
        target=target,
        seed=seed,
        encoder=encoder,
        batch_tokens=batch_tokens,
    )
    index = pd.Index(data["id"], dtype=object, name="id")
    scores = pd.Series(np.asarray(values, dtype=float), index, name=name)
    lengths = pd.Series(_length(model=model, data=data), index)
    scores.attrs = {"length_correlation": length_correlation(scores, lengths)}
    return scores


def _random(data: pd.DataFrame, seed: int, **_: Any) -> np.ndarray:
    drawn = np.random.default_rng(seed).random(len(data))
    return pd.Series(drawn, sorted(data["id"])).loc[data["id"].to_list()].to_numpy()


def _length(model: TransformerBridge, data: pd.DataFrame, **_: Any) -> np.ndarray:
    prompts = encode(model.tokenizer, model.template, data, "sample", model.cfg.n_ctx)
    return np.array([prompt.stop - prompt.start for prompt in prompts])


def _perplexity(
    model: TransformerBridge, data: pd.DataFrame, batch_tokens: int | None, **_: Any
) -> np.ndarray:
    return np.exp(ResponseLoss(model, data, batch_tokens)())


def _difficulty(
    model: TransformerBridge, data: pd.DataFrame, batch_tokens: int | None, **_: Any
) -> np.ndarray:
    conditional = ResponseLoss(model, data, batch_tokens)
    alone = [_alone(prompt, model.tokenizer) for prompt in conditional.prompts]
    ratio = conditional() / token_losses(model, alone, batch_tokens)
    return np.where(ratio < 1, ratio, -ratio)


def _alone(prompt: Prompt, tokenizer: Any) -> Prompt:
    """The response after BOS, or after the end-of-sequence token of a model that has no BOS."""
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    start = prompt.ids[:0]
    start.append(eos if bos is None else bos)
    ids = start + prompt.ids[prompt.start : prompt.stop]
    return Prompt(prompt.id, ids, 1, len(ids))


def _embedding(
    data: pd.DataFrame, target: pd.DataFrame | None, encoder: str, **_: Any
) -> np.ndarray:
    if target is None:
        raise InputError("baseline 'embedding' compares with the in-domain rows; give target=")
    rows, own = (_unit(embed_texts(encoder, _texts(part))) for part in (data, validate(target)))
    return rows @ _unit(own.mean(axis=0))


def _texts(data: pd.DataFrame) -> list[str]:
    return [sample_text(row) for row in data.to_dict("records")]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


#: Name -> function of keyword arguments model, data, target, seed, encoder, batch_tokens.
BASELINES: dict[str, Callable[..., np.ndarray]] = {
    "random": _random,
    "length": _length,
    "perplexity": _perplexity,
    "difficulty": _difficulty,
    "embedding": _embedding,
}
