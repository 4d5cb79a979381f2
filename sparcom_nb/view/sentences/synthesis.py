"""Where neurons, directions, concepts and attributions meet, in words."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import xarray as xr

from sparcom_nb.sparcom.controls import MATCHED
from sparcom_nb.view.prose import NO_PLACEBO, evidence, interval, p_value

NOTHING = "**There is nothing to switch off here: every set is empty.**"


Row = Mapping[Any, Any]

_METHODS = {"pc1": "the first component", "contrast": "the contrast"}
_CONTROLS = {"random": "matched random sets", "others": "the other categories' sets"}
_MEASURES = {
    "rotation": "rank correlation of a concept's turn with its part on them",
    "change": "relative change of what they write",
}


def balance(values: xr.DataArray) -> str:
    """Say how well random neurons match: values [feature, of (set, random)]."""
    table = values.to_pandas()
    if not table.loc["size", "set"]:
        return "**The sets are empty: there is nothing to compare.**"
    said, poor = [], []
    for name, row in table.drop(index="size").iterrows():
        ratio = row["random"] / row["set"] if row["set"] else 1.0
        said.append(f"{name} {row['set']:.2f} against {row['random']:.2f} ({ratio:.0%})")
        if ratio < MATCHED:
            poor.append(str(name))
    text = f"A set holds {table.loc['size', 'set']:.0f} neurons. Set against random: "
    text += "; ".join(said) + ". "
    if poor:
        return text + (
            f"**The match falls short in {', '.join(poor)}: the sets took what there is of it, so that "
            "random sets alone prove nothing here.**"
        )
    return text + "The match holds."


def verdict(row: Row) -> str:
    """Say whether a value is above zero (its control) and above what permuted labels give."""
    if row["low"] != row["low"]:
        return "cannot be told"
    if row["p"] <= 0.05 and row["high"] < min(0.0, row["null_mean"]):
        return "does not show; the opposite does"
    if row["p"] > 0.05 and row["low"] > 0:
        return "does not show: sets of permuted labels do as well"
    return evidence(row["p"], row["low"], max(0.0, row["null_mean"]))


def loading(table: pd.DataFrame) -> str:
    """Say whether a category's set carries its direction (``table`` of ``loading_test``)."""
    said = []
    for row in table.to_dict("records"):
        if row["value"] != row["value"]:
            said.append(f"- Of {_METHODS[row['method']]}: too few rows for a direction.")
            continue
        said.append(
            f"- Of {_METHODS[row['method']]}, the own set carries {row['own']:.1%} and "
            f"{_CONTROLS[row['control']]} {row['other']:.1%}: a difference of "
            f"{_points(row)} percentage points; with permuted labels "
            f"{100 * row['null_mean']:z.1f} ({p_value(row['p'])}). **That a category's neurons carry "
            f"its direction more than these {verdict(row)}.**"
        )
    return "\n".join(said)


def rotated(table: pd.DataFrame) -> str:
    """Say whether what training turned lies on the sets (``table`` of ``rotated_test``)."""
    if table["value"].isna().all():
        return "**Nothing turned between the two models, so that there is nothing to ask.**"
    said = []
    for row in table.to_dict("records"):
        difference = row["comparison"].endswith("placebo") and row["comparison"] != "placebo"
        names = ("tuning", "the placebo") if difference else ("the set", "random neurons")
        start = f"- *{row['comparison']}*, {_MEASURES[row['measure']]}: "
        if row["value"] != row["value"]:
            said.append(start + "nothing turned.")
            continue
        said.append(
            f"{start}{row['own']:z.3f} for {names[0]}, {row['other']:z.3f} for {names[1]}; difference "
            f"{interval(row['value'], row['low'], row['high'], 3)}, with permuted labels "
            f"{row['null_mean']:z.3f} ({p_value(row['p'])}). **An excess {verdict(row)}.**"
        )
    text = "\n".join(said)
    return text if "placebo" in set(table["comparison"]) else f"{text}\n\n{NO_PLACEBO}"


