"""What a notebook leaves behind: pictures with a text alternative, and its key figures.

A picture is shown as an HTML image, because JupyterLab drops the alternative text of a bare PNG.
Key figures go to `figures.json` beside the tables; the report's index page reads them from there.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from io import BytesIO
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparcom_nb.store import write
from sparcom_nb.view.safe import literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110
FILE = "figures.json"
NUMBERS = ("value", "low", "high", "n", "control")
TEXTS = ("unit", "note")


def show(fig: Figure, alt: str) -> None:
    """Display a figure as a PNG on white, with its text alternative, and close it.

    `alt` says what the picture shows to somebody who cannot see it; ValueError when it is blank.
    """
    from IPython.display import display

    display({"text/html": image(fig, alt), "text/plain": alt}, raw=True)


def image(fig: Figure, alt: str) -> str:
    """HTML of a figure as `show` displays it; the figure is closed."""
    import matplotlib.pyplot as plt

    if not alt.strip():
        raise ValueError("alt is blank: say in a sentence what the picture shows")
    element = f'<img alt="{literal(alt)}" src="data:image/png;base64,{_png(fig)}">'
    plt.close(fig)
    return element


def _png(fig: Figure) -> str:
    """Base64 of the figure as an opaque PNG."""
    buffer = BytesIO()
    fig.savefig(buffer, format="png", dpi=DPI, facecolor="white", bbox_inches="tight")
    return b64encode(buffer.getvalue()).decode("ascii")


def key_figures(out: str | Path, title: str, figures: list[dict[str, Any]]) -> Path:
    """Write `out/figures.json` at one stroke and return its path.

    Each figure has `name` and `value`; optional are `low` and `high` (the interval), `n`,
    `control` (the value of the control), `unit` and `note`. Numbers are finite or None.
    ValueError names the figure and the field that are wrong.
    """
    path = Path(out) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"title": title, "figures": checked(figures)}
    write(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
    return path


def checked(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The figures with plain Python numbers; ValueError names a bad name, field or value."""
    names = [figure.get("name") for figure in figures]
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"a figure's name must be text, got {name!r}")
        if names.count(name) > 1:
            raise ValueError(f"figure {name!r} is given twice")
    return [_checked(figure) for figure in figures]


def _checked(figure: dict[str, Any]) -> dict[str, Any]:
    """One figure with plain numbers."""
    name = figure["name"]
    if "value" not in figure:
        raise ValueError(f"figure {name!r} has no value (None says: not estimable)")
    if unknown := sorted(set(figure) - {"name", *NUMBERS, *TEXTS}):
        raise ValueError(f"figure {name!r}: unknown field {unknown[0]!r}")
    plain = {key: _number(name, key, figure[key]) for key in NUMBERS if key in figure}
    low, high = plain.get("low"), plain.get("high")
    if low is not None and high is not None and low > high:
        raise ValueError(f"figure {name!r}: low {low} is above high {high}")
    return {"name": name, **plain, **{key: str(figure[key]) for key in TEXTS if figure.get(key)}}


def _number(name: str, field: str, value: Any) -> int | float | None:
    """A finite int or float, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"figure {name!r}: {field} must be a finite number or None, got {value!r}")
    return int(value) if isinstance(value, Integral) else float(value)
