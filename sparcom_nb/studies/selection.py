"""Notebook 32: does tuning on a selection help? Arms against random rows, and the shipped experiment."""

import json
from typing import Any

import pandas as pd

from sparcom_nb.evidence import Finding
from sparcom_nb.files import shipped
from sparcom_nb.studies.results import Results
from sparcom_nb.studies.tuning import FULL_POOL, RANDOM, UPPER, Bench, gained, mean_losses, versus

_READING = {
    UPPER: "It bounds what any selection can gain, and shows whether so little training can tell arms "
    "apart at all.",
    FULL_POOL: "The whole pool gets the same number of steps, so that each of its rows is seen less often.",
}


def arms(bench: Bench, capability: str) -> dict[str, list[pd.Index]]:
    """Arm -> rows to tune on, for each seed."""
    return {
        RANDOM: bench.random(),
        UPPER: bench.wanted(capability),
        FULL_POOL: bench.whole(),
        **{f"{s}: top": bench.top(s, capability) for s in ("NAIT", "NAIT, one scale", "contrast")},
        "contrast: bottom": bench.bottom("contrast", capability),
    }


def study(bench: Bench) -> Results:
    """Tune every arm for every capability of the plan.

    Returns:
        Findings ``CAPABILITY: ARM``, against random rows, and ``CAPABILITY: top and bottom``; table
        ``arms`` (capability, arm, n, loss, difference from random rows, correct) and ``outcomes``.
    """
    found: dict[str, Finding] = {}
    tables, outcomes = [], []
    for capability in bench.capabilities:
        made = bench.outcomes(arms(bench, capability))
        found |= findings(made, capability)
        own = made[made["category"] == capability]
        tables.append(mean_losses(own).assign(capability=capability))
        outcomes.append(made.assign(capability=capability))
    parts = {"arms": pd.concat(tables), "outcomes": pd.concat(outcomes)}
    return Results.of(
        "Select and tune", found,
        tables={name: table.reset_index(drop=True) for name, table in parts.items()},
    )  # fmt: skip


def findings(outcomes: pd.DataFrame, capability: str) -> dict[str, Finding]:
    """What the arms of one capability say."""
    found = {
        f"{capability}: {arm}": gained(
            f"Tuned on {_told(arm)}, the model answers {capability} better than on random rows",
            outcomes, versus(arm, [capability]), control="random rows",
            reading=_READING.get(arm, "A gain counts against random rows of the same number only."),
        )
        for arm in outcomes["arm"].unique() if arm not in (RANDOM, "contrast: bottom")
    }  # fmt: skip
    top, bottom = "contrast: top", "contrast: bottom"
    if {top, bottom} <= set(outcomes["arm"]):
        found[f"{capability}: top and bottom"] = gained(
            f"The top of the contrast serves {capability} better than its bottom",
            outcomes, versus(top, [capability], bottom), control="the bottom",
            reading="A score that measures anything about the capability has its ends apart.",
        )  # fmt: skip
    return found


def _told(arm: str) -> str:
    score, _, end = arm.partition(": ")
    return f"the {end} of the score {score}" if end else {FULL_POOL: "the whole pool"}.get(arm, arm)


def full_results() -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The shipped tables of the experiment at full size, and what made them; empty without."""
    folder = shipped("data") / "nait"
    if not (folder / "manifest.json").exists():
        return {}, {}
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return {name: pd.read_csv(folder / f"{name}.csv") for name in manifest["tables"]}, manifest