def density(effects: pd.DataFrame, test: Row, rest: Row, match: float) -> str:
    """Say whether the instruction score falls with the own set off.

    Args:
        effects: of :func:`sparcom_nb.sparcom.effects`, of minus the score.
        test: of :func:`sparcom_nb.sparcom.specificity`, likewise.
        rest: the same at equal harm.
        match: frequency of the random sets over that of the sets.
    """
    together = effects.to_dict("records")[-1]
    if not test["sets"] or not together["size"]:
        return NOTHING
    own = interval(*(together[name] for name in ("own", "own_low", "own_high")), digits=3)
    random = interval(*(together[f"minus_random{end}"] for end in ("", "_low", "_high")), digits=3)
    return (
        f"With nothing off, the instruction score is {-together['loss']:.3f}. With the own set off it "
        f"falls by {own}, with a matched random set by {together['random']:z.3f}, with another "
        f"category's by {together['others']:z.3f}. Own minus random: {random} "
        f"({p_value(together['p'])}): **that the score falls more than with random sets "
        f"{_against_random(together, match)}.** Above what sets and categories "
        f"differ in anyway: {_tested(test)}: **a fall that belongs to the category {_shows(test)}.** "
        f"At equal harm to the loss: {_tested(rest)}: **a fall beyond the harm {_shows(rest)}.**"
    )


def harm(effects: pd.DataFrame) -> str:
    """Say how much the same sets raise the loss."""
    together = effects.to_dict("records")[-1]
    if not together["size"]:
        return ""
    return (
        "On the same rows the own set raises the loss by "
        f"{interval(together['own'], together['own_low'], together['own_high'])} nats per response "
        f"token, a random set by {together['random']:.2f}, another category's by "
        f"{together['others']:.2f}. Whatever the score does, it does in a model that was harmed so."
    )


def answers(
    loaded: pd.DataFrame,
    turned: pd.DataFrame,
    effects: pd.DataFrame,
    test: Row,
    rest: Row,
    match: float,
) -> pd.DataFrame:
    """All three questions in one table, from the results that the other sentences are made of.

    Returns:
        DataFrame: question, effect, control, value, low, high, p, shows.
    """
    rows = []
    for row in loaded.to_dict("records"):
        effect = f"loading share, {row['method']}"
        rows.append(_answer("1 directions", effect, _CONTROLS[row["control"]], row, verdict(row)))
    for row in turned.to_dict("records"):
        control = "matched random neurons"
        if row["comparison"] not in ("tuned", "placebo"):
            control = "placebo, both beyond random neurons"
        effect = f"{row['measure']}, {row['comparison']}"
        rows.append(_answer("2 concepts", effect, control, row, verdict(row)))
    together = effects.to_dict("records")[-1]
    random = {"value": together["minus_random"], "p": together["p"]}
    random |= {end: together[f"minus_random_{end}"] for end in ("low", "high")}
    fall, others = "fall of the instruction score", _CONTROLS["others"]
    for effect, control, row, shows in (
        (fall, _CONTROLS["random"], random, _against_random(together, match)),
        (fall, others, test, _shows(test)),
        ("the same at equal harm", others, rest, _shows(rest)),
    ):
        rows.append(_answer("3 attribution", effect, control, row, shows))
    return pd.DataFrame(rows)


def conclusion(table: pd.DataFrame) -> str:
    """Sum up :func:`answers`: what shows, question by question."""
    said = []
    for question, part in table.groupby("question", sort=False):
        shown = part[part["shows"] == "shows"]
        text = f"**{str(question)[2:]}**: {len(shown)} of {len(part)} comparisons show"
        if len(shown):
            text += f" ({'; '.join(shown['effect'] + ' against ' + shown['control'])})"
        said.append(text)
    return (
        ". ".join(said)
        + f". With {len(table)} tests at the 5 % level, {0.05 * len(table):.1f} would show by chance."
    )


def _answer(question: str, effect: str, control: str, row: Row, shows: str) -> dict[str, Any]:
    numbers = {name: row[name] for name in ("value", "low", "high", "p")}
    return {"question": question, "effect": effect, "control": control, **numbers, "shows": shows}


def _shows(test: Row) -> str:
    if test["low"] != test["low"]:
        return "cannot be told"
    return evidence(test["p"], test["low"], 0)


def _against_random(together: Row, match: float) -> str:
    """Random sets that stay less frequent prove nothing, whatever the test says."""
    if together["minus_random_low"] != together["minus_random_low"]:
        return "cannot be told"
    shown = evidence(together["p"], together["minus_random_low"], 0)
    if shown == "shows" and match < MATCHED:
        return f"is no evidence: the random sets have only {match:.0%} of the frequency"
    return shown


def _tested(test: Row) -> str:
    return f"{interval(test['value'], test['low'], test['high'], 3)} ({p_value(test['p'])})"


def _points(row: Row) -> str:
    return interval(*(100 * row[name] for name in ("value", "low", "high")), digits=1)
