"""A pool whose truth is known: which rows teach a capability, and which look as if they did.

Every capability has the same share of the pool, and of its rows

    clean       are right;
    corrupted   have the answer of another row of their sub-type: plausible and wrong;
    shuffled    have the answer of a row of another category.

What a capability's selection should hold is its own clean rows, a tenth of the pool: as many as the
default ratio takes. So one pool serves all capabilities, and precision is measured and not guessed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from sparcom_nb.errors import InputError
from sparcom_nb.files import shipped
from sparcom_nb.rows.instructions import CATEGORIES, limit_rows, load_instructions, user_text
from sparcom_nb.rows.records import read_records

#: Rows between the places where two seeds begin: whole turns of the six categories.
_APART = 6 * 839
#: Share of a capability's rows of every quality.
QUALITIES = {"clean": 0.6, "corrupted": 0.2, "shuffled": 0.2}


@dataclass(frozen=True)
class Mixture:
    """Rows in three parts that share no row.

    Attributes:
        target: in-domain samples, all clean.
        pool: candidates, with a column ``quality``, one of :data:`QUALITIES`.
        evaluation: rows to judge tuned models by, all clean.
    """

    target: pd.DataFrame
    pool: pd.DataFrame
    evaluation: pd.DataFrame

    def wanted(self, capability: str) -> pd.Series:
        """Mark what the selection for a capability should hold: bool by id of the pool."""
        right = (self.pool["category"] == capability) & (self.pool["quality"] == "clean")
        return right.set_axis(self.pool["id"])

    @property
    def capabilities(self) -> list[str]:
        """The categories, in the order of the in-domain samples."""
        return list(dict.fromkeys(self.target["category"]))

    def in_domain(self, capability: str) -> pd.DataFrame:
        """The in-domain samples of a capability."""
        return self.target[self.target["category"] == capability]


def mixture(
    source: str = "miniworld",
    n_pool: int = 1500,
    n_target: int = 64,
    n_evaluation: int = 150,
    seed: int = 0,
) -> Mixture:
    """Deal rows to in-domain samples, pool and evaluation, and spoil a part of the pool.

    Args:
        source: ``miniworld`` takes rows of its own pool (``data/miniworld``), and evaluates on the
            shipped rows, whose contents and wordings are kept apart. Any other source of
            :func:`sparcom_nb.load_instructions` is dealt out: a quarter of each category to the
            evaluation and a quarter to the in-domain samples, as far as so many are asked for.
        n_pool: candidates, balanced over the categories; fewer where the source has no more.
        n_target: in-domain samples of every category.
        n_evaluation: rows to evaluate on, balanced over categories and sub-types.
        seed: of the rows, of the dealing and of the spoiling.

    Raises:
        InputError: a source with too few rows in a category.
    """
    if source == "miniworld":
        evaluation = load_instructions(source)
        wanted = len(CATEGORIES) * n_target + n_pool
        rows = _different(_miniworld_pool(round(1.1 * wanted), seed), evaluation)
        room = pd.Series(n_target, rows.index)
    else:
        data = _different(load_instructions(source), None).sample(frac=1, random_state=seed)
        quarter = (data.groupby("category")["id"].transform("size") // 4).clip(lower=1)
        evaluation, rows = _first(data, quarter)
        room = quarter.clip(upper=n_target)[rows.index]
    target, rest = _first(rows, room)
    pool = limit_rows(rest.reset_index(drop=True), n_pool)
    _check(source, [target, pool, evaluation])
    return Mixture(
        target.reset_index(drop=True),
        spoiled(pool, seed),
        limit_rows(evaluation.reset_index(drop=True), n_evaluation),
    )


def _miniworld_pool(n: int, seed: int) -> pd.DataFrame:
    """``n`` rows of the shipped pool, or all; a seed says where in the ring of rows they begin."""
    file = shipped("data") / "miniworld" / "pool.jsonl.gz"
    rows = pd.DataFrame([record.fields for record in read_records(file)])
    return rows.iloc[np.roll(np.arange(len(rows)), -_APART * seed)[:n]].reset_index(drop=True)


def spoiled(pool: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Give a share of every category's rows wrong answers, and say which in column ``quality``."""
    rng = np.random.default_rng(seed)
    quality = pd.Series("clean", pool.index)
    for _, rows in pool.groupby("category", sort=True):
        bounds = np.rint(np.cumsum(list(QUALITIES.values())) * len(rows)).astype(int)
        counts = np.diff([0, *bounds])
        quality[rng.permutation(rows.index)] = np.repeat(list(QUALITIES), counts)

    @cache
    def donors(category: str, subtype: str | None, within: bool) -> np.ndarray:
        rows = (pool["category"] == category) == within
        if subtype is not None:
            rows &= pool["subtype"] == subtype
        return pool["response"][rows].unique()

    responses = [
        _wrong(row, one, donors, rng) if one != "clean" else row["response"]
        for row, one in zip(pool.to_dict("records"), quality, strict=True)
    ]
    return pool.assign(response=responses, quality=quality)


def _wrong(
    row: Any, quality: str, donors: Callable[..., np.ndarray], rng: np.random.Generator
) -> str:
    """Another response than the row's: of its sub-type, or else category, where it is corrupted."""
    category = row["category"]
    near = [(category, row["subtype"], True), (category, None, True)]
    for place in [*(near if quality == "corrupted" else []), (category, None, False)]:
        there = donors(*place)
        if len(others := there[there != row["response"]]):
            return str(rng.choice(others))
    raise InputError(
        f"row {row['id']!r}: all responses are alike; there is no wrong one to give it"
    )


def _different(rows: pd.DataFrame, known: pd.DataFrame | None) -> pd.DataFrame:
    """Rows with a response whose text occurs neither before nor in ``known``."""
    texts = pd.Series([user_text(row) for row in rows.to_dict("records")], rows.index)
    seen = set() if known is None else {user_text(row) for row in known.to_dict("records")}
    return rows[~texts.duplicated() & ~texts.isin(seen) & (rows["response"].str.strip() != "")]


def _first(rows: pd.DataFrame, n: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The first ``n`` rows of every category, and the others."""
    first = rows.groupby("category").cumcount() < n
    return rows[first], rows[~first]


def _check(source: str, parts: list[pd.DataFrame]) -> None:
    categories = set(pd.concat(parts)["category"])
    for part in parts:
        counts = part["category"].value_counts().reindex(sorted(categories), fill_value=0)
        if len(categories) < 2 or counts.min() < 2:
            raise InputError(
                f"{source}: too few rows to deal ({counts.idxmin()} gets {counts.min()} of a part); "
                "at least two categories with a dozen rows each are needed"
            )
