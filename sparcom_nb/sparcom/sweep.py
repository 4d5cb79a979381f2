"""How the picture depends on the cut: every measure at many shares and thresholds.

The share that SPARCOM takes is not published, so no single cut is trusted (docs/methods.md).
"""

from collections.abc import Sequence

import pandas as pd
import xarray as xr

from sparcom_nb.sparcom.components import category_sets, overlap, specific
from sparcom_nb.stats import category_overlap, separation

TOPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def sweep(
    frequency: xr.DataArray,
    tops: Sequence[float] = TOPS,
    thresholds: Sequence[float] = THRESHOLDS,
    agreement: float = 0.5,
    draws: int = 199,
    seed: int = 0,
) -> pd.DataFrame:
    """Identify at every cut and measure what comes out.

    Returns:
        DataFrame, a row a cut: by (``top`` or ``threshold``), cut, set_size (mean size of a category
        set), share (mean share of components taken), and within, across, difference, low, high,
        null_mean, p of :func:`sparcom_nb.stats.separation`.
    """
    cuts = [("top", cut) for cut in tops] + [("threshold", cut) for cut in thresholds]
    return pd.DataFrame(
        [
            {"by": by, "cut": cut} | _measures(frequency, by, cut, agreement, draws, seed)
            for by, cut in cuts
        ]
    )


def category_overlap_at(frequency: xr.DataArray, top: float, seed: int = 0) -> xr.Dataset:
    """Overlap between categories when the share ``top`` is taken (see :func:`category_overlap`)."""
    return category_overlap(overlap(specific(frequency, top=top)), draws=100, seed=seed)


def share_and_gap(marked: xr.DataArray, draws: int, seed: int) -> dict[str, float]:
    """Mean share taken of sets [instruction, ...], and what :func:`separation` says of them."""
    test = separation(overlap(marked), draws, seed)
    wanted = ("within", "across", "difference", "low", "high", "null_mean", "p")
    return {"share": float(marked["share"].mean())} | {name: test[name] for name in wanted}


def _measures(
    frequency: xr.DataArray, by: str, cut: float, agreement: float, draws: int, seed: int
) -> dict[str, float]:
    marked = (
        specific(frequency, cut) if by == "top" else specific(frequency, threshold=cut)
    ).compute()
    sizes = category_sets(marked, agreement).sum(marked.dims[1:])
    return {"set_size": float(sizes.mean())} | share_and_gap(marked, draws, seed)
