"""What is claimed, and the one rule that says whether it shows.

A :class:`Finding` is a claim in one sentence with its value, interval, control and test. **A
calibrated p decides; the interval describes.** Rows that share wording are not exchangeable, so the
unit is the *cluster* (a sub-type) within its *stratum* (a category):

* intervals are Student's t on the delete-one cluster jackknife (:func:`jackknife`);
* nulls come from labels permuted over whole clusters, from models exchanged within them, or from
  set members swapped with matched outsiders, each through the whole procedure (:func:`against`);
* p values of one page are adjusted together (:func:`adjusted`).

Numbers only: nothing here sees a model, a picture or a sentence.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.special import chndtrinc
from scipy.stats import chi2, false_discovery_control
from scipy.stats import t as student

#: Level of all tests; what would have shown is told for this power.
LEVEL, POWER = 0.05, 0.8
#: Outsiders match a set when the means of what they are matched on reach this share of the set's.
MATCHED = 0.95
SHOWS, OPPOSITE, NOT, UNTOLD = "shows", "opposite", "does not show", "cannot be told"


# ---------------------------------------------------------------- what is claimed


@dataclass(frozen=True)
class Finding:
    """One claim and all that decides whether it shows.

    Attributes:
        claim: one sentence without numbers of the result. It says that ``value`` lies above
            ``null_mean``.
        value, low, high: estimate and 95 % interval (NaN where there is none), in ``unit``.
        unit: of the value, such as ``nats per response token``.
        control: what the null is, in words.
        null_mean, null_low, null_high: mean, 2.5th and 97.5th percentile under it.
        p: two-sided; NaN where there is no test.
        p_adjusted: together with the other findings of the page (:func:`adjusted`).
        smallest_p: the smallest that the test can give.
        detectable: distance from ``null_mean`` that would have shown with a power of .8.
        n: rows.
        units: number and name of the clusters, such as ``36 sub-types``.
        caveat: what limits the claim.
        invalid: why nothing can be told, where the control is not one (a set without a match).
        reading: a sentence by the study's author.
    """

    claim: str
    value: float
    low: float = math.nan
    high: float = math.nan
    unit: str = ""
    control: str = ""
    null_mean: float = 0.0
    null_low: float = math.nan
    null_high: float = math.nan
    p: float = math.nan
    p_adjusted: float = math.nan
    smallest_p: float = 0.0
    detectable: float = math.nan
    n: int = 0
    units: str = ""
    caveat: str = ""
    invalid: str = ""
    reading: str = ""

    @property
    def verdict(self) -> str:
        """``shows``, ``opposite``, ``does not show`` or ``cannot be told``: the one rule."""
        p = self.p if math.isnan(self.p_adjusted) else self.p_adjusted
        if self.invalid or math.isnan(p + self.value) or self.smallest_p >= LEVEL:
            return UNTOLD
        if p > LEVEL:
            return NOT
        return SHOWS if self.value > self.null_mean else OPPOSITE

    def record(self) -> dict[str, Any]:
        """Plain data for ``figures.json``; what is not known is None."""
        plain = dataclasses.asdict(self) | {"verdict": self.verdict}
        return {key: None if value != value else value for key, value in plain.items()}


def adjusted(findings: Mapping[str, Finding], method: str = "holm") -> dict[str, Finding]:
    """Adjust the p values of the findings that can be told, together.

    Args:
        findings: by name.
        method: ``holm`` (any false claim at most 5 %), or ``bh`` (Benjamini and Hochberg: of what
            shows, 5 % false), for many questions of one kind.

    Returns:
        The findings with ``p_adjusted``, and ``detectable`` at the level that adjusting leaves them.
    """
    asked = [name for name, found in findings.items() if found.p == found.p and not found.invalid]
    p = np.array([findings[name].p for name in asked])
    if not asked:
        return dict(findings)
    after = dict(zip(asked, false_discovery_control(p) if method == "bh" else holm(p), strict=True))
    level = LEVEL if method == "bh" else LEVEL / len(asked)
    return {
        name: replace(
            found,
            p_adjusted=float(after[name]),
            detectable=found.detectable * _past(level) / _past(LEVEL),
        )
        if name in after
        else found
        for name, found in findings.items()
    }


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p values [test] (Holm 1979): that any true null is called false has this chance."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(stepped[np.argsort(order)], 1.0)


def _past(level: float) -> float:
    """Standard errors from the null at which a number shows at ``level``."""
    return float(student.ppf(1 - level / 2, math.inf))


# ---------------------------------------------------------------- clusters and intervals


@dataclass(frozen=True)
class Clusters:
    """The units of resampling: sub-types, or rows where a category has too few sub-types.

    names: of every cluster; index: cluster of every row; stratum: index into ``strata`` of every
    cluster; strata: names of the categories; unit: ``sub-type`` or ``row``.
    """

    names: np.ndarray
    index: np.ndarray
    stratum: np.ndarray
    strata: list[str]
    unit: str

    @classmethod
    def of(cls, rows: Any, least: int = 2) -> "Clusters":
        """Clusters of a labelled array [instruction, ...] or a table with category and subtype.

        Rows take the place of the sub-types where a category has fewer than ``least`` of them.
        """
        category = np.asarray(rows["category"]).astype(str)
        labels, unit = (
            np.char.add(category + "/", np.asarray(rows["subtype"]).astype(str)),
            "sub-type",
        )
        if min(len(np.unique(labels[category == c])) for c in np.unique(category)) < least:
            labels, unit = np.char.add(category + "/", np.arange(len(category)).astype(str)), "row"
        names, first, index = np.unique(labels, return_index=True, return_inverse=True)
        strata = list(dict.fromkeys(category))
        return cls(names, index, np.array([strata.index(c) for c in category[first]]), strata, unit)

    @classmethod
    def by(cls, names: Any, unit: str, stratum: Any = None) -> "Clusters":
        """Rows of one name [row] are a cluster; all in one stratum, or in those of the rows [row]."""
        index, known = pd.factorize(np.array([str(name) for name in names]))
        of = np.full(len(index), unit) if stratum is None else np.asarray(stratum).astype(str)
        number, strata = pd.factorize(of)
        first = np.unique(index, return_index=True)[1]
        return cls(known, index, number[first], strata.tolist(), unit)

    @property
    def units(self) -> str:
        """Number and name, for a :class:`Finding`."""
        return f"{len(self.names)} {self.unit}s"

    @property
    def permuted(self) -> str:
        """The control of :func:`permuted`, in words."""
        return f"category labels permuted over whole {self.unit}s"

    def sums(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums and numbers of the values [row, ...] that there are: [cluster, ...] each."""
        member = np.eye(len(self.names))[self.index].T
        known = ~np.isnan(values)
        return (
            np.tensordot(member, np.where(known, values, 0.0), axes=1),
            np.tensordot(member, known.astype(float), axes=1),
        )


