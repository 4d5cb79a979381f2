"""Notebook 12: whether instructions of one category use the same neurons, by task or by wording.

Sets of two instructions are compared (Jaccard). Instructions of one sub-type share their wording, so
the claims are made of pairs from *different* sub-types, and labels are permuted over whole sub-types.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import (
    Clusters,
    Finding,
    finding,
    jackknife,
    known_mean,
    means,
    paired,
    permuted,
)
from sparcom_nb.sparcom.sets import TOPS, overlap, specific
from sparcom_nb.studies.results import Results

CUTS = [("top", cut) for cut in TOPS] + [("threshold", n / 10) for n in range(3, 10)]
RUNGS = ("same request", "same sub-type", "same category", "other category")


def study(
    frequency: xr.DataArray,
    again: xr.DataArray,
    paraphrase_of: np.ndarray,
    top: float = 0.05,
    draws: int = 999,
    seed: int = 0,
) -> Results:
    """Overlap within and across categories, at every cut and from paraphrases.

    Args:
        frequency: of the rows [instruction, ...], with category and subtype.
        again: frequencies of the rows' paraphrases; the rows themselves where there are none.
        paraphrase_of: id of the row that each of them words anew.
        top: share of the components to take.
        draws: permutations.
        seed: of these.

    Returns:
        Results: tables ``matrix``, ``sweep`` and ``ladder``.
    """
    marked = specific(frequency, top=top).compute()
    pairwise = overlap(marked)
    swept, relative = sweep(frequency)
    between = overlap(specific(again, top=top).compute(), marked)
    rungs_of, pairs = rungs(between, np.asarray(paraphrase_of))
    clusters = Clusters.of(between)
    tables = {
        "matrix": matrix(pairwise),
        "sweep": swept,
        "ladder": ladder(rungs_of, pairs, clusters),
    }
    findings = {
        "category": separation(
            pairwise, draws, seed,
            claim="Instructions of one category share more neurons than those of different ones",
            unit="Jaccard, within minus across",
            reading="Pairs of one sub-type do not count, so that shared phrasing is no evidence.",
        ),
        "every cut": separation(
            pairwise.copy(data=relative), draws, seed,
            claim="Over all cuts, instructions of one category share more neurons than others do",
            unit="of the mean overlap, within minus across",
            reading="The share that SPARCOM takes is not published; one test of all cuts chooses none.",
        ),
    }  # fmt: skip
    findings |= wording(rungs_of, clusters, draws, seed)
    numbers = {"share of neurons taken": {"value": float(marked["share"].mean())}}
    return Results.of("Identify neurons", findings, numbers, tables)


# ---------------------------------------------------------------- pairs of instructions


@dataclass(frozen=True)
class Pairs:
    """Pairs of different instructions summed by pairs of clusters.

    sums, counts: [cluster, cluster]; pairs without a value do not count.
    """

    sums: np.ndarray
    counts: np.ndarray
    clusters: Clusters

    @classmethod
    def of(cls, pairwise: xr.DataArray) -> "Pairs":
        """Sum up a square overlap [instruction, instruction_b]."""
        clusters = Clusters.of(pairwise)
        member = np.eye(len(clusters.names))[clusters.index]
        values = pairwise.to_numpy().astype(float)
        known = ~np.isnan(values)
        np.fill_diagonal(known, False)
        sums = member.T @ np.where(known, values, 0.0) @ member
        return cls(sums, member.T @ known.astype(float) @ member, clusters)

    def by_category(self, stratum: np.ndarray, keep: np.ndarray, apart: bool) -> np.ndarray:
        """Sums and counts [2, category, category] for clusters of these categories.

        ``keep`` 0 or 1 [cluster]; ``apart``: of pairs from different clusters only.
        """
        kept = np.eye(len(self.clusters.strata))[stratum] * keep[:, None]
        both = np.stack([self.sums, self.counts])
        if apart:
            both = both * ~np.eye(len(keep), dtype=bool)
        return kept.T @ both @ kept

    def within_across(self, stratum: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
        """Mean within and across categories of pairs from different clusters: [2]."""
        keep = np.ones(len(stratum)) if keep is None else keep
        both = self.by_category(stratum, keep, apart=True)
        within = np.trace(both, axis1=1, axis2=2)
        total = both.sum(axis=(1, 2)) - within
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.array([within[0] / within[1], total[0] / total[1]])

    def gap(self, stratum: np.ndarray, keep: np.ndarray | None = None) -> float:
        """Within minus across."""
        within, across = self.within_across(stratum, keep)
        return within - across


def separation(
    pairwise: xr.DataArray, draws: int, seed: int, claim: str, unit: str, reading: str = ""
) -> Finding:
    """Claim that pairs of one category overlap more than those of different ones."""
    pairs = Pairs.of(pairwise)
    clusters = pairs.clusters
    found = jackknife(lambda keep: pairs.gap(clusters.stratum, keep), clusters.stratum)
    null = np.array([pairs.gap(stratum) for stratum in permuted(clusters, draws, seed)])
    return finding(
        claim, found, null, clusters, unit=unit, reading=reading, control=clusters.permuted
    )


def matrix(pairwise: xr.DataArray) -> pd.DataFrame:
    """Mean overlap of every two categories, on the diagonal over pairs of different instructions.

    Returns:
        DataFrame: category, category_b, mean, low, high (jackknife over sub-types).
    """
    pairs = Pairs.of(pairwise)
    clusters = pairs.clusters

    def mean(keep: np.ndarray) -> np.ndarray:
        sums, counts = pairs.by_category(clusters.stratum, keep, apart=False)
        with np.errstate(invalid="ignore"):
            return (sums / counts).ravel()

    found = jackknife(mean, clusters.stratum)
    names = pd.MultiIndex.from_product([clusters.strata] * 2, names=["category", "category_b"])
    columns = {"mean": found.value, "low": found.low, "high": found.high}
    return pd.DataFrame(columns, names).reset_index()


def sweep(frequency: xr.DataArray) -> tuple[pd.DataFrame, np.ndarray]:
    """Overlaps at every cut of :data:`CUTS`.

    Returns:
        DataFrame (by, cut, share taken, within, across), and the overlap of every pair relative to
        the mean of the cut, averaged over cuts.
    """
    rows, relative = [], []
    for by, cut in CUTS:
        marked = specific(frequency, **{by: cut}).compute()
        pairwise = overlap(marked)
        pairs = Pairs.of(pairwise)
        within, across = pairs.within_across(pairs.clusters.stratum)
        share = float(marked["share"].mean())
        rows.append({"by": by, "cut": cut, "share": share, "within": within, "across": across})
        level = pairs.sums.sum() / max(1, pairs.counts.sum())
        relative.append(pairwise.to_numpy() / (level or np.nan))
    return pd.DataFrame(rows), known_mean(np.array(relative))


# ---------------------------------------------------------------- wording


def rungs(between: xr.DataArray, paraphrase_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean overlap of every paraphrase with the rows of every rung of :data:`RUNGS`.

    ``between``: overlap [instruction (paraphrases), instruction_b (rows)]; ``paraphrase_of``: id of the
    row that each words anew. One that is given as the paraphrase of itself makes no pair. Returns
    means [paraphrase, rung], NaN without a pair, and the numbers of pairs [rung].
    """
    own = between["instruction_b"].to_numpy() == paraphrase_of[:, None]
    category, subtype = (
        between[name].to_numpy()[:, None] == between[f"{name}_b"].to_numpy()
        for name in ("category", "subtype")
    )
    subtype &= category
    itself = between["instruction"].to_numpy()[:, None] == between["instruction_b"].to_numpy()
    masks = [own & ~itself, subtype & ~own, category & ~subtype, ~category]
    each = [known_mean(np.where(mask, between.to_numpy(), np.nan).T) for mask in masks]
    return np.stack(each, axis=1), np.array([mask.sum() for mask in masks])


