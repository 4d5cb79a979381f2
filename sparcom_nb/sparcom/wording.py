"""Wording or task? Overlaps of paraphrases with their originals, on a ladder of relatedness."""

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.sparcom.carry_over import carry_over
from sparcom_nb.stats import mean_interval, unit_labels

RUNGS = ("same request", "same sub-type", "same category", "other category")


def wording_ladder(
    pairwise: xr.DataArray, paraphrase_of: np.ndarray, draws: int = 400, seed: int = 0
) -> pd.DataFrame:
    """Mean overlap of paraphrases with rows, from the same request to another category.

    Args:
        pairwise: overlap [instruction (paraphrases), instruction_b (rows)].
        paraphrase_of: id of the row that each paraphrase words anew.
        draws: half samples of the paraphrases' sub-types for the intervals.
        seed: of the half samples.

    Returns:
        DataFrame, a row a rung that has pairs: pair, mean, low, high (95 %), n (pairs). An
        instruction given as the paraphrase of itself says nothing and makes no pair.
    """
    own = pairwise["instruction_b"].to_numpy()[None, :] == np.asarray(paraphrase_of)[:, None]
    category = _same(pairwise, "category")
    subtype = category & _same(pairwise, "subtype")
    itself = pairwise["instruction"].to_numpy()[:, None] == pairwise["instruction_b"].to_numpy()
    masks = [own & ~itself, subtype & ~own, category & ~subtype, ~category]
    groups = unit_labels(pairwise)
    rows = []
    for rung, mask in zip(RUNGS, masks, strict=True):
        if not mask.any():
            continue
        values = np.where(mask, pairwise.to_numpy(), np.nan)
        means = np.nanmean(values[mask.any(axis=1)], axis=1)
        centre, low, high = mean_interval(means, groups[mask.any(axis=1)], draws, seed)
        rows.append({"pair": rung, "mean": centre, "low": low, "high": high, "n": int(mask.sum())})
    return pd.DataFrame(rows)


def wording_sets(
    again: xr.DataArray,
    marked: xr.DataArray,
    paraphrase_of: np.ndarray,
    agreement: float = 0.5,
    draws: int = 199,
    seed: int = 0,
) -> pd.DataFrame:
    """Category sets from paraphrases, against sets from their originals and from other rows.

    The other rows are as many, of the same sub-types, worded like the originals but asking for
    something else: where sets follow the task, they agree with the paraphrases' as well.

    Args:
        again: bool [instruction (paraphrases), ...].
        marked: bool [instruction (rows), ...].
        paraphrase_of: id of the row that each paraphrase words anew.
        agreement: as in :func:`sparcom_nb.sparcom.category_sets`.
        draws: half samples of the sub-types, and permutations.
        seed: of all draws.

    Returns:
        DataFrame as of :func:`sparcom_nb.sparcom.carry_over` with a column ``collections``; empty
        where every row is given as the paraphrase of itself.
    """
    names = marked["instruction"].to_numpy()
    originals = np.isin(names, paraphrase_of)
    if np.isin(again["instruction"].to_numpy(), names).all():
        return pd.DataFrame(columns=["collections", "measure", "own", "other", "value"])
    rows = {
        "paraphrases to originals": np.flatnonzero(originals),
        "paraphrases to other rows": _alike(again, marked, originals, seed),
    }
    return pd.concat(
        [
            carry_over(again, marked[index], agreement, draws, seed).assign(collections=name)
            for name, index in rows.items()
            if len(np.unique(marked["category"].to_numpy()[index])) > 1
        ],
        ignore_index=True,
    )


def _alike(
    again: xr.DataArray, marked: xr.DataArray, originals: np.ndarray, seed: int
) -> np.ndarray:
    """Positions of rows that are no originals, as many of every sub-type as ``again`` has."""
    rng = np.random.default_rng(seed)
    wanted = pd.Series(unit_labels(again)).value_counts(sort=False)
    own = unit_labels(marked)
    drawn = [
        rng.permutation(np.flatnonzero((own == name) & ~originals))[:n]
        for name, n in wanted.items()
    ]
    return np.sort(np.concatenate(drawn))


def _same(pairwise: xr.DataArray, name: str) -> np.ndarray:
    return pairwise[name].to_numpy()[:, None] == pairwise[f"{name}_b"].to_numpy()[None, :]
