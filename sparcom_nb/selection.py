"""``sparcom-nb select``: from a pool of training samples the rows that serve a target best.

No score finds every capability, and a wrong sign turns one upside down without a trace in its values.
So every run holds a quarter of the target's rows back, ranks them among the pool's and tells how
often each score puts one of them above a row of the pool: the area under the curve, .5 for a coin.
"""

import hashlib
import json
import platform
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.files import begun_for, discard
from sparcom_nb.forms import Samples, read_samples
from sparcom_nb.instructions import sample_text
from sparcom_nb.models import load_model
from sparcom_nb.nait.baselines import BASELINES, baseline_score
from sparcom_nb.nait.directions import Direction, direction_of, sample_activations
from sparcom_nb.nait.ranking import auc, auc_interval
from sparcom_nb.nait.readout import CANDIDATES
from sparcom_nb.nait.scores import (
    layer_scores,
    length_correlation,
    select,
    standardised,
    summed,
)
from sparcom_nb.sources import Identity, model_path

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
#: Different rows that a target needs: two to make a component of, two to judge by.
TARGET_ROWS = 4
#: A score whose area is below puts the target's rows hardly above the pool's.
ENOUGH = 0.6
_VERSIONS = ("sparcom-nb", "torch", "transformers", "transformer-lens", "numpy")


def select_rows(
    model: str,
    target: str | Path,
    pool: str | Path,
    ratio: float,
    out: Path,
    *,
    method: str = "auto",
    candidate: str = "mean",
    skip: int = 0,
    seed: int = 0,
    device: str = "auto",
    batch_tokens: int | None = None,
) -> dict[str, Any]:
    """Score every row of ``pool``, choose the best share and write it to ``out``.

    ``out`` gets the chosen lines as they were, each with ``score`` and ``rank`` (1 is best) added,
    best first; beside it ``NAME.manifest.json`` says what was run. Both appear when all is done. A
    finished run with the same inputs is not done again; an interrupted scoring along a direction
    goes on after its last finished block.

    A quarter of the target's different rows, at least two, is held out: no score is made of them,
    they are never chosen, and the area under the curve by which a score puts them above the pool's
    rows judges it. A row of the pool that is one of the target's as well is a candidate like any
    other; the areas leave it out.

    Args:
        model: whose neurons judge, as :func:`sparcom_nb.load_model` takes it.
        target: file of samples of the capability, in a form of :mod:`sparcom_nb.forms`.
        pool: file of samples to choose from.
        ratio: share to take, above 0 and at most 1.
        out: file to write.
        method: ``nait`` (the paper's component, every layer turned so that the target scores above
            the pool, and put on one scale), ``nait-drift`` (the sign of accounts of the paper, raw
            layers), ``contrast``, a baseline of :func:`sparcom_nb.nait.baseline_score`, or
            ``auto``: that of nait and contrast with the larger area.
        candidate: ``mean`` or ``drift``; how a row enters its score along a direction.
        skip: leave so many of a sample's first tokens out.
        seed: of ``random``, of the rows held out, and of those that stand for the pool.
        device: of :func:`sparcom_nb.load_model`.
        batch_tokens: tokens in one batch, padding included.

    Returns:
        The manifest, with ``fresh`` False when it was there already: ``method`` is the score used,
        ``auc`` the area of each (value, low, high: 95 % of :func:`sparcom_nb.nait.auc_interval`),
        ``same_as_target`` how many rows of the pool are the target's as well, ``advice`` what else
        to try, empty unless the area is below :data:`ENOUGH`.

    Raises:
        InputError: anything wrong with the model, a file or a parameter; a target of fewer than
            :data:`TARGET_ROWS` different rows.
    """
    _check(method, candidate, ratio, skip)
    serving, offered = read_samples(target), read_samples(pool)
    _check_free(offered, pool)
    known, held = _dealt(serving.rows, target, seed)
    same = _texts(offered.rows).isin(_texts(serving.rows))
    if same.all():
        raise InputError(f"{pool}: every row is one of {target}; give a pool with other rows too")
    identity = Identity(model, model_path(model))
    wanted = {
        "model": model,
        "weights_sha256": identity.weights_sha256,
        "target": _said(target, serving) | {"held_out": len(held)},
        "pool": _said(pool, offered),
        "parameters": {"ratio": ratio, "method": method, "candidate": candidate, "skip": skip},
        "seed": seed,
        "versions": {name: version(name) for name in _VERSIONS}
        | {"python": platform.python_version()},
    }
    said = out.with_suffix(".manifest.json")
    if (done := _finished(out, said, wanted)) is not None:
        return done | {"fresh": False}
    work = begun_for(out.with_name(f".{out.name}.work"), wanted)
    began = time.perf_counter()
    ready = load_model(model, device)
    table, ranked = _scores(ready, (known, held), offered.rows, wanted, work, batch_tokens)
    areas = _areas(table[~same.to_numpy()], ranked)
    used = max(AUTO, key=lambda name: areas[name]["value"]) if method == "auto" else method
    scores = table[used]
    text = _lines(offered, scores, chosen := select(scores, ratio))
    manifest = wanted | {
        "method": used,
        "auc": areas,
        "advice": _advice(used, areas),
        "same_as_target": int(same.sum()),
        "chosen": len(chosen),
        "length_correlation": length_correlation(scores, table["length"]),
        "seconds": round(time.perf_counter() - began, 2),
        "sha256": _hash(text),
    }
    _write(out, text)
    _write(said, json.dumps(manifest, indent=2) + "\n")
    discard(work)
    return manifest | {"fresh": True}


