"""What directions, scores and selection precision say."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.nait.directions import Direction
from sparcom_nb.nait.pool import Mixture
from sparcom_nb.nait.precision import BASELINE_SCORES
from sparcom_nb.view.prose import interval


def pool(mix: Mixture) -> str:
    """Describe the mixture."""
    quality = mix.pool["quality"].value_counts()
    said = ", ".join(f"{quality.get(q, 0):,} {q}" for q in ("clean", "corrupted", "shuffled"))
    categories = mix.pool["category"].unique()
    wanted = np.mean([mix.wanted(c).mean() for c in categories])
    own = mix.target["category"].value_counts()
    least, most = own.min(), own.max()
    return (
        f"The pool has {len(mix.pool):,} rows in {len(categories)} categories: {said}. For each "
        f"capability {wanted:.1%} of the pool is what a selection should hold. Beside it are "
        f"{least if least == most else f'{least} to {most}'} in-domain samples of each capability, and "
        f"{len(mix.evaluation)} rows for the evaluation; no row is in two of the three."
    )


def explained(parts: Mapping[str, Mapping[str, Direction]]) -> str:
    """Say how much of the samples' variance lies along each kind of direction."""
    said = []
    for name, directions in parts.items():
        shares = np.array([one.explained.to_numpy() for one in directions.values()])
        said.append(f"{name}: {shares.min():.0%} to {shares.max():.0%}, mean {shares.mean():.0%}")
    return "Share of the variance along the direction, over layers and capabilities. " + "; ".join(
        said
    ) + "."  # fmt: skip


def cosines(matrices: Mapping[str, xr.DataArray], halves: pd.DataFrame) -> str:
    """Compare cosines between capabilities with those of two halves of one (``stability_means``).

    ``matrices`` are named by the scores of ``halves``.
    """
    said = []
    for name, values in matrices.items():
        mean = values.mean("layer").to_numpy()
        off = mean[~np.eye(len(mean), dtype=bool)]
        own = halves[(halves["score"] == name) & (halves["measure"] == "cosine")].iloc[0]
        text = (
            f"*{name}*: different capabilities {off.min():.2f} to {off.max():.2f} (mean absolute "
            f"{np.abs(off).mean():.2f}); two halves of one capability's samples "
            f"{interval(own['mean'], own['low'], own['high'])}"
        )
        if own["low"] > np.abs(off).max():
            text += ", more alike than any two capabilities: the direction is the capability's own"
        elif own["low"] > np.abs(off).mean():
            text += ", more alike than two capabilities on average"
        else:
            text += (
                ", no more alike than two capabilities: **one cannot speak of a direction here**"
            )
        said.append(text)
    return ". ".join(said) + "."


def precisions(table: pd.DataFrame) -> str:
    """Say which scores select better than chance on average, the published one first.

    Where one draw of random rows holds more than chance, it is the mark to beat.
    """
    means = table[table["capability"] == "mean"]
    chance = means["chance"].mean()
    rows = means.to_dict("records")
    drawn = [row["precision"] for row in rows if row["score"] == "random"]
    mark = max([chance, *drawn])
    first = rows[0]
    text = f"By chance a selection holds {chance:.0%} of wanted rows"
    text += f", one random draw {drawn[0]:.0%}. " if drawn else ". "
    text += (
        f"The published score ({first['score']}) reaches {_share(first)}: **that it selects better "
        f"than chance {_shows(first, chance, mark)}.** "
    )
    above = [row for row in rows[1:] if row["low"] > mark]
    text += f"Above chance besides: {'; '.join(_named(r) for r in above) or 'none'}. "
    best = max(rows, key=lambda row: row["precision"])
    rivals = [row for row in rows if row["score"] in BASELINE_SCORES]
    if rivals and best["score"] not in BASELINE_SCORES:
        rival = max(rivals, key=lambda row: row["precision"])
        clear = "clearly" if best["low"] > rival["high"] else "not clearly"
        text += f"The best, {best['score']}, is {clear} above the best baseline ({_named(rival)}). "
    return text + "Intervals (95 %) are over the pool's sub-types."


