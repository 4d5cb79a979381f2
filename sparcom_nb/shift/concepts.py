"""What the feed-forward layers can write, as words (Wu et al. 2024, section 3.3).

Every neuron adds its column of W_down to the residual stream. The principal components of these
columns are the directions in which a layer writes most: its *concepts*. The words whose output
embeddings point the same way say what a concept is about. Only weights are read, no text.

In a Mixture-of-Experts model every expert has concepts of its own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import normalize
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.model import taps
from sparcom_nb.shift.words import word_embeddings

#: Columns that name a component, as far as a table has them.
KEYS = ("layer", "expert", "component", "pole")
#: Key (layer, of experts also expert) and W_down transposed [neuron, d_model] of networks.
Networks = list[tuple[dict[str, int], Tensor]]


def ffn_concepts(
    model: TransformerBridge,
    words: Sequence[str],
    top_k: int = 50,
    rank: int | None = None,
    signed: bool = False,
    fold_norm: bool = False,
    kind: str | None = None,
    weights: Networks | None = None,
) -> pd.DataFrame:
    """Words nearest to the principal components of every feed-forward network.

    Args:
        model: from :func:`sparcom_nb.load_model`.
        words: the vocabulary to describe concepts with, each word once.
        top_k: words a component.
        rank: components a network; None for all that the number of neurons allows.
        signed: list both ends of a component apart. The paper takes the absolute cosine, which
            mixes them: a component has no sign of its own.
        fold_norm: multiply the output embedding by the gain of the final norm first (not in the
            paper), since the model reads the residual stream through that norm.
        kind: ``dense``, ``expert`` or ``shared``; None takes the experts of a model that has any.
        weights: networks to read in place of the model's own (:func:`networks` gives their form).

    Returns:
        DataFrame: layer, expert (of kind ``expert`` only), component (0 explains most), explained
        (share of the variance between the network's neurons), pole (``+`` or ``-``, of signed ones
        only), word, rank (1 is the nearest word) and score (absolute cosine; with ``signed`` the
        cosine with that pole).

    Raises:
        InputError: words given twice or without a token, a number below one, no such network.
    """
    if len(set(words)) < len(words):
        twice = next(word for n, word in enumerate(words) if word in words[:n])
        raise InputError(f"word {twice!r} is given twice; give each word once")
    vectors = _word_vectors(model, words, fold_norm)
    names = np.array(words, dtype=object)
    tables = []
    for key, weight in weights or networks(model, kind):
        explained, axes = principal_axes(weight, rank)
        table = _nearest(axes @ vectors.T.to(axes.device), names, top_k, signed)
        table.insert(1, "explained", explained.cpu().numpy()[table["component"]])
        tables.append(table.assign(**key)[[*key, *table.columns]])
    return pd.concat(tables, ignore_index=True)


def explained_variance(
    model: TransformerBridge, kind: str | None = None, weights: Networks | None = None
) -> pd.DataFrame:
    """Share of the variance that every component explains: layer, expert, component, explained."""
    tables = []
    for key, weight in weights or networks(model, kind):
        explained = principal_axes(weight)[0].cpu().numpy()
        columns = {"component": np.arange(len(explained)), "explained": explained}
        tables.append(pd.DataFrame(key | columns))
    return pd.concat(tables, ignore_index=True)


def component_words(concepts: pd.DataFrame, first: int = 15) -> pd.DataFrame:
    """One row a component of :func:`ffn_concepts`: its key, explained, and its first words as text."""
    keys = component_keys(concepts)
    parts = concepts[concepts["rank"] <= first].groupby(keys)
    return parts.agg(explained=("explained", "first"), words=("word", " ".join)).reset_index()


def component_keys(table: pd.DataFrame) -> list[str]:
    """Columns of a table that name a component."""
    return [name for name in KEYS if name in table]


def networks(model: TransformerBridge, kind: str | None = None) -> Networks:
    """All networks of a kind (None: experts where there are any); InputError where there is none."""
    kind = kind or taps.main_kind(model)
    found = [
        ({"layer": layer} | ({} if expert is None else {"expert": expert}), weight)
        for layer, expert, weight in taps.output_weights(model, kind)
    ]
    if not found:
        raise InputError(f"{model.identity.name} has no feed-forward network of kind {kind!r}")
    return found


def principal_axes(weight: Tensor, rank: int | None = None) -> tuple[Tensor, Tensor]:
    """Principal components of the rows of ``weight`` [neuron, d_model], the strongest first.

    The right singular vectors of the centred matrix, as eigenvectors of its covariance in float64,
    which is several times faster. An axis points where its largest entry is positive.

    Returns:
        Share of the variance [component] and unit vectors [component, d_model].
    """
    centred = weight.double() - weight.double().mean(dim=0)
    values, vectors = torch.linalg.eigh(centred.T @ centred)
    most = min(len(weight) - 1, weight.shape[1])
    axes = vectors.T.flip(0)[: min(rank or most, most)]
    variance = values.flip(0).clamp(min=0)
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    share = variance / variance.sum().clamp(min=torch.finfo(variance.dtype).tiny)
    return share[: len(axes)], axes * largest.sign()


def _word_vectors(model: TransformerBridge, words: Sequence[str], fold_norm: bool) -> Tensor:
    """Unit vectors [word, d_model] of the output embedding."""
    means = torch.from_numpy(word_embeddings(model, words, matrix="output").to_numpy()).double()
    if fold_norm:
        means = means * taps.final_norm_gain(model).double().cpu()
    return normalize(means, dim=1)


def _nearest(cosine: Tensor, words: np.ndarray, top_k: int, signed: bool) -> pd.DataFrame:
    """Table of the nearest words for cosines [component, word]."""
    poles = torch.stack([cosine, -cosine], dim=1) if signed else cosine.abs()[:, None]
    score, index = (x.cpu().numpy() for x in poles.topk(min(top_k, len(words)), dim=-1))
    component, pole, rank = (x.ravel() for x in np.indices(score.shape))
    columns: dict[str, Any] = {"component": component}
    if signed:
        columns["pole"] = np.array(["+", "-"])[pole]
    columns |= {"word": words[index.ravel()], "rank": rank + 1, "score": score.ravel()}
    return pd.DataFrame(columns)
