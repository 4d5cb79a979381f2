"""What tuning on selections says: arms, ratios, transfer, core and stability."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sparcom_nb.nait.outcomes import FULL_POOL, RANDOM, UPPER
from sparcom_nb.view.prose import interval
from sparcom_nb.view.safe import literal

Row = dict[Any, Any]
_UNIT = "nats per response token"
_SCALE = "lower"


def work(outcomes: pd.DataFrame) -> str:
    """Say how many tunings there are and how many were read from disk."""
    runs = outcomes.drop_duplicates(["arm", "seed"])
    fresh = int(runs["fresh"].sum())
    return (
        f"{len(runs)} tunings of {runs['arm'].nunique()} arms; {fresh} made now, "
        f"{len(runs) - fresh} made before for exactly these inputs and read from disk."
    )


def arms(table: pd.DataFrame, capability: str) -> str:
    """Say what selection gains over random rows, the published score first."""
    by = _by(table, "arm")
    random = by[RANDOM]
    tops = [arm for arm in by if arm.endswith(": top")]
    text = (
        f"Loss on {capability} after tuning on random rows: "
        f"{interval(random['loss'], random['loss_low'], random['loss_high'])} {_UNIT}. Against it, "
    )
    text += "; ".join(f"{arm} {_difference(by[arm])}" for arm in (*tops, UPPER, FULL_POOL)) + ". "
    if tops:
        text += f"**That the published score ({_score(tops[0])}) selects better than chance "
        text += f"{_gain(by[tops[0]])}.** "
    for arm in tops[1:]:
        text += f"For {_score(arm)} a gain {_gain(by[arm])}. "
    if by[UPPER]["verdict"] != _SCALE:
        text += (
            "Even only wanted rows are not clearly better than random ones: **so little training "
            "cannot tell selections apart.** "
        )
    if (table["seed_low"] == table["seed_high"]).all():
        return text + "**With one seed, the chance of training is in no interval here.**"
    return text + "Seeds and interval must agree for a difference to count."


def bottoms(table: pd.DataFrame) -> str:
    """Say whether the bottom of a score is worse than its top."""
    by = _by(table, "arm")
    said = []
    for arm, top in by.items():
        if arm.endswith(": top") and (low := arm.replace(": top", ": bottom")) in by:
            bottom = by[low]
            apart = top["high"] < bottom["low"]
            order = "clearly better than" if apart else "not clearly better than"
            if bottom["high"] < top["low"]:
                order = "clearly worse than"
            said.append(
                f"{_score(arm)}: the top ({top['difference']:+.2f}) is {order} the bottom "
                f"({bottom['difference']:+.2f})"
            )
    return "; ".join(said) + "." if said else "No score has both ends here."


def accuracies(table: pd.DataFrame, untuned: float) -> str:
    """Say how many answers are right, the second outcome."""
    if table["correct"].isna().all():
        return "No answer can be judged here."
    best = max(table.dropna(subset="correct").to_dict("records"), key=lambda row: row["correct"])
    random = _by(table, "arm")[RANDOM]["correct"]
    most = (
        f"at most {best['correct']:.0%} ({best['arm']})"
        if best["correct"]
        else "none after any arm"
    )
    text = f"Right answers: {untuned:.0%} before tuning, {random:.0%} after random rows, {most}. "
    if best["correct"] < 0.1:
        return text + "**So little training is too short for right answers; the loss must tell.**"
    return text


def sweep(table: pd.DataFrame) -> str:
    """Say at which ratio each score's loss is lowest, and where it beats random rows."""
    said = []
    for arm, part in table[table["arm"] != RANDOM].groupby("arm", sort=False):
        best = min(part.to_dict("records"), key=lambda row: row["loss"])
        better = part[(part["verdict"] == _SCALE) & (part["ratio"] < 1)]
        ratios = ", ".join(f"{r:.0%}" for r in better["ratio"]) or "no ratio"
        said.append(
            f"{arm}: lowest loss at {best['ratio']:.0%} of the pool ({best['loss']:.2f}); clearly "
            f"below random rows of the same number at {ratios}"
        )
    return "; ".join(said) + "."


def shipped(manifest: Mapping[str, Any], pair: str) -> str:
    """Say what made the shipped results, and whether the same would make them here."""
    if not manifest:
        return "No results of the full size are shipped."
    plan, changed = manifest["plan"], manifest["changed"]
    text = (
        f"The shipped results are of {literal(manifest['pair'])} and its own rows: {plan['seeds']} seeds, "
        f"{plan['steps']} steps of {plan['batch']} rows, capabilities "
        f"{', '.join(plan['capabilities'])}. They were made of inputs with the hash "
        f"`{manifest['fingerprint'][:12]}`. "
    )
    if pair != manifest["pair"]:
        text += f"**They are not of {literal(pair)}:** compare which arms gain, not how much. "
    if changed:
        return text + (
            f"**Not the same any more: {', '.join(changed)}.** Made anew, they might be others."
        )
    return text + "Rows, model, plan and libraries are still the same."


