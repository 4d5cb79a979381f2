"""What the concepts of base and tuned model say."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sparcom_nb.shift.subspaces import SAME
from sparcom_nb.view.prose import interval, p_value

_LEVEL = 0.05


def vocabulary(words: list[str], source: str) -> str:
    """Say which words describe the concepts."""
    first, last = words[0], words[-1]
    return (
        f"Concepts are described with the {len(words):,} most frequent words of {source}, from "
        f"“{first}” to “{last}”. What is not among them cannot be said about a concept."
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
    """Compare the share of explainable components with controls that have no meaning."""
    rows = {name: _row(table, "explained") for name, table in shares.items()}
    said = {name: _share(row) for name, row in rows.items()}
    text = (
        f"The annotator names {said['base']} of {rows['base']['n']:.0f} components of the base model "
        f"and {said['tuned']} of the tuned one. Of random directions it names "
        f"{said['random directions']}: the vocabulary itself comes in clumps. Of the base model's "
        f"words dealt out anew it names {said['shuffled words']}. "
    )
    above = [rows[name]["low"] > rows["random directions"]["high"] for name in ("base", "tuned")]
    return (
        text
        + {
            (
                True,
                True,
            ): "**Concepts that can be named, more than by chance, show in both models.**",
            (
                True,
                False,
            ): "**They show in the base model; in the tuned one, no more than by chance.**",
            (False, True): "**They show in the tuned model; in the base, no more than by chance.**",
            (False, False): "**That components can be named more often than random directions does "
            "not show.**",
        }[above[0], above[1]]
    )


def difference(change: pd.DataFrame, random: pd.DataFrame, against: pd.DataFrame) -> str:
    """Say what tuning did to the shares, and whether a random change does the same.

    Tables of :func:`sparcom_nb.shift.compare_shares`: base and tuned; base and random change;
    random change and tuned.
    """
    all_, control, beyond = (_row(table, "explained") for table in (change, random, against))
    if not change["difference"].any() and (change["p"] == 1).all():
        return "Base and tuned model have the same concepts: **no change**."
    text = (
        f"Tuning changed the share of explainable components by {_points(all_)} percentage points "
        f"({_holm(all_)}); a random change of the same size by {_points(control)}. "
    )
    if all_["p_holm"] > _LEVEL:
        text += "**A change of the share does not show.** "
    elif beyond["p"] > _LEVEL:
        text += "**A change shows, but no other than a random change of the weights makes.** "
    else:
        text += (
            f"**A change shows, and another than a random one makes** ({p_value(beyond['p'])} between "
            "the two). "
        )
    return text + _which(change)


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


def placebo(test: dict[str, Any]) -> str:
    """Compare tuning with equally long training on plain documents."""
    text = (
        f"The placebo turned the concepts by {test['placebo']:.1f} degrees. Tuning turned them "
        f"{interval(test['value'], test['low'], test['high'], 1)} degrees further (95 % over "
        f"{test['networks']} networks, {p_value(test['p'])}). "
    )
    if test["p"] > _LEVEL:
        return text + "**That instructions turn more than plain documents does not show.**"
    more = "more" if test["value"] > 0 else "less"
    return text + f"**Instructions turned the concepts {more} than plain documents.**"


def no_placebo(pair: str) -> str:
    """Say that the floor is missing."""
    return (
        f"There is no placebo for **{pair}** on this machine, so this floor is missing: what follows "
        "cannot tell instructions from more training of any kind. The random change of section 5 "
        "stands in for the size of the change only."
    )


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


def ends(whole: Mapping[Any, Any], apart: Mapping[Any, Any]) -> str:
    """Compare the share of components named as a whole with that of their ends; rows of shares."""
    text = (
        f"As a whole, {_share(whole)} of {whole['n']:.0f} components have a name; of their "
        f"{apart['n']:.0f} ends {_share(apart)}. "
    )
    if apart["low"] > whole["high"]:
        return text + "**One end is named more often than the mixture of both.**"
    if apart["high"] < whole["low"]:
        return text + "**One end is named less often than the mixture of both.**"
    return text + "**A difference does not show.**"


def _row(table: pd.DataFrame, what: str) -> dict[Any, Any]:
    return table[table["what"] == what].to_dict("records")[0]


def _share(row: Mapping[Any, Any]) -> str:
    return f"{row['share']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"


def _points(row: dict[Any, Any]) -> str:
    return interval(*(100 * row[name] for name in ("difference", "low", "high")), digits=1)


def _holm(row: dict[Any, Any]) -> str:
    return f"{p_value(row['p_holm'])} after Holm's correction"


def _which(change: pd.DataFrame) -> str:
    """Name the tasks and levels whose share changed."""
    rows = change[(change["what"] != "explained") & (change["p_holm"] <= _LEVEL)].to_dict("records")
    if not rows:
        return "By task and level, no change shows."
    said = [f"{row['what']} ({_points(row)})" for row in rows]
    return f"By task and level, a change shows for {', '.join(said)}."
