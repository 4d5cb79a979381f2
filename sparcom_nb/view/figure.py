"""Pictures with a text alternative, as HTML images: JupyterLab drops that of a bare PNG."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING

from sparcom_nb.view.safe import literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110


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
