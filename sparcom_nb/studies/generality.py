"""Notebook 13: which neurons serve all categories and which only one, and is that more than chance.

Sets of *any* six groups of instructions have parts in common and parts of their own. So every number
stands beside its null: the same number, all the way from votes to counts, when category labels are
permuted over whole sub-types. Votes are summed up by sub-type once; a draw is then one small matrix
product. Numbers of sets depend on how much data there is (with fewer sub-types more components pass
the agreement by chance), so that no interval from parts of the data is right for them: they have a
null and a p, and none an interval.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import Clusters, Finding, adjusted, finding, known_mean, permuted
from sparcom_nb.sparcom.sets import TOPS, kind_of, overlaps, specific
from sparcom_nb.studies.results import Results

KINDS = ("unique", "shared", "general")
AGREEMENTS = (0.3, 0.5, 0.8)
#: Draws at every cut of the sweep, whose p is fitted; splits into halves that a number is the mean of.
SWEPT, SPLITS = 99, 3
_COUNTS = ("neurons in the set of a category", "neurons in no other set", "neurons in so many sets")
_CLAIMS = {
    "distinct": "The sets of two categories differ more than those of any grouping",
    "unique": "Over all cuts, more neurons belong to a single category than any grouping would give",
    "general": "More neurons are in the sets of all categories than any grouping would give",
    "equal length": "At equal length the sets of two categories differ more than those of any grouping",
    "halves": "A category's set is found again on other sub-types",
    "sources": "Sets found on the rows of one source hold on those of another",
}
_READINGS = {
    "distinct": "Most of every set is neurons that are active on nearly all text, whatever the task.",
    "unique": "Some neurons are only one group's whatever the groups; specialists are those beyond these.",
    "general": "Where categories have specialists the opposite shows: what they use differs.",
    "equal length": "Short instructions tie more and take more neurons; here none is shorter.",
    "halves": "Held against other categories' sets, since any two sets have general neurons in common.",
    "sources": "A sub-type with rows from both takes its label along: the control is far from zero.",
}


def study(
    frequency: xr.DataArray,
    source: np.ndarray,
    first: xr.DataArray,
    top: float = 0.05,
    agreement: float = 0.5,
    draws: int = 999,
    seed: int = 0,
) -> Results:
    """Kinds of components, and whether a category's set holds on other instructions.

    Args:
        frequency: of the rows [instruction, ...], with category and subtype.
        source: of every row, such as ``authored``.
        first: frequencies over the first tokens only, as many of each row.
        top: share of the components to take.
        agreement: share of a category's instructions that must agree.
        draws: permutations; at every cut of the sweep there are :data:`SWEPT`.
        seed: of all draws.

    Returns:
        Results: tables ``counts`` and ``sweep``, a row a number: name, unit, value, null_mean,
        null_low, null_high (95 % of the permutations), p and, over the rows, p_adjusted.
    """
    marked = specific(frequency, top=top).compute()
    votes = Votes.of(marked, agreement)
    same = Votes.of(specific(first, top=top).compute(), agreement)
    drawn, clusters = drawn_numbers(votes, draws, seed), votes.clusters
    unique, swept = sweep(frequency, seed)
    findings = {
        "distinct": distinct("distinct", drawn, clusters),
        "unique": unique,
        "general": general(drawn, clusters),
        "halves": found_again(votes, draws, seed),
        "sources": sources(marked, np.asarray(source), agreement, draws, seed),
        "equal length": distinct("equal length", drawn_numbers(same, draws, seed), same.clusters),
    }
    tables = {"counts": counts(drawn, clusters), "sweep": swept}
    return Results.of("General or unique?", findings, tables=tables)


# ---------------------------------------------------------------- sets from votes


@dataclass(frozen=True)
class Votes:
    """In how many instructions of every cluster a component is specific.

    votes: float32 [cluster, component], whole numbers; size: instructions of every cluster;
    agreement: share of a category's instructions that must agree.
    """

    clusters: Clusters
    votes: np.ndarray
    size: np.ndarray
    agreement: float

    @classmethod
    def of(
        cls, specific: xr.DataArray, agreement: float = 0.5, rows: np.ndarray | float = 1.0
    ) -> "Votes":
        """Sum up the sets [instruction, ...] of instructions; ``rows`` 0 or 1 [instruction]: of these."""
        clusters = Clusters.of(specific)
        member = np.eye(len(clusters.names), dtype=np.float32)[clusters.index]
        member *= np.broadcast_to(np.float32(rows), len(member))[:, None]
        flat = specific.to_numpy().reshape(len(member), -1).astype(np.float32)
        return cls(clusters, member.T @ flat, member.sum(axis=0), agreement)

    def sets(self, stratum: np.ndarray, keep: np.ndarray | float = 1.0) -> np.ndarray:
        """Sets bool [category, component] of clusters of these categories; ``keep`` 0 or 1 [cluster]."""
        member = np.eye(len(self.clusters.strata), dtype=np.float32)[stratum].T * np.float32(keep)
        needed = np.ceil(self.agreement * (member @ self.size).astype(float) - 1e-9)
        return member @ self.votes >= np.maximum(needed, 1).astype(np.float32)[:, None]


def claimed(
    name: str,
    clusters: Clusters,
    labels: Iterable[np.ndarray],
    number: Callable[[np.ndarray], float],
    unit: str,
) -> Finding:
    """Hold the number of the true categories [cluster] against that of permuted labels."""
    value = number(clusters.stratum)
    null = np.array([number(stratum) for stratum in labels])
    return _found(name, value, null, clusters, unit)


def _found(
    name: str, value: float, null: np.ndarray, clusters: Clusters, unit: str, fitted: bool = False
) -> Finding:
    said = clusters.permuted
    said += f", {len(null)} times (p from Student's t about them)" if fitted else ""
    alone = "" if clusters.unit == "sub-type" else "Rows are permuted: shared wording counts."
    return finding(
        _CLAIMS.get(name, name), value, null, clusters, fitted, unit=unit, control=said,
        reading=_READINGS.get(name, ""), caveat=alone,
    )  # fmt: skip


def _table(rows: dict[str, Finding]) -> pd.DataFrame:
    """A row a number beside its null, adjusted together (Benjamini and Hochberg)."""
    columns = ("unit", "value", "null_mean", "null_low", "null_high", "p", "p_adjusted")
    return pd.DataFrame(
        {"name": name} | {column: getattr(one, column) for column in columns}
        for name, one in adjusted(rows, "bh").items()
    )


# ---------------------------------------------------------------- kinds


def drawn_numbers(votes: Votes, draws: int, seed: int) -> np.ndarray:
    """Numbers of the sets [1 + draw, number], of the true labels and then of permuted ones.

    How far two categories' sets are apart (one minus their mean Jaccard), sizes of sets, of what is in
    no other, and numbers of components in one, two ... of them.
    """
    labels = [votes.clusters.stratum, *permuted(votes.clusters, draws, seed)]
    return np.array([_numbers(votes.sets(stratum)) for stratum in labels])


def _numbers(sets: np.ndarray) -> np.ndarray:
    apart = 1 - known_mean(overlaps(sets, sets)[~np.eye(len(sets), dtype=bool)])
    held = sets.sum(axis=0)
    by_number = np.bincount(held, minlength=len(sets) + 1)[1:]
    return np.concatenate([[apart], sets.sum(axis=1), (sets & (held == 1)).sum(axis=1), by_number])


def distinct(name: str, drawn: np.ndarray, clusters: Clusters) -> Finding:
    """Claim that the sets of two categories differ."""
    return _found(name, float(drawn[0, 0]), drawn[1:, 0], clusters, "mean Jaccard distance")


def general(drawn: np.ndarray, clusters: Clusters) -> Finding:
    """Claim that many components are in the sets of all categories."""
    return _found("general", float(drawn[0, -1]), drawn[1:, -1], clusters, "neurons")


def counts(drawn: np.ndarray, clusters: Clusters) -> pd.DataFrame:
    """Sizes of sets, of what is in no other, and numbers of components in one, two ... of them."""
    names = clusters.strata
    number = np.arange(1, len(names) + 1)
    kinds = [f"{n} ({kind})" for n, kind in zip(number, kind_of(number, len(names)), strict=True)]
    parts = zip(_COUNTS, (names, [f"only {name}" for name in names], kinds), strict=True)
    keys = [(name, unit) for unit, part in parts for name in part]
    return _table(
        {
            name: _found(name, float(value), null, clusters, unit)
            for (name, unit), value, null in zip(keys, drawn[0, 1:], drawn[1:, 1:].T, strict=True)
        }
    )


def sweep(frequency: xr.DataArray, seed: int) -> tuple[Finding, pd.DataFrame]:
    """Kinds at every share taken and every agreement, and one test of the unique ones over all."""
    clusters, parts, drawn = Clusters.of(frequency), [], []
    for top in TOPS:
        votes = Votes.of(specific(frequency, top=top))
        for share in AGREEMENTS:
            found = by_kind(replace(votes, agreement=share), seed)
            rows = {
                f"{kind}, agreement {share:.0%}": _found("", v, null, clusters, "neurons", True)
                for kind, v, null in zip(KINDS, found[0], found[1:].T, strict=True)
            }
            parts.append(_table(rows).assign(top=top, agreement=share, kind=KINDS))
            drawn.append(found[:, 0])
    return over_cuts(np.array(drawn), clusters), pd.concat(parts, ignore_index=True)


def by_kind(votes: Votes, seed: int) -> np.ndarray:
    """Numbers of components by :data:`KINDS` [1 + draw, kind]: of the true labels, then of permuted."""
    labels = [votes.clusters.stratum, *permuted(votes.clusters, SWEPT, seed)]
    held = np.array([votes.sets(stratum).sum(axis=0) for stratum in labels])
    last = len(votes.clusters.strata)
    masks = [held == 1, (held > 1) & (held < last), held == last]
    return np.stack([mask.sum(axis=1) for mask in masks], axis=1).astype(float)


def over_cuts(drawn: np.ndarray, clusters: Clusters) -> Finding:
    """Claim of unique components over all cuts [cut, 1 + draw], each relative to the mean of its cut.

    The draw of the true labels counts in that mean: all draws are exchangeable under the null.
    """
    level = drawn.mean(axis=1, keepdims=True)
    over = known_mean(drawn / np.where(level > 0, level, np.nan))
    return _found("unique", float(over[0]), over[1:], clusters, "of the mean number", fitted=True)


# ---------------------------------------------------------------- other instructions


def own_minus_other(a: np.ndarray, b: np.ndarray) -> float:
    """Mean Jaccard of the sets of one category, minus that of two different ones."""
    matrix = overlaps(a, b)
    own = np.eye(len(matrix), dtype=bool)
    return float(known_mean(matrix[own]) - known_mean(matrix[~own]))


def found_again(votes: Votes, draws: int, seed: int) -> Finding:
    """Sets from half of every category's sub-types against those from the other half."""
    rng = np.random.default_rng(seed)

    def number(stratum: np.ndarray) -> float:
        sides = [half(stratum, rng) for _ in range(SPLITS)]
        found = [
            own_minus_other(votes.sets(stratum, one), votes.sets(stratum, ~one)) for one in sides
        ]
        return float(known_mean(np.array(found)))

    labels = permuted(votes.clusters, draws, seed)
    return claimed("halves", votes.clusters, labels, number, "Jaccard, own minus other")


