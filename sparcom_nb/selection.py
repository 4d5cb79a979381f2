"""``sparcom-nb select``: from a pool of training samples the rows that serve a target best."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pandas as pd
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.forms import Samples, read_samples
from sparcom_nb.models import load_model
from sparcom_nb.nait.baselines import BASELINES, baseline_score
from sparcom_nb.nait.directions import METHODS, Direction, capability_direction
from sparcom_nb.nait.readout import CANDIDATES
from sparcom_nb.nait.scores import alignment_score, select
from sparcom_nb.sources import Identity, model_path
from sparcom_nb.store import Part, once, scratch, versions, write

#: Rows of the pool, drawn at random, that stand for it in a contrast.
POOL_ROWS = 512


def select_rows(
    model: str,
    target: str | Path,
    pool: str | Path,
    ratio: float,
    out: Path,
    *,
    method: str = "pc1",
    candidate: str = "mean",
    skip: int = 0,
    seed: int = 0,
    device: str = "auto",
    batch_tokens: int | None = None,
) -> dict[str, Any]:
    """Score every row of ``pool``, choose the best share and write it to ``out``.

    ``out`` gets the chosen lines as they were, each with ``score`` and ``rank`` (1 is best) added,
    best first; beside it ``NAME.manifest.json`` says what was run. They are kept by
    :func:`sparcom_nb.store.once`: a finished run with the same inputs is not done again, an
    interrupted scoring along a direction goes on after its last finished block.

    Args:
        model: whose neurons judge, as :func:`sparcom_nb.load_model` takes it.
        target: file of samples of the capability, in a form of :mod:`sparcom_nb.forms`.
        pool: file of samples to choose from.
        ratio: share to take, above 0 and at most 1.
        out: file to write.
        method: ``pc1``, ``contrast``, or a baseline of :func:`sparcom_nb.nait.baseline_score`.
        candidate: ``mean`` or ``drift``; how a row enters its score along a direction.
        skip: leave so many of a sample's first tokens out.
        seed: of ``random``, and of the rows that stand for the pool in ``contrast``.
        device: of :func:`sparcom_nb.load_model`.
        batch_tokens: tokens in one batch, padding included.

    Returns:
        The manifest, with ``fresh`` False when it was there already.

    Raises:
        InputError: anything wrong with the model, a file or a parameter.
    """
    _check(method, candidate, ratio, skip)
    serving, offered = read_samples(target), read_samples(pool)
    _check_free(offered, pool)
    identity = Identity(model, model_path(model))
    wanted = {
        "weights_sha256": identity.weights_sha256,
        "model_sha256": identity.files_sha256,
        "target_sha256": _hash("\n".join(serving.lines)),
        "pool_sha256": _hash("\n".join(offered.lines)),
        "parameters": {"ratio": ratio, "method": method, "candidate": candidate, "skip": skip},
        "seed": seed,
        "versions": versions(),
    }

    def make(folder: Path) -> dict[str, Any]:
        began = time.perf_counter()
        ready, work = load_model(model, device), scratch(folder)
        scores = _scores(ready, serving.rows, offered.rows, wanted, work, batch_tokens)
        chosen = select(scores, ratio)
        write(folder / out.name, _lines(offered, scores, chosen))
        return {
            "model": model,
            "target": _said(target, serving),
            "pool": _said(pool, offered),
            "chosen": len(chosen),
            "length_correlation": scores.attrs["length_correlation"],
            "seconds": round(time.perf_counter() - began, 2),
        }

    said, reads = out.with_suffix(".manifest.json").name, (target, pool, identity.path)
    return once(out, wanted, make, manifest=said, names=[out.name], reads=reads)


def _scores(
    model: TransformerBridge,
    target: pd.DataFrame,
    pool: pd.DataFrame,
    wanted: dict[str, Any],
    work: Path,
    batch_tokens: int | None,
) -> pd.Series:
    asked, seed = wanted["parameters"], wanted["seed"]
    method, options = asked["method"], {"batch_tokens": batch_tokens}
    if method in BASELINES:
        return baseline_score(method, model, pool, target, seed, batch_tokens=batch_tokens)
    if not (kept := work / "direction.safetensors").exists():
        others = pool.sample(min(POOL_ROWS, len(pool)), random_state=seed)
        sample = others if method == "contrast" else None
        made = capability_direction(
            model, target, method, sample, method, skip=asked["skip"], **options
        )
        made.save(kept)
    direction = Direction.load(kept, model)
    store = Part(work / "scores.zarr")
    return alignment_score(model, pool, direction, asked["candidate"], store=store, **options)


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
    }


def _check(method: str, candidate: str, ratio: float, skip: int) -> None:
    if method not in (*METHODS, *BASELINES):
        raise InputError(
            f"unknown method {method!r}; use one of {', '.join((*METHODS, *BASELINES))}"
        )
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
