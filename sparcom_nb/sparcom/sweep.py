"""Shares to take, and the gap at one of them (until notebooks 15 and 16 have their studies)."""

import xarray as xr

from sparcom_nb.sparcom.sets import overlap
from sparcom_nb.stats import separation

TOPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


def share_and_gap(marked: xr.DataArray, draws: int, seed: int) -> dict[str, float]:
    """Mean share taken of sets [instruction, ...], and what :func:`separation` says of them."""
    test = separation(overlap(marked), draws, seed)
    wanted = ("within", "across", "difference", "low", "high", "null_mean", "p")
    return {"share": float(marked["share"].mean())} | {name: test[name] for name in wanted}
