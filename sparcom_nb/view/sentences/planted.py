"""What the search for planted neurons says."""

import pandas as pd

from sparcom_nb.view.prose import interval

_GOOD = 0.9
_FOOLED = 0.1


def recovery(curves: pd.DataFrame, span: str) -> str:
    """Read the curves of one span: the start, how far each method gets, and the end."""
    table = curves[curves["span"] == span].set_index(["measure", "method", "noise"])
    return " ".join(
        [_start(table, span), _reach(table.loc["precision"], table.loc["recall"]), _end(table)]
    )


def decoys(table: pd.DataFrame) -> str:
    """Name, for every world, the methods that take inert or wording neurons for the task's."""
    said = []
    for world, part in table[table["method"] != "random"].groupby("world", sort=False):
        fooled = [text for row in part.to_dict("records") if (text := _fooled(row))]
        said.append(f"**{str(world).capitalize()}:** {'; '.join(fooled) or 'no method is fooled'}.")
    return "\n\n".join(said)


def switched_off(table: pd.DataFrame) -> str:
    """Compare the roles by what happens to the loss without them."""
    means = table.groupby("role", sort=False)[["own", "others"]].mean()
    said = [
        f"{role} neurons {row['own']:+.2f} nats a token on their own category, {row['others']:+.2f} "
        "on the others"
        for role, row in means.iterrows()
    ]
    matter = [str(role) for role, row in means.iterrows() if row["own"] > 0.05 + abs(row["others"])]
    text = f"Loss of the responses after switching off: {'; '.join(said)}. "
    if not matter:
        return text + "Switching off separates no role from the others here."
    idle = [str(role) for role in means.index if role not in matter]
    return text + (
        f"Switching off tells {' and '.join(matter)} neurons from {' and '.join(idle) or 'none'}: "
        "a frequency says when a neuron is active, not that it does anything."
    )


def _start(table: pd.DataFrame, span: str) -> str:
    noise = table.index.get_level_values("noise").min()
    both = [
        interval(*table.loc[(measure, "SPARCOM", noise), ["mean", "low", "high"]])
        for measure in ("precision", "recall")
    ]
    return (
        f"On the {span} span, at noise {noise:g}, SPARCOM has precision {both[0]} and recall "
        f"{both[1]}."
    )


def _reach(precision: pd.DataFrame, recall: pd.DataFrame) -> str:
    """Tell the largest noise up to which both measures stay high, for each method."""
    low = recall["mean"].where(recall["mean"] < precision["mean"], precision["mean"].fillna(0))
    said = []
    for method, values in low.groupby(level="method", sort=False):
        held = values.droplevel("method").sort_index()
        held = held[(held >= _GOOD).cummin()]
        said.append(f"{method} up to {held.index.max():g}" if len(held) else f"{method} never")
    return f"Precision and recall both stay at {_GOOD:g} or more: {', '.join(said)}."


def _end(table: pd.DataFrame) -> str:
    noise = table.index.get_level_values("noise").max()
    last = table.loc["recall"].xs(noise, level="noise")
    rest = last.drop("random")
    best = str(rest["mean"].idxmax())
    text = f"At noise {noise:g} the best recall is {rest['mean'].max():.2f} ({best}), random sets "
    text += f"have {last.loc['random', 'mean']:.2f}: "
    if rest.loc[best, "low"] > last.loc["random", "high"]:
        return text + "something is still found."
    return text + "no method is clearly better than chance."


def _fooled(row: dict) -> str:
    """Say which decoys make up a notable part of a method's sets."""
    parts = [f"{row[r]:.0%} {r}" for r in ("general", "wording", "inert") if row[r] > _FOOLED]
    return f"{row['method']} takes {' and '.join(parts)} neurons" if parts else ""
