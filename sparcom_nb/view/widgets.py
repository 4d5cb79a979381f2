"""Controls that change a picture or table; a static picture always stands beside them."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import ipywidgets
from IPython.display import display

from sparcom_nb.view.figure import image
from sparcom_nb.view.safe import visible
from sparcom_nb.view.tables import text_table


def choose(
    draw: Callable[[Any], Any],
    options: Sequence[tuple[str, Any]],
    value: Any,
    description: str,
    slider: bool = True,
) -> ipywidgets.VBox:
    """Display a slider (or list) over ``options`` above what ``draw(option)`` returns.

    The pictures of a slider are drawn beforehand, so that it moves at once.

    Args:
        draw: returns, for the chosen value, a figure with its alternative text, or a table.
        options: (label, value) in the order of the slider.
        value: chosen at first.
        description: label of the control.
        slider: False for a drop-down list.
    """

    @cache
    def drawn(choice: Any) -> str:
        result = draw(choice)
        return image(*result) if isinstance(result, tuple) else text_table(result)

    made = ipywidgets.SelectionSlider if slider else ipywidgets.Dropdown
    control = made(
        options=[(visible(label), choice) for label, choice in options],
        value=value,
        description=description,
        style={"description_width": "initial"},
        layout={"width": "30em"},
    )
    for _, choice in options if slider else []:
        drawn(choice)
    picture = ipywidgets.HTML(drawn(value))
    control.observe(lambda change: setattr(picture, "value", drawn(change["new"])), names="value")
    box = ipywidgets.VBox([control, picture])
    display(box)
    return box
