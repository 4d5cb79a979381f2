"""Where in the model the specific components are: shares by layer and category."""

import pandas as pd
import xarray as xr

from sparcom_nb.sparcom.components import by_category
from sparcom_nb.stats import mean_interval


def layer_shares(specific: xr.DataArray, draws: int = 400, seed: int = 0) -> pd.DataFrame:
    """Share of a layer's components that are specific to an instruction, by category.

    Returns:
        DataFrame: category, layer, share (mean over instructions, between 0 and 1), low, high
        (95 % over halves of the category's sub-types).
    """
    inner = [dim for dim in specific.dims if dim not in ("instruction", "layer")]
    rows = []
    for category, of_category in by_category(specific):
        shares = of_category.mean(inner).to_numpy()
        groups = of_category["subtype"].to_numpy()
        for position, layer in enumerate(specific["layer"].to_numpy()):
            share, low, high = mean_interval(shares[:, position], groups, draws, seed)
            rows.append(
                {"category": category, "layer": layer, "share": share, "low": low, "high": high}
            )
    return pd.DataFrame(rows)
