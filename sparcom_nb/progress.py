"""Progress of long passes: a bar on a terminal, one updated line in a notebook, plain lines elsewhere.

In a notebook the line is replaced as it goes and stays as text, so that a page made from the notebook
holds no dead bar.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress(total: int, what: str, unit: str, show: bool = True) -> Iterator[Any]:
    """Yield an object whose ``update(n)`` says that n more of ``total`` units are done."""
    if not show:
        shown: Any = tqdm(disable=True)
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


class Standing:
    """Where several pieces of work are: one line, updated on a terminal, else at most every ten seconds."""

    def __init__(self) -> None:
        self._where: dict[str, tuple[str, float]] = {}
        self._told, self._next = "", time.monotonic() + _SECONDS_BETWEEN_LINES
        self._bar = tqdm(bar_format="{desc}", leave=False, nrows=3) if sys.stderr.isatty() else None

    @contextmanager
    def work(self, name: str) -> Iterator[Callable[[str], None]]:
        """A piece of work from its begin to its end; what is yielded says where it is."""
        began = time.monotonic()

        def say(where: str) -> None:
            self._where[name] = where, began

        say("starting")
        try:
            yield say
        finally:
            del self._where[name]

    def show(self) -> None:
        """Say where everything is; to be called about every second."""
        if self._bar is not None:
            self._bar.ncols = shutil.get_terminal_size().columns - 1
            self._bar.set_description_str(self._line(self._bar.ncols))
            return
        text = " | ".join(self._texts())
        if time.monotonic() > self._next and text not in ("", self._told):
            self._told, self._next = text, time.monotonic() + _SECONDS_BETWEEN_LINES
            tqdm.write(text, file=sys.stderr)

    def _line(self, width: int) -> str:
        """All in one line, where each has as much room as the others."""
        texts, now = self._texts(), time.monotonic()
        room = width // max(1, len(texts)) - len("1234 s | ")
        ages = [f"{now - began:.0f} s" for _, began in self._where.copy().values()]
        return " | ".join(f"{text[:room]} {age}" for text, age in zip(texts, ages, strict=False))

    def _texts(self) -> list[str]:
        return [f"{name}: {where}" for name, (where, _) in self._where.copy().items()]

    def tell(self, text: str) -> None:
        """A line that stays."""
        tqdm.write(text)
        sys.stdout.flush()

    def close(self) -> None:
        """Take the line away."""
        if self._bar is not None:
            self._bar.close()
