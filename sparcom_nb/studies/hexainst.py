"""Notebook 11: what the text alone gives away about the category of an instruction."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer

from sparcom_nb.evidence import Clusters, Finding, finding, permuted
from sparcom_nb.rows.instructions import limit_rows
from sparcom_nb.sparcom.sets import jaccard
from sparcom_nb.studies.results import Results

#: Similar rows that are asked for their category; rows that are compared with one another at most.
NEIGHBOURS, MOST = 15, 2_000


def study(data: pd.DataFrame, draws: int = 999, seed: int = 0) -> Results:
    """Guess the category from length and from words, and look for copied phrasing.

    Args:
        data: rows of :func:`sparcom_nb.load_instructions` with a column ``tokens``, their length.
        draws: permutations of the categories over whole sub-types.
        seed: of these.

    Returns:
        Results: table ``rows``, with a column ``nearest`` (of :func:`nearest_wording`).
    """
    rows = limit_rows(data, MOST)
    length = np.log(rows["tokens"].to_numpy(float))
    findings = {
        "length": guessed(
            "The length of an instruction gives its category away",
            -np.abs(length[:, None] - length), rows, draws, seed,
            reading="What length gives away, a difference between categories must be controlled for.",
        ),
        "words": guessed(
            "The words of an instruction give its category away",
            wording_overlap(rows["instruction"].to_list(), 1), rows, draws, seed,
            reading="A model that did nothing but read words would differ between categories too.",
        ),
    }  # fmt: skip
    nearest = nearest_wording(rows)
    numbers = {
        "instructions": {"value": len(data), "note": f"{data['subtype'].nunique()} sub-types"},
        "rows without five words in common": {
            "value": float((nearest == 0).mean()),
            "n": len(rows),
        },
        "largest five-word overlap of two rows": {"value": float(nearest.max()), "n": len(rows)},
    }
    kept = rows.drop(columns="checker").assign(nearest=nearest)
    return Results.of("HexaInst", findings, numbers, {"rows": kept})


def guessed(
    claim: str,
    similar: np.ndarray,
    rows: pd.DataFrame,
    draws: int = 999,
    seed: int = 0,
    **more: Any,
) -> Finding:
    """Claim that similar rows tell a row's category, its own sub-type not asked.

    The :data:`NEIGHBOURS` rows that are most ``similar`` [row, row] vote, equal ones in random order.
    """
    clusters = Clusters.of(rows)
    index, rng = clusters.index, np.random.default_rng(seed)
    other = np.where(index[:, None] == index, -np.inf, similar + 1e-9 * rng.random(similar.shape))
    nearest = np.argsort(-other, axis=1)[:, : min(NEIGHBOURS, len(rows) - 1)]
    asked = np.take_along_axis(other, nearest, 1) > -np.inf

    def accuracy(stratum: np.ndarray) -> float:
        label = stratum[index]
        member = np.eye(len(clusters.strata))[label]
        guess = (member[nearest] * asked[..., None]).sum(axis=1).argmax(axis=1)
        return float(((guess == label) @ member / member.sum(axis=0)).mean())

    null = np.array([accuracy(labels) for labels in permuted(clusters, draws, seed)])
    said: dict[str, Any] = {
        "unit": "of the rows guessed rightly",
        "control": clusters.permuted,
    } | more
    return finding(claim, accuracy(clusters.stratum), null, clusters, **said)


def nearest_wording(data: pd.DataFrame, n: int = 5) -> pd.Series:
    """Largest Jaccard of a row's word n-grams with another instruction of its category.

    Returns a Series by row; 0 means that no other instruction shares n words in a row.
    """
    found = pd.Series(0.0, data.index)
    for _, part in data.groupby("category", sort=False):
        alike = wording_overlap(part["instruction"].to_list(), n)
        np.fill_diagonal(alike, 0)
        found[part.index] = alike.max(axis=1)
    return found


def wording_overlap(texts: Sequence[str], n: int = 5) -> np.ndarray:
    """Jaccard of the word n-grams of every two texts, lower-cased; a shorter text is one gram."""
    analyzer: Any = partial(_word_grams, n=n)
    counter = CountVectorizer(analyzer=analyzer, binary=True)
    grams: Any = counter.fit_transform(texts)
    both = (grams @ grams.T).toarray().astype(float)
    size = np.diag(both)
    return jaccard(both, size[:, None], size[None, :])


def _word_grams(text: str, n: int) -> list[str]:
    words = text.lower().split()
    return [" ".join(words[i : i + n]) for i in range(max(1, len(words) - n + 1))]
