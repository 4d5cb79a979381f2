"""What a report is going to run: notebooks, pairs and parameters, all checked before anything runs.

Nothing here loads a model or a heavy library, so that a mistake is told at once.
"""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sparcom_nb import parameters, store
from sparcom_nb.errors import InputError, one_line
from sparcom_nb.expect import shown
from sparcom_nb.files import shipped
from sparcom_nb.model import sources

EXPERTS = "moe"  # tag of the parameters of a notebook about experts
#: Parameters that a report sets by itself: the pair, the folders of a result and of shared results.
OWN = {"PAIR": "--pair", "OUT": "--out", "SHARED": "--out"}


@dataclass(frozen=True)
class Notebook:
    """A notebook as a file, with the parameters it has and what its tags say."""

    path: Path
    parameters: dict[str, parameters.Parameter]
    tags: frozenset[str]

    @property
    def name(self) -> str:
        """File name without ending."""
        return self.path.stem

    @property
    def pair(self) -> str:
        """The pair that it names itself."""
        own = self.parameters.get("PAIR")
        return ast.literal_eval(own.default) if own else ""

    def called(self, name: str) -> bool:
        """Whether `name` means this notebook: its name, file name or number."""
        return name in (self.name, self.path.name, self.name.partition("_")[0])


@dataclass(frozen=True)
class Job:
    """One notebook on one pair, and where its result goes."""

    notebook: Notebook
    pair: str
    out: Path
    given: dict[str, Any]

    @cached_property
    def place(self) -> str:
        """Folder name of the pair."""
        return store.safe_name(self.pair)

    @property
    def folder(self) -> Path:
        """Where the result stands."""
        return self.out / self.place / self.notebook.name

    @property
    def failure(self) -> Path:
        """Where it stands that the latest run failed, until one goes well."""
        return self.folder.with_name(f"{self.notebook.name}.failed.json")

    def passed(self, folder: Path) -> dict[str, Any]:
        """What the notebook gets to write into `folder`, as far as it has such parameters."""
        own = {"PAIR": self.pair, "OUT": str(folder), "SHARED": str(self.out / self.place)}
        both = {**own, **self.given}
        return {name: value for name, value in both.items() if name in self.notebook.parameters}

    def used(self) -> dict[str, str]:
        """Parameters in effect as source text; folders as seen from the report."""
        given = {name: repr(value) for name, value in self.passed(self.folder).items()}
        used = {name: one.default for name, one in self.notebook.parameters.items()} | given
        seen = {"OUT": f"{self.place}/{self.notebook.name}", "SHARED": self.place}
        return used | {name: repr(value) for name, value in seen.items() if name in used}


def plan(
    pairs: list[str] | None,
    names: list[str] | None,
    out: Path,
    given: dict[str, Any],
    folder: Path | None = None,
) -> tuple[list[Job], list[Job]]:
    """The jobs of a report, and those that are left out because their pair has no experts.

    Arguments are those of :func:`sparcom_nb.report.build`. InputError for whatever cannot be run.
    """
    chosen = _choose(folder or notebooks_folder(), names)
    _check_parameters(chosen, given)
    with store.told(out):
        _check_out(out)
    named = _pairs(pairs) if pairs is not None else list(dict.fromkeys(n.pair for n in chosen))
    jobs = [
        Job(one, pair, out, {k: v for k, v in given.items() if k in one.parameters})
        for pair in named
        for one in chosen
        if pairs is not None or pair == one.pair
    ]
    kinds = {job.pair: sources.pair_kind(job.pair) for job in jobs if _about_experts(job)}
    left_out = [job for job in jobs if _about_experts(job) and kinds[job.pair] != "moe"]
    return [job for job in jobs if job not in left_out], left_out


def _about_experts(job: Job) -> bool:
    return EXPERTS in job.notebook.tags


def notebooks_folder() -> Path:
    """The folder of the notebooks; InputError when the package was installed without it."""
    folder = shipped("notebooks")
    if not folder.is_dir():
        raise InputError(f"no folder {folder}: install from a checkout (pip install -e .)")
    return folder


