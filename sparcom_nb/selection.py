"""``sparcom-nb select``: from a pool of training samples the rows that serve a target best.

No score finds every capability, and a wrong sign turns one upside down without a trace in its values.
So every run holds a quarter of the target's rows back, ranks them among the pool's and tells how
often each score puts one of them above a row of the pool: the area under the curve, .5 for a coin.
"""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from sparcom_nb.errors import InputError
from sparcom_nb.expect import door, one_of
from sparcom_nb.model.prompts import fitting
from sparcom_nb.model.sources import Identity, model_path
from sparcom_nb.rows.forms import Samples, read_samples
from sparcom_nb.rows.instructions import sample_text
from sparcom_nb.store import digest, once, scratch, versions, write

#: Different rows that a target needs: two to make a component of, two to judge by.
TARGET_ROWS = 4


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
    best first; beside it ``NAME.manifest.json`` says what was run. They are kept by
    :func:`sparcom_nb.store.once`: a finished run with the same inputs is not done again, an
    interrupted scoring along a direction goes on after its last finished block.

    A quarter of the target's different rows, at least two, is held out: no score is made of them,
    they are never chosen, and the area under the curve by which a score puts them above the pool's
    rows judges it. A row of the pool that is one of the target's as well is a candidate like any
    other; the areas leave it out.

    Args:
        model: whose neurons judge, as :func:`sparcom_nb.load_model` takes it.
        target: file of samples of the capability, in a form of :mod:`sparcom_nb.rows.forms`.
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
        to try, empty where the score finds the target.

    Raises:
        InputError: anything wrong with the model, a file or a parameter; a target of fewer than
            :data:`TARGET_ROWS` different rows.
    """
    serving, offered = (read_samples(path, drop_unusable) for path in (target, pool))
    _check_free(offered, pool)
    identity = Identity(model, model_path(model))
    from sparcom_nb.model.encoder import (
        check_installed,  # takes seconds: what is wrong is said before
    )
    from sparcom_nb.nait import contest
    from sparcom_nb.nait.scores import length_correlation, select

    one_of("method", method, contest.METHODS)
    if method == "embedding":
        check_installed()
    # where the model may drop rows they are dealt when it is here, else what is wrong is said before
    early = None if drop_unusable else _dealt(serving.rows, target, offered.rows, pool, seed)
    wanted = {
        **identity.hashes,
        "target_sha256": digest({"lines": serving.lines}),
        "pool_sha256": digest({"lines": offered.lines}),
        "parameters": {
            "ratio": ratio,
            "method": method,
            "candidate": candidate,
            "skip": skip,
            "drop_unusable": drop_unusable,
        },
        "seed": seed,
        "versions": versions(),
    }

    def make(folder: Path) -> dict[str, Any]:
        from sparcom_nb.model.load import load_model

        began, ready = time.perf_counter(), load_model(model, device)
        own, others = (_readable(ready, samples, drop_unusable) for samples in (serving, offered))
        known, held, same = early or _dealt(own.rows, target, others.rows, pool, seed)
        asked = {**wanted["parameters"], "seed": seed}
        table, ranked = contest.scores_of(
            ready, known, held, others.rows, asked, scratch(folder), batch_tokens
        )
        areas = contest.areas(table[~same.to_numpy()], ranked)
        used = contest.best(areas) if method == "auto" else method
        chosen = select(table[used], ratio)
        write(folder / out.name, _lines(offered, table[used], chosen))
        return identity.told() | {
            "target": _said(target, own) | {"held_out": len(held)},
            "pool": _said(pool, others) | {"same_as_target": int(same.sum())},
            "method": used,
            "auc": areas,
            "advice": contest.advice(used, areas),
            "chosen": len(chosen),
            "length_correlation": length_correlation(table[used], table["length"]),
            "seconds": round(time.perf_counter() - began, 2),
        }

    said, reads = out.with_suffix(".manifest.json").name, (target, pool, identity.path)
    return once(out, wanted, make, manifest=said, names=[out.name], reads=reads)


def _readable(model: Any, samples: Samples, drop: bool) -> Samples:
    """Leave out the rows that the model cannot read, where that is allowed."""
    if not drop:
        return samples
    rows, faults = fitting(model, samples.rows, ["sample", "response"])
    return replace(samples, rows=rows, unusable=samples.unusable + faults)


def _dealt(
    target: pd.DataFrame, target_path: Any, pool: pd.DataFrame, pool_path: Any, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Deal the target's different rows, and mark the rows of the pool that are among them.

    Returns:
        What scores are made of, a quarter to judge them by, and bool by row of the pool.
    """
    different = target[~_texts(target).duplicated()]
    if len(different) < TARGET_ROWS:
        raise InputError(
            f"{target_path}: {len(different)} different rows; give at least {TARGET_ROWS}, of which a "
            "quarter (at least 2) is held out to judge the scores by"
        )
    same = _texts(pool).isin(_texts(different))
    if same.all():
        raise InputError(
            f"{pool_path}: every row is one of {target_path}; give a pool with other rows too"
        )
    held = different.sample(max(2, round(len(different) / 4)), random_state=seed).index
    return different.drop(held), different.loc[held], same


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
        "rows": len(samples.rows),
        "unusable": {"rows": len(samples.unusable), "first": samples.unusable[:5]},
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
