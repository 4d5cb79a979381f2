"""Which words a head brings together: word pairs of self-attention (Wu et al. 2024, section 3.2).

A head looks from a query word to a key word when the product of their projections is large. Every
dimension of a head adds one term to that product, so that a dimension is read by the words that it
answers to most: its query words and its key words. A pair of them is kept when both push the product
up and when the words may stand together in a text at all, by static word vectors.

Ignored, as in the paper: the norm's division, rotary positions, biases and 1 / sqrt(d_head). Norms
of queries and keys inside a head (Qwen3, OLMoE) are ignored too.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from scipy.stats import ttest_ind
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.model import taps
from sparcom_nb.shift.words import (
    INSTRUCTION_VERBS,
    Similarity,
    general_verbs,
    word_embeddings,
    word_vectors,
)

#: Words of the vocabulary, from the first, that say how close two words are by chance.
BASELINE = 3000
#: A pair is close above the mean of these cosines and so many standard deviations.
DEVIATIONS = 1.96
#: Layers are compared in quarters of the model (8 of 32 in the paper).
GROUPS = 4


def attention_word_pairs(
    model: TransformerBridge,
    words: Sequence[str],
    similarity: Similarity,
    top_k: int = 100,
) -> pd.DataFrame:
    """Word pairs of every dimension of every attention head (Wu et al. 2024, section 3.2).

    With E the words' embeddings, H_q = E W_q and H_k = E W_k of a head. In a dimension the
    ``top_k`` words by |H_k| are paired with the ``top_k`` words by |H_q|. A pair of different words
    is kept when H_q H_k > 0 and the cosine of their static vectors exceeds, for both words, the mean
    + 1.96 standard deviations of the word's cosines with the first 3,000 words.

    Args:
        model: any model with a norm before its attention.
        words: the vocabulary, each word once, most frequent first.
        similarity: static word vectors, see :func:`word_vectors`.
        top_k: query words and key words of a dimension.

    Returns:
        DataFrame: layer, head, dim, key_word, query_word (categories in the order of ``words``),
        cosine. Dimensions of a head come in descending order of sum(H_q^2 + H_k^2) over the words,
        pairs of a dimension in descending order of cosine.

    Raises:
        InputError: words or vectors that cannot be used; ``top_k`` below 1.
    """
    vectors = torch.from_numpy(np.stack(list(word_vectors(similarity, words).values())))
    cosine = close_words(vectors.to(taps.device(model)))
    embedded = torch.from_numpy(word_embeddings(model, words).to_numpy()).to(cosine.device)
    tables = [
        _table(layer, head, _head_pairs(query, key, cosine, min(top_k, len(words))), words)
        for layer, head, query, key in projections(model, embedded)
    ]
    return pd.concat(tables, ignore_index=True)


def projections(
    model: TransformerBridge, embedded: Tensor
) -> Iterator[tuple[int, int, Tensor, Tensor]]:
    """Layer, head, H_q = E W_q and H_k = E W_k [word, dim] of every head, for E [word, feature]."""
    for layer, w_q, w_k in taps.attention_weights(model):
        for head, (query, key) in enumerate(zip(embedded @ w_q, embedded @ w_k, strict=True)):
            yield layer, head, query, key


def close_words(vectors: Tensor) -> Tensor:
    """Cosines [word, word] of different words that are close for both; minus infinity elsewhere.

    vectors: [word, feature]; the first 3,000 of them say how close words are by chance.
    """
    unit = torch.nn.functional.normalize(vectors, dim=1)
    cosine = unit @ unit.T
    chance = cosine[:, :BASELINE]
    cut = chance.mean(dim=1) + DEVIATIONS * chance.std(dim=1, correction=0)
    cosine[cosine <= torch.maximum(cut[:, None], cut[None, :])] = -torch.inf
    return cosine.fill_diagonal_(-torch.inf)


def unordered_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs, lower-cased and whatever their order, that more than one dimension of a head holds.

    pairs: of :func:`attention_word_pairs`. Returns layer, head, a, b (a <= b), count (of dimensions
    and orders), the most frequent of a head first.
    """
    both = pd.concat([pairs["key_word"], pairs["query_word"]]).astype("category")
    lower, spelled = pd.factorize(both.cat.categories.str.lower(), sort=True)
    key, query = lower[both.cat.codes].reshape(2, -1)
    numbered = pairs[["layer", "head"]].assign(
        a=np.minimum(key, query), b=np.maximum(key, query), count=1
    )
    counts = numbered.groupby(["layer", "head", "a", "b"], as_index=False)["count"].sum()
    counts = counts[counts["count"] > 1].sort_values(
        ["layer", "head", "count"], ascending=[True, True, False], kind="stable"
    )
    named = counts.assign(a=spelled[counts["a"]], b=spelled[counts["b"]])
    return named.reset_index(drop=True)


def verb_shares(
    base_pairs: pd.DataFrame, tuned_pairs: pd.DataFrame, verbs: Sequence[str]
) -> pd.DataFrame:
    """For every verb (lower case) the share of heads where tuning raised its count of word pairs.

    A verb's count in a head is the number of the head's :func:`unordered_pairs` that contain it.
    Heads where base and tuned count the same do not vote; a verb with no other head has no row.

    Returns:
        DataFrame: layers (a quarter of the model such as ``0-7``, then ``all``), verb, heads (that
        differ), up (of them, where tuned > base), share.
    """
    change = _verb_counts(tuned_pairs, verbs).sub(_verb_counts(base_pairs, verbs), fill_value=0)
    votes = (change[change != 0] > 0).rename("up").reset_index()
    names = _quarters(base_pairs, tuned_pairs)
    parts = [votes.assign(layers=[names[n] for n in votes["layer"]]), votes.assign(layers="all")]
    grouped = pd.concat(parts).groupby(["layers", "verb"], sort=False)["up"]
    table = grouped.agg(heads="size", up="sum", share="mean").reset_index()
    return table.sort_values(
        "layers", key=lambda column: column.map([*names, "all"].index), kind="stable"
    )


