"""From scores to rows: the selection for one capability, for several, and the core of all.

(NAIT, Chen et al. 2026, sections 3 and 6.) Numbers only.
"""

import numpy as np
import pandas as pd

from sparcom_nb.errors import InputError


def combine(scores: pd.DataFrame) -> pd.Series:
    """Mean of standardised scores: one score for several capabilities.

    A column without variance says nothing and adds zero.
    """
    spread = scores.std(ddof=0).replace(0, np.inf)
    return ((scores - scores.mean()) / spread).mean(axis=1).rename("combined")


def select(scores: pd.Series, ratio: float) -> pd.Index:
    """Ids of the top share of candidates, best first; ties keep the order of the pool.

    ``ratio`` above 0 and at most 1; the number taken is the nearest to ``ratio`` of all, at least
    one. The bottom is the top of ``-scores``.

    Raises:
        InputError: another ratio, no scores, an id twice, or a score that is not a number.
    """
    if not 0 < ratio <= 1:
        raise InputError(f"ratio must be above 0 and at most 1, not {ratio}")
    if scores.empty:
        raise InputError("no scores to select by; give a pool with at least one row")
    if not scores.index.is_unique:
        twice = scores.index[scores.index.duplicated()][0]
        raise InputError(f"id {twice!r} has several scores; ids must be unique")
    if scores.isna().any():
        raise InputError(
            f"row {scores.index[scores.isna()][0]!r} has no score (NaN); drop it first"
        )
    order = scores.sort_values(ascending=False, kind="stable").index
    return order[: max(1, round(ratio * len(order)))]


def core_subset(scores: pd.DataFrame, ratio: float) -> pd.Index:
    """The candidates that most capabilities select, as many as one selects; ties by the mean rank.

    scores: by id, a column a capability; ratio: as of :func:`select`.
    """
    votes = sum(scores.index.isin(select(scores[name], ratio)).astype(int) for name in scores)
    return select(scores.rank(pct=True).mean(axis=1) + votes, ratio)
