"""Notebook 13: which neurons serve all categories and which only one, and is that more than chance.

Sets of *any* six groups of instructions have parts in common and parts of their own. So every number
stands beside its null: the same number, all the way from votes to counts, when category labels are
permuted over whole sub-types. Votes are summed up by sub-type once; a draw is then one small matrix
product. Numbers of sets depend on how much data there is (with fewer sub-types more components pass
the agreement by chance), so that no interval from parts of the data is right for them: they have a
null and a p, and none an interval.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import false_discovery_control

from sparcom_nb.evidence import Clusters, Finding, against, exchanged, finding, known_mean, permuted
from sparcom_nb.sparcom.baselines import contrast, lape
from sparcom_nb.sparcom.sets import kind_of, overlaps, specific
from sparcom_nb.studies.results import Results

KINDS = ("unique", "shared", "general")
TOPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
AGREEMENTS = (0.3, 0.5, 0.8)
MEASURES = ("Jaccard of sets", "Jaccard of unique parts", "precision of unique parts")
#: Draws of the costly procedures, whose p is fitted; splits into halves that a number is the mean of.
FITTED, SPLITS = 39, 3
PERMUTED = "category labels permuted over whole sub-types"

#: Sets bool [category, component], given a category of every cluster and which clusters to keep.
Sets = Callable[[np.ndarray, np.ndarray], np.ndarray]


def study(
    frequency: xr.DataArray,
    source: np.ndarray,
    again: xr.DataArray,
    paraphrase_of: np.ndarray,
    first: xr.DataArray,
    top: float = 0.05,
    agreement: float = 0.5,
    draws: int = 999,
    seed: int = 0,
) -> Results:
    """Kinds of components, whether sets hold on other instructions, and other methods beside.

    Args:
        frequency: of the rows [instruction, ...], with category and subtype.
        source: of every row, such as ``authored``.
        again: frequencies of the rows' paraphrases; the rows themselves where there are none.
        paraphrase_of: id of the row that each of them words anew.
        first: frequencies over the first tokens only, as many of each row.
        top: share of the components to take.
        agreement: share of a category's instructions that must agree.
        draws: permutations of the cheap tests; costly ones have :data:`FITTED`.
        seed: of all draws.

    Returns:
        Results: tables ``sizes``, ``kinds``, ``combinations``, ``layers``, ``overlap``, ``sweep``,
        ``carry_over``, ``length`` and ``methods``: a row a number, with value, null_mean, null_low,
        null_high (95 % of the permutations), p and, over the rows of the table, p_adjusted.
    """
    marked = specific(frequency, top=top).compute()
    votes = Votes.of(marked, agreement)
    findings, tables = _kinds(votes, marked, draws, seed)
    findings["every cut"], tables["sweep"] = _sweep(frequency, seed)
    held, tables["carry_over"] = _held(
        votes, marked, source, specific(again, top=top).compute(), paraphrase_of, draws, seed
    )
    findings["equal length"], tables["length"] = _length(votes, first, top, draws, seed)
    tables["methods"] = _methods(frequency, votes, seed)
    rows = {name: replace(one, caveat=votes.caveat) for name, one in (findings | held).items()}
    return Results.of("General or unique?", rows, _numbers(tables), tables)


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
    def of(cls, specific: xr.DataArray, agreement: float = 0.5) -> "Votes":
        """Sum up the sets [instruction, ...] of instructions."""
        clusters = Clusters.of(specific)
        member = np.eye(len(clusters.names), dtype=np.float32)[clusters.index]
        flat = specific.to_numpy().reshape(len(member), -1).astype(np.float32)
        return cls(clusters, member.T @ flat, member.sum(axis=0), agreement)

    def sets(self, stratum: np.ndarray, keep: np.ndarray | float = 1.0) -> np.ndarray:
        """Sets bool [category, component] of clusters of these categories; ``keep`` 0 or 1 [cluster]."""
        member = np.eye(len(self.clusters.strata), dtype=np.float32)[stratum].T * np.float32(keep)
        needed = np.ceil(self.agreement * (member @ self.size).astype(float) - 1e-9)
        return member @ self.votes >= np.maximum(needed, 1).astype(np.float32)[:, None]

    @property
    def caveat(self) -> str:
        """What is to be said of the units."""
        if self.clusters.unit == "sub-type":
            return ""
        return "A category has a single sub-type, so that rows are permuted: shared wording counts."


def unique_parts(sets: np.ndarray) -> np.ndarray:
    """Components of every set bool [category, component] that are in no other."""
    return sets & (sets.sum(axis=0) == 1)


def distinctness(sets: np.ndarray) -> float:
    """One minus the mean Jaccard of two different categories' sets."""
    return 1 - float(known_mean(overlaps(sets, sets)[~np.eye(len(sets), dtype=bool)]))