def ladder(values: np.ndarray, pairs: np.ndarray, clusters: Clusters) -> pd.DataFrame:
    """Mean of every rung that has pairs: pair, mean, low, high, n."""
    found = means(values, clusters)[-1]
    columns = {"pair": RUNGS, "mean": found.value, "low": found.low, "high": found.high, "n": pairs}
    return pd.DataFrame(columns)[pairs > 0].reset_index(drop=True)


def wording(values: np.ndarray, clusters: Clusters, draws: int, seed: int) -> dict[str, Finding]:
    """Is a request nearer itself than its sub-type, that nearer than the category: [paraphrase, rung]."""
    none = "There are no paraphrases of these rows, so that wording and request stay mixed."
    said = {"unit": "Jaccard", "control": f"both exchanged within {clusters.unit}s"}
    return {
        "request": paired(
            "A request in other words is closer to itself than to other requests of its sub-type",
            values[:, 1], values[:, 0], clusters, draws, seed, **said,
            invalid=none if np.isnan(values[:, 0]).all() else "",
            reading="If only the task mattered, any request of the sub-type would do as well.",
        ),
        "phrasing": paired(
            "Requests of one sub-type are closer than requests of other sub-types of the category",
            values[:, 2], values[:, 1], clusters, draws, seed, **said,
            reading="A sub-type shares task and phrasing: part of every overlap is wording.",
        ),
    }  # fmt: skip
