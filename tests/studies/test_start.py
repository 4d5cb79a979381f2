"""The first claim, where there is something to compare and where there is not."""

import numpy as np
import pandas as pd
import pytest

from sparcom_nb.evidence import NOT, SHOWS, UNTOLD
from sparcom_nb.studies.start import study


def answers(share, judged=1.0, seed=0):
    """Six rows in each of six sub-types of two categories, right with a chance."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        [(c, f"s{n}") for c in ("QA", "MATH") for n in range(6) for _ in range(6)],
        columns=["category", "subtype"],
    )
    right = pd.array(rng.random(72) < share, dtype="boolean")
    right[rng.random(72) >= judged] = pd.NA
    return table.assign(correct=right)


def test_a_tuned_model_that_answers_shows_and_one_like_the_base_does_not():
    results = study({"base": answers(0.1), "instruct": answers(0.8, seed=1)})
    assert results.findings["answers"].verdict == SHOWS
    assert len(results.tables["rates"]) == 4
    same = {"base": answers(0.5), "instruct": answers(0.5)}
    assert study(same).findings["answers"].verdict == NOT


@pytest.mark.parametrize("members", [("base", "instruct"), ("base",)])
def test_nothing_is_told_where_no_row_is_judged_or_a_member_is_missing(members):
    results = study({name: answers(0.5, 0.0 if len(members) == 2 else 1.0) for name in members})
    assert results.findings["answers"].verdict == UNTOLD
