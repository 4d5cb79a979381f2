"""``sparcom-nb select``: from a pool of training samples the rows that serve a target best.

No score finds every capability, and a wrong sign turns one upside down without a trace in its values.
So every run holds a quarter of the target's rows back, ranks them among the pool's and tells how
often each score puts one of them above a row of the pool: the area under the curve, .5 for a coin.
"""

import hashlib
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparcom_nb.errors import InputError
from sparcom_nb.expect import door, one_of
from sparcom_nb.files import begun_for, discard
from sparcom_nb.forms import Samples, read_samples
from sparcom_nb.instructions import sample_text
from sparcom_nb.prompts import fitting
from sparcom_nb.sources import Identity, model_path

#: Different rows that a target needs: two to make a component of, two to judge by.
TARGET_ROWS = 4
_VERSIONS = ("sparcom-nb", "torch", "transformers", "transformer-lens", "numpy")


@door
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
    drop_unusable: bool = False,
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
        drop_unusable: leave rows out that cannot be used, or not by this model; the manifest says
            how many and why.

    Returns:
        The manifest, with ``fresh`` False when it was there already: ``method`` is the score used,
        ``auc`` the area of each (value, low, high: 95 % of :func:`sparcom_nb.nait.auc_interval`),
        ``same_as_target`` how many rows of the pool are the target's as well, ``advice`` what else
        to try, empty unless the area is below :data:`sparcom_nb.nait.judged.ENOUGH`.

    Raises:
        InputError: anything wrong with the model, a file or a parameter; a target of fewer than
            :data:`TARGET_ROWS` different rows.
    """
    serving, offered = (read_samples(path, drop_unusable) for path in (target, pool))
    _check_free(offered, pool)
    _dealt(serving.rows, target, seed)  # both refuse before a model is loaded
    _same(offered.rows, serving.rows, pool)
    identity = Identity(model, model_path(model))
    from sparcom_nb.models import load_model  # takes seconds: what is wrong is said before
    from sparcom_nb.nait.judged import AUTO, METHODS, advice_on, areas_of, judged_scores
    from sparcom_nb.nait.scores import length_correlation, select

    one_of("method", method, METHODS)
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
    known, held = _dealt(rows["target"], target, seed)
    same = _same(rows["pool"], rows["target"], pool)
    table, ranked = judged_scores(ready, (known, held), rows["pool"], wanted, work, batch_tokens)
    areas = areas_of(table[~same], ranked)
    used = max(AUTO, key=lambda name: areas[name]["value"]) if method == "auto" else method
    scores = table[used]
    chosen = select(scores, ratio)
    text = _lines(offered, scores, chosen)
    manifest = wanted | {
        "method": used,
        "auc": areas,
        "advice": advice_on(used, areas),
        "held_out": len(held),
        "same_as_target": int(same.sum()),
        "chosen": len(chosen),
        "unusable": unusable,
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


def _same(pool: pd.DataFrame, target: pd.DataFrame, path: str | Path) -> np.ndarray:
    """Which rows of the pool are the target's as well: bool [row]."""
    same = _texts(pool).isin(_texts(target)).to_numpy(dtype=bool)
    if same.all():
        raise InputError(
            f"{path}: every row is one of the target's; give a pool with other rows too"
        )
    return same


def _texts(rows: pd.DataFrame) -> pd.Series:
    """What two rows are the same by: all that is said, whatever the spaces."""
    texts = [" ".join(sample_text(row).split()) for row in rows.to_dict("records")]
    return pd.Series(texts, rows.index)


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