def kind_masks(sets: np.ndarray) -> np.ndarray:
    """Whether a component is unique, shared, general: bool [3, component]."""
    number = sets.sum(axis=0)
    return np.stack([kind_of(number, len(sets)) == kind for kind in KINDS]) & (number > 0)


def beside(value: np.ndarray, null: np.ndarray, fitted: bool = False) -> pd.DataFrame:
    """Numbers [number] beside their null [draw, number], a row each."""
    found = [against(float(v), n, fitted) for v, n in zip(value, null.T, strict=True)]
    table = pd.DataFrame(
        {"value": value}
        | {
            f"null_{part}": [getattr(one, part) for one in found]
            for part in ("mean", "low", "high")
        }
        | {"p": [one.p for one in found]}
    )
    return table.assign(p_adjusted=_adjusted(table["p"]))


def _adjusted(p: pd.Series) -> pd.Series:
    """The p values there are, adjusted together (Benjamini and Hochberg)."""
    known = p.dropna()
    return pd.Series(false_discovery_control(known), known.index, dtype=float).reindex(p.index)


# ---------------------------------------------------------------- kinds


def _kinds(
    votes: Votes, marked: xr.DataArray, draws: int, seed: int
) -> tuple[dict[str, Finding], dict[str, pd.DataFrame]]:
    """All that one sees of the sets, in one pass over the permutations."""
    clusters, layers = votes.clusters, marked["layer"].to_numpy()
    names = clusters.strata
    measures: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "main": _main,
        "sizes": lambda s: np.concatenate([s.sum(axis=1), unique_parts(s).sum(axis=1)]),
        "kinds": lambda s: np.bincount(s.sum(axis=0), minlength=len(s) + 1)[1:],
        "combinations": _by_combination,
        "layers": lambda s: kind_masks(s).reshape(len(KINDS), len(layers), -1).mean(2).ravel(),
        "jaccard": lambda s: overlaps(s, s).ravel(),
        "overlap": lambda s: overlaps(s, s, "overlap").ravel(),
    }
    value, null = _drawn(votes, measures, draws, seed)
    number = np.arange(1, len(names) + 1)
    keys = {
        "sizes": _product(part=("set", "unique"), category=names),
        "kinds": pd.DataFrame({"number": number, "kind": kind_of(number, len(names))}),
        "combinations": _combinations(names),
        "layers": _product(kind=KINDS, layer=layers),
        "overlap": _product(measure=("jaccard", "overlap"), category=names, category_b=names),
    }
    for one in (value, *null):
        one["overlap"] = np.concatenate([one.pop("jaccard"), one["overlap"]])
    tables = {
        name: key.join(beside(value[name], np.array([one[name] for one in null])))
        for name, key in keys.items()
    }
    some = tables["combinations"].query("value > 0")
    tables["combinations"] = some.sort_values("value", ascending=False, ignore_index=True)
    main = np.array([one["main"] for one in null])
    findings = {
        name: finding(claim, one, against(one, of), clusters, unit=unit, control=PERMUTED, reading=said)
        for (name, (claim, unit, said)), one, of in zip(
            _CLAIMS.items(), value["main"], main.T, strict=True
        )
    }  # fmt: skip
    return findings, tables


_CLAIMS = {
    "unique": (
        "More neurons belong to a single category than any grouping would give",
        "neurons",
        "A neuron that only one category has is a specialist only where there are more of them than here.",
    ),
    "general": (
        "More neurons are in the sets of all categories than any grouping would give",
        "neurons",
        "Where categories have specialists the opposite shows: what they use differs.",
    ),
    "distinct": (
        "The sets of two categories differ more than those of any grouping",
        "mean Jaccard distance",
        "Most of every set is neurons that are active on nearly all text, whatever the task.",
    ),
    "agree": (
        "The sub-types of a category agree on more neurons than sub-types drawn at random",
        "neurons in a set",
        "It says whether a category is one kind of thing to the model, or a name for several.",
    ),
}