def verb_shift(
    base_pairs: pd.DataFrame,
    tuned_pairs: pd.DataFrame,
    verbs: Sequence[str] = INSTRUCTION_VERBS,
    general: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Whether tuning turns heads to instruction verbs more than to others (Wu et al. 2024, Table 3).

    The unit is the verb. The paper compares the shares of :func:`verb_shares` by Welch's two-sided
    t-test.

    Args:
        base_pairs: of the model before tuning, from :func:`attention_word_pairs`.
        tuned_pairs: of the model after it, with the same words.
        verbs: instruction verbs, lower case.
        general: other verbs to compare with (None: common English ones); ``verbs`` are left out.

    Returns:
        DataFrame, a row for every quarter of the layers and for all: layers; n, share and std
        (population) of the instruction verbs; general_n, general_share, general_std; t, p (Welch).
        Without enough verbs a number is NaN.
    """
    others = [verb for verb in general or general_verbs() if verb not in set(verbs)]
    shares = verb_shares(base_pairs, tuned_pairs, [*verbs, *others])
    own, rows = shares["verb"].isin(verbs), []
    for name in dict.fromkeys([*_quarters(base_pairs, tuned_pairs), "all"]):
        here = shares["layers"] == name
        a, b = (shares.loc[here & kind, "share"] for kind in (own, ~own))
        row = {"layers": name, "n": len(a), "share": a.mean(), "std": a.std(ddof=0)}
        row |= {"general_n": len(b), "general_share": b.mean(), "general_std": b.std(ddof=0)}
        with np.errstate(invalid="ignore", divide="ignore"):  # shares that are all alike
            test = ttest_ind(a, b, equal_var=False) if min(len(a), len(b)) > 1 else (np.nan,) * 2
        rows.append(row | dict(zip("tp", test, strict=True)))
    return pd.DataFrame(rows)


def candidates(query: Tensor, key: Tensor, top_k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Words that answer most to every dimension of a head, and which of their pairs push upwards.

    query, key: H_q and H_k [word, dim]. Returns key words and query words [dim, top_k], and bool
    [dim, key word, query word].
    """
    query, key = query.T, key.T
    asks, answers = (h.abs().topk(top_k, dim=1).indices for h in (query, key))
    up = key.gather(1, answers)[:, :, None] * query.gather(1, asks)[:, None, :] > 0
    return answers, asks, up


def _head_pairs(query: Tensor, key: Tensor, cosine: Tensor, top_k: int) -> tuple[np.ndarray, ...]:
    """Dimension, key word, query word and cosine of the pairs of a head.

    query, key: H_q and H_k [word, dim]; cosine: of :func:`close_words`.
    """
    order = (query.square() + key.square()).sum(dim=0).argsort(descending=True, stable=True)
    answers, asks, up = candidates(query[:, order], key[:, order], top_k)
    close = cosine[answers[:, :, None], asks[:, None, :]]
    rank, k, q = ((close > -torch.inf) & up).nonzero(as_tuple=True)
    found = (rank, order[rank], answers[rank, k], asks[rank, q], close[rank, k, q])
    rank, dim, key_word, query_word, kept = (column.cpu().numpy() for column in found)
    by_cosine = np.lexsort((-kept, rank))
    return tuple(column[by_cosine] for column in (dim, key_word, query_word, kept))


def _table(
    layer: int, head: int, pairs: tuple[np.ndarray, ...], words: Sequence[str]
) -> pd.DataFrame:
    """Name the columns; words as categories, since each stands in very many pairs."""
    dim, *numbers, cosine = pairs
    place = {"layer": np.int16(layer), "head": np.int16(head), "dim": dim.astype(np.int16)}
    spelled = pd.CategoricalDtype(list(words))
    key, query = (pd.Categorical.from_codes(one, dtype=spelled) for one in numbers)
    return pd.DataFrame(place | {"key_word": key, "query_word": query, "cosine": cosine})


def _verb_counts(pairs: pd.DataFrame, verbs: Sequence[str]) -> pd.Series:
    """Number of a head's pairs that contain a verb: [verb, layer, head]."""
    kept = unordered_pairs(pairs)
    sides = [kept.assign(verb=kept["a"]), kept[kept["a"] != kept["b"]].assign(verb=kept["b"])]
    named = pd.concat(sides)
    return named[named["verb"].isin(verbs)].groupby(["verb", "layer", "head"]).size()


def _quarters(*tables: pd.DataFrame) -> list[str]:
    """Name of the quarter of the model that every layer of word pairs belongs to."""
    layers = 1 + max((int(t["layer"].max()) for t in tables if len(t)), default=0)
    groups = np.arange(layers) * min(GROUPS, layers) // layers
    members = [np.flatnonzero(groups == group) for group in groups]
    return [f"{m[0]}-{m[-1]}" if len(m) > 1 else f"{m[0]}" for m in members]
