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
    """Score of every candidate along one direction.

    See :func:`alignment_scores`, whose column this is; ``attrs["length_correlation"]`` holds its
    ``spearman`` and ``pearson`` correlation with the number of tokens.
    """
    name = direction.name or "score"
    scores = alignment_scores(model, data, {name: direction}, (candidate,), standardise, **options)
    column = scores[name, candidate].rename(name)
    column.attrs = {"length_correlation": scores.attrs["length_correlation"][name][candidate]}
    return column


def alignment_scores(
    model: TransformerBridge,
    data: pd.DataFrame,
    directions: Mapping[str, Direction],
    candidates: Sequence[str] = CANDIDATES,
    standardise: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """Scores of every candidate along several directions, in one pass and in constant memory.

    Args:
        model: the model that the directions belong to.
        data: rows with responses. A score that is not standardised depends on its row alone, not on
            order or batch size.
        directions: by name; they may differ in method, site, skip and kind, not in span.
        candidates: forms in which a candidate enters, ``mean`` and ``drift``.
        standardise: see :func:`standardised`; False is the paper's.
        options: of :func:`sparcom_nb.model.capture.capture_all`. With ``store=FOLDER`` a pass that was
            interrupted goes on after its last finished block.

    Returns:
        DataFrame float64, a row a candidate (index ``id``), columns (direction, candidate).
        ``attrs["length_correlation"][direction][candidate]`` holds spearman and pearson.

    Raises:
        InputError: a direction of another model, directions of several spans, an unknown
            candidate, or as the capture pass.
    """
    layers = layer_scores(model, data, directions, candidates, **options)
    scores = _table(summed(standardised(layers) if standardise else layers))
    lengths = pd.Series(layers["n_tokens"].to_numpy(), scores.index)
    correlation: dict[str, dict[str, dict[str, float]]] = {}
    for name, candidate in scores.columns:
        told = length_correlation(scores[name, candidate], lengths)
        correlation.setdefault(name, {})[candidate] = told
    scores.attrs["length_correlation"] = correlation
    return scores


def layer_scores(
    model: TransformerBridge,
    data: pd.DataFrame,
    directions: Mapping[str, Direction],
    candidates: Sequence[str] = CANDIDATES,
    **options: Any,
) -> xr.DataArray:
    """What every layer adds to the scores: A^(l)(y) . v_l, as [instruction, candidate, direction, layer].

    Arguments and errors are those of :func:`alignment_scores`. Layers that a direction has no vector
    for add zero; ``n_tokens`` on instruction holds the lengths.
    """
    span = _check(model, directions, candidates)
    rows = table_hash(data)
    labels = [_label(direction, rows) for direction in directions.values()]
    measure = Projections(list(directions.values()), labels, candidates)
    found = capture(model, data, measure, span, **options)
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
) -> str:
    """Check what is asked for and return the span."""
    if not directions:
        raise InputError("no direction to score along; give at least one")
    if unknown := [name for name in candidates if name not in CANDIDATES]:
        raise InputError(f"unknown candidate {unknown[0]!r}; use {' or '.join(CANDIDATES)}")
    for direction in directions.values():
        direction.check(model)
    spans = sorted({direction.span for direction in directions.values()})
    if len(spans) > 1:
        raise InputError(
            f"directions of the spans {', '.join(spans)} read different tokens; score each span apart"
        )
    return spans[0]


def _label(direction: Direction, rows: str) -> str:
    """What one column of scores depends on, so that a store is resumed only for the same."""
    return hashlib.sha256(f"{direction.digest} {rows}".encode()).hexdigest()


def _table(scores: xr.DataArray) -> pd.DataFrame:
    """Scores [instruction, candidate, direction] as a table of (direction, candidate) columns."""
    levels = [scores[dim].to_numpy().tolist() for dim in ("direction", "candidate")]
    columns = pd.MultiIndex.from_product(levels, names=["direction", "candidate"])
    values = scores.transpose("instruction", "direction", "candidate").to_numpy()
    index = pd.Index(scores["instruction"].to_numpy().astype(object), name="id")
    return pd.DataFrame(values.reshape(len(values), -1), index, columns)
