"""What outcomes of tuned arms say: effects against random rows, with intervals and seeds."""

from typing import Any

import numpy as np
import pandas as pd

from sparcom_nb.errors import InputError
from sparcom_nb.stats import mean_interval

#: The arms that need no score.
RANDOM, FULL_POOL, UPPER = "random", "full pool", "only what is wanted"


def effects(
    outcomes: pd.DataFrame, category: str | None = None, reference: str = RANDOM
) -> pd.DataFrame:
    """Loss of every arm, and how far it is from that of the reference with the same seed.

    Args:
        outcomes: of :meth:`Study.outcomes`.
        category: whose rows count; None: all.
        reference: an arm.

    Returns:
        DataFrame, a row an arm: n (rows tuned on), loss (mean nats per response token; loss_low and
        loss_high), difference (from the reference; low and high), seed_low and seed_high (the
        smallest and the largest difference of a seed), correct (share of the answers that can be
        judged; NaN without any), verdict (``lower``, ``higher`` or ``not clearly different``: the
        interval and every seed must agree). Intervals (95 %) are over halves of the sub-types (of the
        rows, where there is one sub-type), of means over seeds.

    Raises:
        InputError: no such reference.
    """
    if reference not in set(outcomes["arm"]):
        raise InputError(f"no arm {reference!r} to compare with; there are {set(outcomes['arm'])}")
    rows = outcomes if category is None else outcomes[outcomes["category"] == category]
    loss = rows.pivot(index=["category", "subtype", "id"], columns=["arm", "seed"], values="nll")
    groups = _units(loss.index)
    correct = rows.groupby("arm")["correct"].apply(lambda x: x.astype("Float64").mean())
    n = rows.groupby("arm")["n"].mean()
    table = [
        {"arm": arm, "n": int(n[arm]), "correct": float(correct.fillna(np.nan)[arm])}
        | _effect(loss[arm].to_numpy(), loss[reference].to_numpy(), groups)
        for arm in outcomes["arm"].unique()
    ]
    return pd.DataFrame(table)


def _units(index: pd.Index) -> np.ndarray:
    """Sub-type of every row (category, sub-type, id); the row itself where there is one sub-type."""
    category, subtype, ids = (index.get_level_values(level) for level in range(3))
    names = category + "/" + subtype
    return (names if names.nunique() > 1 else ids).to_numpy(str)


def _effect(own: np.ndarray, other: np.ndarray, groups: np.ndarray) -> dict[str, Any]:
    """Both [row, seed]."""
    loss, loss_low, loss_high = mean_interval(own.mean(axis=1), groups)
    apart = own - other
    difference, low, high = mean_interval(apart.mean(axis=1), groups)
    seeds = apart.mean(axis=0)
    return {
        "loss": loss, "loss_low": loss_low, "loss_high": loss_high,
        "difference": difference, "low": low, "high": high,
        "seed_low": float(seeds.min()), "seed_high": float(seeds.max()),
        "verdict": verdict(low, high, seeds),
    }  # fmt: skip


def verdict(low: float, high: float, seeds: np.ndarray) -> str:
    """``lower`` or ``higher`` where the interval and every seed agree."""
    if high < 0 and seeds.max() < 0:
        return "lower"
    if low > 0 and seeds.min() > 0:
        return "higher"
    return "not clearly different"


def transfer_matrix(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Effect of tuning on capability a's selection on the loss of category b, against random rows.

    Returns:
        DataFrame, a row a pair: selected_for, category, and the columns of :func:`effects`.
    """
    parts = [
        effects(outcomes, category).assign(category=category)
        for category in outcomes["category"].unique()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[table["arm"] != RANDOM].rename(columns={"arm": "selected_for"})
