"""Run the notebooks and write the report: one page per pair and notebook, and an index.

A notebook runs in a fresh kernel of this interpreter. Its result is kept by all that it depends on:
the notebook, the package, the data, the models, the parameters and the library versions. While these
are unchanged, the notebook is not run again. A run that fails replaces no result: it stands beside
it until one goes well.

    OUT/index.html
    OUT/<pair>/<notebook>.html
    OUT/<pair>/<notebook>/notebook.ipynb, figures.json, manifest.json, the notebook's tables
    OUT/<pair>/<notebook>.failed.json
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparcom_nb import store
from sparcom_nb.errors import InputError
from sparcom_nb.files import shipped
from sparcom_nb.jobs import Job, plan
from sparcom_nb.model import sources
from sparcom_nb.progress import Standing
from sparcom_nb.studies import results

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from sparcom_nb.view.html.render import Run

PACKAGE = Path(__file__).parent
SOURCES = {".py", ".json", ".jsonl", ".toml"}
#: Libraries that can change a figure, beside those that can change any number.
LIBRARIES = ("tokenizers", "scipy", "scikit-learn", "matplotlib")
EXECUTED = "notebook.ipynb"
Claims = dict[str, list[dict[str, Any]]]
NO_CLAIMS: Claims = {"findings": [], "numbers": []}
MARK = '<meta name="fingerprint"'  # in the head of every page of ours


def build(
    pairs: list[str] | None,
    notebooks: list[str] | None,
    out: Path,
    params: dict[str, Any],
    fresh: bool = False,
    folder: Path | None = None,
    at_once: int = 1,
) -> int:
    """Run notebooks on pairs, write pages and index, and return the number of failures.

    `pairs` None runs each notebook on the pair that it names itself. A notebook whose parameters
    are tagged `moe` is about experts and is left out on a pair that has none. `notebooks` are names
    or numbers (`12_identify_neurons`, `12`), None for all of `folder` (default: the checkout's).
    Each of `params` goes to the notebooks that define it. What is unchanged is kept, unless
    `fresh`. `at_once` notebooks run side by side, each in a process with models of its own.

    Raises:
        InputError: an unknown notebook or parameter, a value that a notebook does not take, a pair
            that cannot be compared, a folder that is taken or cannot be written.
    """
    jobs, left_out = plan(pairs, notebooks, out := Path(out).resolve(), params, folder)
    with store.told(out):
        _check_pages(out, jobs)
    for job in left_out:
        _say(
            f"{job.notebook.name}  {job.pair}  skipped: it is about experts, and this pair has none"
        )
    with store.held(out / "index.html"):
        store.sweep(out)
        for place in {job.place for job in jobs}:
            store.sweep(out / place)
        failed = sum(bool(run.error) for run in _finished(jobs, fresh, at_once))
        for place in {job.place for job in jobs}:
            _write_pages(out, place)
        _write_index(out)
    return failed


# ---------------------------------------------------------------- running


def _finished(jobs: list[Job], fresh: bool, at_once: int) -> Iterator[Run]:
    """Run the jobs; each run as it is over, with its page written. Whatever ends this ends them all."""
    halted, standing = threading.Event(), Standing()
    pool = ThreadPoolExecutor(at_once)
    begun = [pool.submit(_run, job, fresh, standing, halted) for job in jobs]
    try:
        for done in _as_completed(begun, standing):
            run, kept = done.result()
            _write_pages(jobs[0].out, run.place, only=run.notebook)
            standing.tell(_told(run, kept))
            yield run
    finally:
        halted.set()
        pool.shutdown(wait=False, cancel_futures=True)
        _end(begun)
        standing.close()


def _as_completed(begun: list[Future], standing: Standing) -> Iterator[Future]:
    """Each as it is over; meanwhile where the others are is shown every second."""
    waiting = set(begun)
    while waiting:
        done, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
        standing.show()
        yield from done


def _end(begun: list[Future]) -> None:
    """Kill the kernels of what still runs, and those that were about to start."""
    while wait(begun, timeout=0).not_done:
        from sparcom_nb import running

        running.end_kernels()
        wait(begun, timeout=0.2)


class _Failed(Exception):
    """A notebook that did not go well: the run, and the notebook as far as it came."""

    def __init__(self, run: Run, notebook: NotebookNode) -> None:
        super().__init__(run.error)
        self.run, self.notebook = run, notebook


def _run(job: Job, fresh: bool, standing: Standing, halted: threading.Event) -> tuple[Run, bool]:
    """The run of a job, and whether it was kept from before."""
    from sparcom_nb.view.html.render import Run

    inputs = depends_on(job)
    try:
        said = store.once(
            job.folder,
            inputs,
            lambda folder: _make(job, folder, standing, halted),
            names=[EXECUTED, results.FILE],
            replace=True,
            fresh=fresh,
        )
    except _Failed as failed:
        record = {"run": asdict(failed.run), "notebook": failed.notebook}
        store.write(job.failure, json.dumps(record, ensure_ascii=False))
        return failed.run, False
    job.failure.unlink(missing_ok=True)
    return Run(**said["run"]), not said["fresh"]


def _make(job: Job, folder: Path, standing: Standing, halted: threading.Event) -> dict[str, Any]:
    """Execute a notebook into a folder; what its manifest shall say. _Failed when it went wrong."""
    from sparcom_nb import running

    with standing.work(f"{job.notebook.name} {job.pair[-20:]}") as say:
        start = time.perf_counter()
        target = folder / EXECUTED
        error = running.execute(job.notebook.path, target, job.passed(folder), say)
        seconds = time.perf_counter() - start
    if halted.is_set():
        raise InterruptedError(f"{job.notebook.name} was stopped")
    names = {folder: f"{job.place}/{job.notebook.name}", job.out / job.place: job.place}
    notebook = running.settle(target, names)
    left, unread = _claims(folder) if not error else (NO_CLAIMS, None)
    run = _record(job, seconds, error or unread, left)
    if run.error:
        for path in (path for path in folder.rglob("*") if path.is_file()):
            path.unlink()
        raise _Failed(run, notebook)
    return {"run": asdict(run)}


def _claims(folder: Path) -> tuple[Claims, str | None]:
    """What a notebook claims, and what is wrong with that, if anything."""
    try:
        return results.load(folder), None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return NO_CLAIMS, f"{results.FILE}: {error}"


def _record(job: Job, seconds: float, error: str | None, left: Claims) -> Run:
    """All that pages and index say about a run."""
    from sparcom_nb import running
    from sparcom_nb.view.html.render import Run, headline

    title, summary = headline(running.read(job.notebook.path))
    return Run(
        notebook=job.notebook.name,
        pair=job.pair,
        place=job.place,
        title=title or job.notebook.name,
        summary=summary,
        seconds=round(seconds, 2),
        finished=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        error=error,
        parameters=job.used(),
        versions=store.versions(*LIBRARIES),
        findings=left["findings"],
        numbers=left["numbers"],
    )


def _told(run: Run, kept: bool) -> str:
    """One line on the terminal or in the log."""
    from sparcom_nb.view.html.render import duration

    result = f"failed: {run.error}" if run.error else "ok, unchanged" if kept else "ok"
    return f"{run.notebook}  {run.pair}  {duration(run.seconds)}  {result}"


# ---------------------------------------------------------------- pages from runs


def _runs(out: Path, place: str = "*") -> list[Run]:
    """Recorded runs by pair and notebook; one that failed stands behind an earlier result."""
    good = [_load(store.record(path)) for path in out.glob(f"{place}/*/manifest.json")]
    bad = [_load(_json(path)) for path in out.glob(f"{place}/*.failed.json")]
    stand = {(run.place, run.notebook) for run in good if run}
    runs = [replace(run, aside=bool(run.error) and (run.place, run.notebook) in stand)
            for run in good + bad if run]  # fmt: skip
    return sorted(runs, key=lambda run: (run.place, run.notebook, run.aside))


def _load(said: Any) -> Run | None:
    """A run from its record; None when there is none that this version can read."""
    from sparcom_nb.view.html.render import Run

    try:
        return Run(**said["run"])
    except (TypeError, KeyError):
        return None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _write_pages(out: Path, place: str, only: str | None = None) -> None:
    """Write the pages of a pair that are out of date (or `only` one's), and the index."""
    runs = _runs(out, place)
    for run in runs:
        if only in (None, run.notebook):
            _write_page(out / place, run, [one for one in runs if not one.aside])
    for page in (out / place).glob("*.failed.html"):
        if page.name not in {run.page for run in runs} and _is_ours(page):
            page.unlink()
    _write_index(out)


def _write_index(out: Path) -> None:
    """Write the index of all recorded runs."""
    from sparcom_nb.view.html.render import contents

    store.write(out / "index.html", contents(_runs(out)))


def _write_page(folder: Path, run: Run, siblings: list[Run]) -> None:
    """Write one page unless it stands there, whole, as it would be written."""
    from sparcom_nb.view.html.render import look, page

    names = [(sibling.notebook, sibling.title) for sibling in siblings]
    notebook = _executed(folder, run)
    if notebook is None:
        _say(f"{run.notebook}  {run.pair}  {EXECUTED} is damaged: run it again for a new page")
        return
    key = store.digest({"run": asdict(run), "names": names, "look": look(), "cells": notebook})
    if not _stands(target := folder / run.page, key):
        text = page(notebook, run, siblings, key)
        store.write(target, f"{text}\n<!-- {_sha256(text.encode())} -->\n")


def _executed(folder: Path, run: Run) -> Any:
    """The notebook of a run as it was executed; None when that is damaged."""
    import nbformat

    if run.error:
        said = _json(folder / f"{run.notebook}.failed.json")
        return nbformat.from_dict(said["notebook"])
    place = folder / run.notebook
    known = (store.record(place / "manifest.json") or {"files": {}})["files"]
    if store.damage(place, {EXECUTED: known.get(EXECUTED, "")}):
        return None
    return nbformat.read(place / EXECUTED, as_version=4)


def _stands(page: Path, key: str) -> bool:
    """Whether a page shows what has this key, and nothing happened to it since."""
    if not page.is_file():
        return False
    text, _, seal = page.read_bytes().rpartition(b"\n<!-- ")
    return key.encode() in text[:1000] and seal == f"{_sha256(text)} -->\n".encode()


def _check_pages(out: Path, jobs: list[Job]) -> None:
    """No page would be written over a file of others."""
    pages = [job.folder.with_name(f"{job.notebook.name}.html") for job in jobs]
    for page in (out / "index.html", *pages):
        if page.exists() and not _is_ours(page):
            raise InputError(
                f"--out: {page} is there already and no page of a report; move it away, or choose "
                "another folder"
            )


def _is_ours(page: Path) -> bool:
    """Whether a file is a page of a report."""
    with page.open("rb") as file:
        return MARK.encode() in file.read(1000)


def _say(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(text)


# ---------------------------------------------------------------- what a result depends on


def depends_on(job: Job) -> dict[str, Any]:
    """All that the result of a job depends on, files by their hash."""
    given = [one for value in job.given.values() for one in _texts(value)]
    models = job.pair.split(",") if job.pair not in sources.PAIRS else [job.pair]
    return {
        "notebook": store.file_sha256(job.notebook.path),
        "package": _digest(PACKAGE, SOURCES),
        "data": _digest(shipped("data")),
        "read": [_digest(path, but=job.out) for text in (*models, *given) for path in _paths(text)],
        "pair": job.pair,
        "parameters": job.given,
        "versions": store.versions(*LIBRARIES),
    }


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if isinstance(one, str)]


def _paths(text: str) -> list[Path]:
    """What is on this machine of a pair, a model or a file that a text names."""
    pair, _, member = text.rpartition("/")
    members = (*sources.MEMBERS, sources.PLACEBO)
    if text in sources.PAIRS:
        found = [sources.local_path(text, member) for member in members]
    elif pair in sources.PAIRS and member in members:
        found = [sources.local_path(pair, member)]
    else:
        found = [Path(text) if text and sources.exists(text) else None]
    return [path for path in found if path]


def _digest(path: Path, suffixes: set[str] | None = None, but: Path | None = None) -> str:
    """Hash of a file, or of the files in a folder that are not hidden; of nothing when absent."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    wanted = [
        file
        for file in files
        if file.is_file()
        and _counts(file.relative_to(path), suffixes)
        and not (but and file.resolve().is_relative_to(but))
    ]
    said = {file.relative_to(path).as_posix(): store.file_sha256(file) for file in wanted}
    return store.digest(said)


def _counts(name: Path, suffixes: set[str] | None) -> bool:
    """Whether a file is content: not hidden, not a cache, of a wanted kind."""
    private = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
    return not private and (suffixes is None or name.suffix in suffixes)


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
