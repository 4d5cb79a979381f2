"""Notebook 15: which experts serve which category, and whether the neurons inside say more.

Sets of two instructions are compared (Jaccard) in pairs from *different* sub-types, which share no
wording, and category labels are permuted over whole sub-types.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import (
    Clusters,
    Estimate,
    Finding,
    against,
    explained,
    finding,
    jackknife,
    known_mean,
    mean_table,
    means,
    paired,
    permuted,
)
from sparcom_nb.sparcom.centroids import Centroids
from sparcom_nb.sparcom.experts import (
    RELATIVE,
    conditional_frequency,
    specific_experts,
    uniform_rate,
)
from sparcom_nb.sparcom.sets import component_table, overlap, specific
from sparcom_nb.studies.results import Results

RELATIVES = (1.1, 1.25, 1.5, 1.75, 2.0, 2.5)
PERMUTED = "category labels permuted over whole sub-types"


def study(
    joint: xr.DataArray,
    relative: float = RELATIVE,
    top: float = 0.05,
    agreement: float = 0.5,
    draws: int = 999,
    seed: int = 0,
) -> Results:
    """Use of experts by category, sets of experts and of the neurons inside them.

    Args:
        joint: of :func:`sparcom_nb.sparcom.expert_neuron_frequency`, with its ``routing``.
        relative: the cut for experts as a multiple of uniform use.
        top: share of the neurons to take.
        agreement: share of a category's instructions that must agree.
        draws: permutations.
        seed: of these, and of ties among neurons.

    Returns:
        Results: tables ``usage``, ``sweep``, ``gaps``, ``named``, ``confusion``, ``taken``,
        ``experts`` and ``neurons``.
    """
    routing = (
        joint["routing"]
        .reset_coords(drop=True)
        .assign_coords({n: joint[n] for n in ("category", "subtype", "n_tokens")})
    )
    clusters = Clusters.of(routing)
    conditional = conditional_frequency(joint, routing).fillna(0)
    cut: dict[str, Any] = {"top": top, "ties": "random", "seed": seed}
    marked = specific_experts(routing, relative)
    sets = {
        "experts": marked,
        "neurons, joint": specific(joint, **cut).compute(),
        "neurons, conditional": specific(conditional, **cut).compute(),
    }
    value, null = explained(routing.to_numpy(), clusters, draws, seed)
    findings = {
        "usage": finding(
            "Categories are routed to experts of their own",
            value,
            null,
            clusters,
            unit="of the variance between sub-types",
            control=PERMUTED,
            reading="Routing that differs by category may follow topic and wording as well as the task.",
        )
    }
    gaps, table = _gaps(sets, draws, seed)
    findings |= gaps | {"unique": _unique(marked, agreement, draws, seed)}
    named, tables = _named(routing, joint, conditional, draws, seed)
    tables |= {
        "usage": _by_category(routing.to_numpy(), routing, clusters),
        "gaps": table,
        "sweep": _sweep(routing, draws, seed),
        "taken": _taken(sets, routing),
        "experts": component_table(marked, agreement),
        "neurons": component_table(sets["neurons, joint"], agreement),
    }
    return Results.of("Experts", findings | named, _numbers(sets, marked), tables)


# ---------------------------------------------------------------- pairs of instructions


@dataclass(frozen=True)
class Pairs:
    """Pairs of different instructions summed by pairs of clusters: [cluster, cluster]."""

    sums: np.ndarray
    counts: np.ndarray
    clusters: Clusters

    @classmethod
    def of(cls, pairwise: xr.DataArray) -> "Pairs":
        """Sum up a square overlap [instruction, instruction_b]; pairs without a value do not count."""
        clusters = Clusters.of(pairwise)
        member = np.eye(len(clusters.names))[clusters.index]
        values = pairwise.to_numpy().astype(float)
        known = ~np.isnan(values)
        np.fill_diagonal(known, False)
        sums = member.T @ np.where(known, values, 0.0) @ member
        return cls(sums, member.T @ known.astype(float) @ member, clusters)

    def within_across(self, stratum: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
        """Mean within and across categories, pairs from different clusters: [2]."""
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
        """The gap with its interval, and under permuted labels [draw]."""
        stratum = self.clusters.stratum
        null = [self.gap(labels) for labels in permuted(self.clusters, draws, seed)]
        return jackknife(lambda keep: self.gap(stratum, keep), stratum), np.array(null)


_CLAIMS = {
    "experts": "Instructions of one category share more experts than those of different ones",
    "neurons, joint": "Instructions of one category share more neurons by joint frequency",
    "neurons, conditional": "Instructions of one category share more neurons by conditional frequency",
}


def _gaps(
    sets: Mapping[str, xr.DataArray], draws: int, seed: int
) -> tuple[dict[str, Finding], pd.DataFrame]:
    """Within minus across categories for several kinds of sets."""
    findings, rows = {}, []
    for name, marked in sets.items():
        pairs, row = _gap(marked, draws, seed)
        found, null = row.pop("found"), row.pop("null")
        findings[name] = finding(
            _CLAIMS.get(name, name), found, against(float(found.value), null), pairs.clusters,
            unit="Jaccard, within minus across", control=PERMUTED,
            reading="Only pairs from different sub-types count, so that shared phrasing is no evidence.",
        )  # fmt: skip
        rows.append({"sets": name} | row)
    return findings, pd.DataFrame(rows)


def _gap(marked: xr.DataArray, draws: int, seed: int) -> tuple[Pairs, dict[str, Any]]:
    """Numbers of one kind of sets, with the estimate and its null."""
    pairs = Pairs.of(overlap(marked))
    found, null = pairs.tested(draws, seed)
    within, across = pairs.within_across(pairs.clusters.stratum)
    return pairs, {
        "share": float(marked.mean()), "within": float(within), "across": float(across),
        "difference": float(found.value), "low": float(found.low), "high": float(found.high),
        "null_mean": float(known_mean(null)), "found": found, "null": null,
    }  # fmt: skip


def _sweep(routing: xr.DataArray, draws: int, seed: int) -> pd.DataFrame:
    """The gap of sets of experts at other cuts; those that no expert can reach are left out."""
    rows = []
    for relative in RELATIVES:
        if relative * uniform_rate(routing) <= 1:
            row = _gap(specific_experts(routing, relative), min(draws, 199), seed)[1]
            rows.append(
                {"relative": relative} | {k: row[k] for k in row if k not in ("found", "null")}
            )
    return pd.DataFrame(rows)


# ---------------------------------------------------------------- whose expert, and which category


def _unique(marked: xr.DataArray, agreement: float, draws: int, seed: int) -> Finding:
    """How many experts are in the set of a single category, against permuted labels."""
    clusters = Clusters.of(marked)
    votes, number = clusters.sums(marked.to_numpy().reshape(len(marked), -1).astype(float))

    def unique(stratum: np.ndarray) -> float:
        member = np.eye(len(clusters.strata))[stratum].T
        sets = member @ votes >= agreement * (member @ number) - 1e-9
        return float((sets.sum(axis=0) == 1).sum())

    value = unique(clusters.stratum)
    null = np.array([unique(stratum) for stratum in permuted(clusters, draws, seed)])
    return finding(
        "More experts belong to a single category than any grouping would give", value,
        against(value, null), clusters, unit="experts", control=PERMUTED,
        reading="Any six groups of instructions agree on something.",
    )  # fmt: skip


def _named(
    routing: xr.DataArray, joint: xr.DataArray, conditional: xr.DataArray, draws: int, seed: int
) -> tuple[dict[str, Finding], dict[str, pd.DataFrame]]:
    """Whether the category is known from routing alone, from neurons, or from the length."""
    clusters = Clusters.of(routing)
    read = {
        "routing q": routing.to_numpy(),
        "neurons, joint p": joint.to_numpy(),
        "neurons, conditional p/q": conditional.to_numpy(),
        "length alone": np.log(routing["n_tokens"].to_numpy()),
    }
    rows, right, guesses = [], {}, {}
    for name, values in read.items():
        near = Centroids(values, clusters.index)
        guesses[name] = near.guess(clusters.stratum)
        right[name] = (guesses[name] == clusters.stratum[clusters.index]).astype(float)
        found = means(right[name], clusters)
        every = found[-1]
        null = [
            _accuracy(near.guess(stratum), stratum[clusters.index])
            for stratum in permuted(clusters, draws, seed)
        ]
        tested = finding(
            f"The category of an instruction is known from {name}: nearest mean of other sub-types",
            every, against(float(every.value), np.array(null)), clusters,
            unit="named rightly", control=PERMUTED,
            reading="That a category can be read does not mean that the model uses it.",
        )  # fmt: skip
        rows.append((name, tested))
    beyond = paired(
        "Routing names the category more often than the length of the instruction does",
        right["length alone"], right["routing q"], clusters, draws, seed, unit="named rightly",
        control="both exchanged in whole sub-types",
    )  # fmt: skip
    table = pd.DataFrame(
        {"read": name}
        | {k: getattr(f, k) for k in ("value", "low", "high", "null_mean", "null_low", "null_high")}
        for name, f in rows
    )  # fmt: skip
    guess = xr.DataArray(
        guesses["routing q"][:, None] == np.arange(len(clusters.strata)),
        {"guess": clusters.strata}, ("instruction", "guess"),
    )  # fmt: skip
    confusion = _by_category(guess.to_numpy().astype(float), guess, clusters)
    told = {"named": rows[0][1], "named by conditional": rows[2][1], "named beyond length": beyond}
    return told, {"named": table, "confusion": confusion}


def _accuracy(guess: np.ndarray, label: np.ndarray) -> float:
    """Share guessed rightly, mean over categories."""
    return float(np.mean([(guess[label == name] == name).mean() for name in np.unique(label)]))


# ---------------------------------------------------------------- tables and numbers


def _by_category(values: np.ndarray, like: xr.DataArray, clusters: Clusters) -> pd.DataFrame:
    """Means of numbers [row, ...] by category: category, the dimensions of ``like``, mean, low, high."""
    found = means(values, clusters)
    keys = pd.MultiIndex.from_product(
        [clusters.strata, *(like[dim].to_numpy() for dim in like.dims[1:])],
        names=["category", *like.dims[1:]],
    )
    columns = {"mean": found.value[:-1], "low": found.low[:-1], "high": found.high[:-1]}
    return pd.DataFrame({n: v.ravel() for n, v in columns.items()}, keys).reset_index()


def _taken(sets: Mapping[str, xr.DataArray], routing: xr.DataArray) -> pd.DataFrame:
    """Share of an expert's neurons that are specific, by its use over the uniform rate."""
    parts, size = [], routing[0].size
    for name in ("neurons, joint", "neurons, conditional"):
        table = pd.DataFrame(
            {
                "relative": np.round(2 * routing.to_numpy() / uniform_rate(routing)).ravel() / 2,
                "taken": sets[name].mean("neuron").to_numpy().ravel(),
                "category": np.repeat(routing["category"].to_numpy(), size),
                "subtype": np.repeat(routing["subtype"].to_numpy(), size),
            }
        )
        parts.append(
            mean_table(table.sort_values("relative"), ["relative"], "taken").assign(sets=name)
        )
    return pd.concat(parts, ignore_index=True)


def _numbers(sets: Mapping[str, xr.DataArray], marked: xr.DataArray) -> dict[str, dict[str, Any]]:
    """How far the joint sets are sets of experts in disguise."""
    joint = sets["neurons, joint"]
    inside = float((joint & marked).sum()) / max(1.0, float(joint.sum()))
    return {
        "share of joint sets in the instruction's experts": {
            "value": inside,
            "control": float(marked.mean()),
        }
    }
