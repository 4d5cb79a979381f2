"""Several scores of one pool: what the command ``select`` chooses between.

No score finds every capability, and a wrong sign turns one upside down without a trace in its values.
So the area under the curve judges each: how often it puts a held-out row of the target above a row of
the pool, .5 for a coin. (One score of one's own: :mod:`sparcom_nb.nait.scores`; the rows it chooses:
:mod:`sparcom_nb.nait.selection`.)
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.nait.baselines import BASELINES, baseline_score
from sparcom_nb.nait.directions import Direction, direction_of, sample_activations
from sparcom_nb.nait.ranking import auc, auc_interval
from sparcom_nb.nait.scores import layer_scores, length_correlation, standardised, summed
from sparcom_nb.store import Part

#: Score -> method and sign of its direction, and whether its layers are put on one scale.
NEURON_SCORES = {
    "nait": ("pc1", "pool", True),
    "nait-drift": ("pc1", "drift", False),
    "contrast": ("contrast", "pool", False),
}
#: What ``auto`` chooses between; of equals the first, which was nowhere the worse (docs/methods.md).
AUTO = ("contrast", "nait")
METHODS = ("auto", *NEURON_SCORES, *BASELINES)
#: Rows of the pool, drawn at random, that stand for it in a direction.
POOL_ROWS = 512
#: A score whose area is below puts the target's rows hardly above the pool's.
ENOUGH = 0.6


def contest(
    model: TransformerBridge,
    known: pd.DataFrame,
    held: pd.DataFrame,
    same: pd.Series,
    pool: pd.DataFrame,
    asked: dict[str, Any],
    work: Path,
    batch_tokens: int | None,
) -> tuple[pd.Series, dict[str, Any]]:
    """Score the pool, and judge every score by rows of the target held out.

    Args:
        model: whose neurons score.
        known: rows of the target that scores are made of.
        held: those held out.
        same: bool [row of the pool], those that are the target's too; the areas leave them out.
        pool: candidates.
        asked: method, candidate, skip and seed.
        work: folder for what an interrupted run goes on from.
        batch_tokens: tokens in one batch.

    Returns:
        The scores by id, and what is to be told: method (the score used), auc, advice,
        length_correlation.
    """
    table, ranked = _scores(model, known, held, pool, asked, work, batch_tokens)
    found = areas(table[~same.to_numpy()], ranked)
    used = best(found) if asked["method"] == "auto" else asked["method"]
    correlation = length_correlation(table[used], table["length"])
    told = {"method": used, "auc": found, "advice": advice(used, found)}
    return table[used], told | {"length_correlation": correlation}


def _scores(
    model: TransformerBridge, known: pd.DataFrame, held: pd.DataFrame, pool: pd.DataFrame,
    asked: dict[str, Any], work: Path, batch_tokens: int | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Every score of the pool's rows, and of the held-out ones: [id], a column a score and ``length``."""
    seed, options = asked["seed"], dict[str, Any](batch_tokens=batch_tokens)
    directions = _directions(model, known, pool, asked, work, options)
    read = partial(layer_scores, model, directions=directions, candidates=(asked["candidate"],))
    of_pool = read(pool, store=Part(work / "scores.zarr"), **options).load()
    tables = [_table(layers, of_pool) for layers in (of_pool, read(held, **options))]
    if (name := asked["method"]) in BASELINES and name != "length":
        for table, rows, drawn in zip(tables, (pool, held), (seed, seed + 1), strict=True):
            table[name] = baseline_score(name, model, rows, known, drawn, **options)
    for table in tables:
        if (broken := table.isna().any(axis=1)).any():
            raise InputError(
                f"row {table.index[broken][0]!r} has no score (NaN): the model's numbers overflow on "
                "it; shorten or drop the row"
            )
    return tables[0], tables[1]


def _directions(
    model: TransformerBridge, target: pd.DataFrame, pool: pd.DataFrame, asked: dict[str, Any],
    work: Path, options: dict[str, Any],
) -> dict[str, Direction]:  # fmt: skip
    """The direction of every score in :data:`NEURON_SCORES`; made once."""
    files = {name: work / f"{name}.safetensors" for name in NEURON_SCORES}
    if not all(file.exists() for file in files.values()):
        others = pool.sample(min(POOL_ROWS, len(pool)), random_state=asked["seed"])
        read = partial(sample_activations, model, skip=asked["skip"], **options)
        own, around = read(target), read(others)
        for name, (method, sign, _) in NEURON_SCORES.items():
            direction_of(own, method, around, name, sign).save(files[name])
    return {name: Direction.load(file, model) for name, file in files.items()}


def _table(layers: xr.DataArray, pool: xr.DataArray) -> pd.DataFrame:
    """Scores from what every layer adds [instruction, candidate, direction, layer]."""
    made = {}
    for name, (_, _, one_scale) in NEURON_SCORES.items():
        own, around = (part.sel(direction=name, drop=True)[:, 0] for part in (layers, pool))
        made[name] = summed(standardised(own, around) if one_scale else own).to_numpy()
    index = pd.Index(layers["instruction"].to_numpy().astype(object), name="id")
    return pd.DataFrame(made | {"length": layers["n_tokens"].to_numpy().astype(float)}, index)


def areas(pool: pd.DataFrame, held: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Area under the curve of every score, held-out rows against the pool's, with its interval."""
    positive, found = np.arange(len(held) + len(pool)) < len(held), {}
    for name in pool:
        value = auc(np.concatenate([held[name], pool[name]]), positive)
        low, high = auc_interval(value, len(held), len(pool))
        found[name] = {"value": value, "low": low, "high": high}
    return found


def best(areas: dict[str, dict[str, float]]) -> str:
    """Return the score that ``auto`` takes."""
    return max(AUTO, key=lambda name: areas[name]["value"])


def advice(used: str, areas: dict[str, dict[str, float]]) -> str:
    """What else to try where a score does not find the target; empty where it does."""
    if areas[used]["value"] >= ENOUGH:
        return ""
    best = max(areas, key=lambda name: areas[name]["value"])
    other = f"--method {best} (AUC {areas[best]['value']:.2f}), "
    return (
        f"{used} hardly puts held-out target rows above the pool (AUC {areas[used]['value']:.2f}, "
        f"chance .50); try {other if areas[best]['value'] >= ENOUGH else ''}more target rows of one "
        "kind, another model, --candidate drift, --skip 4 or --method embedding"
    )
