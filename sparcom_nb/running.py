"""A notebook in a kernel of its own: fresh, of this interpreter, gone afterwards."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets import default

from sparcom_nb import store

HEADING = re.compile(r"^#{1,6} +(.+?)[ #]*$", re.M)
#: What papermill and nbclient write beside cells: when they ran, and for how long.
CLOCKS = ("papermill", "execution")

logging.getLogger("papermill").setLevel(logging.CRITICAL)  # the same is told by the report


def execute(
    source: Path, target: Path, parameters: dict[str, Any], say: Callable[[str], None]
) -> str | None:
    """Run a notebook into a file; the last line of the error, None when all went well.

    `say` gets the section that runs: the number of its first cell of all cells, and its heading.
    """
    notebook = read(source)
    try:
        papermill.execute_notebook(
            notebook,
            str(target),
            parameters=parameters,
            kernel_name="python3",
            kernel_manager_class=_ThisPython,
            progress_bar=False,
            on_cell_start=_sections(len(notebook.cells), say),
        )
    except PapermillExecutionError as error:
        return _last_line(f"{error.ename}: {error.evalue}")
    except RuntimeError as error:  # the kernel died or did not start
        return _last_line(f"{type(error).__name__}: {error}")
    return None


def end_kernels() -> None:
    """Kill the kernels that run now: their notebooks fail at once."""
    for manager in list(_ThisPython.begun):
        with suppress(AttributeError, ProcessLookupError):
            manager.provisioner.process.kill()  # type: ignore[union-attr]


def read(path: Path) -> NotebookNode:
    """A notebook, set to run on Python."""
    notebook = nbformat.read(path, as_version=4)
    spec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    notebook.metadata.kernelspec = spec
    return notebook


def settle(path: Path, names: dict[Path, str]) -> NotebookNode:
    """Make an executed notebook the same for every run; folders of this run get the names given."""
    text = path.read_text(encoding="utf-8")
    for folder, name in names.items():
        text = text.replace(json.dumps(str(folder))[1:-1], name)
    notebook = nbformat.reads(text, as_version=4)
    for part in (notebook, *notebook.cells):
        for name in CLOCKS:
            part.metadata.pop(name, None)
        if "injected-parameters" in part.metadata.get("tags", []):
            part["id"] = "injected-parameters"  # else a random one
    store.write(path, nbformat.writes(notebook))
    return notebook


def _sections(cells: int, say: Callable[[str], None]) -> Callable[..., None]:
    """A hook of nbclient: says the last heading that was passed."""

    def begun(cell: NotebookNode, cell_index: int) -> None:
        headings = HEADING.findall(cell.source) if cell.cell_type == "markdown" else []
        if headings:
            say(f"{min(cell_index + 1, cells)}/{cells} {headings[-1]}")

    return begun


class _ThisPython(AsyncKernelManager):
    """Kernels of the running interpreter, whatever kernels are registered on the machine."""

    begun: ClassVar[WeakSet[_ThisPython]] = WeakSet()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.begun.add(self)

    @default("kernel_spec_manager")
    def _native_only(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])

    @default("transport_encryption")
    def _encrypted_if_possible(self) -> str:
        return "auto"

    async def _async_interrupt_kernel(self) -> None:
        """Nothing. It is called before a shutdown, and the kernel would complain of an interrupt."""


def _last_line(text: str) -> str:
    """The last line that says something."""
    return text.strip().splitlines()[-1].strip()
