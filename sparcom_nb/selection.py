"""``sparcom-nb select``: from a pool of training samples the rows that serve a target best."""

import hashlib
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from sparcom_nb.errors import InputError
from sparcom_nb.expect import door, one_of
from sparcom_nb.files import begun_for, discard
from sparcom_nb.forms import Samples, read_samples
from sparcom_nb.prompts import fitting
from sparcom_nb.sources import Identity, model_path

#: Rows of the pool, drawn at random, that stand for it in a contrast.
POOL_ROWS = 512
_VERSIONS = ("sparcom-nb", "torch", "transformers", "transformer-lens", "numpy")


@door
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
    drop_unusable: bool = False,
) -> dict[str, Any]:
    """Score every row of ``pool``, choose the best share and write it to ``out``.

    ``out`` gets the chosen lines as they were, each with ``score`` and ``rank`` (1 is best) added,
    best first; beside it ``NAME.manifest.json`` says what was run. Both appear when all is done. A
    finished run with the same inputs is not done again; an interrupted scoring along a direction
    goes on after its last finished block.

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
        drop_unusable: leave rows out that cannot be used, or not by this model; the manifest says
            how many and why.

    Returns:
        The manifest, with ``fresh`` False when it was there already.

    Raises:
        InputError: anything wrong with the model, a file or a parameter.
    """
    serving, offered = (read_samples(path, drop_unusable) for path in (target, pool))
    _check_free(offered, pool)
    identity = Identity(model, model_path(model))
    from sparcom_nb.models import load_model  # takes seconds: what is wrong is said before
    from sparcom_nb.nait.baselines import BASELINES
    from sparcom_nb.nait.directions import METHODS
    from sparcom_nb.nait.scores import select

    one_of("method", method, (*METHODS, *BASELINES))
    wanted = {
        "model": model,
        "weights_sha256": identity.weights_sha256,
        "converted_from": identity.converted_from,
        "target": _said(target, serving),
        "pool": _said(pool, offered),
        "parameters": {"ratio": ratio, "method": method, "candidate": candidate, "skip": skip}
        | {"drop_unusable": drop_unusable},
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
    rows, unusable = {"target": serving.rows, "pool": offered.rows}, {}
    for name, samples in (("target", serving), ("pool", offered)):
        unread: list[str] = []
        if drop_unusable:
            rows[name], unread = fitting(ready, samples.rows, ["sample", "response"])
        faults = samples.unusable + unread
        unusable[name] = {"rows": len(faults), "first": faults[:5]}
    scores = _scores(ready, rows["target"], rows["pool"], wanted, work, batch_tokens)
    chosen = select(scores, ratio)
    text = _lines(offered, scores, chosen)
    manifest = wanted | {
        "chosen": len(chosen),
        "unusable": unusable,
        "length_correlation": scores.attrs["length_correlation"],
        "seconds": round(time.perf_counter() - began, 2),
        "sha256": _hash(text),
    }
    _write(out, text)
    _write(said, json.dumps(manifest, indent=2) + "\n")
    discard(work)
    return manifest | {"fresh": True}


def _scores(
    model: Any,
    target: pd.DataFrame,
    pool: pd.DataFrame,
    wanted: dict[str, Any],
    work: Path,
    batch_tokens: int | None,
) -> pd.Series:
    from sparcom_nb.nait.baselines import BASELINES, baseline_score
    from sparcom_nb.nait.directions import Direction, capability_direction
    from sparcom_nb.nait.scores import alignment_score

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
    store = work / "scores.zarr"
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
        "sha256": _hash("\n".join(samples.lines)),
    }


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
