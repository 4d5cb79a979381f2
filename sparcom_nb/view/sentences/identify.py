"""What frequencies, sets and overlaps say."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.view.prose import evidence, interval
from sparcom_nb.view.safe import literal


def one_instruction(text: str, active: np.ndarray) -> str:
    """Describe the activity [token, neuron] of one layer on one instruction."""
    p = active.mean(axis=0)
    return (
        f"Of {len(p):,} neurons in this layer, {(p == 0).mean():.0%} are never active on "
        f"“{literal(text)}”, and {(p >= 0.9).mean():.1%} on at least nine tokens in ten."
    )


def frequencies(frequency: xr.DataArray) -> str:
    """Describe the distribution of activation frequencies."""
    values, tokens = frequency.to_numpy(), frequency["n_tokens"].to_numpy()
    return (
        f"On average a neuron is active on {values.mean():.0%} of an instruction's tokens; "
        f"{(values >= 0.9).mean():.2%} of all pairs of an instruction and a neuron reach 0.9, and "
        f"{(values == 0).mean():.0%} are zero. Instructions have {tokens.min()} to {tokens.max()} "
        f"tokens, {int(np.median(tokens))} in the median."
    )


def ties(marked: xr.DataArray, top: float) -> str:
    """Say how much ties at the cut enlarge the sets, for short and for long instructions."""
    share, length = marked["share"].to_numpy(), marked["n_tokens"].to_numpy()
    short = length <= np.median(length)
    few, many = share[short].mean(), share[~short].mean() if (~short).any() else share.mean()
    text = (
        f"Asked for {top:.1%}, we took {share.mean():.1%} on average: {few:.1%} for the shorter half "
        f"of the instructions and {many:.1%} for the longer half. "
    )
    if few > 1.1 * many:
        return text + (
            "Short instructions have more ties and so larger sets: compare categories only with "
            "that in mind."
        )
    return text + "Ties hardly depend on length here."


def sweep(table: pd.DataFrame) -> str:
    """Say at how many cuts instructions of one category overlap more, and where most."""
    shows = table[(table["low"] > table["null_mean"]) & (table["p"] <= 0.05)]
    text = (
        f"The overlap within categories exceeds that across them at {len(shows)} of {len(table)} "
        "cuts (interval above the mean under permutation, and p at most 0.05). "
    )
    if shows.empty:
        return text + "No choice of the cut shows a category effect."
    best = shows.assign(gap=shows["difference"] / shows["within"]).nlargest(1, "gap").iloc[0]
    return text + (
        f"Relative to the overlap within, the gap is widest at {best['by']} = {best['cut']:g}, "
        f"where {100 * best['share']:.2g} % of the neurons are taken."
    )


def layers(profile: pd.DataFrame) -> str:
    """Name the layers that hold most and least of the specific components."""
    mean = profile.groupby("layer")["share"].mean()
    return (
        f"Layer {mean.idxmax()} holds the largest share ({mean.max():.1%}), layer {mean.idxmin()} "
        f"the smallest ({mean.min():.1%})."
    )


def separation(test: dict[str, Any]) -> str:
    """Say whether instructions of one category share components, with the control."""
    return (
        f"Within {test['within']:.3f}, across {test['across']:.3f}: a gap of "
        f"{interval(test['difference'], test['low'], test['high'], 3)}. Permuted labels give "
        f"{test['null_mean']:.3f} on average and at most {test['null_high']:.3f} in 95 % of "
        f"{test['draws']} permutations of the {test['units']} {test['unit']}s (p = {test['p']:.3f}). "
        f"**A category effect {evidence(test['p'], test['low'], test['null_mean'])}.**"
    )


def wording(rungs: pd.DataFrame) -> str:
    """Read the ladder of relatedness: whether the overlap follows the request or its words."""
    by = {row["pair"]: row for row in rungs.to_dict("records")}
    said = [
        f"{k}: {interval(r['mean'], r['low'], r['high'])} (n = {r['n']:,})" for k, r in by.items()
    ]
    text = "Mean overlap, " + "; ".join(said) + ". "
    same, category, other = (by.get(k) for k in ("same request", "same category", "other category"))
    if same is None:
        text += "There are no paraphrases of these rows, so that wording and request stay mixed. "
    elif category and same["low"] > category["high"]:
        text += (
            "The same request in other words is clearly closer than other requests of its kind: the "
            "sets follow more than the words of the instruction. "
        )
    else:
        text += "A paraphrase is not clearly closer to its original than to other requests. "
    if category and other and category["low"] > other["high"]:
        return (
            text + "Beyond shared wording, requests of one category still overlap more than others."
        )
    return text + (
        "Between sub-types of one category the overlap is not clearly above that of other "
        "categories: what is shared is mostly shared wording."
    )
