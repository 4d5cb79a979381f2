"""Sentences made from numbers, so that a notebook says only what it computed."""

from IPython.display import display


def tell(text: str) -> None:
    """Show Markdown text below a cell."""
    display({"text/markdown": text, "text/plain": text}, raw=True)


def evidence(p: float, low: float, high: float, margin: float = 0.0) -> str:
    """Say in words whether a difference shows: its interval and its test must agree.

    ``margin`` is the smallest difference worth the name.
    """
    if p <= 0.05 and low > margin:
        return "shows"
    if p > 0.05 and low <= margin:
        return "does not show"
    return "is uncertain: the test and the interval disagree"


def interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """Write a value with its interval."""
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