def _main(sets: np.ndarray) -> np.ndarray:
    """The numbers of :data:`_CLAIMS`."""
    unique, _, general = kind_masks(sets).sum(axis=1)
    return np.array([unique, general, distinctness(sets), sets.sum(axis=1).mean()])


def _drawn(
    votes: Votes, measures: Mapping[str, Callable[[np.ndarray], np.ndarray]], draws: int, seed: int
) -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
    """Measures of the sets, and of those of permuted labels."""

    def all_of(stratum: np.ndarray) -> dict[str, np.ndarray]:
        sets = votes.sets(stratum)
        return {name: np.asarray(measure(sets), dtype=float) for name, measure in measures.items()}

    return all_of(votes.clusters.stratum), [
        all_of(x) for x in permuted(votes.clusters, draws, seed)
    ]


def _by_combination(sets: np.ndarray) -> np.ndarray:
    code = (1 << np.arange(len(sets))) @ sets
    return np.bincount(code, minlength=1 << len(sets))[1:]


def _combinations(names: Sequence[str]) -> pd.DataFrame:
    members = [
        [c for bit, c in enumerate(names) if code >> bit & 1] for code in range(1, 2 ** len(names))
    ]
    return pd.DataFrame(
        {"categories": [" + ".join(m) for m in members], "number": [len(m) for m in members]}
    )


def _product(**columns: Any) -> pd.DataFrame:
    return pd.MultiIndex.from_product(list(columns.values()), names=list(columns)).to_frame(
        index=False
    )


def _sweep(frequency: xr.DataArray, seed: int) -> tuple[Finding, pd.DataFrame]:
    """Kinds at every share taken and every agreement; one test of the unique ones over all of them."""
    keys, value, null = [], [], []
    for top in TOPS:
        votes = Votes.of(specific(frequency, top=top))
        for share in AGREEMENTS:
            at = replace(votes, agreement=share)
            found, drawn = _drawn(at, {"kinds": lambda s: kind_masks(s).sum(axis=1)}, FITTED, seed)
            keys.append((top, share))
            value.append(found["kinds"])
            null.append([one["kinds"] for one in drawn])
    table = pd.concat(
        [
            beside(v, np.array(n), fitted=True).assign(top=t, agreement=a, kind=KINDS)
            for (t, a), v, n in zip(keys, value, null, strict=True)
        ],
        ignore_index=True,
    )
    unique = np.vstack([np.array(value)[:, 0], np.array(null)[:, :, 0].T])  # [1 + draw, cut]
    mean = unique.mean(axis=0)  # of the number and its null alike: exchangeable under the null
    over = known_mean((unique / np.where(mean > 0, mean, np.nan)).T)
    found = finding(
        "Over all cuts and agreements more neurons are unique than any grouping would give",
        float(over[0]),
        against(float(over[0]), over[1:], fitted=True),
        Clusters.of(frequency),
        unit="of the mean number",
        control=f"{PERMUTED}, {FITTED} times (p from Student's t about them)",
        reading="Neither the share nor the agreement is given by nature, so no single cut decides.",
    )
    return found, table


# ---------------------------------------------------------------- other instructions


@dataclass(frozen=True)
class Held:
    """Agreement of sets from two collections of instructions, and the same under permuted labels.

    found: [measure, (own category, others)]; null: own minus others [draw, measure].
    """

    found: np.ndarray
    null: np.ndarray
    clusters: Clusters

    def table(self) -> pd.DataFrame:
        """A row a measure of :data:`MEASURES`."""
        own, other = self.found.T
        rows = beside(own - other, self.null)
        return rows.assign(own=own, other=other, measure=MEASURES)

    def claim(self, claim: str, reading: str, measure: int = 0) -> Finding:
        """Claim that a category's sets agree more with its own than with others'."""
        gap = float(self.found[measure, 0] - self.found[measure, 1])
        null = against(gap, self.null[:, measure])
        return finding(
            claim,
            gap,
            null,
            self.clusters,
            unit=MEASURES[measure],
            control=PERMUTED,
            reading=reading,
        )


