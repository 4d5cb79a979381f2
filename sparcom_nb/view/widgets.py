"""Controls that redraw a picture when a choice changes; a static picture always stands beside them."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from sparcom_nb.view.figure import show


def choose(
    draw: Callable[[Any], tuple[Figure, str]],
    options: Sequence[tuple[str, Any]],
    value: Any,
    description: str,
    slider: bool = True,
) -> ipywidgets.VBox:
    """Display a slider (or list) over ``options`` above the picture that ``draw(option)`` returns.

    Args:
        draw: returns a figure and its alternative text for the chosen value.
        options: (label, value) in the order of the slider.
        value: chosen at first.
        description: label of the control.
        slider: False for a drop-down list.
    """
    kind = ipywidgets.SelectionSlider if slider else ipywidgets.Dropdown
    control = kind(
        options=list(options),
        value=value,
        description=description,
        style={"description_width": "initial"},
        continuous_update=False,
    )
    picture = ipywidgets.Output()

    def redraw(_: Any = None) -> None:
        picture.outputs = ()
        with picture:
            show(*draw(control.value))

    control.observe(redraw, names="value")
    redraw()
    box = ipywidgets.VBox([control, picture])
    display(box)
    return box
