"""One look for all figures: colour-blind-safe, on their own white ground, readable when small."""

from typing import Any

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparcom_nb.rows.instructions import CATEGORIES

#: One colour for each category, the same in every figure.
COLOURS: dict[str, str] = dict(
    zip(CATEGORIES, sns.color_palette("colorblind", 10).as_hex()[:6], strict=True)
)
#: One marker for each category, so that no figure depends on colour alone.
MARKERS: dict[str, str] = dict(zip(CATEGORIES, "osD^vP", strict=True))
NEUTRAL = "#555555"


def figure(
    width: float = 7.0, height: float = 3.6, columns: int = 1, rows: int = 1, **how: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure of ``columns`` axes side by side, or ``rows``; sizes in inches."""
    with sns.axes_style("whitegrid", {"axes.edgecolor": "#777777", "grid.color": "#e6e6e6"}):
        fig, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False, **how)
    fig.set_layout_engine("constrained")
    return fig, list(axes.flat)


def label(axes: Axes, title: str, x: str, y: str) -> None:
    """Title and axis labels, units included."""
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