def _held(
    votes: Votes,
    marked: xr.DataArray,
    source: np.ndarray,
    again: xr.DataArray,
    paraphrase_of: np.ndarray,
    draws: int,
    seed: int,
) -> tuple[dict[str, Finding], pd.DataFrame]:
    """Sets from halves of the sub-types, from two sources, from paraphrases and other rows."""
    halves = _halves(votes, draws, seed)
    compared = {"halves of the sub-types": halves}
    findings = {
        "halves": halves.claim(
            "A category's set is found again on other sub-types",
            "Held against other categories' sets, since any two sets have general neurons in common.",
        ),
        "unique again": halves.claim(
            "Neurons unique to a category on some sub-types are in its set on others",
            "This is the plainest test of a specialist: it serves tasks that it was not found on.",
            measure=2,
        ),
    }
    names = pd.Series(np.asarray(source)).value_counts().index[:2]
    two = [marked[np.asarray(source) == name] for name in names]
    if len(two) == 2 and len(_common(two)) > 1:
        held = _compared(two[0], two[1], votes.agreement, draws, seed)
        compared[" to ".join(names)] = held
        findings["sources"] = held.claim(
            "Sets found on the rows of one source hold on those of another",
            "A sub-type with rows from both takes its label along, so the control is far from zero.",
        )
    originals = np.isin(marked["instruction"], paraphrase_of)
    others = marked[_alike(again, marked, originals, seed)]
    if len(_common([again, marked[originals], others])) > 1:
        for name, rows in (("originals", marked[originals]), ("other rows", others)):
            held = _compared(again, rows, votes.agreement, draws, seed)
            compared[f"paraphrases to {name}"] = held
        findings["requests"] = _requests(
            again, marked[originals], others, votes.agreement, draws, seed
        )
    else:
        none = "There are no paraphrases, or no rows beside those that they word anew."
        findings["requests"] = Finding(_REQUESTS, np.nan, invalid=none)
    parts = [held.table().assign(collections=name) for name, held in compared.items()]
    return findings, pd.concat(parts, ignore_index=True)


_REQUESTS = (
    "A category's set fits paraphrases of the requests it was found on better than other rows do"
)


def _halves(votes: Votes, draws: int, seed: int) -> Held:
    """Sets from half of every category's sub-types against those from the other half."""
    rng, clusters = np.random.default_rng(seed), votes.clusters
    found, *null = (
        in_halves(votes.sets, _agreement, stratum, rng)
        for stratum in (clusters.stratum, *permuted(clusters, draws, seed))
    )
    return Held(found, np.array([one[:, 0] - one[:, 1] for one in null]), clusters)