def _dealt(rows: pd.DataFrame, path: str | Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Deal the target's different rows: what scores are made of, and a quarter to judge them by."""
    different = rows[~_texts(rows).duplicated()]
    if len(different) < TARGET_ROWS:
        raise InputError(
            f"{path}: {len(different)} different rows; give at least {TARGET_ROWS}, of which a quarter "
            "(at least 2) is held out to judge the scores by"
        )
    held = different.sample(max(2, round(len(different) / 4)), random_state=seed).index
    return different.drop(held), different.loc[held]


def _texts(rows: pd.DataFrame) -> pd.Series:
    """What two rows are the same by: all that is said, whatever the spaces."""
    texts = [" ".join(sample_text(row).split()) for row in rows.to_dict("records")]
    return pd.Series(texts, rows.index)


def _scores(
    model: TransformerBridge,
    target: tuple[pd.DataFrame, pd.DataFrame],
    pool: pd.DataFrame,
    wanted: dict[str, Any],
    work: Path,
    batch_tokens: int | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every score of the pool's rows, and of the held-out ones: [id], a column a score and ``length``."""
    (known, held), seed = target, wanted["seed"]
    asked = wanted["parameters"]
    options: dict[str, Any] = {"batch_tokens": batch_tokens}
    directions = _directions(model, known, pool, wanted, work, options)
    read = partial(layer_scores, model, directions=directions, candidates=(asked["candidate"],))
    of_pool = read(pool, store=work / "scores.zarr", **options).load()
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
    model: TransformerBridge,
    target: pd.DataFrame,
    pool: pd.DataFrame,
    wanted: dict[str, Any],
    work: Path,
    options: dict[str, Any],
) -> dict[str, Direction]:
    """The direction of every score in :data:`NEURON_SCORES`; made once."""
    files = {name: work / f"{name}.safetensors" for name in NEURON_SCORES}
    if not all(file.exists() for file in files.values()):
        others = pool.sample(min(POOL_ROWS, len(pool)), random_state=wanted["seed"])
        read = partial(sample_activations, model, skip=wanted["parameters"]["skip"], **options)
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


def _areas(pool: pd.DataFrame, held: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Area under the curve of every score, held-out rows against the pool's, with its interval."""
    positive, found = np.arange(len(held) + len(pool)) < len(held), {}
    for name in pool:
        value = auc(np.concatenate([held[name], pool[name]]), positive)
        low, high = auc_interval(value, len(held), len(pool))
        found[name] = {"value": value, "low": low, "high": high}
    return found


def _advice(used: str, areas: dict[str, dict[str, float]]) -> str:
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


def _lines(pool: Samples, scores: pd.Series, chosen: pd.Index) -> str:
    """The chosen lines as they were, with two fields more."""
    line_of = dict(zip(pool.rows["id"], pool.lines, strict=True))
    return "".join(
        f'{line_of[name][:-1].rstrip()}, "score": {float(scores[name])!r}, "rank": {rank}}}\n'
        for rank, name in enumerate(chosen, 1)
    )


def _said(path: str | Path, samples: Samples) -> dict[str, Any]:
    return {
        "file": str(path),
        "form": samples.form,
        "rows": len(samples.lines),
        "sha256": _hash("\n".join(samples.lines)),
    }


def _check(method: str, candidate: str, ratio: float, skip: int) -> None:
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}; use one of {', '.join(METHODS)}")
    if candidate not in CANDIDATES:
        raise InputError(f"unknown candidate {candidate!r}; use {' or '.join(CANDIDATES)}")
    if not 0 < ratio <= 1:
        raise InputError(f"ratio must be above 0 and at most 1, not {ratio}")
    if skip < 0:
        raise InputError(f"skip must be 0 or more, not {skip}")


def _check_free(pool: Samples, path: str | Path) -> None:
    """The fields that are added must not be there already."""
    for number, line in zip(pool.numbers, pool.lines, strict=True):
        for field in ("score", "rank"):
            if field in json.loads(line):
                raise InputError(
                    f"{path}:{number}: field {field!r} is there already; rename it, the result adds "
                    "one of that name"
                )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _finished(out: Path, said: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """Return the manifest of a run with these inputs whose result is still as it was written."""
    if not (out.is_file() and said.is_file()):
        return None
    manifest = json.loads(said.read_text(encoding="utf-8"))
    kept = _hash(out.read_text(encoding="utf-8"))
    same = manifest | wanted == manifest and manifest["sha256"] == kept
    return manifest if same else None


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
