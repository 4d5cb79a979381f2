"""Progress of long passes: a bar on a terminal, one updated line in a notebook, plain lines elsewhere.

In a notebook the line is replaced as it goes and stays as text, so that a page made from the notebook
holds no dead bar.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress(total: int, what: str, unit: str, show: bool = True) -> Iterator[Any]:
    """Yield an object whose ``update(n)`` says that n more of ``total`` units are done."""
    if not show:
        shown: Any = _Silent()
    elif _in_notebook():
        shown = _Line(total, what, unit, _display())
    elif sys.stderr.isatty():
        shown = tqdm(total=total, desc=what, unit=f" {unit}")
    else:
        error = sys.stderr  # what it is now, whoever puts something else in its place meanwhile
        shown = _Line(total, what, unit, lambda text: print(text, file=error))
    try:
        yield shown
    finally:
        shown.close()


class _Silent:
    def update(self, n: int) -> None: ...

    def close(self) -> None: ...


class _Line:
    """One line of text, written again at most every ten seconds and at the end."""

    def __init__(self, total: int, what: str, unit: str, write: Any) -> None:
        self.total, self.what, self.unit, self.write = total, what, unit, write
        self.done, self.began = 0, time.monotonic()
        self.next = self.began + _SECONDS_BETWEEN_LINES

    def update(self, n: int) -> None:
        self.done += n
        if time.monotonic() > self.next:
            self.next += _SECONDS_BETWEEN_LINES
            self.write(self._text())

    def close(self) -> None:
        self.write(self._text())

    def _text(self) -> str:
        seconds = time.monotonic() - self.began
        return f"{self.what}: {self.done:,} of {self.total:,} {self.unit}, {seconds:.0f} s"


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


def _display() -> Any:
    from IPython.display import display

    handle: Any = display({"text/plain": ""}, raw=True, display_id=True)
    return lambda text: handle.update({"text/plain": text}, raw=True)
