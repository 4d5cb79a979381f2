"""What is lost when components are switched off, in words."""

from typing import Any

import pandas as pd
import xarray as xr

from sparcom_nb.sparcom.ablation import MATCHED, match
from sparcom_nb.view.prose import evidence, interval, p_value

NOTHING = "**There is nothing to switch off here: every set is empty.**"


def set_sizes(sets: xr.DataArray, total: int) -> str:
    """Say how large the sets are, and which are empty."""
    inner = [dim for dim in sets.dims if dim not in ("half", "category")]
    sizes = sets.sum(inner)
    if not sizes.any():
        return NOTHING
    mean = float(sizes.where(sizes > 0).mean())
    text = f"A set holds {mean:.0f} of {total:,} components on average ({mean / total:.1%}). "
    empty = [str(c) for c in sets["category"].to_numpy() if not sizes.sel(category=c).all()]
    return text + (
        f"Empty in at least one half: {', '.join(empty)}." if empty else "None is empty."
    )


def specificity(test: dict[str, Any]) -> str:
    """Say whether sets hurt their own category more than the others."""
    if test["sets"] == 0:
        return NOTHING
    return (
        f"A set raises the loss of its own category by {test['own']:.2f} and that of another by "
        f"{test['other']:.2f} nats per response token; the own effect is the larger one in "
        f"{test['above']} of {test['sets']} categories. Above what harmful sets and fragile "
        f"categories explain: {interval(test['value'], test['low'], test['high'])}; of all "
        f"{test['ways']} ways to give the sets to the categories, {test['p']:.1%} do as well "
        f"({p_value(test['p'])}). **An effect specific to a set's own tasks "
        f"{evidence(test['p'], test['low'], 0)}.**"
    )


def controls(table: pd.DataFrame, result: xr.Dataset) -> str:
    """Say whether a set matters more than random sets that match it (``table`` of ``effects``).

    Random sets that stay less frequent prove nothing, whatever the test says.
    """
    together, each = table.iloc[-1], table.iloc[:-1]
    if not together["size"]:
        return NOTHING
    above = int((each["minus_random"] > 0).sum())
    text = (
        f"The own set raises the loss by {together['own']:.2f}, matched random sets by "
        f"{together['random']:.2f}: a difference of "
        f"{interval(*together[['minus_random', 'minus_random_low', 'minus_random_high']])} "
        f"nats per response token, positive in {above} of {int(each['own'].notna().sum())} "
        f"categories ({p_value(together['p'])}, all categories pooled). "
    )
    ratio = match(result)
    if together["minus_random"] > 0 and ratio < MATCHED:
        return text + (
            f"But the random sets have only {ratio:.0%} of the set's frequency: **the difference may "
            "be one of frequency, and is no evidence for the category.**"
        )
    shown = evidence(together["p"], together["minus_random_low"], 0)
    return text + f"**That a set matters more than random ones like it {shown}.**"


def balance(result: xr.Dataset) -> str:
    """Say how far the random sets remain from the sets they are to match."""
    mean = result["balance"].mean(("half", "set")).to_series()
    if mean.isna().all():
        return NOTHING
    said = []
    for name in ("frequency", "strength"):
        if name in mean:
            ratio = mean[f"control_{name}"] / mean[name] if mean[name] else float("nan")
            said.append(
                f"mean {name} {mean[name]:.2f} in the sets and {mean[f'control_{name}']:.2f} in the "
                f"random ones ({ratio:.0%})"
            )
    text = "After matching: " + "; ".join(said) + ". "
    if mean["control_size"] < 0.99 * mean["size"]:
        text += (
            f"The random sets reach only {mean['control_size'] / mean['size']:.0%} of the size. "
        )
    if match(result) < MATCHED:
        return text + (
            "The sets took the most frequent components, and none as frequent are left to match "
            "them. The other categories' sets, of the same size and chosen in the same way, are the "
            "control that cannot be faulted so."
        )
    return text + "The match leaves little difference in frequency."


def variants(table: pd.DataFrame) -> str:
    """Name the ways to define and change sets for which a specific effect shows."""
    if not table["sets"].any():
        return NOTHING
    states = {
        row["variant"]: evidence(row["p"], row["low"], 0)
        for row in table.to_dict("records")
        if row["sets"]
    }
    shows = [name for name, state in states.items() if state == "shows"]
    unsure = [name for name, state in states.items() if state.startswith("is uncertain")]
    text = f"A specific effect shows in {len(shows)} of {len(states)} variants"
    text += f" ({'; '.join(shows)}). " if shows else ". "
    if unsure:
        text += f"Test and interval disagree in: {'; '.join(unsure)}. "
    for name, state in states.items():
        if "other sub-types" in name:
            text += (
                "Judged on other sub-types, where only what the tasks of a category have in common "
                f"can help, **an effect specific to the category {state}**. "
            )
    return text + (
        f"With {len(states)} tests at the 5 % level, {0.05 * len(states):.1f} would show by chance. "
        + _against_random(table[table["sets"] > 0])
    )


def _against_random(table: pd.DataFrame) -> str:
    """Name the variants whose sets do more than random sets that do match them."""
    fair = table[table["match"] >= MATCHED]
    if fair.empty:
        return "In no variant do the random sets reach the frequency of the sets."
    above = [
        row["variant"]
        for row in fair.to_dict("records")
        if evidence(row["p_random"], row["minus_random_low"], 0) == "shows"
    ]
    return (
        f"Random sets reach the frequency of the sets in {len(fair)} of {len(table)} variants; there "
        f"the sets do more than random ones in {len(above)}{': ' if above else ''}{'; '.join(above)}."
    )


def outcomes(table: pd.DataFrame, what: str, better: str = "higher") -> str:
    """Compare the states by category; ``table`` has category, state, mean, low, high."""
    if table.empty:
        return f"Nothing can be said of {what}: no set, or no row that can be judged."
    mean = table.groupby("state", sort=False)["mean"].mean()
    said = "; ".join(f"{state}: {value:.2f}" for state, value in mean.items())
    wide = table.pivot(index="category", columns="state", values=["low", "high"])
    own, random = "own set off", "random set off"
    worse = (
        wide["high"][own] < wide["low"][random]
        if better == "higher"
        else wide["low"][own] > wide["high"][random]
    )
    clear = [str(category) for category in wide.index[worse]]
    text = f"Mean {what} over the categories, {said}. "
    if clear:
        return text + f"Own and random set are clearly apart in {', '.join(clear)}."
    return text + "In no category are own and random set clearly apart."


def no_experts() -> str:
    """Say that a model is dense."""
    return "This model has no experts: its layers are dense."