def half(stratum: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of the clusters of every category (the smaller one of an odd number): bool [cluster]."""
    order = np.lexsort((rng.random(len(stratum)), stratum))
    rank = np.empty(len(stratum), dtype=int)
    rank[order] = np.arange(len(stratum)) - np.searchsorted(stratum[order], stratum[order])
    return 2 * (rank + 1) <= np.bincount(stratum)[stratum]


def sources(
    marked: xr.DataArray, source: np.ndarray, share: float, draws: int, seed: int
) -> Finding:
    """Sets from the rows of the two largest sources, in the categories that both have."""
    labels, names = marked["category"].to_numpy(), pd.Series(source).value_counts().index[:2]
    common = set.intersection(*(set(labels[source == name]) for name in names))
    if len(names) < 2 or len(common) < 2:
        none = "The rows have one source, or no two categories with rows of both."
        return Finding(_CLAIMS["sources"], np.nan, invalid=none)
    asked = np.isin(labels, list(common)) & np.isin(source, names)
    first, second = (Votes.of(marked[asked], share, source[asked] == name) for name in names)
    return claimed(
        "sources", first.clusters, _with_both(first, second, draws, seed),
        lambda stratum: own_minus_other(first.sets(stratum), second.sets(stratum)),
        "Jaccard, own minus other",
    )  # fmt: skip


def _with_both(first: Votes, second: Votes, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Labels permuted among clusters of the same sources: one with rows of both takes its label along."""
    presence = (first.size > 0) + 2 * (second.size > 0)
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        stratum = first.clusters.stratum.copy()
        for one in np.unique(presence):
            stratum[presence == one] = rng.permutation(stratum[presence == one])
        yield stratum
