"""What word pairs of attention heads and the shift of verbs say."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sparcom_nb.view.prose import NO_PLACEBO, interval, p_value
from sparcom_nb.view.safe import literal


def source(similarity: Any, words: Sequence[str], features: int) -> str:
    """Say where the word vectors come from, and that they are not the paper's where they are not."""
    size = f"{len(words):,} words, {features} numbers each"
    if isinstance(similarity, str) and similarity == "corpus":
        return (
            f"Word vectors: {size}, **counted from the texts above**. This is a substitution: the "
            "paper takes GloVe vectors of the open web, so that counts here are not its counts."
        )
    name = "a table of your own" if isinstance(similarity, dict) else f"“{literal(similarity)}”"
    return f"Word vectors: {size}, from {name}."


def relatedness(ratios: dict[str, dict[str, float]]) -> str:
    """Say whether heads bring related words together more than shuffled vectors would have it.

    ratios: name of the model -> its ratio to the control, from ``head_ratio``.
    """
    return "Pairs with true vectors, divided by pairs with shuffled ones" + _shown(
        ratios, "That heads bring related words together"
    )


def directions(ratios: dict[str, dict[str, float]]) -> str:
    """Say whether it matters which directions a head reads; ratios as in :func:`relatedness`."""
    return "Pairs of the heads as they are, divided by pairs of the same heads turned" + _shown(
        ratios, "That heads read directions which hold related words"
    )


def overlap(own: dict[str, float], other: dict[str, float], less: dict[str, float] | None) -> str:
    """Say how far heads keep their pairs through tuning, against other heads and a placebo.

    less: how much less a head keeps than in the placebo, where there is one.
    """
    if not own["n"]:
        return "No head has a word pair in both models: there is nothing to compare."
    text = (
        f"A head's pairs before and after tuning overlap by "
        f"{interval(own['value'], own['low'], own['high'])} (Jaccard, mean over {own['n']} heads); "
        f"with the other heads by {interval(other['value'], other['low'], other['high'])}. "
    )
    if own["low"] > 0.999:
        return text + "**Tuning changed no word pair.**"
    if own["low"] > other["high"]:
        text += "Heads keep a part of what they were. "
    else:
        text += "That heads keep what they were does not show: other heads are as close. "
    if less is None:
        return text + NO_PLACEBO
    text += (
        f"Head by head, the placebo overlaps with the base by "
        f"{interval(less['value'], less['low'], less['high'])} more. "
    )
    if less["low"] > 0:
        return text + "**Instruction tuning changed more pairs than plain training did.**"
    return text + "**More change than by plain training does not show.**"


def verb_shift(table: pd.DataFrame, words: int) -> str:
    """Sum up the shift of instruction verbs: all layers, then the quarters, with both controls.

    words: how many of the instruction verbs are in the vocabulary.
    """
    whole = table.iloc[-1]
    if not whole["n"]:
        return (
            f"Of the 38 instruction verbs {words} are in the vocabulary, and in no head did tuning "
            "change the number of their pairs: **there is no shift to see.**"
        )
    text = (
        f"Of the 38 instruction verbs {words} are in the vocabulary, and {whole['n']} change their "
        f"number of pairs in some head. In {_shares(whole, '')} of these heads the number rose; for "
        f"{whole['general_n']} other verbs, in {_shares(whole, 'general_')}. "
    )
    return text + _tests(whole) + _quarters(table.iloc[:-1])


def _shown(ratios: dict[str, dict[str, float]], what: str) -> str:
    """Give the ratios, and in which models they lie above one."""
    said = "; ".join(
        f"{name}: {interval(r['value'], r['low'], r['high'])}" for name, r in ratios.items()
    )
    n = next(iter(ratios.values()))["n"]
    shows = [name for name, ratio in ratios.items() if ratio["low"] > 1]
    verdict = f"shows** ({', '.join(shows)})." if shows else "does not show.**"
    return f" (mean ratio over {n} heads, 95 % interval over heads): {said}. **{what} {verdict}"


def _shares(row: pd.Series, prefix: str) -> str:
    value, low, high = (row[f"{prefix}{name}"] for name in ("share", "low", "high"))
    return interval(value, low, high) if low == low else f"{value:.2f}"


def _tests(row: pd.Series) -> str:
    """Report Welch's test with its two controls, and the conclusion that they allow."""
    if pd.isna(row["p_permuted"]):
        return "That is too few verbs for a test. **A shift is neither shown nor excluded.** "
    text = (
        f"Welch's test of the paper: {p_value(row['p'])}; verbs' labels permuted: "
        f"{p_value(row['p_permuted'])}; share against one half: {p_value(row['p_half'])}. "
    )
    if row["p"] <= 0.05 and row["p_permuted"] <= 0.05:
        way = "towards" if row["share"] > row["general_share"] else "away from"
        return text + f"**Heads turned {way} instruction verbs, compared with other verbs.** "
    return text + (
        "**A shift of instruction verbs beyond other verbs does not show.** With so few verbs only "
        "a large one would. "
    )


def _quarters(table: pd.DataFrame) -> str:
    """Say in which quarters both tests pass, mindful of how many were tried."""
    tested = table.dropna(subset=["p_permuted"])
    if tested.empty:
        return ""
    cut = 0.05 / len(tested)
    found = tested[(tested["p"] <= cut) & (tested["p_permuted"] <= cut)]
    where = f": layers {', '.join(found['layers'])}" if len(found) else ""
    return (
        f"Of {len(tested)} groups of layers, each tested at 5 % divided by their number, {len(found)} "
        f"differ{where}."
    )
