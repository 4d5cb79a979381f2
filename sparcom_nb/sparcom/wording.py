"""Wording or task? Overlaps of paraphrases with their originals, on a ladder of relatedness."""

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.stats import mean_interval

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
    groups = pairwise["category"].to_numpy() + "/" + pairwise["subtype"].to_numpy()
    rows = []
    for rung, mask in zip(RUNGS, masks, strict=True):
        if not mask.any():
            continue
        values = np.where(mask, pairwise.to_numpy(), np.nan)
        means = np.nanmean(values[mask.any(axis=1)], axis=1)
        centre, low, high = mean_interval(means, groups[mask.any(axis=1)], draws, seed)
        rows.append({"pair": rung, "mean": centre, "low": low, "high": high, "n": int(mask.sum())})
    return pd.DataFrame(rows)


def _same(pairwise: xr.DataArray, name: str) -> np.ndarray:
    return pairwise[name].to_numpy()[:, None] == pairwise[f"{name}_b"].to_numpy()[None, :]
