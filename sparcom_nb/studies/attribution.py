"""Whether tuning made more of a response come from its instruction (notebook 21).

The published comparison (Wu et al. 2024, Table 2) lets each model write its own responses, which
differ in length, and does not pair them. Here all models read the reference response of a row, so
that rows pair and lengths agree; the sub-type is the unit. A score also rises when all densities
become more even, hence the same of the rest of the prompt, taken off (the *contrast*).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import ttest_ind, ttest_rel

from sparcom_nb.evidence import Clusters, Finding, against, finding, means, paired, permuted
from sparcom_nb.files import shipped
from sparcom_nb.shift.density import CUT, LEVELS, instruction_scores, levels
from sparcom_nb.studies.results import Results

Attributions = Sequence[xr.DataArray]

DRAWS = 999
#: Other ways to make a score: name -> arguments of instruction_scores.
CHOICES: dict[str, dict[str, Any]] = {
    "b = 0": {"b": 0},
    "b = 3": {"b": 3},
    "mean over the instruction": {"mean": True},
    "not normalised": {"normalise": False},
}
#: Thresholds b of the slider.
CUTS = (0, 3, 5, 7, 9)
#: Columns of data/published/choices.csv in words.
PUBLISHED = {
    "score": "as published (b = 7)",
    "b0": "b = 0",
    "mean": "mean over the instruction",
    "mean_raw": "mean, not normalised",
    "cut": "cut to the shorter response",
    "cut_mean_raw": "cut, not normalised",
}
_LONG = 200
NO_PLACEBO = "There is no placebo of this pair here."
_TWO = "One training run of each: the claim is about these two checkpoints."


def study(
    found: Mapping[str, Attributions],
    data: pd.DataFrame,
    cut: int = CUT,
    length: int = 2,
    seed: int = 0,
) -> Results:
    """Compare where the same responses come from in several models.

    Args:
        found: of :func:`sparcom_nb.shift.response_attributions` for ``base``, ``tuned`` and, where
            there is one, ``placebo``.
        data: the rows; those without a response have no score.
        cut: b of the importance density.
        length: response tokens in the comparison at equal length.
        seed: of all permutations.

    Returns:
        Findings gain, contrast, placebo, at_length, category, category_at_length, followed,
        published, published_raw; tables scores, shift, cuts, choices, table_1, table_2,
        published_choices.
    """
    score, rest = (
        {name: instruction_scores(one, b=cut, rest=of) for name, one in found.items()}
        for of in (False, True)
    )
    contrast = {name: score[name] - rest[name] for name in found}
    short = {
        name: instruction_scores(one, length, b=cut)
        - instruction_scores(one, length, rest=True, b=cut)
        for name, one in found.items()
    }
    plain = contrast.get("placebo", np.full(len(data), np.nan))
    lack = {} if "placebo" in found else {"invalid": NO_PLACEBO}
    change = score["tuned"] - score["base"]
    size = np.array([one.sizes["output"] for one in found["base"]])
    control = {"control": "the two models' names exchanged in whole sub-types"}
    findings = {
        "gain": rise(
            "The instruction scores higher in the tuned model than in the base, on the same responses",
            score["base"], score["tuned"], data, seed, **control,
            reading="A rise by itself may come from densities that became more even everywhere.",
        ),
        "contrast": rise(
            "The instruction gained more than the rest of the prompt from base to tuned model",
            contrast["base"], contrast["tuned"], data, seed, **control,
            reading="This takes off what template and input gained too, so it is the claim of the paper.",
        ),
        "placebo": rise(
            "The instruction leads the rest of the prompt by more in the tuned checkpoint than in the "
            "placebo, which read plain documents for as long",
            plain, contrast["tuned"], data, seed, **control, **lack, caveat=_TWO,
            reading="Only this tells a gain by instructions from one by more training.",
        ),
        "at_length": rise(
            f"Over the first {length} response tokens alone, the instruction gained more than the rest",
            short["base"], short["tuned"], data, seed, **control,
        ),
        "category": by_category(
            "The change of the instruction's score depends on the category", change, data, seed
        ),
        "category_at_length": by_category(
            "The change depends on the category also when the response's length is taken out",
            without(change, np.log(np.maximum(size, 1))), data, seed,
        ),
    }  # fmt: skip
    published = pd.read_csv(shipped("data") / "published" / "scores.csv")
    other = pd.read_csv(shipped("data") / "published" / "choices.csv")
    findings |= published_findings(published, other, seed)
    tables = {
        "scores": pd.concat(
            data[["id", "category", "subtype"]].assign(member=n, score=score[n], rest=rest[n])
            for n in found
        ),
        "shift": shift(change, data),
        "cuts": pd.concat(
            shift(instruction_scores(found["tuned"], b=b) - instruction_scores(found["base"], b=b), data)
            .assign(b=b) for b in CUTS
        ),
        "choices": choices(found, data, cut, length),
        "table_1": table_1(published),
        "table_2": table_2(published),
        "published_choices": published_choices(published, other),
    }  # fmt: skip
    return Results.of("Input attribution", findings, faint(found), tables)


def rise(
    claim: str, first: np.ndarray, second: np.ndarray, data: pd.DataFrame, seed: int, **more: Any
) -> Finding:
    """Claim that ``second`` lies above ``first`` on the rows that have both (paired permutation)."""
    known = ~np.isnan(first + second)
    if not known.any():
        return Finding(claim, np.nan, **more)
    clusters = Clusters.of(data[known])
    unit = {"unit": "of the score"} | more
    return paired(claim, first[known], second[known], clusters, DRAWS, seed, **unit)


def by_category(claim: str, values: np.ndarray, data: pd.DataFrame, seed: int) -> Finding:
    """Claim that categories explain more of the clusters' means than permuted labels do."""
    known = ~np.isnan(values)
    if data["category"][known].nunique() < 2:
        return Finding(claim, np.nan, invalid="There is one category only.")
    clusters = Clusters.of(data[known])
    sums, number = clusters.sums(values[known])
    mean = sums / number
    null = [explained(mean, labels) for labels in permuted(clusters, DRAWS, seed)]
    test = against(explained(mean, clusters.stratum), np.array(null))
    return finding(
        claim, explained(mean, clusters.stratum), test, clusters, unit="of the variance",
        control=f"category labels permuted over whole {clusters.unit}s",
    )  # fmt: skip