def in_halves(
    sets: Sets, agreement: Callable[..., np.ndarray], stratum: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Mean agreement of the sets of two halves of every category's clusters, over random splits."""
    found = []
    for _ in range(SPLITS):
        first = half(stratum, rng)
        found.append(agreement(sets(stratum, first), sets(stratum, ~first)))
    return known_mean(np.array(found))


def half(stratum: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of the clusters of every category (the smaller one of an odd number): bool [cluster]."""
    order = np.lexsort((rng.random(len(stratum)), stratum))
    rank = np.empty(len(stratum), dtype=int)
    rank[order] = np.arange(len(stratum)) - np.searchsorted(stratum[order], stratum[order])
    return 2 * (rank + 1) <= np.bincount(stratum)[stratum]


def _compared(a: xr.DataArray, b: xr.DataArray, agreement: float, draws: int, seed: int) -> Held:
    """Sets of two collections. A category that only one of them holds is left out."""
    first, second = _together([a, b], agreement)
    clusters, rng = first.clusters, np.random.default_rng(seed)
    presence = (first.size > 0) + 2 * (second.size > 0)
    found, null = _agreement(first.sets(clusters.stratum), second.sets(clusters.stratum)), []
    for _ in range(draws):
        stratum = clusters.stratum.copy()
        for one in np.unique(presence):  # a sub-type with rows in both takes its label along
            stratum[presence == one] = rng.permutation(stratum[presence == one])
        null.append(_agreement(first.sets(stratum), second.sets(stratum)))
    return Held(found, np.array([one[:, 0] - one[:, 1] for one in null]), clusters)


def _common(collections: Sequence[xr.DataArray]) -> set[str]:
    """Categories that every collection has rows of."""
    return set.intersection(*(set(x["category"].to_numpy()) for x in collections))


def _together(collections: Sequence[xr.DataArray], agreement: float) -> list[Votes]:
    """Votes of several collections over the clusters of all of them, in the categories of each."""
    common = list(_common(collections))
    parts = [x[np.isin(x["category"], common)] for x in collections]
    rows = pd.DataFrame(
        {key: np.concatenate([x[key].to_numpy() for x in parts]) for key in ("category", "subtype")}
    )
    clusters, start, made = Clusters.of(rows), 0, []
    member = np.eye(len(clusters.names), dtype=np.float32)[clusters.index]
    for part in parts:
        own = member[start : start + len(part)]
        flat = part.to_numpy().reshape(len(part), -1).astype(np.float32)
        made.append(Votes(clusters, own.T @ flat, own.sum(axis=0), agreement))
        start += len(part)
    return made


def _requests(
    again: xr.DataArray, originals: xr.DataArray, others: xr.DataArray, agreement: float,
    draws: int, seed: int,
) -> Finding:  # fmt: skip
    """Were the originals no other than rows like them, the two could change places in any sub-type."""
    new, first, second = _together([again, originals, others], agreement)
    clusters = new.clusters
    target = new.sets(clusters.stratum)

    def gap(swap: np.ndarray) -> float:
        own = (
            np.where(swap[:, None], second.votes, first.votes),
            np.where(swap, second.size, first.size),
        )
        rest = (
            np.where(swap[:, None], first.votes, second.votes),
            np.where(swap, first.size, second.size),
        )
        fit = [
            np.diag(overlaps(target, Votes(clusters, *part, agreement).sets(clusters.stratum)))
            for part in (own, rest)
        ]
        return float(known_mean(fit[0]) - known_mean(fit[1]))

    null = [gap(swap) for swap in exchanged(clusters, draws, seed)]
    found = gap(np.zeros(len(clusters.names), dtype=bool))
    return finding(
        _REQUESTS, found, against(found, np.array(null)), clusters, unit=MEASURES[0], n=len(again),
        control="originals and other rows of their sub-types exchanged",
        reading="Where it does not, a set does not hang on the very requests it was found on.",
    )  # fmt: skip


def _alike(
    again: xr.DataArray, marked: xr.DataArray, originals: np.ndarray, seed: int
) -> np.ndarray:
    """Positions of rows that are no originals, as many of every sub-type as ``again`` has."""
    keys = [
        pd.MultiIndex.from_arrays([x["category"].to_numpy(), x["subtype"].to_numpy()])
        for x in (again, marked)
    ]
    wanted, rng = keys[0].value_counts(), np.random.default_rng(seed)
    drawn = [
        rng.permutation(np.flatnonzero((keys[1] == key) & ~originals))[:n]
        for key, n in wanted.items()
    ]
    return np.sort(np.concatenate(drawn))


def _agreement(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Every measure of :data:`MEASURES` for own and other categories: [measure, 2]."""
    unique_a, unique_b = unique_parts(a), unique_parts(b)
    common = unique_a.astype(np.float32) @ b.astype(np.float32).T
    size = unique_a.sum(axis=1, keepdims=True)
    precision = np.divide(common, size, out=np.full(common.shape, np.nan), where=size > 0)
    return np.array(
        [own_and_other(x) for x in (overlaps(a, b), overlaps(unique_a, unique_b), precision)]
    )


def own_and_other(matrix: np.ndarray) -> tuple[float, float]:
    """Means of the diagonal and of the rest, of the values there are."""
    own = np.eye(len(matrix), dtype=bool)
    return float(known_mean(matrix[own])), float(known_mean(matrix[~own]))


# ---------------------------------------------------------------- length and other methods


def _length(
    votes: Votes, first: xr.DataArray, top: float, draws: int, seed: int
) -> tuple[Finding, pd.DataFrame]:
    """The main numbers over all tokens and over as many first tokens of every instruction."""
    same = Votes.of(specific(first, top=top).compute(), votes.agreement)
    tokens = int(first["n_tokens"].min())
    cuts, parts, found = {"all tokens": votes, f"first {tokens} tokens": same}, [], None
    for name, at in cuts.items():
        value, null = _drawn(at, {"main": _main}, draws, seed)
        main = np.array([one["main"] for one in null])
        parts.append(beside(value["main"], main).assign(cut=name, measure=list(_CLAIMS)))
        distinct = float(value["main"][2])
        found = finding(
            "At equal length the sets of two categories differ more than those of any grouping",
            distinct, against(distinct, main[:, 2]), at.clusters,
            unit="mean Jaccard distance", control=PERMUTED,
            reading="Short instructions tie more and take more neurons; here none is shorter.",
        )  # fmt: skip
    assert found
    return found, pd.concat(parts, ignore_index=True)


def _methods(frequency: xr.DataArray, votes: Votes, seed: int) -> pd.DataFrame:
    """Other methods' sets against SPARCOM's unique parts, and of halves against one another."""
    clusters, rng = votes.clusters, np.random.default_rng(seed)
    labels = [clusters.stratum, *permuted(clusters, FITTED, seed)]
    every = np.ones(len(clusters.names), dtype=bool)
    methods = _by_name(votes, Votes.of(frequency).votes / votes.size[:, None], rng)
    expected, rows = [methods["SPARCOM"](x, every) for x in labels], []
    for name, sets in methods.items():
        size = sets(clusters.stratum, every).sum(axis=1).mean()
        again = [in_halves(sets, _own, x, rng) for x in labels]
        same = [_own(a, sets(x, every)) for a, x in zip(expected, labels, strict=True)]
        compared = {"same as SPARCOM's": same, "again on other sub-types": again}
        for question, drawn in list(compared.items())[name == "SPARCOM" :]:
            own, other = np.array(drawn).T
            row = beside((own - other)[:1], (own - other)[1:, None], fitted=True)
            known = {"method": name, "question": question, "size": size}
            rows.append(row.assign(own=own[0], other=other[0], **known))
    table = pd.concat(rows, ignore_index=True)
    return table.assign(p_adjusted=_adjusted(table["p"]))


def _own(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array(own_and_other(overlaps(a, b)))


def _by_name(votes: Votes, means: np.ndarray, rng: np.random.Generator) -> dict[str, Sets]:
    """Every method, with as many components as SPARCOM's unique parts hold together.

    LAPE and contrast see the mean frequency [cluster, component] of every sub-type.
    """
    names = np.array(votes.clusters.strata)
    sizes = unique_parts(votes.sets(votes.clusters.stratum)).sum(axis=1)
    share = max(1, int(sizes.sum())) / means.shape[1]

    def random(stratum: np.ndarray, keep: np.ndarray) -> np.ndarray:
        order = rng.random((len(sizes), means.shape[1])).argsort(axis=1)
        return order < np.maximum(1, sizes)[:, None]

    def by_means(
        method: Callable[..., xr.DataArray], top: float, stratum: np.ndarray, keep: np.ndarray
    ) -> np.ndarray:
        coords = {"category": ("instruction", names[stratum[keep]])}
        kept = xr.DataArray(means[keep], coords, ("instruction", "component"))
        return (method(kept, top=top).reindex(category=names) == 1).to_numpy()  # one may have none

    return {
        "SPARCOM": lambda stratum, keep: unique_parts(votes.sets(stratum, keep)),
        "LAPE": partial(by_means, lape, share),
        "contrast": partial(by_means, contrast, share / len(sizes)),
        "random": random,
    }


def _numbers(tables: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """What is told without a claim."""
    kinds, sizes = tables["kinds"], tables["sizes"].query("part == 'set'")
    some = tables["combinations"]
    told = int((some["p_adjusted"] <= 0.05).sum()) if len(some) else 0
    return {
        "neurons in any set": {"value": float(kinds["value"].sum())},
        "smallest set": {"value": float(sizes["value"].min())},
        "largest set": {"value": float(sizes["value"].max())},
        "combinations of categories": {
            "value": len(some),
            "note": f"{told} beyond chance, adjusted",
        },
    }
