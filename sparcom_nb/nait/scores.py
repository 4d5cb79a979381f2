"""Scores of candidates along capability directions.

    s_y = sum_l A^(l)(y) . v_l       (NAIT, Chen et al. 2026, section 3)

A(y) is the candidate's mean activation (default) or its own drift. Layers differ in scale, and a few
can drown the others: *standardised*, what every layer adds has mean 0 and spread 1 over the
candidates. A score is no better than what it measures: its correlation with the sample's length is
reported with it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import pearsonr, spearmanr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.model.capture import capture
from sparcom_nb.nait.directions import Direction
from sparcom_nb.nait.readout import CANDIDATES, Projections
from sparcom_nb.rows.instructions import table_hash


def alignment_score(
    model: TransformerBridge,
    data: pd.DataFrame,
    direction: Direction,
    candidate: str = "mean",
    standardise: bool = False,
    **options: Any,
) -> pd.Series:
    """Score of every candidate along a direction, in constant memory.

    Args:
        model: the model that the direction belongs to.
        data: rows with responses. A score that is not standardised depends on its row alone, not on
            order or batch size.
        direction: of :func:`sparcom_nb.nait.capability_direction`.
        candidate: form in which a candidate enters, ``mean`` or ``drift``.
        standardise: see :func:`standardised`; False is the paper's.
        options: of :func:`sparcom_nb.model.capture.capture_all`. With ``store=FOLDER`` a pass that was
            interrupted goes on after its last finished block.

    Returns:
        Series float64 by id; ``attrs["length_correlation"]`` holds its ``spearman`` and ``pearson``
        correlation with the number of tokens.

    Raises:
        InputError: a direction of another model, an unknown candidate, or as the capture pass.
    """
    layers = layer_scores(model, data, {"": direction}, (candidate,), **options)[:, 0, 0]
    values = summed(standardised(layers) if standardise else layers).to_numpy()
    ids = pd.Index(layers["instruction"].to_numpy().astype(object), name="id")
    scores = pd.Series(values, ids, name=direction.name or "score")
    lengths = pd.Series(layers["n_tokens"].to_numpy(), ids)
    scores.attrs = {"length_correlation": length_correlation(scores, lengths)}
    return scores


def layer_scores(
    model: TransformerBridge,
    data: pd.DataFrame,
    directions: Mapping[str, Direction],
    candidates: Sequence[str] = CANDIDATES,
    **options: Any,
) -> xr.DataArray:
    """What every layer adds to the scores along several directions, in one pass.

    Args:
        model: the model that they belong to.
        data: rows with responses.
        directions: by name; they may differ in method and sign, not in what was read.
        candidates: forms in which a candidate enters.
        options: as in :func:`alignment_score`, whose errors these are.

    Returns:
        A^(l)(y) . v_l as [instruction, candidate, direction, layer]; layers that a direction has no
        vector for add zero; ``n_tokens`` on instruction holds the lengths.
    """
    _check(model, directions, candidates)
    each, rows = list(directions.values()), table_hash(data)
    # what a column depends on, so that a store is resumed only for the same
    labels = [hashlib.sha256(f"{one.digest} {rows}".encode()).hexdigest() for one in each]
    found = capture(model, data, Projections(each, labels, candidates), each[0].span, **options)
    return found.assign_coords(direction=list(directions))


def standardised(layers: xr.DataArray, pool: xr.DataArray | None = None) -> xr.DataArray:
    """Put every layer on one scale: minus the pool's mean, by its standard deviation.

    Args:
        layers: of :func:`layer_scores`.
        pool: that of the pool; None takes the rows themselves. A layer in which the pool's rows do
            not differ says nothing and adds zero.
    """
    pool = layers if pool is None else pool
    mean, spread = (of("instruction", skipna=False) for of in (pool.mean, pool.std))
    return ((layers - mean) / spread.where(spread != 0, np.inf)).assign_coords(layers.coords)


def summed(layers: xr.DataArray) -> xr.DataArray:
    """Scores: the sum over layers; no number in one layer makes no score."""
    return layers.sum("layer", skipna=False)


def length_correlation(scores: pd.Series, n_tokens: pd.Series) -> dict[str, float]:
    """``spearman`` and ``pearson`` correlation of scores with lengths by id; NaN where one is constant."""
    lengths = n_tokens.reindex(scores.index).to_numpy(float)
    values = scores.to_numpy(float)
    if len(values) < 2 or np.ptp(values) == 0 or np.ptp(lengths) == 0:
        return {"spearman": float("nan"), "pearson": float("nan")}
    return {
        "spearman": float(spearmanr(values, lengths).statistic),  # type: ignore[attr-defined]
        "pearson": float(pearsonr(values, lengths).statistic),  # type: ignore[attr-defined]
    }


def _check(
    model: TransformerBridge, directions: Mapping[str, Direction], candidates: Sequence[str]
) -> None:
    if not directions:
        raise InputError("no direction to score along; give at least one")
    if unknown := [name for name in candidates if name not in CANDIDATES]:
        raise InputError(f"unknown candidate {unknown[0]!r}; use {' or '.join(CANDIDATES)}")
    for direction in directions.values():
        direction.check(model)
    for what in ("site", "span", "skip", "kind"):
        read = sorted({str(getattr(direction, what)) for direction in directions.values()})
        if len(read) > 1:
            raise InputError(
                f"directions of {what} {' and '.join(read)} are read in passes of their own; score "
                "each apart"
            )