def explained(values: np.ndarray, labels: np.ndarray) -> float:
    """Share of the variance of ``values`` [cluster] between ``labels`` [cluster]."""
    each = np.bincount(labels, values) / np.maximum(np.bincount(labels), 1)
    total = ((values - values.mean()) ** 2).sum()
    return float(((each[labels] - values.mean()) ** 2).sum() / total) if total else 0.0


def without(values: np.ndarray, other: np.ndarray) -> np.ndarray:
    """``values`` [row] without what a straight line through ``other`` [row] says."""
    known = ~np.isnan(values)
    if not known.any():
        return values
    x, y = other[known] - other[known].mean(), values[known]
    slope = (x @ y) / (x @ x) if (x @ x) > 0 else 0.0
    return values - slope * (other - other[known].mean())


def shift(change: np.ndarray, data: pd.DataFrame) -> pd.DataFrame:
    """Mean change of every category, and of all (mean of these): category, value, low, high, n."""
    known = ~np.isnan(change)
    if not known.any():
        return pd.DataFrame(columns=["category", "value", "low", "high", "n"])
    clusters = Clusters.of(data[known])
    mean = means(change[known], clusters)
    numbers = data["category"][known].value_counts()[clusters.strata].tolist()
    columns = {"category": [*clusters.strata, "all"], "value": mean.value, "low": mean.low}
    return pd.DataFrame(columns | {"high": mean.high, "n": [*numbers, int(known.sum())]})


def choices(
    found: Mapping[str, Attributions], data: pd.DataFrame, cut: int, length: int
) -> pd.DataFrame:
    """Change of the mean score under every choice, in % of the base's: choice, value, low, high, n."""
    ways = {f"b = {cut}": {"b": cut}} | CHOICES
    ways |= {f"first {length} response tokens": {"length": length, "b": cut}}
    ways |= {f"first {length}, not normalised": {"length": length, "b": cut, "normalise": False}}
    rows = []
    how: Any
    for choice, how in ways.items():
        before, after = (instruction_scores(found[name], **how) for name in ("base", "tuned"))
        base = shift(before, data)["value"].tail(1)
        row = shift(after - before, data).tail(1).drop(columns="category")
        row[["value", "low", "high"]] *= 100 / base.to_numpy()[:, None]
        rows.append(row.assign(choice=choice))
    return pd.concat(rows, ignore_index=True)


def faint(found: Mapping[str, Attributions]) -> dict[str, dict[str, Any]]:
    """Shares of response tokens that the published 1e-7 keeps from the top level, by model."""
    numbers: dict[str, dict[str, Any]] = {}
    for name, several in found.items():
        top = np.concatenate([levels(one).to_numpy().max(axis=0, initial=0) for one in several])
        for what, limit in (("below the top level", LEVELS - 1), (f"gone at b = {CUT}", CUT)):
            share = float((top <= limit).mean()) if len(top) else None
            numbers[f"{name}: response tokens {what}"] = {"value": share, "n": len(top)}
    return numbers


