"""What kinds of components there are, and whether that is more than shuffled labels give."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import xarray as xr
from scipy.stats import binom

from sparcom_nb.view.prose import evidence, interval
from sparcom_nb.view.safe import literal

_CHANCE = 0.05


def against(row: Mapping[Any, Any], more: str = "more", fewer: str = "fewer") -> str:
    """Say how a value compares with shuffled labels; its test and its interval must agree."""
    outside = row["low"] > row["null_mean"] or row["high"] < row["null_mean"]
    if row["p"] <= _CHANCE and outside:
        return more if row["value"] > row["null_mean"] else fewer
    if row["p"] > _CHANCE and not outside:
        return "no different"
    return "not clearly different"


def sizes(table: pd.DataFrame) -> str:
    """Range of the sets' sizes and of their unique parts, and how many differ from chance."""
    said = []
    for part, name in (("set", "A category's set"), ("unique", "The part that is in no other set")):
        rows = table[table["part"] == part].sort_values("value").to_dict("records")
        least, most = rows[0], rows[-1]
        said.append(
            f"{name} holds {_count(least)} neurons ({least['category']}) to {_count(most)} "
            f"({most['category']})"
        )
    return ". ".join(said) + ". " + _beyond_chance(table, "sizes")


def kinds(table: pd.DataFrame) -> str:
    """Compare the numbers of unique and of general components with shuffled labels."""
    total = table["value"].sum()
    if total == 0:
        return "No neuron is in any category's set at this cut and agreement."
    rows = table.to_dict("records")
    unique, general = rows[0], rows[-1]
    words = against(unique), against(general)
    signs = (words[0] == "more") + (words[1] == "fewer")
    verdict = ("does not show", "shows only in part", "shows")[signs]
    return (
        f"Of {total:.0f} neurons in any set, {_with_null(unique)} are unique to one category and "
        f"{_with_null(general)} are general. **That categories have neurons of their own {verdict}** "
        f"(against shuffled labels, unique ones: {words[0]}; general ones: {words[1]}). Half the "
        f"sub-types would give {unique['halves']:.0f} unique neurons: {_drift(unique)}"
    )


def overlap(matrix: xr.Dataset) -> str:
    """Say whether the categories' sets are more distinct than those of shuffled labels."""
    mean = matrix.attrs["mean"]
    verdict = against(mean, "more alike", "more distinct")
    return (
        f"Two categories' sets have a mean Jaccard of "
        f"{interval(mean['value'], mean['low'], mean['high'])}; shuffled labels give "
        f"{mean['null_mean']:.2f} ({mean['null_low']:.2f} to {mean['null_high']:.2f}), p = "
        f"{mean['p']:.3f}. **Against shuffled labels, the categories' sets are {verdict}.**"
    )


def combinations(table: pd.DataFrame) -> str:
    """Name the largest combination and count those beyond chance."""
    if not len(table):
        return "No neuron is in any category's set at this cut and agreement."
    first = table.to_dict("records")[0]
    return (
        f"{len(table)} combinations of categories occur; the largest is {first['categories']} with "
        f"{_with_null(first)}. " + _beyond_chance(table, "combinations")
    )


def layers(table: pd.DataFrame) -> str:
    """Where each kind is most frequent, and how many of the shares differ from chance."""
    said = []
    for kind, rows in table.groupby("kind", sort=False):
        most = rows.sort_values("value").to_dict("records")[-1]
        if most["value"] > 0:
            share = interval(most["value"], most["low"], most["high"], 3)
            said.append(f"{kind} most in layer {most['layer']} ({share} of its neurons)")
    where = "; ".join(said) or "no layer holds any"
    return f"{where[0].upper()}{where[1:]}. " + _beyond_chance(table, "shares")


def sweep(table: pd.DataFrame) -> str:
    """Count the cuts at which there are more unique, and fewer general, components than by chance."""
    said = []
    for kind in ("unique", "general"):
        rows = table[table["kind"] == kind].to_dict("records")
        words = [against(row) for row in rows]
        said.append(
            f"{kind.capitalize()} neurons: more than with shuffled labels at "
            f"{words.count('more')} and fewer at {words.count('fewer')} of {len(rows)} pairs of "
            "share and agreement"
        )
    unique = table[table["kind"] == "unique"]
    if unique["value"].max() == 0:
        return "; ".join(said) + ". No cut gives any unique neuron."
    most = unique.sort_values("value").to_dict("records")[-1]
    return (
        "; ".join(said) + f". Unique neurons number {unique['value'].min():.0f} to "
        f"{most['value']:.0f} by the cut alone; most come out at a share of {most['top']:.1%} and "
        f"an agreement of {most['agreement']:.0%}: {_with_null(most)}."
    )


