"""Run the notebooks and write the report: one page per pair and notebook, and an index.

A notebook runs in a fresh kernel of this interpreter. Beside its result stands a fingerprint of
all that the result depends on: the notebook, the package, the data, the pair, the parameters and
the library versions. While it is unchanged, the notebook is not run again.

    OUT/index.html
    OUT/<pair>/<notebook>.html
    OUT/<pair>/<notebook>/notebook.ipynb, figures.json, run.json, the notebook's tables
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import re
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from papermill.exceptions import PapermillExecutionError
from tqdm import tqdm
from traitlets import default

from sparcom_nb.errors import InputError
from sparcom_nb.files import shipped
from sparcom_nb.sources import pair_kind
from sparcom_nb.store import write
from sparcom_nb.view.figure import FILE, checked
from sparcom_nb.view.html.render import Run, contents, duration, headline, look, page

PACKAGE = Path(__file__).parent
SOURCES = {".py", ".json", ".jsonl"}
LIBRARIES = ("torch", "transformers", "transformer-lens", "numpy", "pandas", "xarray")
SMALL = 16 * 2**20  # bytes; larger files are told apart by size and time of change
EXPERTS = "moe"  # tag of the parameters of a notebook about experts
RECORD = "run.json"
EXECUTED = "notebook.ipynb"


def build(
    pairs: list[str] | None,
    notebooks: list[str] | None,
    out: Path,
    params: dict[str, object],
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
    InputError for an unknown notebook or parameter.
    """
    if pairs is not None and not pairs:
        raise InputError("no model pair given")
    folder, out = folder or notebooks_folder(), out.resolve()
    jobs = _jobs(pairs, _choose(folder, notebooks), out, params)
    pool = ThreadPoolExecutor(at_once)
    try:
        begun = [pool.submit(_run, job, fresh) for job in jobs]
        runs = [_publish(*done.result(), out) for done in as_completed(begun)]
    finally:
        pool.shutdown(cancel_futures=True)
    for place in {job.place for job in jobs}:
        _write_pages(out, place)
    _write_index(out)
    return sum(bool(run.error) for run in runs)


def notebooks_folder() -> Path:
    """The folder of the notebooks; InputError when the package was installed without it."""
    folder = shipped("notebooks")
    if not folder.is_dir():
        raise InputError(f"no folder {folder}: install from a checkout (pip install -e .)")
    return folder


# ---------------------------------------------------------------- what to run


@dataclass(frozen=True)
class Job:
    """One notebook on one pair, and where its result goes."""

    source: Path
    pair: str
    out: Path
    parameters: dict[str, object]

    @property
    def place(self) -> str:
        """Folder name of the pair: its name, or its path made safe."""
        return re.sub(r"[^\w.-]+", "-", self.pair).strip("-.")

    @property
    def folder(self) -> Path:
        """Where the notebook writes."""
        return self.out / self.place / self.source.stem


def _choose(folder: Path, names: list[str] | None) -> list[Path]:
    """Notebook files in order; InputError names an unknown one and those there are."""
    known = sorted(folder.glob("*.ipynb"))
    if not known:
        raise InputError(f"no notebooks in {folder}")
    for name in names or []:
        if not any(_called(path, name) for path in known):
            listed = ", ".join(path.stem for path in known)
            raise InputError(f"unknown notebook {name!r}; known: {listed}")
    return [path for path in known if not names or any(_called(path, name) for name in names)]


def _called(path: Path, name: str) -> bool:
    """Whether `name` means this notebook: its name, file name or number."""
    return name in (path.stem, path.name, path.stem.partition("_")[0])


def _jobs(
    pairs: list[str] | None, paths: list[Path], out: Path, params: dict[str, object]
) -> list[Job]:
    """All notebooks on the pairs that suit them, each with the parameters it defines."""
    defined = {path: _defaults(path) for path in paths}
    known = set().union(*defined.values())
    for name in params:
        if name not in known:
            raise InputError(f"no notebook has a parameter {name!r}; known: {sorted(known)}")
    named = pairs or list(dict.fromkeys(_own_pair(defined[path]) for path in paths))
    return [
        Job(path, pair, out, {k: v for k, v in params.items() if k in defined[path]})
        for pair in named
        for path in paths
        if (pairs or pair == _own_pair(defined[path])) and _suits(path, pair)
    ]