def transfer(table: pd.DataFrame, score: str) -> str:
    """Say whether a selection serves its own capability, and which serve others.

    In most categories it must be clearly better than random rows, and better than the selections for
    others: what lowers every loss is not a service to one capability.
    """
    own = table[table["selected_for"] == table["category"]]
    other = table[table["selected_for"] != table["category"]]
    gains = own[own["verdict"] == _SCALE]
    helped, hurt = (other[other["verdict"] == v] for v in ("lower", "higher"))
    text = (
        f"{score}: a selection changes the loss of its own category by "
        f"{own['difference'].mean():+.2f} and of another by {other['difference'].mean():+.2f} {_UNIT} "
        "on average, against random rows. "
        f"Clearly lower for its own in {len(gains)} of {len(own)}; for another in {len(helped)} of "
        f"{len(other)}, clearly higher in {len(hurt)}. "
    )
    if len(helped):
        best = helped.groupby("selected_for")["difference"].sum().idxmin()
        text += f"Most helpful to others is the selection for {best}. "
    best_own = table.loc[table.groupby("category")["difference"].idxmin()]
    first = best_own.loc[best_own["selected_for"] == best_own["category"], "category"]
    text += f"In {len(first)} of {len(own)} categories no other selection is better (by chance in one). "
    shown = gains["category"].isin(first).sum() > len(own) / 2
    return text + (
        "**That a selection serves its own capability "
        f"{'shows' if shown else 'does not show in most categories'}.**"
    )


def compositions(parts: Mapping[str, pd.DataFrame], chance: float) -> str:
    """Say how much of the selections is of their own category."""
    said = []
    for name, table in parts.items():
        own = np.array([table.loc[c, c] for c in table.index])
        most = own > table.to_numpy().max(axis=1) - 1e-12
        said.append(
            f"{name}: {own.mean():.0%} of a selection are clean rows of its own category; it is the "
            f"largest share in {int(most.sum())} of {len(own)}"
        )
    return "; ".join(said) + f". By chance it would be {chance:.0%}."


def core(parts: Mapping[str, pd.DataFrame]) -> str:
    """Say whether capabilities agree on rows more than independent selections would."""
    said = []
    for name, table in parts.items():
        half = table[table["number"] >= max(2, table["number"].max() / 2)]
        rows, expected = half["rows"].sum(), half["expected"].sum()
        clean = np.average(half["clean"].fillna(0), weights=half["rows"]) if rows else float("nan")
        text = (
            f"{name}: {rows} rows are selected by at least {half['number'].min()} capabilities "
            f"({expected:.0f} were the selections independent)"
        )
        said.append(text + (f", {clean:.0%} of them clean" if rows else ""))
    return "; ".join(said) + "."


def core_effect(tables: Mapping[str, pd.DataFrame]) -> str:
    """Say whether the core subset serves all capabilities together, and as well as the whole pool.

    It is enough where it is clearly better than as many random rows, and not clearly worse than the
    whole pool.
    """
    said = []
    for name, table in tables.items():
        by = _by(table, "arm")
        core, whole = by["core"], by[FULL_POOL]
        shown = _gain(core)
        if shown == "shows" and core["low"] > whole["high"]:
            shown = "does not show: the whole pool is clearly better"
        said.append(
            f"{name}: over all categories the core's loss is {_difference(core)} from random rows', "
            f"the whole pool's {_difference(whole)}; **that a core subset is enough for general "
            f"ability {shown}**"
        )
    return "; ".join(said) + "."


def stability(table: pd.DataFrame, in_common: pd.Series) -> str:
    """Say whether another half of the in-domain samples selects the same rows.

    Args:
        table: of :func:`sparcom_nb.nait.stability_means`.
        in_common: Jaccard of two different capabilities' selections, by score: what is stable only
            because it is common to all is no property of a capability.
    """
    said = []
    for score, part in table.groupby("score", sort=False):
        by = _by(part, "measure")
        chance = by["chance"]["mean"]
        texts = [
            f"{name} {interval(by[key]['mean'], by[key]['low'], by[key]['high'])}"
            for key, name in (("jaccard", "selections"), ("core", "core subsets"))
        ]
        other, low = in_common[str(score)], by["jaccard"]["low"]
        verdict = "above both" if low > max(chance, other) else "**not above two capabilities**"
        if low <= chance:
            verdict = "**not above chance**"
        said.append(f"* {score}: {', '.join(texts)}; two capabilities {other:.2f}; {verdict}")
    chance = table[table["measure"] == "chance"]["mean"].mean()
    return (
        f"Jaccard of what two halves select; of two different capabilities' selections; and by chance "
        f"({chance:.2f}):\n\n" + "\n".join(said)
    )


def between_models(table: pd.DataFrame) -> str:
    """Say whether moved directions do what the model's own do."""
    said = []
    for (model, method), part in table.groupby(["model", "method"], sort=False):
        mean = part[
            ["spearman", "control_spearman", "jaccard", "precision", "own_precision"]
        ].mean()
        apart = part["spearman"].min() > part["control_spearman"].abs().max()
        said.append(
            f"* to {literal(model)}, {method}: scores correlate {mean['spearman']:.2f} with the "
            f"model's own (neurons permuted {mean['control_spearman']:.2f}), Jaccard of the selections "
            f"{mean['jaccard']:.2f}, precision {mean['precision']:.0%} against "
            f"{mean['own_precision']:.0%} of its own: **that the direction carries over "
            f"{'shows' if apart else 'does not show'}**"
        )
    return "\n".join(said) if said else "There is no other model of these neurons here."


def undefined(model: str, reason: str) -> str:
    """Say why no transfer to a model is defined."""
    if not reason:
        return f"To {literal(model)} a transfer is possible: it has as many neurons in every layer."
    return f"To {literal(model)} **no transfer is defined**: {literal(reason)}."


def _by(table: pd.DataFrame, key: str) -> dict[str, Row]:
    """The rows of a table by a column."""
    return {row[key]: row for row in table.to_dict("records")}


def _difference(row: Row) -> str:
    return f"{row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]"


def _score(arm: str) -> str:
    return arm.rpartition(":")[0]


def _gain(row: Row) -> str:
    if row["verdict"] == "higher":
        return "does not show: it is worse"
    return "shows" if row["verdict"] == _SCALE else "does not show"
