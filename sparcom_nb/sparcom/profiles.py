"""Means by category and component, such as where in the model the specific components are."""

import pandas as pd
import xarray as xr

from sparcom_nb.sparcom.sets import by_category
from sparcom_nb.stats import mean_intervals


def category_profile(values: xr.DataArray, draws: int = 400, seed: int = 0) -> pd.DataFrame:
    """Mean of numbers [instruction, ...] over the instructions of every category.

    Returns:
        DataFrame: category, the other dimensions of ``values``, mean, low, high (95 % over halves of
        the category's sub-types), n (instructions).
    """
    index = pd.MultiIndex.from_product(
        [values[dim].to_numpy() for dim in values.dims[1:]], names=values.dims[1:]
    )
    parts = {}
    for category, part in by_category(values):
        flat = part.to_numpy().reshape(len(part), -1)
        mean, low, high = mean_intervals(flat, part["subtype"].to_numpy(), draws, seed)
        columns = {"mean": mean, "low": low, "high": high, "n": len(part)}
        parts[category] = pd.DataFrame(columns, index)
    return pd.concat(parts, names=["category"]).reset_index()


def layer_shares(specific: xr.DataArray, draws: int = 400, seed: int = 0) -> pd.DataFrame:
    """Share of a layer's components that are specific to an instruction, by category.

    Returns:
        DataFrame: category, layer, share (mean over instructions, between 0 and 1), low, high
        (95 % over halves of the category's sub-types).
    """
    inner = [dim for dim in specific.dims if dim not in ("instruction", "layer")]
    table = category_profile(specific.mean(inner), draws, seed).rename(columns={"mean": "share"})
    return table[["category", "layer", "share", "low", "high"]]