def carried(table: pd.DataFrame) -> str:
    """Say, for every collection and measure, whether sets agree with their own category's."""
    if not len(table):
        return "All rows have one source, so that there is nothing to compare. "
    said = []
    for collections, rows in table.groupby("collections", sort=False):
        parts = [
            f"{row['measure']} {row['own']:.2f} with the own category, {row['other']:.2f} with "
            f"others (a gap of {interval(row['value'], row['low'], row['high'])}, "
            f"{row['null_mean']:z.2f} with shuffled labels, p = {row['p']:.3f})"
            for row in rows.dropna(subset=["value"]).to_dict("records")
        ]
        sets = rows.iloc[0]
        said.append(
            f"*{literal(collections)}*: {'; '.join(parts)}. **That a category's set carries over "
            f"{evidence(sets['p'], sets['low'], sets['null_mean'])}.**"
        )
    return "\n\n".join(said)


def wording(table: pd.DataFrame) -> str:
    """Compare paraphrases' sets with their originals' and with other rows'."""
    if not len(table):
        return "There are no paraphrases of these rows, so that wording and request stay mixed."
    rows = table[table["measure"] == table["measure"].iloc[0]].set_index("collections")
    text = carried(table)
    if len(rows) < 2:
        return text
    same, other = (row for _, row in rows.iterrows())
    if same["low"] > other["high"]:
        return text + (
            "\n\nThe originals' sets are clearly closer than those of other rows: part of a "
            "category's set belongs to the very requests it was found on."
        )
    return text + (
        "\n\nOther rows of the same sub-types serve about as well as the originals: the sets do not "
        "hang on the very requests they were found on."
    )


def cuts(table: pd.DataFrame) -> str:
    """Say what equal share and equal length change."""
    ranges = table.drop_duplicates("cut").to_dict("records")
    said = [
        f"{r['cut']}: {r['share_low']:.1%} to {r['share_high']:.1%} taken, {r['tokens_low']:.0f} to "
        f"{r['tokens_high']:.0f} tokens, {r['n']} rows"
        for r in ranges
    ]
    text = "Means by category. " + "; ".join(said).capitalize() + ". "
    for measure, rows in table.groupby("measure", sort=False):
        words = [against(row, "above", "below") for row in rows.to_dict("records")]
        if len(set(words)) == 1:
            text += f"The {measure} against shuffled labels: {words[0]} under every cut. "
        else:
            named = [f"{w} ({c})" for c, w in zip(rows["cut"], words, strict=True)]
            text += f"The {measure} against shuffled labels: {', '.join(named)}. "
    return text.strip()


def methods(table: pd.DataFrame) -> str:
    """Say which methods agree with SPARCOM, and whose sets come out again on other sub-types."""
    said = []
    for question, rows in table.groupby("question", sort=False):
        shows = [
            row["method"]
            for row in rows.to_dict("records")
            if evidence(row["p"], row["low"], row["null_mean"]) == "shows"
        ]
        names = ", ".join(shows) or "no method"
        said.append(f"“{question}” shows for {names}")
    sizes = [f"{m} {s:.0f}" for m, s in table.groupby("method", sort=False)["size"].first().items()]
    return f"Mean size of a set: {', '.join(sizes)} neurons. " + "; ".join(said) + "."


def _count(row: Mapping[Any, Any]) -> str:
    return interval(row["value"], row["low"], row["high"], 0)


def _with_null(row: Mapping[Any, Any]) -> str:
    return (
        f"{_count(row)} (shuffled labels: {row['null_mean']:.0f}, {row['null_low']:.0f} to "
        f"{row['null_high']:.0f}; p = {row['p']:.2f})"
    )


def _drift(row: Mapping[Any, Any]) -> str:
    """What the mean of half samples says about how a count depends on the amount of data."""
    if row["halves"] > row["high"]:
        return "some of what is unique now would not be with more sub-types."
    if row["halves"] < row["low"]:
        return "more sub-types would make more of them unique."
    return "about as many."


def _beyond_chance(table: pd.DataFrame, what: str) -> str:
    """Count the rows that differ from shuffled labels, and say how many would by chance."""
    differ = int((table["p"] <= _CHANCE).sum())
    usual = int(binom.ppf(0.95, len(table), _CHANCE))
    return f"{differ} of {len(table)} {what} differ from shuffled labels at p ≤ 0.05; " + (
        f"chance alone would rarely give more than {usual}."
        if differ > usual
        else f"that is no more than chance gives (up to {usual})."
    )
