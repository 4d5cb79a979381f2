"""Tables of text: whole cells, line breaks kept, left-aligned."""

import pandas as pd
from IPython.display import display

from sparcom_nb.view.safe import literal

_CELL = 'style="text-align:left;vertical-align:top;white-space:pre-wrap"'


def show_text(table: pd.DataFrame) -> None:
    """Display a table of texts; its index is left out."""
    display({"text/html": text_table(table), "text/plain": table.to_string()}, raw=True)


def text_table(table: pd.DataFrame) -> str:
    """HTML of a table whose cells are shown as text, whatever they hold."""
    head = "".join(f'<th scope="col" {_CELL}>{literal(name)}</th>' for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td {_CELL}>{literal(cell)}</td>" for cell in row) + "</tr>"
        for row in table.itertuples(index=False)
    )
    return (
        f'<table class="mathjax_ignore"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )
