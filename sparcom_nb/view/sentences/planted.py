"""What the search for planted neurons says."""

import pandas as pd

from sparcom_nb.view.prose import interval

_GOOD = 0.9
_FOOLED = 0.1


def recovery(curves: pd.DataFrame, span: str) -> str:
    """Read the curves of one span: the start, how far each method gets, and the end."""
    table = curves[curves["span"] == span]
    return f"On the {span} span, {_start(table)} {_reach(table)} {_end(table)}"


def decoys(table: pd.DataFrame) -> str:
    """Name, for every world, the methods that take inert or wording neurons for the task's."""
    said = []
    for world, part in table[table["method"] != "random"].groupby("world", sort=False):
        fooled = [text for row in part.to_dict("records") if (text := _fooled(row))]
        said.append(f"**{str(world).capitalize()}:** {'; '.join(fooled) or 'no method is fooled'}.")
    return "\n\n".join(said)


def switched_off(table: pd.DataFrame) -> str:
    """Compare the roles by what happens to the loss without them."""
    means = table.groupby("role", sort=False)[["own", "others"]].mean().reset_index()
    rows = means.to_dict("records")
    said = [
        f"{row['role']} neurons {row['own']:+z.2f} nats a token on their own category, "
        f"{row['others']:+z.2f} on the others"
        for row in rows
    ]
    matter = [row["role"] for row in rows if row["own"] > 0.05 + abs(row["others"])]
    text = f"Loss of the responses after switching off: {'; '.join(said)}. "
    if not matter:
        return text + "Switching off separates no role from the others here."
    idle = [row["role"] for row in rows if row["role"] not in matter]
    return text + (
        f"Switching off tells {' and '.join(matter)} neurons from {' and '.join(idle) or 'none'}: "
        "a frequency says when a neuron is active, not that it does anything."
    )


def _start(table: pd.DataFrame) -> str:
    first = table[(table["method"] == "SPARCOM") & (table["noise"] == table["noise"].min())]
    both = [
        f"{row['measure']} {interval(row['mean'], row['low'], row['high'])}"
        for row in first.to_dict("records")
    ]
    return f"at noise {table['noise'].min():g}, SPARCOM has {' and '.join(both)}."


def _reach(table: pd.DataFrame) -> str:
    """Tell the largest noise up to which both measures stay high, for each method."""
    found = table.assign(mean=table["mean"].fillna(0)).sort_values("noise")
    said = []
    for method, part in found.groupby("method", sort=False):
        lower = part.groupby("noise")["mean"].min().to_numpy()
        held = int((lower >= _GOOD).cumprod().sum())
        noise = part["noise"].unique()
        said.append(f"{method} up to noise {noise[held - 1]:g}" if held else f"{method} never")
    return f"Precision and recall are both {_GOOD:g} or more: {', '.join(said)}."


def _end(table: pd.DataFrame) -> str:
    noise = table["noise"].max()
    last = table[(table["measure"] == "recall") & (table["noise"] == noise)]
    chance = last[last["method"] == "random"].to_dict("records")[0]
    best = last[last["method"] != "random"].nlargest(1, "mean").to_dict("records")[0]
    text = (
        f"At noise {noise:g} the best recall is {best['mean']:.2f} ({best['method']}), random sets "
        f"have {chance['mean']:.2f}: "
    )
    if best["low"] > chance["high"]:
        return text + "something is still found."
    return text + "no method is clearly better than chance."


def _fooled(row: dict) -> str:
    """Say which decoys make up a notable part of a method's sets."""
    parts = [f"{row[r]:.0%} {r}" for r in ("general", "wording", "inert") if row[r] > _FOOLED]
    return f"{row['method']} takes {' and '.join(parts)} neurons" if parts else ""
