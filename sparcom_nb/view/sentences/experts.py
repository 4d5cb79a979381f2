"""What routing, sets of experts and their neurons say."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.view.prose import evidence, interval

_CHANCE = 0.05


def routing(frequency: xr.DataArray, uniform: float, relative: float) -> str:
    """Describe how evenly the router spreads tokens over experts."""
    n_experts = frequency.sizes["expert"]
    mean = frequency.mean("instruction")
    most, least = (_expert(mean, pick(mean.to_numpy())) for pick in (np.argmax, np.argmin))
    return (
        f"A layer has {n_experts} experts and a token goes through {round(uniform * n_experts)} of "
        f"them, so that evenly used experts would all have q = {uniform:.3g}. On average over "
        f"instructions, the most used is {most}, the least used {least}. "
        f"{float((frequency >= relative * uniform).mean()):.0%} of all pairs of an instruction and "
        f"an expert reach {relative:g} times the uniform rate."
    )


def usage(table: pd.DataFrame, effect: dict[str, Any]) -> str:
    """Say whether categories are routed differently, and which expert tells them apart best."""
    layer, expert = most_apart(table)
    rows = table[(table["layer"] == layer) & (table["expert"] == expert)].sort_values("mean")
    least, most = rows.to_dict("records")[0], rows.to_dict("records")[-1]
    shows = effect["p"] <= _CHANCE
    text = (
        f"The category explains {effect['r2']:.0%} of how the routing of {effect['units']} "
        f"{effect['unit']}s differs; permuted labels explain {effect['null_mean']:.0%} on average "
        f"(p = {effect['p']:.3f}). **A category effect on routing "
        f"{'shows' if shows else 'does not show'}.** Expert {expert} of layer {layer} "
        f"differs most: {_used(most)}, {_used(least)}. "
    )
    if not shows:
        n = len(table[["layer", "expert"]].drop_duplicates())
        return text + f"Picked as the largest of {n}, that is no evidence."
    apart = most["low"] > least["high"]
    return text + f"The two intervals {'are apart' if apart else 'overlap'}."


def most_apart(table: pd.DataFrame) -> tuple[int, int]:
    """Layer and expert whose use differs most between categories."""
    cell = table.pivot_table(index=["layer", "expert"], columns="category", values="mean")
    spread = (cell.max(axis=1) - cell.min(axis=1)).to_numpy()
    layer, expert = cell.index.to_list()[int(spread.argmax())]
    return layer, expert


def sets(marked: xr.DataArray, kinds: pd.DataFrame, relative: float) -> str:
    """Describe the sets of experts and their kinds, beside shuffled labels."""
    total, size = kinds["value"].sum(), marked[0].size
    taken = float(marked["share"].mean())
    text = (
        f"At {relative:g} times the uniform rate an instruction has {taken * size:.1f} of {size} "
        f"experts ({taken:.0%}). "
    )
    if total == 0:
        return text + "No expert is in any category's set at this cut and agreement."
    unique, *_, general = kinds.to_dict("records")
    return text + (
        f"{total:.0f} experts are in some category's set: {_with_null(unique)} in a single one, "
        f"{_with_null(general)} in all. **{_kinds_verdict(unique, general)}**"
    )


def sweep(table: pd.DataFrame) -> str:
    """Say at how many cuts instructions of one category share more experts."""
    shows = int(((table["low"] > table["null_mean"]) & (table["p"] <= _CHANCE)).sum())
    text = f"Instructions of one category share more experts at {shows} of {len(table)} cuts. "
    if shows == 0:
        return text + "No choice of the cut shows a category effect."
    best = table.nlargest(1, "difference").iloc[0]
    return text + (
        f"The gap is widest at {best['relative']:g} times the uniform rate: "
        f"{interval(best['difference'], best['low'], best['high'], 3)}."
    )


def named(tests: Mapping[str, dict[str, Any]]) -> str:
    """Compare the shares of instructions named rightly with chance and shuffled labels."""
    chance = next(iter(tests.values()))["chance"]
    said = [
        f"{name}: {_percent(t)}, shuffled labels {t['null_mean']:.0%}, p = {t['p']:.3f}"
        for name, t in tests.items()
    ]
    return f"Chance is {chance:.0%}. Named rightly from " + "; ".join(said) + f". {_reads(tests)}"


def conditional(joint: xr.DataArray, conditional: xr.DataArray, in_sets: float, all_: float) -> str:
    """Say what the joint frequency owes to routing.

    in_sets: share of the joint sets' neurons that belong to the instruction's experts; all_: share
    of all neurons that do.
    """
    text = (
        f"A neuron's joint frequency is {float(joint.mean()):.3f} on average. On the tokens that "
        f"its expert is given, it is active on {float(conditional.mean()):.0%}. Of the neurons that "
        f"the joint cut takes, {in_sets:.0%} lie in experts that serve the instruction; of all "
        f"neurons, {all_:.0%} do. "
    )
    if in_sets > 1.5 * all_:
        return text + (
            "So the joint sets mostly follow the router: a neuron must first sit in the right expert."
        )
    return text + "So the joint sets hardly follow the router here."


def gaps(table: pd.DataFrame) -> str:
    """Say for which kinds of sets a category effect shows."""
    said = [
        f"{row['sets']}: {interval(row['difference'], row['low'], row['high'], 3)} against "
        f"{row['null_mean']:.3f} for shuffled labels, p = {row['p']:.3f}: an effect "
        f"**{evidence(row['p'], row['low'], row['null_mean'])}**"
        for row in table.to_dict("records")
    ]
    return "Gap between within and across. " + "; ".join(said) + "."


def _expert(mean: xr.DataArray, position: Any) -> str:
    layer, expert = np.unravel_index(int(position), mean.shape)
    return (
        f"expert {mean['expert'].to_numpy()[expert]} of layer {mean['layer'].to_numpy()[layer]} "
        f"(q = {float(mean[layer, expert]):.2f})"
    )


def _used(row: Mapping[Any, Any]) -> str:
    return f"q = {interval(row['mean'], row['low'], row['high'])} in {row['category']}"


def _with_null(row: Mapping[Any, Any]) -> str:
    return (
        f"{interval(row['value'], row['low'], row['high'], 0)} "
        f"(shuffled labels {row['null_mean']:.1f}, p = {row['p']:.3f})"
    )


def _kinds_verdict(unique: Mapping[Any, Any], general: Mapping[Any, Any]) -> str:
    different = [
        name
        for name, row in (("unique", unique), ("general", general))
        if row["p"] <= _CHANCE and not row["low"] <= row["null_mean"] <= row["high"]
    ]
    if different:
        return f"Beyond what shuffled labels give: the number of {' and '.join(different)} experts."
    return "Neither number is clearly different from that of shuffled labels."


def _percent(test: Mapping[str, Any]) -> str:
    return f"{test['accuracy']:.0%} [{test['low']:.0%}, {test['high']:.0%}]"


def _reads(tests: Mapping[str, dict[str, Any]]) -> str:
    """Which frequencies name the category better than shuffled labels."""
    better = [
        name for name, t in tests.items() if evidence(t["p"], t["low"], t["null_mean"]) == "shows"
    ]
    if better:
        return f"**Better than shuffled labels: {', '.join(better)}.**"
    return "**None names the category clearly better than shuffled labels.**"