def each_capability(table: pd.DataFrame) -> str:
    """Say for which capabilities the precision of every score is above chance."""
    own = table[(table["capability"] != "mean") & (table["score"] != "random")]
    said = []
    for score, part in own.groupby("score", sort=False):
        above = part.loc[part["low"] > part["chance"], "capability"]
        names = f" ({', '.join(above)})" if 0 < len(above) < len(part) else ""
        said.append(f"{score} {len(above)}{names}")
    n = own["capability"].nunique()
    return (
        f"Capabilities, of {n}, for which the interval is above chance (at random it is for one in "
        "forty): " + "; ".join(said) + "."
    )


def one_capability(table: pd.DataFrame, scores: list[str]) -> str:
    """Say what the selections of one capability are made of."""
    said = [
        f"{row['score']}: {row['precision']:.0%} wanted, {row['corrupted']:.0%} corrupted, "
        f"{row['shuffled']:.0%} shuffled, {row['other']:.0%} of other categories"
        for row in table[table["score"].isin(scores)].to_dict("records")
    ]
    return "The selections hold, " + "; ".join(said) + "."


def blind_spots(table: pd.DataFrame) -> str:
    """Say whether any score tells right answers from wrong ones, and whether any baseline does."""
    means = table[table["capability"] == "mean"].set_index("score")
    means = means.drop(index="random", errors="ignore")
    rival = means.index.isin(list(BASELINE_SCORES))
    said = []
    for column, what in (
        ("auc_shuffled", "Answers taken from other categories"),
        ("auc_corrupted", "Plausible wrong answers"),
    ):
        parts = [
            f"the best {kind}, {rows[column].idxmax()}, reaches {rows[column].max():.2f}, "
            f"{_seen(rows[column].max())}"
            for kind, rows in (("score by neurons", means[~rival]), ("baseline", means[rival]))
            if len(rows)
        ]
        said.append(f"{what}: {'; '.join(parts)}. ")
    return "".join(said) + "(Area under the curve against clean rows, mean over capabilities.)"


def _seen(value: float) -> str:
    if value >= 0.75:
        return "which tells most of them"
    return "a weak sign" if value >= 0.6 else "**next to blind**"


def lengths(table: pd.DataFrame) -> str:
    """Say which scores follow the length of a sample."""
    own = table[table["capability"] != "mean"]
    largest = own.groupby("score", sort=False)["length"].apply(lambda x: x.abs().max())
    said = [f"{score} {value:.2f}" for score, value in largest.items() if value >= 0.5]
    text = "Largest correlation with length of any capability, where it reaches a half: "
    return text + ("; ".join(said) + "." if said else "none of the scores.")


def openings(table: pd.DataFrame) -> str:
    """Compare every score with its form without the opening tokens."""
    means = table[table["capability"] == "mean"].set_index("score")
    said = []
    for name in means.index:
        late = f"{name}, no opening"
        if late in means.index:
            a, b = means.loc[name], means.loc[late]
            apart = b["low"] > a["high"] or b["high"] < a["low"]
            said.append(
                f"{name} {a['precision']:.0%}, without the opening {b['precision']:.0%} "
                f"({'clearly different' if apart else 'not clearly different'})"
            )
    return "Precision: " + "; ".join(said) + "."


def numbers(table: pd.DataFrame) -> str:
    """Say how many in-domain samples are enough."""
    means = table.groupby(["score", "size"], sort=False)["precision"].mean()
    said = []
    for score in table["score"].unique():
        one = means[score]
        near = one.index[one >= one.max() - 0.05].min()
        said.append(
            f"{score}: {one.iloc[0]:.0%} with {one.index[0]} samples, {one.iloc[-1]:.0%} with "
            f"{one.index[-1]}; within 5 points of its best from {near} on"
        )
    return (
        "Mean precision over capabilities. "
        + ". ".join(said)
        + (f". Chance is {table['chance'].mean():.0%}.")
    )


def _share(row: dict[Any, Any]) -> str:
    return f"{row['precision']:.0%} [{row['low']:.0%}, {row['high']:.0%}]"


def _named(row: dict[Any, Any]) -> str:
    return f"{row['score']} {_share(row)}"


def _shows(row: dict[Any, Any], chance: float, mark: float) -> str:
    if row["low"] > mark:
        return "shows"
    return "does not show" if row["high"] >= chance else "does not show: it is below chance"