@dataclass(frozen=True)
class Estimate:
    """Values [...] with their standard errors and degrees of freedom."""

    value: np.ndarray
    error: np.ndarray
    freedom: np.ndarray

    def __getitem__(self, at: Any) -> "Estimate":
        """Those at a place of the arrays."""
        return Estimate(self.value[at], self.error[at], self.freedom[at])

    @property
    def low(self) -> np.ndarray:
        """Lower end of the 95 % interval."""
        return self.value - student.ppf(0.975, self.freedom) * self.error

    @property
    def high(self) -> np.ndarray:
        """Upper end of the 95 % interval."""
        return self.value + student.ppf(0.975, self.freedom) * self.error


Statistic = Callable[[np.ndarray], Any]


def jackknife(statistic: Statistic, stratum: np.ndarray) -> Estimate:
    """Estimate with its error from leaving out one cluster at a time, stratum by stratum.

    ``statistic`` gives a number, or an array of them, of the clusters kept (0 or 1 [cluster]), which
    have a ``stratum`` each. Strata differ in their spread, hence Satterthwaite's degrees of freedom.
    There is no interval where nothing spreads, or where a stratum that counts has one cluster only.
    """
    value = np.asarray(statistic(np.ones(len(stratum))), dtype=float)
    left_out = np.array([statistic(row) for row in 1.0 - np.eye(len(stratum))], dtype=float)
    variance, unknown = [], []
    for name in np.unique(stratum):
        of = left_out[stratum == name]
        n = len(of)
        variance.append((n - 1) / n * ((of - of.mean(axis=0)) ** 2).sum(axis=0))
        unknown.append((n == 1) & ~(of[0] == value))
    parts = np.where(unknown, np.nan, variance)
    free = np.maximum(np.unique(stratum, return_counts=True)[1] - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = parts.sum(axis=0)
        freedom = total**2 / np.tensordot(1 / free, parts**2, axes=1)
        error = np.sqrt(np.where(total > 0, total, np.nan))
    return Estimate(value, error, freedom)


def means(values: np.ndarray, clusters: Clusters) -> Estimate:
    """Mean of ``values`` [row, ...] in every category and, last, the mean of these: [stratum + 1, ...].

    Missing ones do not count.
    """
    sums, number = clusters.sums(values)
    member = np.eye(len(clusters.strata))[clusters.stratum].T

    def statistic(keep: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            each = np.tensordot(member * keep, sums, axes=1) / np.tensordot(
                member * keep, number, axes=1
            )
        return np.concatenate([each, known_mean(each)[None]])

    return jackknife(statistic, clusters.stratum)


def known_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of the values there are; NaN without any."""
    number = (~np.isnan(values)).sum(axis=0)
    return np.where(number > 0, np.nansum(values, axis=0) / np.maximum(number, 1), np.nan)


def mean_table(table: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """Mean of a column and its interval over sub-types, for every key in ``by``.

    Returns:
        DataFrame: the keys, mean, low, high, n. Rows without a value are left out.
    """
    rows = []
    for key, part in table.dropna(subset=[value]).groupby(by, sort=False):
        found = means(part[value].to_numpy(float), Clusters.of(part))
        keys = key if isinstance(key, tuple) else (key,)
        ends = {"mean": found.value[-1], "low": found.low[-1], "high": found.high[-1]}
        rows.append(dict(zip(by, keys, strict=True)) | ends | {"n": len(part)})
    return pd.DataFrame(rows, columns=[*by, "mean", "low", "high", "n"])


# ---------------------------------------------------------------- tests


@dataclass(frozen=True)
class Null:
    """What a number is under a null, and how the number found stands to it.

    mean, low, high: mean and 2.5th and 97.5th percentile; p: two-sided; smallest: the smallest p
    possible; spread: standard deviation.
    """

    mean: float
    low: float
    high: float
    p: float
    smallest: float
    spread: float


def against(value: float, null: np.ndarray, fitted: bool = False) -> Null:
    """Hold a number against the numbers that a null gave, two-sided.

    Args:
        value: what was found.
        null: [draw]; a draw without a value counts on both sides as one that reaches ``value``.
        fitted: take p from Student's t about the draws and not from the rank among them, which
            costly procedures need: thirty draws of a mean of many clusters then tell small p values
            apart. Only for statistics that are such means.
    """
    known = null[~np.isnan(null)]
    if math.isnan(value) or len(known) < 2:
        return Null(math.nan, math.nan, math.nan, math.nan, 1.0, math.nan)
    lost, edge = len(null) - len(known), 1e-12 * max(1.0, abs(value))
    beyond = min((known >= value - edge).sum(), (known <= value + edge).sum())
    smallest = 2 / (1 + len(null))
    p, spread = min(1.0, (1 + lost + beyond) * smallest), float(known.std(ddof=1))
    if fitted and spread > 0 and not lost:
        away = (value - known.mean()) / (spread * math.sqrt(1 + 1 / len(known)))
        p, smallest = float(2 * student.sf(abs(away), len(known) - 1)), 0.0
    low, high = np.quantile(known, [0.025, 0.975])
    return Null(float(known.mean()), float(low), float(high), float(p), smallest, spread)


def t_test(found: Estimate, null: float = 0.0) -> Null:
    """Hold an estimate against a fixed number by its jackknife error (Student's t, two-sided).

    ``low`` and ``high`` are where the estimate would lie 95 times in 100 were the number true.
    """
    value, error, freedom = (float(x) for x in (found.value, found.error, found.freedom))
    reach = float(student.ppf(0.975, freedom)) * error
    p = float(2 * student.sf(abs(value - null) / error, freedom)) if error > 0 else math.nan
    return Null(null, null - reach, null + reach, p, 0.0, error)


def finding(
    claim: str, found: Estimate | float, null: Null | np.ndarray, clusters: Clusters,
    fitted: bool = False, **more: Any,
) -> Finding:  # fmt: skip
    """Join a number, its interval if it has one and its test into a :class:`Finding`.

    ``null`` is that of :func:`t_test`, or draws to hold the number :func:`against`, ``fitted`` or not;
    ``more`` are the other attributes.
    """
    value = float(found.value if isinstance(found, Estimate) else found)
    null = against(value, null, fitted) if isinstance(null, np.ndarray) else null
    ends, error, freedom = {}, null.spread, math.inf
    if isinstance(found, Estimate):
        ends, freedom = {"low": float(found.low), "high": float(found.high)}, float(found.freedom)
        error = float(np.fmax(found.error, null.spread))  # an effect spreads more than none
    told = {
        "detectable": null.high - null.mean + error * float(student.ppf(POWER, freedom)),
        "n": len(clusters.index),
        "units": clusters.units,
    }
    return Finding(
        claim,
        value,
        **ends,
        null_mean=null.mean,
        null_low=null.low,
        null_high=null.high,
        p=null.p,
        smallest_p=null.smallest,
        **told | more,
    )


def permuted(clusters: Clusters, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Labels [cluster] permuted over whole clusters, ``draws`` times."""
    rng = np.random.default_rng(seed)
    return (rng.permutation(clusters.stratum) for _ in range(draws))


def exchanged(clusters: Clusters, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Clusters in which two models change places: bool [cluster], by fair coins, ``draws`` times."""
    rng = np.random.default_rng(seed)
    return (rng.random(len(clusters.names)) < 0.5 for _ in range(draws))


def paired(
    claim: str, first: np.ndarray, second: np.ndarray, clusters: Clusters,
    draws: int = 999, seed: int = 0, **more: Any,
) -> Finding:  # fmt: skip
    """Claim that ``second`` [row] lies above ``first`` [row]: mean over categories of the difference.

    Tested by paired permutation: were the two alike, they could change places in any cluster.
    """
    sums, number = clusters.sums(second - first)
    member = np.eye(len(clusters.strata))[clusters.stratum]
    signs = 1 - 2 * np.array(list(exchanged(clusters, draws, seed)))
    with np.errstate(invalid="ignore"):
        null = known_mean(((signs * sums) @ member / (number @ member)).T)
    return finding(claim, means(second - first, clusters)[-1], null, clusters, **more)


def differ(claim: str, values: np.ndarray, clusters: Clusters, **more: Any) -> Finding:
    """Claim that the mean over categories of differences ``values`` [row] is above zero, without draws."""
    found = means(values, clusters)[-1]
    said: dict[str, Any] = {"control": "no difference (Student's t)"} | more
    return finding(claim, found, t_test(found), clusters, **said)


def own_above_others(
    effects: np.ndarray, clusters: Clusters, beyond: float = 0.0
) -> tuple[Estimate, np.ndarray]:
    """What sets do to their own category above what other categories' sets do to it, and its null.

    Were it all one whose a set is, sets could change places among the categories: so they do, in every
    order. Sets that harm and categories that are fragile stay what they are, also where the harms
    multiply; a test by the spread of the rows would take their chance meeting for an effect.

    Args:
        effects: [row, set], a set a stratum of ``clusters``, in their order; NaN where not judged.
        clusters: of the rows.
        beyond: part of the difference that is not asked about; the null lies about it.

    Returns:
        The difference, mean over categories, and that of every order of the sets.
    """
    whose = np.eye(len(clusters.strata), dtype=bool)[clusters.stratum[clusters.index]]
    there = np.flatnonzero(~np.isnan(effects).all(axis=0))
    if len(there) < 2:
        return means(np.full(len(whose), np.nan), clusters)[-1], np.full(1, np.nan)

    def above(given: np.ndarray) -> np.ndarray:
        mean = known_mean(given[:, there].T)[:, None]
        return (given - mean) * len(there) / (len(there) - 1)

    found = means(known_mean(np.where(whose, above(effects), np.nan).T), clusters)[-1]
    rest = means(above(effects - beyond * whose)[:, there], clusters).value[there]
    orders = np.array(list(itertools.permutations(range(len(there)))))
    return found, rest[np.arange(len(there)), orders].mean(axis=1) + beyond


def explained(
    claim: str, values: np.ndarray, clusters: Clusters, draws: int = 999, seed: int = 0,
    length: np.ndarray | None = None, **more: Any,
) -> Finding:  # fmt: skip
    """Claim that categories explain how clusters differ in ``values`` [row, ...]; missing do not count.

    PERMANOVA (Anderson 2001, *Austral Ecology* 26): share of the variance, against permuted labels.
    With ``length`` [row], what a curve in its logarithm foretells is taken out first, and again of
    every draw, in which a cluster takes label and length of another (Freedman and Lane 1983).
    """
    powers = np.ones((len(values), 1)) if length is None else np.vander(np.log(length), 3)
    with np.errstate(invalid="ignore"):
        mean, by = (
            np.divide(*clusters.sums(one.reshape(len(one), -1))) for one in (values, powers)
        )
    known = np.asarray(~np.isnan(mean).any(axis=1))
    left, rounding = _left(mean[known], by[known]), 1e-24 * float((mean[known] ** 2).sum())

    def share(order: np.ndarray) -> float:
        rest = _left(left, by[order][known])
        member = np.eye(len(clusters.strata))[clusters.stratum[order][known]]
        between = (member.T @ rest) ** 2 / np.maximum(member.sum(axis=0), 1)[:, None]
        total = float((rest**2).sum())
        return float(between.sum()) / total if total > rounding else math.nan

    value, rng = share(np.arange(len(known))), np.random.default_rng(seed)
    null = np.array([share(rng.permutation(len(known))) for _ in range(draws)])
    found = against(value, null)
    said: dict[str, Any] = {
        "unit": f"of the variance between {clusters.unit}s",
        "control": clusters.permuted,
        "detectable": _more_squares(found),
    }
    return finding(claim, value, found, clusters, **said | more)


def _more_squares(null: Null) -> float:
    """Rise of a sum of squares that shows, which spreads the more the larger it is.

    It is chi-square with the mean and the spread of the null, and noncentral with an effect.
    """
    if not null.spread > 0:
        return null.high - null.mean
    scale = null.spread**2 / (2 * null.mean)
    free = null.mean / scale
    return scale * float(chndtrinc(chi2.ppf(1 - LEVEL / 2, free), free, 1 - POWER))


def _left(values: np.ndarray, by: np.ndarray) -> np.ndarray:
    """What of numbers [cluster, ...] the columns of ``by`` [cluster, ...] do not foretell."""
    return values - by @ (np.linalg.pinv(by) @ values)


# ---------------------------------------------------------------- a set against others like it


def partners(members: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Pair ``members`` (bool [layer, component]: in any set) with outsiders like them, layer by layer.

    The assignment within a layer makes the sum of the distances smallest, ``features`` [feature,
    layer, component] divided by their spread there. Returns int [layer, component]: the partner of
    every member and of every partner; its own place for the rest. Where members fill more than half
    of a layer, some find none.
    """
    pairs = np.tile(np.arange(members.shape[1]), (len(members), 1))
    for layer, inside in enumerate(members):
        within, without = np.flatnonzero(inside), np.flatnonzero(~inside)
        spread = features[:, layer].std(axis=1, keepdims=True)
        scaled = features[:, layer] / np.where(spread > 0, spread, 1)
        apart = scaled[:, within, None] - scaled[:, None, without]
        rows, columns = linear_sum_assignment((apart**2).sum(axis=0))
        pairs[layer, within[rows]] = without[columns]
        pairs[layer, without[columns]] = within[rows]
    return pairs


@dataclass(frozen=True)
class Matched:
    """Sets bool [half, category, layer, component] and an outsider like it beside every member.

    pairs: of :func:`partners`; row: members, pairs (numbers of components), and of every feature the
    mean over members with a partner (``NAME``) and over these partners (``NAME of outsiders``);
    unlike: why nothing can be told, empty where partners reach :data:`MATCHED` of every mean.
    """

    sets: np.ndarray
    pairs: np.ndarray
    row: Mapping[str, float]
    unlike: str

    @classmethod
    def of(cls, sets: np.ndarray, features: Mapping[str, np.ndarray], **more: Any) -> Self:
        """Find outsiders alike in features [layer, component] by name, none negative."""
        pairs = partners(np.asarray(sets.any(axis=(0, 1))), np.stack(list(features.values())))
        weight = sets.sum(axis=(0, 1)) * (pairs != np.arange(pairs.shape[1]))
        beside = np.take_along_axis(weight, pairs, 1)
        row = {"members": float(sets.any(axis=(0, 1)).sum()), "pairs": float((weight > 0).sum())}
        unlike = []
        for name, values in features.items():
            own, outside = (float((values * w).sum() / max(1, w.sum())) for w in (weight, beside))
            row |= {name: own, f"{name} of outsiders": outside}
            if outside < MATCHED * own:
                unlike.append(f"{name} {outside:.3g} against {own:.3g}")
        must = f"The outsiders do not match, they must reach {MATCHED:.0%}: {'; '.join(unlike)}."
        none = "No set has a member that an outsider stands beside."
        return cls(sets, pairs, row, none if not row["pairs"] else must if unlike else "", **more)

    @property
    def beside(self) -> np.ndarray:
        """The sets with every member's outsider in its place."""
        return np.take_along_axis(self.sets, self.pairs[None, None], -1)

    def swapped(self, draws: int, seed: int) -> Iterator[np.ndarray]:
        """The sets after members and outsiders changed places by fair coins; none where they are unlike.

        All halves and categories swap jointly: were a member no other than its partner, the swapped
        sets would do what the sets do.
        """
        rng, own = np.random.default_rng(seed), np.arange(self.pairs.shape[1])
        for _ in range(0 if self.unlike else draws):
            coins = rng.random(self.pairs.shape) < 0.5
            coins = np.where(own <= self.pairs, coins, np.take_along_axis(coins, self.pairs, 1))
            places = np.where(coins, self.pairs, own)
            yield np.take_along_axis(self.sets, places[None, None], -1)

    def finding(
        self, claim: str, found: Estimate | float, null: Any, clusters: Clusters, **more: Any
    ) -> Finding:
        """Claim that the sets do more than :meth:`swapped` ones do, which gave ``null`` [draw]."""
        said: dict[str, Any] = {
            "control": "sets whose members changed places with matched outsiders at random",
            "caveat": f"{self.row['pairs']:,.0f} of {self.row['members']:,.0f} members have an outsider.",
            "invalid": self.unlike,
        }
        return finding(claim, found, np.array(null, dtype=float), clusters, **said | more)
