"""Notebook 32: does tuning on a selection help? Arms against random rows, and the shipped experiment."""

from typing import Any

import pandas as pd

from sparcom_nb.evidence import Finding
from sparcom_nb.files import shipped
from sparcom_nb.nait.selection import select
from sparcom_nb.studies.results import Results
from sparcom_nb.studies.tuning import FULL_POOL, RANDOM, UPPER, Bench, Places, gained, mean_losses

TOP, BOTTOM = "contrast: top", "contrast: bottom"
#: Finding -> claim, arm, what it is held against, reading.
CLAIMS = {
    "only what is wanted": (
        "Tuned on its clean rows only, the model answers a capability better than on random rows",
        UPPER, RANDOM, "It bounds what any selection can gain here.",
    ),
    "NAIT": (
        "Tuned on the top of NAIT, the model answers a capability better than on random rows",
        "NAIT: top", RANDOM, "This is the paper's score with the sign that accounts of it give.",
    ),
    "contrast": (
        "Tuned on the top of the contrast, the model answers a capability better than on random rows",
        TOP, RANDOM, "A gain counts against random rows of the same number only.",
    ),
    "contrast and pool": (
        "Tuned on the top of the contrast, the model answers a capability better than on the whole pool",
        TOP, FULL_POOL, "The whole pool gets as many steps, so that each of its rows is seen less often.",
    ),
    "top and bottom": (
        "The top of the contrast serves a capability better than its bottom", TOP, BOTTOM,
        "A score that measures anything about the capability has its ends apart.",
    ),
}  # fmt: skip


def arms(bench: Bench, capability: str) -> dict[str, Any]:
    """Arms of one capability -> ids to tune on, for all seeds or for each."""
    wanted = bench.mix.wanted(capability)
    return {
        RANDOM: bench.random(),
        UPPER: wanted[wanted].index,
        FULL_POOL: pd.Index(bench.mix.pool["id"]),
        **{f"{score}: top": bench.top(score, capability) for score in ("NAIT", "contrast")},
        BOTTOM: select(-bench.scores["contrast", capability], bench.plan.ratio),
    }


def study(bench: Bench) -> Results:
    """Tune every arm for every capability of the plan, and judge each by its own rows.

    Returns:
        A finding for each of :data:`CLAIMS`, over all capabilities together; tables ``arms``
        (capability, arm, n, loss, difference from random rows, correct) and ``outcomes``.
    """
    made = [bench.outcomes(arms(bench, c)).query("category == @c") for c in bench.capabilities]
    tables = [mean_losses(one).rename(columns={"category": "capability"}) for one in made]
    outcomes = pd.concat(made, ignore_index=True)
    parts = {"arms": pd.concat(tables, ignore_index=True), "outcomes": outcomes}
    return Results.of("Select and tune", findings(outcomes), tables=parts)


def findings(outcomes: pd.DataFrame) -> dict[str, Finding]:
    """What outcomes, each arm's on its own capability, say."""

    def places(arm: str) -> Places:
        return [(arm, category) for category in outcomes["category"].unique()]

    return {
        name: gained(
            claim, outcomes, places(arm), places(other),
            control={RANDOM: "random rows", BOTTOM: "the bottom"}.get(other, "the whole pool"),
            reading=reading,
        )
        for name, (claim, arm, other, reading) in CLAIMS.items()
    }  # fmt: skip


def full_results() -> dict[str, pd.DataFrame]:
    """The shipped tables of the experiment at full size; empty without."""
    files = sorted((shipped("data") / "nait").glob("*.csv"))
    return {file.stem: pd.read_csv(file) for file in files}
