"""SPARCOM's unique parts beside other methods' sets of the same size.

Two questions, for every method: are its sets those that SPARCOM finds, and do sets found on half of
the sub-types come out again on the other half? Both compare a category with itself and with the
others, and both have an interval and a null with permuted labels.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.sparcom.baselines import contrast, lape
from sparcom_nb.sparcom.carry_over import Sets, in_halves, own_and_other, tested
from sparcom_nb.sparcom.uniqueness import Votes, set_overlaps, unique_parts

METHODS = ("SPARCOM", "LAPE", "contrast", "random")
QUESTIONS = ("same as SPARCOM's", "again on other sub-types")


def compare_methods(
    frequency: xr.DataArray,
    specific: xr.DataArray,
    agreement: float = 0.5,
    splits: int = 1,
    draws: int = 39,
    seed: int = 0,
) -> pd.DataFrame:
    """Jaccard of the methods' sets with SPARCOM's unique parts, and between halves of the sub-types.

    LAPE and contrast get as many components as SPARCOM's unique parts hold, and see the mean
    frequency of every sub-type, each weighing the same.

    Args:
        frequency: [instruction, ...].
        specific: bool of the same shape.
        agreement: of SPARCOM's sets.
        splits: random splits in halves that a number is the mean of.
        draws: half samples, and permutations.
        seed: of all draws.

    Returns:
        DataFrame, a row a method and question: method, question, size (mean size of a set), own,
        other, value (own minus other), low, high, halves, null_mean, null_low, null_high, p.
    """
    votes = Votes.of(specific)
    rng = np.random.default_rng(seed)
    means = Votes.of(frequency).votes / votes.size[:, None]
    methods = _methods(votes, means, agreement, rng)
    everything = np.ones(len(votes.names), dtype=bool)
    rows = []
    for name, sets in methods.items():
        size = float(sets(votes.category, everything).sum(axis=1).mean())
        for question in QUESTIONS[1 if name == "SPARCOM" else 0 :]:
            if question == QUESTIONS[0]:
                agreeing = partial(_between, methods["SPARCOM"], sets)
            else:
                agreeing = partial(_again, sets, splits, rng)
            row = tested(agreeing, votes.category, draws, rng)
            rows.append(row.assign(method=name, question=question, size=size))
    return pd.concat(rows, ignore_index=True)


def _methods(
    votes: Votes, means: np.ndarray, agreement: float, rng: np.random.Generator
) -> dict[str, Sets]:
    """Every method as a function of the units' labels and of which to keep."""

    def sparcom(category: np.ndarray, keep: np.ndarray) -> np.ndarray:
        return unique_parts(votes.sets(agreement, category, keep))

    sizes = sparcom(votes.category, np.ones(len(means), dtype=bool)).sum(axis=1)
    share = max(1, int(sizes.sum())) / means.shape[1]

    def random(category: np.ndarray, keep: np.ndarray) -> np.ndarray:
        order = rng.random((len(sizes), means.shape[1])).argsort(axis=1)
        return order < np.maximum(1, sizes)[:, None]

    def by_means(method: Callable[..., xr.DataArray], top: float) -> Sets:
        def sets(category: np.ndarray, keep: np.ndarray) -> np.ndarray:
            labels = np.array(votes.categories)[category[keep]]
            coords = {"category": ("instruction", labels)}
            kept = xr.DataArray(means[keep], dims=("instruction", "component"), coords=coords)
            return method(kept, top=top).to_numpy()

        return sets

    return dict(
        zip(
            METHODS,
            (sparcom, by_means(lape, share), by_means(contrast, share / len(sizes)), random),
            strict=True,
        )
    )


def _between(a: Sets, b: Sets, category: np.ndarray, keep: np.ndarray) -> np.ndarray:
    return _jaccard(a(category, keep), b(category, keep))


def _again(
    sets: Sets, splits: int, rng: np.random.Generator, category: np.ndarray, keep: np.ndarray
) -> np.ndarray:
    return in_halves(sets, _jaccard, category, keep, splits, rng)


def _jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Jaccard with the own and with other categories' sets: [1, 2]."""
    return np.array([own_and_other(set_overlaps(a, b))])
