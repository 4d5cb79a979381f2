"""Sentences made from numbers, so that a notebook says only what it computed."""

from IPython.display import display

NO_PLACEBO = (
    "There is no placebo of this pair here, so that a change is not known to be more than any "
    "further training brings."
)


def tell(text: str) -> None:
    """Show Markdown text below a cell."""
    display({"text/markdown": text, "text/plain": text}, raw=True)


def evidence(p: float, low: float, null: float) -> str:
    """Say in words whether a difference shows: its test and its interval must agree.

    ``low`` is the lower end of the interval, ``null`` what the control gives on average.
    """
    if p <= 0.05 and low > null:
        return "shows"
    if p > 0.05 and low <= null:
        return "does not show"
    return "is uncertain: the test and the interval disagree"


def interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """Write a value with its interval, if it has one."""
    if low != low or high != high:
        return f"{value:z.{digits}f} (too few rows for an interval)"
    return f"{value:z.{digits}f} [{low:z.{digits}f}, {high:z.{digits}f}]"


def p_value(p: float) -> str:
    """Write a p; a very small one by its bound."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
