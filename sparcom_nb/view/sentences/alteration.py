"""What base and tuned model say when they read the same instructions."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.view.prose import evidence, interval
from sparcom_nb.view.safe import literal


def pair_shape(name: str, frequency: xr.DataArray) -> str:
    """Say what is compared: the pair, its layers and neurons, the instructions."""
    n_layers = frequency.sizes["layer"]
    neurons = int(np.prod(frequency.shape[1:]))
    experts = (
        f", {frequency.sizes['expert']} experts in each layer" if "expert" in frequency.dims else ""
    )
    return (
        f"**{literal(name)}**: {n_layers} layers with {neurons:,} neurons in all{experts}; "
        f"{frequency.sizes['instruction']:,} instructions, "
        f"{literal(frequency.attrs.get('span', 'instruction'))} span."
    )


def moved(change: xr.DataArray) -> str:
    """Describe the change of mean frequencies [category, layer, ...]."""
    size = abs(change)
    if not float(size.max()):
        return "No frequency changed: **no change**."
    by_layer = size.mean([d for d in size.dims if d != "layer"])
    by_category = size.mean([d for d in size.dims if d != "category"])
    most, least = (int(by_layer["layer"][f(by_layer.to_numpy())]) for f in (np.argmax, np.argmin))
    return (
        f"A neuron's mean frequency moved by {float(size.mean()):.3f} on average and by "
        f"{float(size.max()):.2f} at most; {float((size > 0.1).mean()):.0%} moved by more than 0.1, "
        f"{float((change > 0.1).mean()):.0%} upwards. "
        f"Frequencies moved most in layer {most} ({float(by_layer.max()):.3f}) and least in layer "
        f"{least} ({float(by_layer.min()):.3f}); by category from "
        f"{float(by_category.min()):.3f} ({_at(by_category, np.argmin)}) to "
        f"{float(by_category.max()):.3f} ({_at(by_category, np.argmax)})."
    )


def alteration(table: pd.DataFrame, what: str = "neurons") -> str:
    """Count what was kept, gained and lost, and name the layers that kept most and least."""
    kept, gained, lost = (int(table[c].sum()) for c in ("kept", "gained", "lost"))
    if not kept + gained + lost:
        return f"No {what} reach the cut in either model: there is nothing to compare."
    if not gained + lost:
        return f"Base and tuned model mark the same {kept:,} {what}: **no change**."
    layers = table.groupby("layer")[["kept", "gained", "lost"]].sum()
    by_layer = (layers["kept"] / layers.sum(axis=1)).dropna()
    text = (
        f"Over all categories, tuning kept {kept:,} {what}, gained {gained:,} and lost {lost:,}: "
        f"{_share(kept, kept + lost)} of the base model's are kept. "
    )
    if len(by_layer) < 2:
        return text
    most, least = int(by_layer.to_numpy().argmin()), int(by_layer.to_numpy().argmax())
    size = layers.loc[by_layer.index].sum(axis=1).to_numpy()
    return text + (
        f"Layer {by_layer.index[least]} is altered least (Jaccard {by_layer.iloc[least]:.2f} of "
        f"{size[least]:,} in either model), layer {by_layer.index[most]} most "
        f"({by_layer.iloc[most]:.2f} of {size[most]:,})."
    )


def floor(table: pd.DataFrame, test: dict[str, Any], what: str) -> str:
    """Hold base against tuned on halves against the floor of one model's own halves."""
    if np.isnan(test["value"]):
        return f"Some category has no {what} to compare: its sets are empty at this cut."
    of = _over_categories(table, "pair")
    each = table[(table["pair"] == "same model minus across") & (table["category"] != "all")]
    if not (test["value"] or test["null_high"]):
        return f"Two halves of one model differ as much as halves of the two: **no change** of the {what}."
    said = "; ".join(
        f"{pair}: {_with_interval(of[pair])}"
        for pair in ("base A, base B", "tuned A, tuned B", "base A, tuned B")
    )
    return (
        f"{_capital(what)} (mean over categories), {said}. Halves of two models are less alike than "
        f"halves of one by {interval(test['value'], test['low'], test['high'], 3)}; with the models' names "
        f"exchanged at random in whole sub-types it is {test['null_mean']:.3f} on average and at "
        f"most {test['null_high']:.3f} in 95 % of {test['draws']} draws (p = {test['p']:.3f}). "
        f"**An alteration beyond sampling {evidence(test['p'], test['low'], test['null_mean'])}**; "
        f"by itself the interval is above zero in {int((each['low'] > 0).sum())} of {len(each)} "
        "categories."
    )