# ---------------------------------------------------------------- notebooks


def _choose(folder: Path, names: list[str] | None) -> list[Notebook]:
    """Notebooks in order; InputError names an unknown one and those there are."""
    known = [read(path) for path in sorted(folder.glob("*.ipynb"))]
    if not known:
        raise InputError(f"no notebooks in {folder}")
    meant = {name: [one.name for one in known if one.called(name)] for name in names or []}
    if unknown := [name for name, found in meant.items() if not found]:
        close = _close(unknown[0], [one.name for one in known])
        raise InputError(f"unknown notebook {one_line(unknown[0], 62)!r}{close}")
    _check_once("notebook", [name for one in names or [] for name in meant[one]])
    return [one for one in known if not names or any(map(one.called, names))]


def _check_once(what: str, names: list[str]) -> None:
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{what} {twice[0]!r} is given twice; give it once")


def read(path: Path) -> Notebook:
    """Read a notebook's parameters; InputError names a file that is no notebook."""
    try:
        cells = json.loads(path.read_bytes())["cells"]
        tagged = [(cell, cell["metadata"].get("tags", [])) for cell in cells]
        found = [(cell, tags) for cell, tags in tagged if "parameters" in tags]
        cell, tags = found[0] if found else ({"source": ""}, [])
        own = parameters.read("".join(cell["source"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SyntaxError) as error:
        raise InputError(f"{path} is not a notebook: {error}") from error
    return Notebook(path, own, frozenset(tags))


# ---------------------------------------------------------------- parameters


def _check_parameters(notebooks: list[Notebook], given: dict[str, Any]) -> None:
    """All that is given is a parameter of a notebook, and each that has it takes the value."""
    known = {name: one for each in notebooks for name, one in each.parameters.items()}
    for name, value in given.items():
        if name in OWN:
            raise InputError(f"parameter {name} is set by the report; use {OWN[name]}")
        if name not in known:
            raise InputError(
                f"no notebook has a parameter {one_line(name, 62)!r}{_close(name, sorted(known))}"
            )
        for notebook in notebooks:
            parameter = notebook.parameters.get(name)
            if parameter and not parameter.takes(value):
                raise InputError(
                    f"parameter {name} is {shown(value)}, but {notebook.name} takes "
                    f"{parameter.wanted}"
                )
    _check_data(given.get("DATA"))


def _close(name: str, known: list[str]) -> str:
    """What may have been meant, else all there is, as the end of a sentence."""
    close = difflib.get_close_matches(name.upper(), [one.upper() for one in known], 3)
    meant = [one for one in known if one.upper() in close]
    return f"; do you mean {' or '.join(meant)}?" if meant else f"; known: {', '.join(known)}"


def _check_data(data: str | None) -> None:
    """Instructions that a parameter names can be read; each notebook would stumble over them."""
    if data:
        from sparcom_nb.rows.instructions import load_instructions

        try:
            load_instructions(data)
        except InputError as error:
            raise InputError(f"parameter DATA: {error}") from None
        except OSError as error:
            raise InputError(f"parameter DATA is {shown(data)}: {error.strerror}") from None


# ---------------------------------------------------------------- pairs and place


def _pairs(names: list[str]) -> list[str]:
    """Names of pairs as the catalogue writes them: known, given once, two models that compare."""
    if not names:
        raise InputError("no model pair given")
    pairs = [sources.check_pair(name) for name in names]
    _check_once("pair", pairs)
    for pair in pairs:
        sources.check_comparable(pair)
    return pairs


def _check_out(out: Path) -> None:
    """The pages' folder can be one, and no other version of ours wrote there."""
    above: Iterable[Path] = (out, *out.parents)
    if file := next((path for path in above if path.is_file()), None):
        raise InputError(f"--out {out}: {file} is a file; give the name of a folder")
    if old := next(out.glob("*/*/run.json"), None):
        raise InputError(
            f"--out {out} holds a report of an older version ({old.parent.relative_to(out)}); delete "
            "it, or choose another folder"
        )
