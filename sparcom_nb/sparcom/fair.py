"""Is it the task, or only the length? Categories compared at equal share and at equal length.

With few tokens many neurons tie at the cut and are all taken, so that short instructions have larger
sets; and a frequency over few tokens is a noisier one. A difference between categories that is gone
when every instruction takes the same share of components, or counts the same number of tokens, was a
difference in length.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.sparcom.components import by_category, overlap
from sparcom_nb.sparcom.uniqueness import kind_counts, set_overlap
from sparcom_nb.stats import separation

_TESTED = ["value", "low", "high", "null_mean", "null_low", "null_high", "p"]
CUT_MEASURES = (
    "overlap within minus across",
    "Jaccard between categories' sets",
    "unique components",
    "general components",
)


def compare_cuts(
    cuts: Mapping[str, xr.DataArray], agreement: float = 0.5, draws: int = 199, seed: int = 0
) -> pd.DataFrame:
    """The main numbers under several ways to cut.

    Args:
        cuts: name of a way to cut -> bool [instruction, ...].
        agreement: as in :func:`sparcom_nb.sparcom.category_sets`.
        draws: half samples of the sub-types, and permutations.
        seed: of both.

    Returns:
        DataFrame, a row a cut and measure of :data:`CUT_MEASURES`: cut, measure, value, low, high,
        null_mean, null_low, null_high, p; and of the cut n (instructions), share_low and share_high
        (smallest and largest mean share taken of a category), tokens_low and tokens_high (likewise).
    """
    return pd.concat(
        [
            _numbers(marked, agreement, draws, seed).assign(cut=name, **_ranges(marked))
            for name, marked in cuts.items()
        ],
        ignore_index=True,
    )


def _numbers(marked: xr.DataArray, agreement: float, draws: int, seed: int) -> pd.DataFrame:
    gap = separation(overlap(marked), draws, seed)
    kinds = kind_counts(marked, agreement, draws, seed)
    rows: list[dict[Any, Any]] = [
        gap | {"value": gap["difference"]},
        set_overlap(marked, "jaccard", agreement, draws, seed).attrs["mean"],
        kinds.iloc[0].to_dict(),
        kinds.iloc[-1].to_dict(),
    ]
    return pd.DataFrame(rows)[_TESTED].assign(measure=CUT_MEASURES)


def _ranges(marked: xr.DataArray) -> dict[str, float]:
    """Range over categories of the mean share taken and the mean number of tokens."""
    parts = [part for _, part in by_category(marked)]
    found: dict[str, float] = {"n": marked.shape[0]}
    for name, coordinate in (("share", "share"), ("tokens", "n_tokens")):
        means = np.array([float(part[coordinate].mean()) for part in parts])
        found |= {f"{name}_low": means.min(), f"{name}_high": means.max()}
    return found
