"""Controls that redraw a picture when a choice changes; a static picture always stands beside them."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from IPython.display import display

from sparcom_nb.view.figure import show


def choose(
    draw: Callable[[Any], Any],
    options: Sequence[tuple[str, Any]],
    value: Any,
    description: str,
    slider: bool = True,
) -> ipywidgets.VBox:
    """Display a slider (or list) over ``options`` above what ``draw(option)`` returns.

    Args:
        draw: returns, for the chosen value, a figure with its alternative text, or a table.
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
            drawn = draw(control.value)
            show(*drawn) if isinstance(drawn, tuple) else display(drawn)

    control.observe(redraw, names="value")
    redraw()
    box = ipywidgets.VBox([control, picture])
    display(box)
    return box