# ---------------------------------------------------------------- the published matrices


def published_findings(scores: pd.DataFrame, other: pd.DataFrame, seed: int) -> dict[str, Finding]:
    """What the published matrices say, tested with what the paper does not use: pairs and groups."""
    rated = scores[scores["followed"].notna()].sort_values("group", ignore_index=True)
    score, yes, clusters = rated["score"].to_numpy(), rated["followed"] == "yes", prompts(rated)
    yes, group, rng = yes.to_numpy(), clusters.stratum, np.random.default_rng(seed)
    dealt = [yes[np.lexsort((rng.random(len(yes)), group))] for _ in range(DRAWS)]
    null = np.array([apart(score, labels, group) for labels in dealt])
    value = apart(score, yes, group)
    findings = {
        "followed": finding(
            "Published (Table 1): instructions that Vicuna followed score higher than those it did not",
            value, against(value, null), clusters,
            control="ratings permuted within the groups of prompts", unit="of the score",
        ),
    }  # fmt: skip
    for name, column, claim in (
        ("published", "score", "Vicuna scores higher than LLaMA on the same prompts"),
        (
            "published_raw",
            "mean_raw",
            "Vicuna scores higher than LLaMA also when density is not divided by its maximum",
        ),
    ):
        wide = scores.merge(other).pivot(index=["group", "id"], columns="model", values=column)
        rows = wide.reset_index()
        findings[name] = paired(
            f"Published (Table 2): {claim}", rows["llama"].to_numpy(), rows["vicuna"].to_numpy(),
            prompts(rows), DRAWS, seed, unit="of the score",
            control="the two models' names exchanged by prompt",
            caveat="Each model reads its own response, and LLaMA's are longer.",
        )  # fmt: skip
    return findings


def prompts(rows: pd.DataFrame) -> Clusters:
    """Every row a cluster, groups of prompts the strata."""
    number, strata = pd.factorize(rows["group"])
    return Clusters(rows["id"].to_numpy(str), np.arange(len(rows)), number, list(strata), "prompt")


def apart(score: np.ndarray, yes: np.ndarray, group: np.ndarray) -> float:
    """Mean over groups of what the scores [row] of ``yes`` [row] lie above the others'."""
    inside = [group == one for one in np.unique(group)]
    return float(np.mean([score[g & yes].mean() - score[g & ~yes].mean() for g in inside]))


def table_1(scores: pd.DataFrame) -> pd.DataFrame:
    """Followed against unfollowed instructions, Vicuna's own responses (Table 1)."""
    return _compare(scores, "followed", ("no", "yes"))


def table_2(scores: pd.DataFrame) -> pd.DataFrame:
    """LLaMA against Vicuna, each on its own responses (Table 2)."""
    return _compare(scores, "model", ("llama", "vicuna"))


def published_choices(scores: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Table 2 under other choices: choice, and the columns of :func:`table_2`."""
    both = scores.merge(other)
    long = both.groupby("id")["n_out"].transform("min") >= _LONG
    made = {said: table_2(both.assign(score=both[name])) for name, said in PUBLISHED.items()}
    made[f"both responses at least {_LONG} tokens"] = table_2(both[long])
    made["paired"] = _compare(both.sort_values("id"), "model", ("llama", "vicuna"), ttest_rel)
    return pd.concat(made, names=["choice"]).reset_index("choice").reset_index(drop=True)


def _compare(
    scores: pd.DataFrame, column: str, sides: tuple[str, str], test: Any = ttest_ind
) -> pd.DataFrame:
    """Mean, population standard deviation and n of two sides by group, and its test.

    Is the first side smaller? t and p are Student's with equal variances, as in the paper,
    one-sided; t_welch and p_welch do without that assumption.
    """
    rows = []
    for group, part in [*scores.groupby("group", sort=False), ("all", scores)]:
        a, b = (part.loc[part[column] == side, "score"].to_numpy() for side in sides)
        row: dict[str, Any] = {"group": group}
        for side, own in zip(sides, (a, b), strict=True):
            row |= {f"{side} mean": own.mean(), f"{side} std": own.std(), f"{side} n": len(own)}
        student = test(a, b, alternative="less")
        row |= {"t": float(student.statistic), "p": float(student.pvalue)}
        if test is ttest_ind:
            welch: Any = ttest_ind(a, b, equal_var=False, alternative="less")
            row |= {"p_welch": float(welch.pvalue), "t_welch": float(welch.statistic)}
        rows.append(row)
    return pd.DataFrame(rows)
