"""Notebook 00: does tuning make a model answer; one claim to learn how claims are read."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sparcom_nb.evidence import Clusters, Finding, mean_table, paired
from sparcom_nb.studies.results import Results

_CLAIM = "The tuned model answers more requests rightly than the base"


def study(answers: Mapping[str, pd.DataFrame], seed: int = 0) -> Results:
    """Compare the right answers of a pair's members.

    Args:
        answers: of :func:`sparcom_nb.answer` for the members ``base`` and ``instruct``, to the same
            rows; a member that is not there leaves nothing to tell.
        seed: of the permutations.

    Returns:
        Results: finding ``answers``; table ``rates``: member, category, mean, low, high, n. Rows
        without a verdict do not count.
    """
    right = {
        name: table["correct"].to_numpy(float, na_value=np.nan) for name, table in answers.items()
    }
    rates = pd.concat(table.assign(member=n, right=right[n]) for n, table in answers.items())
    told = Finding(_CLAIM, np.nan)
    known = ~np.isnan(np.sum(list(right.values()), axis=0))
    if {"base", "instruct"} <= set(right) and known.any():
        clusters = Clusters.of(answers["base"][known])
        told = paired(
            _CLAIM, right["base"][known], right["instruct"][known], clusters, seed=seed,
            unit="of all answers", control="the two members' names exchanged in whole sub-types",
            reading="The rest of this suite asks what changed inside.",
        )  # fmt: skip
    numbers = {
        f"right answers, {name}": {
            "value": float(values[known].mean()) if known.any() else None,
            "n": int(known.sum()),
        }
        for name, values in right.items()
    }
    table = mean_table(rates, ["member", "category"], "right")
    return Results.of("Start here", {"answers": told}, numbers, {"rates": table})
