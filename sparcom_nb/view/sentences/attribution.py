"""What attributions say about how much of a response comes from the instruction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.shift.density import LEVELS, levels
from sparcom_nb.view.prose import NO_PLACEBO, evidence, interval
from sparcom_nb.view.safe import literal
from sparcom_nb.view.tokens import visible


def one_response(name: str, S: xr.DataArray) -> str:
    """Name the prompt token that each of two response tokens owes most to."""
    if not S.size:
        return f"**{name}**: the response is empty, so there is nothing to attribute."
    values = S.to_numpy()
    order = np.argsort(-values.max(axis=0))[:2]
    said = [
        f"“{_token(S['output_token'], m)}” from “{_token(S['input_token'], int(values[:, m].argmax()))}” "
        f"(S = {values[:, m].max():.1e})"
        for m in sorted(order.tolist())
    ]
    return (
        f"**{name}**: the largest attributions are those of {' and '.join(said)}; "
        f"{(values < 0).mean():.0%} of all are negative."
    )


def decades(attributions: Sequence[xr.DataArray]) -> str:
    """Say how many response tokens are too certain, or too unlikely, to reach the top level."""
    largest = np.concatenate([one.to_numpy().max(axis=0, initial=0) for one in attributions])
    if not largest.size or largest.max() <= 0:
        return "No response token has a positive attribution."
    top = np.concatenate([levels(one).to_numpy().max(axis=0, initial=0) for one in attributions])
    low, high = np.quantile(largest[largest > 0], [0.05, 0.95])
    return (
        f"The largest attribution of a response token runs from {low:.0e} to {high:.0e} (5 to 95 % of "
        f"{len(largest):,} tokens). With the published 1e-7, {(top < LEVELS).mean():.1%} of the tokens "
        f"top out below level {LEVELS}, and {(top <= 7).mean():.1%} vanish at b = 7."
    )


def shift(table: pd.DataFrame, what: str = "instruction") -> str:
    """Say whether the score rose from base to tuned model, over all and by category.

    table: of :func:`sparcom_nb.shift.score_shift`.
    """
    row = table[table["category"] == "all"].iloc[0]
    each = table[table["category"] != "all"]
    text = (
        f"Score of the {what}: base {row['base']:.3f}, tuned {row['tuned']:.3f}, a change of "
        f"{interval(row['value'], row['low'], row['high'], 3)} (mean over categories, "
        f"{row['n']} rows; models’ names exchanged: {row['null_mean']:z.3f} on average, "
        f"one-sided p = {row['p']:.3f}). {_verdict(row, 'rise')} "
    )
    above, below = ((each["low"] > 0).sum(), (each["high"] < 0).sum())
    return text + (
        f"By itself the interval lies above zero in {above} of {len(each)} categories and below it "
        f"in {below}."
    )


def against_rest(instruction: pd.DataFrame, rest: pd.DataFrame) -> str:
    """Hold the change on the instruction against that on the rest of the prompt."""
    of, control = (t[t["category"] == "all"].iloc[0] for t in (instruction, rest))
    if of["low"] > 0 and control["low"] > 0:
        return (
            "**The rest of the prompt gained too**: the densities became more even, which is not yet "
            "more use of the instruction."
        )
    if of["low"] > 0:
        return "**The instruction gained and the rest of the prompt did not.**"
    return "**The instruction did not clearly gain**, so that there is nothing to hold against the rest."


def placebo(table: pd.DataFrame | None) -> str:
    """Hold the tuned model against the base trained as long on plain documents.

    table: of :func:`sparcom_nb.shift.score_shift`, the placebo in the place of the base.
    """
    if table is None:
        return NO_PLACEBO
    row = table[table["category"] == "all"].iloc[0]
    text = (
        f"Score of the instruction: placebo {row['base']:.3f}, tuned {row['tuned']:.3f}, a difference "
        f"of {interval(row['value'], row['low'], row['high'], 3)} (one-sided p = {row['p']:.3f}). "
    )
    if row["high"] < 0:
        return text + "**Plain documents raised the score more than instructions did.**"
    shows = evidence(row["p"], row["low"], row["null_mean"])
    return text + f"**An effect of instructions beyond that of more training {shows}.**"


def category_effect(effect: dict[str, Any], at_equal_length: dict[str, Any]) -> str:
    """Say whether the change depends on the category, and whether length explains it."""
    text = (
        f"Categories explain {effect['r2']:.0%} of the variance of the change between "
        f"{effect['units']} {effect['unit']}s; permuted labels {effect['null_mean']:.0%} on average "
        f"(p = {effect['p']:.3f}). With the response’s length taken out: "
        f"{at_equal_length['r2']:.0%}, p = {at_equal_length['p']:.3f}. "
    )
    if effect["p"] > 0.05:
        return text + "**A change that depends on the category does not show.**"
    if at_equal_length["p"] > 0.05:
        return text + "**It depends on the category, but not once length is taken out.**"
    return text + "**The change depends on the category.**"


def sensitivity(table: pd.DataFrame) -> str:
    """Count the choices under which a rise, or a fall, shows."""
    rises = [
        row["choice"] for row in table.to_dict("records") if row["low"] > 0 and row["p"] <= 0.05
    ]
    falls = [row["choice"] for row in table.to_dict("records") if row["high"] < 0]
    text = f"A rise shows under {len(rises)} of {len(table)} choices"
    text += f" (not under: {_names(table, rises)})" if 0 < len(rises) < len(table) else ""
    text += (
        f", a fall under {len(falls)} ({', '.join(falls)})." if falls else ", a fall under none."
    )
    if len(rises) == len(table):
        return text + " **The result does not depend on these choices.**"
    if rises:
        return text + " **The result depends on choices that the question does not settle.**"
    return text + " **No choice shows a rise.**"


def published(table: pd.DataFrame) -> str:
    """Say how Table 2 of the paper fares under other choices."""
    groups = table[table["group"] != "all"]
    said = []
    for choice, part in groups.groupby("choice", sort=False):
        shows = int((part["p"] <= 0.05).sum())
        turned = int((part["p"] >= 0.95).sum())
        said.append(
            f"{choice}: {shows} of {len(part)}" + (f", {turned} reversed" if turned else "")
        )
    return (
        "Groups in which Vicuna is above LLaMA at one-sided p ≤ 0.05, under each choice. "
        + "; ".join(said)
        + "."
    )


def no_published() -> str:
    """Say what the section would show, and what it needs."""
    return (
        "No file was given in `PUBLISHED`, so this section is empty. With the authors’ attribution "
        "matrices in a NumPy archive (and their ratings beside it) it computes Tables 1 and 2 again "
        "and shows what other choices would have given."
    )


def _verdict(row: pd.Series, what: str) -> str:
    if row["high"] < 0:
        return "**The score fell.**"
    return f"**A {what} {evidence(row['p'], row['low'], row['null_mean'])}.**"


def _names(table: pd.DataFrame, without: list[str]) -> str:
    return ", ".join(name for name in table["choice"] if name not in without)


def _token(texts: xr.DataArray, n: int) -> str:
    return literal(visible(str(texts.to_numpy()[n])).strip() or "space")
