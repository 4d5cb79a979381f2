"""Whether tuning made more of a response come from its instruction (notebook 21).

The published comparison (Wu et al. 2024, Table 2) lets each model write its own responses, which
differ in length, and does not pair them. Here all models read the reference response of a row, so
that rows pair and lengths agree; the sub-type is the unit. A score also rises when all densities
become more even, hence the *lead*: the same of the rest of the prompt taken off.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import ttest_ind, ttest_rel

from sparcom_nb.evidence import Clusters, Finding, differ, explained, mean_table, paired
from sparcom_nb.files import shipped
from sparcom_nb.shift.density import CUT, instruction_scores
from sparcom_nb.studies.results import NO_PLACEBO, Results

Attributions = Sequence[xr.DataArray]

DRAWS = 999
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
_MODELS = ("llama", "vicuna")


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
    """
    base, tuned = found["base"], found["tuned"]
    scores = pd.concat(
        data[["id", "category", "subtype"]].assign(member=name, score=instruction_scores(one, b=cut))
        for name, one in found.items()
    )  # fmt: skip
    cuts = {b: shift(gain(base, tuned, b=b), data) for b in CUTS}
    tables = {
        "scores": scores,
        "shift": shift(gain(base, tuned, b=cut), data),
        "cuts": pd.concat(cuts, names=["b"]).reset_index("b"),
        "choices": choices(base, tuned, data, cut, length),
    }
    published, more = publication(seed)
    findings = gains(found, data, cut, length, seed) | published
    return Results.of("Input attribution", findings, tables=tables | more)


def gains(
    found: Mapping[str, Attributions], data: pd.DataFrame, cut: int, length: int, seed: int
) -> dict[str, Finding]:
    """What the instruction gained: by itself, beyond the rest, beyond the placebo, at equal length."""
    base, tuned, at = found["base"], found["tuned"], {"length": length, "b": cut}
    ahead = {name: lead(one, b=cut) for name, one in found.items()}
    return {
        "gain": rise(
            "The instruction scores higher in the tuned model than in the base, on the same responses",
            gain(base, tuned, b=cut), data, seed,
            reading="A rise by itself may come from densities that became more even everywhere.",
        ),
        "lead": rise(
            "The instruction gained more than the rest of the prompt from base to tuned model",
            ahead["tuned"] - ahead["base"], data, seed,
            reading="This takes off what template and input gained too, so it is the claim of the paper.",
        ),
        "placebo": rise(
            "The instruction leads the rest of the prompt by more in the tuned checkpoint than in the "
            "placebo, which read plain documents for as long",
            ahead["tuned"] - ahead["placebo"] if "placebo" in ahead else None, data, seed,
            caveat="One training run of each: the claim is about these two checkpoints.",
            reading="This one counts: where it shows, instructions do more than more training does.",
        ),
        "at_length": rise(
            f"Over the first {length} response tokens alone, the instruction gained more than the rest",
            lead(tuned, **at) - lead(base, **at), data, seed,
        ),
        "category": by_category(
            f"The instruction's gain over the first {length} response tokens depends on the category",
            gain(base, tuned, **at), data, seed,
        ),
    }  # fmt: skip


def gain(base: Attributions, tuned: Attributions, **how: Any) -> np.ndarray:
    """How much higher the instruction scores in the tuned model [row]."""
    return instruction_scores(tuned, **how) - instruction_scores(base, **how)


def lead(one: Attributions, **how: Any) -> np.ndarray:
    """By how much the instruction scores above the rest of the prompt [row]."""
    return instruction_scores(one, **how) - instruction_scores(one, rest=True, **how)


def rise(
    claim: str, change: np.ndarray | None, data: pd.DataFrame, seed: int, **more: Any
) -> Finding:
    """Claim that a change [row] between two models is above zero, by paired permutation."""
    if change is None:
        return Finding(claim, np.nan, invalid=NO_PLACEBO, **more)
    known = ~np.isnan(change)
    if not known.any():
        return Finding(claim, np.nan, **more)
    control = "the two models' names exchanged in whole sub-types"
    return paired(
        claim, np.zeros(known.sum()), change[known], Clusters.of(data[known]), DRAWS, seed,
        control=control, unit="of the score", **more,
    )  # fmt: skip


def by_category(claim: str, values: np.ndarray, data: pd.DataFrame, seed: int) -> Finding:
    """Claim that categories explain more of the clusters' means than permuted labels do."""
    known = ~np.isnan(values)
    if data["category"][known].nunique() < 2:
        return Finding(claim, np.nan, invalid="Fewer than two categories have such responses.")
    return explained(claim, values[known], Clusters.of(data[known]), DRAWS, seed)


