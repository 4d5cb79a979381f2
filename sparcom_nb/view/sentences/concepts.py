"""What the concepts of base and tuned model say."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sparcom_nb.shift.shares import holm
from sparcom_nb.shift.subspaces import SAME
from sparcom_nb.view.prose import NO_PLACEBO, interval, p_value
from sparcom_nb.view.safe import literal

_LEVEL = 0.05
_BEYOND = {
    (True, True): "concepts show, beyond chance",
    (True, False): "concepts show over all components, not clearly among the strongest",
    (False, True): "concepts show among the strongest components only",
    (False, False): "that components mean more than random directions does not show",
}


def vocabulary(words: list[str], source: str) -> str:
    """Say which words describe the concepts."""
    first, last = words[0], words[-1]
    return (
        f"Concepts are described with the {len(words):,} most frequent words of "
        f"{literal(source)}, from “{literal(first)}” to “{literal(last)}”. What is not among them "
        "cannot be said about a concept."
    )


def variance(halves: dict[str, pd.DataFrame]) -> str:
    """Say in how few directions the layers write."""
    base, tuned, random = (halves[name] for name in ("base", "tuned", "random directions"))
    fewest = base.nsmallest(1, "components").to_dict("records")[0]
    text = (
        f"Half of the variance of what neurons write lies in {base['components'].mean():.0f} "
        f"components (mean over layers; fewest in layer {fewest['layer']:.0f}: "
        f"{fewest['components']:.0f}). With the same weights in random places it takes "
        f"{random['components'].mean():.0f}. The first component explains "
        f"{base['first'].mean():.1%}, there {random['first'].mean():.1%}. "
    )
    if not (base["components"] < random["components"]).all():
        text += "**That every layer writes in preferred directions does not show.** "
    if tuned.equals(base):
        return text + "Base and tuned model do not differ."
    return text + (
        f"In the tuned model half of the variance takes {tuned['components'].mean():.0f} components."
    )


def explained(shares: dict[str, pd.DataFrame]) -> str:
    """Give the shares of explainable components of both models and of the controls."""
    rows = {name: _row(table, "explained") for name, table in shares.items()}
    said = {name: _share(row) for name, row in rows.items()}
    return (
        f"The annotator names {said['base']} of {rows['base']['n']:,.0f} components of the base model "
        f"and {said['tuned']} of the tuned one. When the base model's words are dealt out anew it "
        f"names {said['base, shuffled words']}. Of random directions, read with the words of the base "
        f"model, it names {said['base, random directions']}, with those of the tuned model "
        f"{said['tuned, random directions']}."
    )


def beyond_chance(
    all_: Mapping[str, pd.DataFrame], strongest: Mapping[str, pd.DataFrame], r: int
) -> str:
    """Say whether components are named more often than random directions.

    Tables of :func:`sparcom_nb.shift.compare_shares` of random directions with a model, by model:
    of all components, and of the ``r`` strongest of each network.
    """
    rows = [_row(tables[name], "explained") for name in all_ for tables in (all_, strongest)]
    p = iter(holm(np.array([row["p"] for row in rows])))
    parts = []
    for name, whole, top in zip(all_, rows[::2], rows[1::2], strict=True):
        p_whole, p_top = next(p), next(p)
        shown = (p_whole <= _LEVEL and whole["low"] > 0, p_top <= _LEVEL and top["low"] > 0)
        parts.append(
            f"In the {name} model, components have a name {_points(whole)} percentage points more "
            f"often than random directions ({p_value(p_whole)}), the {r} strongest of each network "
            f"{_points(top)} ({p_value(p_top)}): **{_BEYOND[shown]}.**"
        )
    return " ".join(parts) + f" (Each p corrected for {len(rows)} tests, Holm.)"


def difference(change: pd.DataFrame, net: pd.DataFrame) -> str:
    """Say whether tuning changed the shares, and whether more than those of random directions.

    Tables of :func:`sparcom_nb.shift.compare_shares`, without and with controls.
    """
    raw, beyond = _row(change, "explained"), _row(net, "explained")
    if not change["difference"].any() and (change["p"] == 1).all():
        return "Base and tuned model have the same concepts: **no change**."
    text = (
        f"Tuning changed the share of explainable components by {_points(raw)} percentage points "
        f"({_holm(raw)}). What goes beyond random directions changed by {_points(beyond)} "
        f"({_holm(beyond)}). "
    )
    if raw["p_holm"] > _LEVEL and beyond["p_holm"] > _LEVEL:
        text += "**A change does not show.** "
    elif beyond["p_holm"] > _LEVEL:
        text += (
            "**The change is one of the words: random directions, read with the output embedding "
            "of the tuned model, change as much.** "
        )
    else:
        text += "**A change of the concepts shows, beyond that of the words.** "
    return text + _which(net)


def rotation(test: dict[str, Any], ceiling: pd.DataFrame, r: int) -> str:
    """Say how far the concepts turned, against a random change and random subspaces."""
    if test["value"] < SAME:
        return f"The first {r} concepts of both models span the same spaces: **nothing rotated**."
    limit = ceiling.to_dict("records")[0]
    text = (
        f"The first {r} concepts of a network lie {test['value']:.1f} degrees apart in base and tuned "
        f"model (mean of {r} principal angles; matched components have a cosine of "
        f"{test['cosine']:.2f}). Random subspaces lie "
        f"{interval(limit['value'], limit['low'], limit['high'], 1)} degrees apart, and a random "
        f"change of the size of tuning turns the base by {test['control']:.1f} "
        f"[{test['control_low']:.1f}, {test['control_high']:.1f}] (95 % of {test['draws']} draws; "
        f"{p_value(test['p'])}). "
    )
    if test["p"] > _LEVEL:
        return text + "**Tuning rotated the concepts no more than any change of its size does.**"
    if test["value"] > test["control"]:
        return text + "**Tuning rotated the concepts more than a random change of its size.**"
    return (
        text
        + "**Tuning rotated the concepts less than a random change of its size: it spared them.**"
    )


def placebo(test: dict[str, Any] | None) -> str:
    """Compare tuning with equally long training on plain documents, where there is a placebo."""
    if test is None:
        return NO_PLACEBO
    text = (
        f"The placebo turned the concepts by {test['placebo']:.1f} degrees. Tuning turned them "
        f"{interval(test['value'], test['low'], test['high'], 1)} degrees further (95 % over "
        f"{test['networks']} networks, {p_value(test['p'])}). "
    )
    if test["p"] > _LEVEL:
        return text + "**That instructions turn more than plain documents does not show.**"
    more = "more" if test["value"] > 0 else "less"
    return text + f"**Instructions turned the concepts {more} than plain documents.**"


def matches(words: pd.DataFrame) -> str:
    """Name the component that stayed most itself, and how many found no partner."""
    if (words["cosine"] > 1 - 1e-6).all():
        return "Every component is matched with itself: **nothing rotated**."
    most = words.nlargest(1, "cosine").to_dict("records")[0]
    place = f"layer {most['layer']}" + (f", expert {most['expert']}" if "expert" in words else "")
    return (
        f"{(words['cosine'] > 0.9).mean():.0%} of the {len(words):,} components have a partner with a "
        f"cosine above 0.9, {(words['cosine'] < 0.5).mean():.0%} have none above 0.5. Most itself "
        f"stayed component {most['component']} of {place} (cosine {most['cosine']:.2f})."
    )


def ends(whole: pd.DataFrame, apart: pd.DataFrame) -> str:
    """Compare components as a whole with their ends, each beyond random directions.

    Tables of :func:`sparcom_nb.shift.compare_shares` of random directions with the base model.
    """
    rows = _row(whole, "explained"), _row(apart, "explained")
    text = (
        f"As a whole, {rows[0]['tuned']:.1%} of the base model's components have a name, of their ends "
        f"{rows[1]['tuned']:.1%}; of the ends of random directions {rows[1]['base']:.1%}. Beyond "
        f"random directions that is {_points(rows[0])} percentage points as a whole and "
        f"{_points(rows[1])} with the ends apart ({p_value(rows[1]['p'])}). "
    )
    if rows[1]["p"] > _LEVEL or rows[1]["low"] <= 0:
        return text + "**That ends mean more than random directions does not show.**"
    return text + "**Taken apart, ends mean more than random directions.**"


def _row(table: pd.DataFrame, what: str) -> dict[Any, Any]:
    return table[table["what"] == what].to_dict("records")[0]


def _share(row: dict[Any, Any]) -> str:
    return f"{row['share']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"


def _points(row: dict[Any, Any]) -> str:
    return interval(*(100 * row[name] for name in ("difference", "low", "high")), digits=1)


def _holm(row: dict[Any, Any]) -> str:
    return f"{p_value(row['p_holm'])} after Holm's correction"


def _which(change: pd.DataFrame) -> str:
    """Name the tasks and levels whose share changed beyond random directions."""
    rows = change[(change["what"] != "explained") & (change["p_holm"] <= _LEVEL)].to_dict("records")
    if not rows:
        return "By task and level, no change shows beyond that."
    said = [f"{row['what']} ({_points(row)})" for row in rows]
    return f"By task and level, a change beyond that shows for {', '.join(said)}."
