"""Words as vectors of the model's own: rows of its embedding matrices (Wu et al. 2024, section 3).

A tokenizer splits a word into pieces; the word's vector is the mean of the rows of its pieces.
"""

from collections.abc import Sequence

import torch
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.model import taps
from sparcom_nb.model.prompts import check_embedded

#: The space before a word as a piece of its own (sentencepiece, byte-level BPE).
_SPACE_MARKS = ("▁", "Ġ", " ")


def word_embeddings(
    model: TransformerBridge, words: Sequence[str], matrix: str = "input"
) -> xr.DataArray:
    """Mean embedding [word, feature] of the tokens of every word, as the model reads it in a text.

    A word is tokenised with a space before it; a first token that is only that space is dropped.

    Args:
        model: whose embeddings; its norms are not folded in.
        words: at least one.
        matrix: ``input`` (what enters the first layer) or ``output`` (the unembedding).

    Raises:
        InputError: no words, a word without a token, or an unknown matrix.
    """
    pieces = word_pieces(model, words)
    flat = torch.tensor([token for ids in pieces for token in ids])
    rows = taps.embedding_rows(model, flat, matrix)
    lengths = torch.tensor([len(ids) for ids in pieces], device=rows.device)
    means = torch.segment_reduce(rows, "mean", lengths=lengths)
    return xr.DataArray(means.cpu().numpy(), {"word": list(words)}, ("word", "feature"))


def word_pieces(model: TransformerBridge, words: Sequence[str]) -> list[list[int]]:
    """Token ids of every word as it stands in a text, without the space before it."""
    if not len(words):
        raise InputError("no words; give at least one")
    tokenizer = model.tokenizer
    spelled = tokenizer([f" {word}" for word in words], add_special_tokens=False).input_ids
    marks = set(tokenizer.convert_tokens_to_ids(list(_SPACE_MARKS)))
    marks -= {None, tokenizer.unk_token_id}
    pieces = [ids[1:] if ids and ids[0] in marks else ids for ids in spelled]
    for word, ids in zip(words, pieces, strict=True):
        if not ids:
            raise InputError(f"word {word!r} has no token; leave it out")
        check_embedded(tokenizer, ids, f"word {word!r}")
    return pieces