def shift(change: np.ndarray, data: pd.DataFrame) -> pd.DataFrame:
    """Mean change of every category, and of all (mean of these): category, mean, low, high, n."""
    table = data[["category", "subtype"]].assign(change=change)
    each = [mean_table(table.assign(of=of), ["of"], "change") for of in (table["category"], "all")]
    return pd.concat(each, ignore_index=True).rename(columns={"of": "category"})


def choices(
    base: Attributions, tuned: Attributions, data: pd.DataFrame, cut: int, length: int
) -> pd.DataFrame:
    """Change of the mean score under every choice, in % of the base's: choice, mean, low, high, n."""
    ways: dict[str, dict[str, Any]] = {
        f"b = {cut}": {"b": cut},
        "b = 0": {"b": 0},
        "mean over the instruction": {"mean": True},
        "not normalised": {"normalise": False},
        f"first {length} response tokens": {"length": length, "b": cut},
        f"first {length}, not normalised": {"length": length, "b": cut, "normalise": False},
    }
    rows = []
    for choice, how in ways.items():
        before = shift(instruction_scores(base, **how), data)["mean"].tail(1)
        row = shift(gain(base, tuned, **how), data).tail(1).drop(columns="category")
        row[["mean", "low", "high"]] *= 100 / before.to_numpy()[:, None]
        rows.append(row.assign(choice=choice))
    return pd.concat(rows, ignore_index=True)


# ---------------------------------------------------------------- the published matrices


def publication(seed: int) -> tuple[dict[str, Finding], dict[str, pd.DataFrame]]:
    """Tables 1 and 2 of Wu et al. from the published matrices, and what they claim."""
    folder = shipped("data") / "published"
    scores, other = (pd.read_csv(folder / f"{name}.csv") for name in ("scores", "choices"))
    wide = scores.merge(other).pivot(index=["group", "id"], columns="model").reset_index()
    findings = {
        "followed": followed(scores[scores["followed"].notna()]),
        "published": higher("Vicuna scores higher than LLaMA on the same prompts", wide, "score", seed),
        "published_raw": higher(
            "Vicuna scores higher than LLaMA also when density is not divided by its maximum",
            wide, "mean_raw", seed,
        ),
    }  # fmt: skip
    tables = {
        "table_1": compare(scores, "followed", ("no", "yes")),
        "table_2": compare(scores, "model", _MODELS),
        "published_choices": published_choices(scores, other),
    }
    return findings, tables


def followed(rated: pd.DataFrame) -> Finding:
    """Claim that followed instructions score higher: mean over groups of the difference of means."""
    prompts = Clusters.by(rated["id"], "prompt", rated["group"] + " " + rated["followed"])
    sign = np.where(rated["followed"] == "yes", 2, -2)
    return differ(
        "Published (Table 1): instructions that Vicuna followed score higher than those it did not",
        sign * rated["score"].to_numpy(), prompts, unit="of the score",
    )  # fmt: skip


def higher(claim: str, wide: pd.DataFrame, column: str, seed: int) -> Finding:
    """Claim about a score in :data:`_MODELS` [prompt], by paired permutation."""
    llama, vicuna = (wide[column, model].to_numpy() for model in _MODELS)
    return paired(
        f"Published (Table 2): {claim}", llama, vicuna,
        Clusters.by(wide["id"], "prompt", wide["group"]), DRAWS, seed, unit="of the score",
        control="the two models' names exchanged by prompt",
        caveat="Each model reads its own response, and LLaMA's are longer.",
    )  # fmt: skip


def published_choices(scores: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Table 2 under other choices: choice, and the columns of :func:`compare`."""
    both = scores.merge(other).sort_values("id")
    scored = {said: both.assign(score=both[name]) for name, said in PUBLISHED.items()}
    long = both.groupby("id")["n_out"].transform("min") >= _LONG
    scored[f"both responses at least {_LONG} tokens"] = both[long]
    made = {said: compare(table, "model", _MODELS) for said, table in scored.items()}
    made["paired"] = compare(both, "model", _MODELS, ttest_rel)
    return pd.concat(made, names=["choice"]).reset_index("choice").reset_index(drop=True)


def compare(
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
        row |= dict(zip("tp", test(a, b, alternative="less"), strict=True))
        if test is ttest_ind:
            welch = ttest_ind(a, b, equal_var=False, alternative="less")
            row |= dict(zip(("t_welch", "p_welch"), welch, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)
