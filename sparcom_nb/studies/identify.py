"""Notebook 12: whether instructions of one category use the same neurons, by task or by wording.

Sets of two instructions are compared (Jaccard). Instructions of one sub-type share their wording, so
the claims are made of pairs from *different* sub-types, and labels are permuted over whole sub-types.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import (
    Clusters,
    Estimate,
    Finding,
    against,
    finding,
    jackknife,
    known_mean,
    means,
    paired,
    permuted,
)
from sparcom_nb.sparcom.sets import category_sets, component_table, overlap, specific
from sparcom_nb.studies.results import Results

TOPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
RUNGS = ("same request", "same sub-type", "same category", "other category")
PERMUTED = "category labels permuted over whole sub-types"
ROWS = (
    "A category has a single sub-type, so that rows stand in for sub-types: shared wording counts."
)


def study(
    frequency: xr.DataArray,
    again: xr.DataArray,
    paraphrase_of: np.ndarray,
    top: float = 0.05,
    agreement: float = 0.5,
    draws: int = 999,
    seed: int = 0,
) -> Results:
    """Overlap within and across categories, at every cut and from paraphrases.

    Args:
        frequency: of the rows [instruction, ...], with category and subtype.
        again: frequencies of the rows' paraphrases; the rows themselves where there are none.
        paraphrase_of: id of the row that each of them words anew.
        top: share of the components to take.
        agreement: share of a category's instructions that must agree.
        draws: permutations.
        seed: of these.

    Returns:
        Results: tables ``matrix`` (top, category, category_b, mean, low, high), ``sweep``,
        ``layers``, ``ladder`` and ``components``.
    """
    marked = specific(frequency, top=top).compute()
    pairwise = overlap(marked)
    between = overlap(specific(again, top=top).compute(), marked)
    ladder, findings = _wording(between, np.asarray(paraphrase_of), draws, seed)
    sweep, every_cut, matrices = _sweep(frequency, agreement, draws, seed)
    tables = {
        "matrix": pd.concat([matrix(pairwise).assign(top=top), *matrices], ignore_index=True)
        .drop_duplicates(["top", "category", "category_b"]),
        "sweep": sweep,
        "layers": layer_shares(marked),
        "ladder": ladder,
        "components": component_table(marked, agreement),
    }  # fmt: skip
    findings = {"category": separation(pairwise, draws, seed), "every cut": every_cut} | findings
    return Results.of("Identify neurons", findings, _numbers(marked, pairwise, tables), tables)


# ---------------------------------------------------------------- pairs of instructions


@dataclass(frozen=True)
class Pairs:
    """Pairs of different instructions summed by pairs of clusters, at one cut or several.

    sums, counts: [cluster, cluster, ...]; pairs without a value do not count.
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

    def within_across(self, stratum: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
        """Mean within and across categories, pairs from different clusters: [2, ...].

        Args:
            stratum: category of every cluster.
            keep: 0 or 1 [cluster].
        """
        same = stratum[:, None] == stratum
        weight = ~np.eye(len(stratum), dtype=bool) * (1.0 if keep is None else np.outer(keep, keep))
        masks = np.stack([same * weight, ~same * weight])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.tensordot(masks, self.sums, 2) / np.tensordot(masks, self.counts, 2)

    def gap(self, stratum: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
        """Within minus across."""
        within, across = self.within_across(stratum, keep)
        return within - across

    def tested(self, draws: int, seed: int) -> tuple[Estimate, np.ndarray]:
        """The gap with its interval, and under permuted labels [draw, ...]."""
        stratum = self.clusters.stratum
        null = [self.gap(labels) for labels in permuted(self.clusters, draws, seed)]
        return jackknife(lambda keep: self.gap(stratum, keep), stratum), np.array(null)

    @property
    def caveat(self) -> str:
        """What is to be said of the units."""
        return "" if self.clusters.unit == "sub-type" else ROWS


def separation(pairwise: xr.DataArray, draws: int = 999, seed: int = 0) -> Finding:
    """Claim that instructions of one category overlap more than those of different ones."""
    pairs = Pairs.of(pairwise)
    found, null = pairs.tested(draws, seed)
    return finding(
        "Instructions of one category share more neurons than instructions of different ones",
        found, against(float(found.value), null), pairs.clusters, unit="Jaccard, within minus across",
        control=PERMUTED, caveat=pairs.caveat,
        reading="Only pairs from different sub-types count, so that shared phrasing is no evidence.",
    )  # fmt: skip


def matrix(pairwise: xr.DataArray) -> pd.DataFrame:
    """Mean overlap of every two categories, on the diagonal over pairs of different instructions.

    Returns:
        DataFrame: category, category_b, mean, low, high (jackknife over sub-types).
    """
    pairs = Pairs.of(pairwise)
    clusters = pairs.clusters
    member = np.eye(len(clusters.strata))[clusters.stratum]

    def mean(keep: np.ndarray) -> np.ndarray:
        kept = member * keep[:, None]
        with np.errstate(invalid="ignore"):
            return ((kept.T @ pairs.sums @ kept) / (kept.T @ pairs.counts @ kept)).ravel()

    found = jackknife(mean, clusters.stratum)
    names = pd.MultiIndex.from_product([clusters.strata] * 2, names=["category", "category_b"])
    return pd.DataFrame(
        {"mean": found.value, "low": found.low, "high": found.high}, names
    ).reset_index()


# ---------------------------------------------------------------- cuts and layers


def _sweep(
    frequency: xr.DataArray, agreement: float, draws: int, seed: int
) -> tuple[pd.DataFrame, Finding, list[pd.DataFrame]]:
    """Every cut on its own, all of them in one test, and the matrices of the shares."""
    rows, pairs, matrices = [], [], []
    for by, cut in [("top", cut) for cut in TOPS] + [("threshold", cut) for cut in THRESHOLDS]:
        marked = specific(frequency, **{by: cut}).compute()
        pairwise = overlap(marked)
        sizes = category_sets(marked, agreement).sum(marked.dims[1:])
        share = float(marked["share"].mean())
        rows.append({"by": by, "cut": cut, "set_size": float(sizes.mean()), "share": share})
        pairs.append(Pairs.of(pairwise))
        if by == "top":
            matrices.append(matrix(pairwise).assign(top=cut))
    every = replace(
        pairs[0],
        sums=np.stack([one.sums for one in pairs], axis=-1),
        counts=np.stack([one.counts for one in pairs], axis=-1),
    )
    found, null = every.tested(draws, seed)
    within, across = every.within_across(every.clusters.stratum)
    table = pd.DataFrame(rows).assign(
        within=within, across=across, difference=found.value, low=found.low, high=found.high,
        null_mean=known_mean(null),
        p=[against(float(v), n).p for v, n in zip(found.value, null.T, strict=True)],
    )  # fmt: skip
    return table, _every_cut(every, draws, seed), matrices


def _every_cut(every: Pairs, draws: int, seed: int) -> Finding:
    """One test of all cuts: the gap relative to the mean of all pairs, averaged."""
    with np.errstate(invalid="ignore", divide="ignore"):
        level = every.sums.sum(axis=(0, 1)) / every.counts.sum(axis=(0, 1))
        relative = replace(every, sums=every.sums / np.where(level > 0, level, np.nan))
    stratum = every.clusters.stratum
    value = jackknife(lambda keep: known_mean(relative.gap(stratum, keep)), stratum)
    null = [known_mean(relative.gap(labels)) for labels in permuted(every.clusters, draws, seed)]
    return finding(
        "Over all cuts, instructions of one category share more neurons than those of different ones",
        value, against(float(value.value), np.array(null)), every.clusters,
        unit="of the mean overlap", control=PERMUTED, caveat=every.caveat,
        reading="The share that SPARCOM takes is not published; one test of all cuts chooses none.",
    )  # fmt: skip


def layer_shares(marked: xr.DataArray) -> pd.DataFrame:
    """Share of a layer's components that are specific to an instruction, by category.

    Returns:
        DataFrame: category, layer, share (mean over instructions), low, high (over sub-types).
    """
    clusters = Clusters.of(marked)
    inner = [dim for dim in marked.dims if dim not in ("instruction", "layer")]
    found = means(marked.mean(inner).to_numpy(), clusters)
    names = pd.MultiIndex.from_product(
        [clusters.strata, marked["layer"].to_numpy()], names=["category", "layer"]
    )
    columns = {"share": found.value, "low": found.low, "high": found.high}
    return pd.DataFrame({k: v[:-1].ravel() for k, v in columns.items()}, names).reset_index()


# ---------------------------------------------------------------- wording


def _wording(
    between: xr.DataArray, paraphrase_of: np.ndarray, draws: int, seed: int
) -> tuple[pd.DataFrame, dict[str, Finding]]:
    """Overlap of paraphrases with rows, from the same request to another category."""
    values, pairs = rungs(between, paraphrase_of)
    clusters = Clusters.of(between)
    found = means(values, clusters)
    table = pd.DataFrame(
        {
            "pair": RUNGS,
            "mean": found.value[-1],
            "low": found.low[-1],
            "high": found.high[-1],
            "n": pairs,
        }
    )
    none = (
        ""
        if pairs[0]
        else "There are no paraphrases of these rows, so that wording and request stay mixed."
    )
    findings = {
        "request": paired(
            "A request in other words is closer to itself than to other requests of its sub-type",
            values[:, 1], values[:, 0], clusters, draws, seed, unit="Jaccard", invalid=none,
            control="both exchanged within sub-types",
            reading="If only the task mattered, any request of the sub-type would do as well.",
        ),
        "phrasing": paired(
            "Requests of one sub-type are closer than requests of other sub-types of the category",
            values[:, 2], values[:, 1], clusters, draws, seed, unit="Jaccard",
            control="both exchanged within sub-types",
            reading="A sub-type shares task and phrasing: part of every overlap is wording.",
        ),
    }  # fmt: skip
    return table[table["n"] > 0].reset_index(drop=True), findings


def rungs(between: xr.DataArray, paraphrase_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean overlap of every paraphrase with the rows of every rung of :data:`RUNGS`.

    Args:
        between: overlap [instruction (paraphrases), instruction_b (rows)].
        paraphrase_of: id of the row that each paraphrase words anew. An instruction given as the
            paraphrase of itself says nothing and makes no pair.

    Returns:
        Means [paraphrase, rung], NaN without a pair, and the numbers of pairs [rung].
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


def _numbers(
    marked: xr.DataArray, pairwise: xr.DataArray, tables: dict[str, pd.DataFrame]
) -> dict[str, dict[str, Any]]:
    """What is told without a claim."""
    share, length = marked["share"].to_numpy(), marked["n_tokens"].to_numpy()
    short = length <= np.median(length)
    category = pairwise["category"].to_numpy()
    same, values = category[:, None] == category, pairwise.to_numpy()
    pairs = ~np.eye(len(category), dtype=bool)
    layers = tables["layers"].groupby("layer")["share"].mean()
    numbers = {
        "overlap within categories": {"value": known_mean(values[same & pairs])},
        "overlap across categories": {"value": known_mean(values[~same])},
        "share of neurons taken": {"value": share.mean()},
        "share taken, shorter half": {"value": share[short].mean()},
        "share taken, longer half": {"value": known_mean(share[~short])},
        "largest share of a layer": {"value": layers.max(), "note": f"layer {layers.idxmax()}"},
        "smallest share of a layer": {"value": layers.min(), "note": f"layer {layers.idxmin()}"},
    }
    return {name: one | {"value": float(one["value"])} for name, one in numbers.items()}
