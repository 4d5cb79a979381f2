"""``sparcom-nb select``: from a pool of training samples the rows that serve a target best.

A quarter of the target's different rows, at least two, is held out: no score is made of them, they are
never chosen, and the area under the curve by which a score puts them above the pool's rows judges it
(:mod:`sparcom_nb.nait.contest`). A row of the pool that is one of the target's as well is a candidate
like any other; the areas leave it out.
"""

import json
import time
from dataclasses import dataclass, replace
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
    best first; beside it ``NAME.manifest.json`` says what was run (:func:`sparcom_nb.store.once`).

    Args:
        model: whose neurons judge, as :func:`sparcom_nb.load_model` takes it.
        target: file of samples of the capability, in a form of :mod:`sparcom_nb.rows.forms`.
        pool: file of samples to choose from.
        ratio: share to take, above 0 and at most 1.
        out: file to write.
        method: of :data:`sparcom_nb.nait.contest.METHODS`; ``auto`` is the better of nait and contrast.
        candidate: ``mean`` or ``drift``; how a row enters its score along a direction.
        skip: leave so many of a sample's first tokens out.
        seed: of ``random``, of the rows held out, and of those that stand for the pool.
        device: of :func:`sparcom_nb.load_model`.
        batch_tokens: tokens in one batch, padding included.
        drop_unusable: leave rows out that cannot be used; the manifest says how many and why.

    Returns:
        The manifest, with ``fresh`` False when it was there already.
    """
    serving, offered = (read_samples(path, drop_unusable) for path in (target, pool))
    files = _Files(target, pool, serving, offered, seed)
    _check_free(files.offered, pool)
    identity = Identity(model, model_path(model))
    _check_method(method)
    # where the model may drop rows they are dealt when it is here, else what is wrong is said before
    early = None if drop_unusable else files.dealt()
    asked = {"ratio": ratio, "method": method, "candidate": candidate, "skip": skip}

    def make(folder: Path) -> dict[str, Any]:
        from sparcom_nb.model.load import load_model  # takes seconds
        from sparcom_nb.nait.contest import contest
        from sparcom_nb.nait.selection import select

        began, ready = time.perf_counter(), load_model(model, device)
        there = files.readable(ready) if drop_unusable else files
        dealt, work = early or there.dealt(), scratch(folder)
        rows, own = there.offered.rows, asked | {"seed": seed}
        scores, told = contest(ready, *dealt, rows, own, work, batch_tokens)
        chosen = select(scores, ratio)
        write(folder / out.name, _lines(files.offered, scores, chosen))
        seconds = round(time.perf_counter() - began, 2)
        told |= {"chosen": len(chosen), "seconds": seconds}
        return identity.told() | there.told(*dealt[1:]) | told

    wanted = (
        files.inputs() | identity.hashes | {"parameters": asked | {"drop_unusable": drop_unusable}}
    )
    said, reads = out.with_suffix(".manifest.json").name, (target, pool, identity.path)
    return once(out, wanted, make, manifest=said, names=[out.name], reads=reads)


def _check_method(name: str) -> None:
    from sparcom_nb.model.encoder import check_installed
    from sparcom_nb.nait.contest import METHODS

    one_of("method", name, METHODS)
    if name == "embedding":
        check_installed()


@dataclass(frozen=True)
class _Files:
    """Target and pool: where they stand, and their samples."""

    target: str | Path
    pool: str | Path
    serving: Samples
    offered: Samples
    seed: int

    def readable(self, model: Any) -> "_Files":
        """Without the rows that the model cannot read."""
        own, others = (_readable(model, samples) for samples in (self.serving, self.offered))
        return replace(self, serving=own, offered=others)

    def dealt(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
        """As :func:`_dealt`."""
        return _dealt(self.serving.rows, self.target, self.offered.rows, self.pool, self.seed)

    def inputs(self) -> dict[str, Any]:
        """What a result depends on, but for the model and the parameters."""
        return {
            "target_sha256": digest({"lines": self.serving.lines}),
            "pool_sha256": digest({"lines": self.offered.lines}),
            "seed": self.seed,
            "versions": versions(),
        }

    def told(self, held: pd.DataFrame, same: pd.Series) -> dict[str, Any]:
        """What the manifest says of them."""
        return {
            "target": _said(self.target, self.serving) | {"held_out": len(held)},
            "pool": _said(self.pool, self.offered) | {"same_as_target": int(same.sum())},
        }


def _readable(model: Any, samples: Samples) -> Samples:
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