def placebo(table: pd.DataFrame, test: dict[str, Any], what: str) -> str:
    """Hold tuning against equally long training on plain documents."""
    of = _over_categories(table, "pair")
    text = (
        f"{_capital(what)} (mean over categories), base to tuned: "
        f"{_with_interval(of['base, tuned'])}; base to placebo: "
        f"{_with_interval(of['base, placebo'])}. Tuning altered more than the placebo by "
        f"{interval(test['value'], test['low'], test['high'], 3)} (exchanged: "
        f"{test['null_mean']:.3f} on average, p = {test['p']:.3f}). "
    )
    if test["high"] < min(0, test["null_mean"]):
        return text + "**The placebo altered more than tuning did.**"
    shows = evidence(test["p"], test["low"], test["null_mean"])
    return text + f"**An effect of the instructions beyond more training {shows}.**"


def no_placebo(name: str) -> str:
    """Say plainly that there is no placebo, and how to come by one."""
    return (
        f"**{literal(name)} has no placebo here**, so that the halves above are the only floor: they tell "
        "change from sampling, but not learning to follow instructions from just more training. "
        "The placebos of the embedded pairs are built beside the other models by `make "
        "models OUT=data/models`; for a pair of your own, train the base on plain "
        "documents for as long as its tuning took and name the folder in `PLACEBO`."
    )


def no_experts(name: str) -> str:
    """Say that a dense pair has nothing to route."""
    return f"{literal(name)} is dense: it has no router, and this section has nothing to show."


def category_effect(effect: dict[str, Any], at_equal_length: dict[str, Any], what: str) -> str:
    """Say whether the alteration depends on the category, and whether length explains it."""
    text = (
        f"Categories explain {effect['r2']:.0%} of the variance of the {what} between "
        f"{effect['units']} {effect['unit']}s; permuted labels {effect['null_mean']:.0%} on average "
        f"and at most {effect['null_high']:.0%} in 95 % of {effect['draws']} permutations "
        f"(p = {effect['p']:.3f}). With length taken out: {at_equal_length['r2']:.0%}, "
        f"p = {at_equal_length['p']:.3f}. "
    )
    if effect["p"] > 0.05:
        return text + "**A category-specific effect does not show.**"
    if at_equal_length["p"] > 0.05:
        return text + "**A category effect shows, but not once length is taken out.**"
    return text + "**A category-specific effect shows.**"


def routing(table: pd.DataFrame, test: dict[str, Any], effect: dict[str, Any]) -> str:
    """Say how far the router moved its assignments, and whether by category.

    table: total variation by layer; test: against halves; effect: of the category.
    """
    of = _over_categories(table[table["pair"] == "base, tuned"], "layer")
    values = {layer: row["value"] for layer, row in of.items()}
    if not max(values.values()):
        return "The router sends the same tokens to the same experts: **no change**."
    most, least = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
    of_pair = table[table["category"] == "all"].groupby("pair")["value"].mean()
    shows = evidence(test["p"], test["low"], test["null_mean"])
    specific = "shows" if effect["p"] <= 0.05 else "does not show"
    return (
        f"On balance tuning moved {np.mean(list(values.values())):.1%} of a category's assignments "
        f"to other experts (total variation, mean over layers and categories), most in layer {most} "
        f"({_with_interval(of[most])}), least in layer {least} "
        f"({_with_interval(of[least])}). On halves of the instructions, base and tuned model differ "
        f"by {of_pair['base A, tuned B']:.1%}, the base model from itself by "
        f"{of_pair['base A, base B']:.1%}. Beyond sampling: "
        f"{interval(test['value'], test['low'], test['high'], 3)}, p = {test['p']:.3f}: "
        f"**a routing shift {shows}.** Categories explain {effect['r2']:.0%} of its variance "
        f"between {effect['unit']}s (permuted {effect['null_mean']:.0%}, p = {effect['p']:.3f}): "
        f"**a category-specific routing shift {specific}.**"
    )


def _at(means: xr.DataArray, pick: Any) -> str:
    return str(means["category"].to_numpy()[pick(means.to_numpy())])


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"


def _over_categories(table: pd.DataFrame, key: str) -> dict[Any, dict[Any, Any]]:
    """Rows of the mean over categories by the column ``key``."""
    rows = table[table["category"] == "all"].to_dict("records")
    return {row[key]: row for row in rows}


def _with_interval(row: dict[Any, Any]) -> str:
    return interval(row["value"], row["low"], row["high"])
