"""What a table of instructions looks like, and what it gives away without any model."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from sparcom_nb.expect import guard
from sparcom_nb.stats import one_sided


def guess_from_length(
    lengths: np.ndarray, category: np.ndarray, subtype: np.ndarray, draws: int = 199, seed: int = 0
) -> dict[str, float]:
    """How often the category is guessed from the length alone: a control for "category is length".

    A 15-nearest-neighbour guess on the logarithm of the length, cross-validated by whole sub-types.

    Args:
        lengths: number of tokens of every instruction.
        category: label of every instruction.
        subtype: label of every instruction; whole sub-types are held out.
        draws: permutations of the lengths for the null.
        seed: of the permutations.

    Returns:
        dict: accuracy, and of :func:`sparcom_nb.stats.one_sided` under permuted lengths null_mean,
        null_low, null_high, p, draws.
    """
    rng = np.random.default_rng(seed)
    x = np.log(np.asarray(lengths, dtype=float))[:, None]
    groups = np.char.add(category.astype(str), subtype.astype(str))
    found = _accuracy(x, category, groups)
    null = np.array([_accuracy(rng.permutation(x), category, groups) for _ in range(draws)])
    return {"accuracy": found, **one_sided(found, null)}


def nearest_wording(data: pd.DataFrame, n: int = 5) -> pd.Series:
    """Largest Jaccard of a row's word n-grams with another instruction of its category.

    Returns a Series by row; 0 means that no other instruction shares n words in a row.
    """
    return pd.concat(
        [_nearest(part["instruction"], n) for _, part in data.groupby("category", sort=False)]
    ).reindex(data.index)


def wording_overlap(texts: Sequence[str], n: int = 5) -> np.ndarray:
    """Jaccard of the word n-grams of every two texts, lower-cased; a shorter text is one gram."""
    analyzer: Any = partial(_word_grams, n=n)
    counter = CountVectorizer(analyzer=analyzer, binary=True)
    grams: Any = counter.fit_transform(texts)
    both = (grams @ grams.T).toarray().astype(float)
    size = np.diag(both)
    return both / (size[:, None] + size[None, :] - both)


def _word_grams(text: str, n: int) -> list[str]:
    words = text.lower().split()
    return [" ".join(words[i : i + n]) for i in range(max(1, len(words) - n + 1))]


def _accuracy(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> float:
    model = KNeighborsClassifier(15)
    guessed = cross_val_predict(model, x, y, groups=groups, cv=GroupKFold(5))
    return float(np.mean(np.asarray(guessed) == y))


def _nearest(texts: pd.Series, n: int) -> pd.Series:
    jaccard = wording_overlap(texts.to_list(), n)
    np.fill_diagonal(jaccard, 0)
    return pd.Series(jaccard.max(axis=1), index=texts.index)


guard(globals())