def _own_pair(defaults: dict[str, str]) -> str:
    """The pair that a notebook names in its parameters."""
    return ast.literal_eval(defaults.get("PAIR", "''"))


def _suits(path: Path, pair: str) -> bool:
    """Whether the pair has what the notebook is about; a line told when it has not."""
    tags = {tag for cell in _read(path).cells for tag in cell.metadata.get("tags", [])}
    if EXPERTS not in tags or pair_kind(pair) == "moe":
        return True
    tqdm.write(f"{path.stem}  {pair}  skipped: it is about experts, and this pair has none")
    return False


def _defaults(path: Path) -> dict[str, str]:
    """Parameters of a notebook and their defaults, as source text."""
    found = papermill.inspect_notebook(_read(path))
    return {name: parameter["default"] for name, parameter in found.items()}


def _read(path: Path) -> nbformat.NotebookNode:
    """A notebook set to run on Python; InputError names a file that is none."""
    try:
        nb = nbformat.read(path, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        raise InputError(f"{path} is not a notebook: {error}") from error
    nb.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return nb


# ---------------------------------------------------------------- running one


def _publish(run: Run, kept: bool, out: Path) -> Run:
    """Write the page of a new run and the index, tell a line."""
    if not kept:
        _write_pages(out, run.place, only=run.notebook)
    _tell(run, kept)
    return run


def _kept(folder: Path, mark: str) -> Run | None:
    """The finished run in a folder if nothing changed since and its files are there."""
    run = _load(folder / RECORD)
    if not run or run.error or run.fingerprint != mark:
        return None
    return run if all((folder / name).exists() for name in run.files) else None


def _run(job: Job, fresh: bool) -> tuple[Run, bool]:
    """The run of a job, and whether it was kept from before; else executed and recorded."""
    mark = fingerprint(job)
    if not fresh and (kept := _kept(job.folder, mark)):
        return kept, True
    _clear(job.folder)
    start = time.perf_counter()
    error = _execute(job) or _figures_error(job.folder)
    seconds = time.perf_counter() - start
    run = _record(job, mark, seconds, error)
    write(job.folder / RECORD, json.dumps(asdict(run), indent=1, ensure_ascii=False))
    return run, False


def _clear(folder: Path) -> None:
    """Make the folder; remove what an earlier run left for the index."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (RECORD, EXECUTED, FILE):
        (folder / name).unlink(missing_ok=True)


class _ThisPython(AsyncKernelManager):
    """Kernels of the running interpreter, whatever kernels are registered on the machine."""

    @default("kernel_spec_manager")
    def _native_only(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])

    @default("transport_encryption")
    def _encrypted_if_possible(self) -> str:
        return "auto"


def _execute(job: Job) -> str | None:
    """Run the notebook into its folder; the last line of the error, None when all went well."""
    bar: Any = {"desc": job.source.stem, "leave": False} if sys.stderr.isatty() else False
    try:
        papermill.execute_notebook(
            _read(job.source),
            str(job.folder / EXECUTED),
            parameters=_passed(job),
            kernel_name="python3",
            kernel_manager_class=_ThisPython,
            progress_bar=bar,
        )
    except PapermillExecutionError as error:
        return _last_line(f"{error.ename}: {error.evalue}")
    except RuntimeError as error:  # the kernel died or did not start
        return _last_line(f"{type(error).__name__}: {error}")
    return None


def _last_line(text: str) -> str:
    """The last line that says something."""
    return text.strip().splitlines()[-1].strip()


def _passed(job: Job) -> dict[str, object]:
    """What papermill gets: the user's parameters, the pair and the folder, as far as defined."""
    given = {"PAIR": job.pair, "OUT": str(job.folder), **job.parameters}
    defined = _defaults(job.source)
    return {name: value for name, value in given.items() if name in defined}


def _figures_error(folder: Path) -> str | None:
    """What is wrong with the key figures, if anything."""
    try:
        _figures(folder)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{FILE}: {error}"
    return None


def _figures(folder: Path) -> list[dict[str, Any]]:
    """Key figures that a notebook wrote; none when it wrote none."""
    path = folder / FILE
    return checked(json.loads(path.read_text(encoding="utf-8"))["figures"]) if path.exists() else []


def _record(job: Job, mark: str, seconds: float, error: str | None) -> Run:
    """All that pages and index say about a run."""
    title, summary = headline(_read(job.source))
    return Run(
        notebook=job.source.stem,
        pair=job.pair,
        place=job.place,
        fingerprint=mark,
        title=title or job.source.stem,
        summary=summary,
        seconds=round(seconds, 2),
        finished=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        error=error,
        parameters=_used(job),
        versions=_versions(),
        files=sorted(path.name for path in job.folder.iterdir()),
        figures=[] if error else _figures(job.folder),
    )


def _used(job: Job) -> dict[str, str]:
    """Parameters in effect as source text; the folder as seen from the report."""
    given = {name: repr(value) for name, value in _passed(job).items()}
    used = {**_defaults(job.source), **given}
    return used | {"OUT": repr(f"{job.place}/{job.source.stem}")} if "OUT" in used else used


def _tell(run: Run, kept: bool) -> None:
    """One line on the terminal or in the log."""
    result = f"failed: {run.error}" if run.error else "ok, unchanged" if kept else "ok"
    tqdm.write(f"{run.notebook}  {run.pair}  {duration(run.seconds)}  {result}")


# ---------------------------------------------------------------- pages from runs


def _load(path: Path) -> Run | None:
    """A run from its record; None when there is none that this version can read."""
    try:
        return Run(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _runs(out: Path) -> list[Run]:
    """All recorded runs of a report, by pair and notebook."""
    found = (_load(path) for path in sorted(out.glob(f"*/*/{RECORD}")))
    return [run for run in found if run]


def _write_pages(out: Path, place: str, only: str | None = None) -> None:
    """Write the pages of a pair that are out of date (or `only` one of them), and the index."""
    siblings = [run for run in _runs(out) if run.place == place]
    for run in siblings:
        if only in (None, run.notebook):
            _write_page(out / place, run, siblings)
    _write_index(out)


def _write_index(out: Path) -> None:
    """Write the index of all recorded runs."""
    out.mkdir(parents=True, exist_ok=True)
    write(out / "index.html", contents(_runs(out)))


def _write_page(folder: Path, run: Run, siblings: list[Run]) -> None:
    """Write one page unless it stands there as it would be written."""
    target = folder / f"{run.notebook}.html"
    names = [(sibling.notebook, sibling.title) for sibling in siblings]
    key = _hash([asdict(run), names, look()])
    if not (target.exists() and key in target.read_text(encoding="utf-8")[:1000]):
        nb = nbformat.read(folder / run.notebook / EXECUTED, as_version=4)
        write(target, page(nb, run, siblings, key))


# ---------------------------------------------------------------- fingerprints


def fingerprint(job: Job) -> str:
    """Hash of all that the result of a job depends on."""
    given = (*job.pair.split(","), *job.parameters.values())
    texts = [value for value in given if isinstance(value, str)]
    return _hash(
        {
            "notebook": _stamp(job.source),
            "package": _digest(PACKAGE, SOURCES),
            "data": _digest(shipped("data")),
            "files": [_digest(path) for path in _existing(texts)],
            "pair": job.pair,
            "parameters": job.parameters,
            "versions": _versions(),
        }
    )


def _existing(texts: Iterable[str]) -> list[Path]:
    """Those of the texts that are files or folders: local models, data files."""
    paths = [Path(text) for text in texts if 0 < len(text) < 250]
    return [path for path in paths if path.exists()]


def _digest(path: Path, suffixes: set[str] | None = None) -> str:
    """Hash of a file, or of the files in a folder that are not hidden; of nothing when absent."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    wanted = [
        file for file in files if file.is_file() and _counts(file.relative_to(path), suffixes)
    ]
    return _hash([(str(file.relative_to(path)), _stamp(file)) for file in wanted])


def _counts(name: Path, suffixes: set[str] | None) -> bool:
    """Whether a file is content: not hidden, not a cache, of a wanted kind."""
    private = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
    return not private and (suffixes is None or name.suffix in suffixes)


def _stamp(file: Path) -> str:
    """Hash of a small file's content; size and time of change of a large one."""
    stat = file.stat()
    if stat.st_size > SMALL:
        return f"{stat.st_size}-{stat.st_mtime_ns}"
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _hash(value: Any) -> str:
    """Hash of plain data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=repr).encode()).hexdigest()


def _versions() -> dict[str, str]:
    """Versions of Python and of the libraries that can change a figure."""
    return {"Python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
