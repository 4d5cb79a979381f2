"""Scores of rows in sub-types that move together: six categories of six sub-types, as in HexaInst."""

import numpy as np
import pandas as pd

from sparcom_nb.studies import attribution
from worlds import Path

_K = np.arange(144)
ROWS = pd.DataFrame(
    {"category": np.array(["CLS", "CODE", "QA", "GEN", "MATH", "SUM"])[_K % 6],
     "subtype": [f"s{n // 6 % 6}" for n in _K]}
)  # fmt: skip
_CLUSTER = pd.factorize(ROWS["category"] + ROWS["subtype"])[0]


def change(seed: int) -> np.ndarray:
    """Change [row] of a score, half of its variance between sub-types."""
    rng = np.random.default_rng(seed)
    return 0.2 * (rng.normal(size=36)[_CLUSTER] + rng.normal(size=len(ROWS)))


def rise(effect: float, seed: int):
    """The instruction, or what it is ahead of the rest, is ``effect`` higher in every row."""
    return attribution.rise("c", change(seed) + effect, ROWS, seed + 1), effect


def category(effect: float, seed: int):
    """The change is ``effect`` larger in half of the categories."""
    lift = effect * ROWS["category"].isin(["CLS", "CODE", "QA"]).to_numpy()
    return attribution.by_category("c", change(seed) + lift, ROWS, seed + 1), np.nan


def followed(effect: float, seed: int):
    """Three groups of prompts of unequal size and spread (a quarter of the published numbers)."""
    rng, group = np.random.default_rng(seed), np.repeat(["user", "lima", "mtbench"], (60, 75, 20))
    yes = rng.random(len(group)) < 0.8
    spread = np.where(group == "lima", 0.5, 0.8) * np.where(yes, 1, 0.7)
    rated = pd.DataFrame(
        {"id": np.arange(len(group)), "group": group, "followed": np.where(yes, "yes", "no"),
         "score": 1 + spread * rng.normal(size=len(group)) + effect * yes}
    )  # fmt: skip
    return attribution.followed(rated), effect


def higher(effect: float, seed: int):
    """Two models' scores of a prompt have its difficulty in common."""
    rng, groups = (
        np.random.default_rng(seed),
        np.repeat(["user", "lima", "mtbench"], (60, 75, 20)),
    )
    prompt = rng.normal(size=len(groups))
    wide = pd.DataFrame({("id", ""): np.arange(len(groups)), ("group", ""): groups})
    for model, lift in (("llama", 0), ("vicuna", effect)):
        wide["score", model] = prompt + rng.normal(size=len(groups)) + lift
    return attribution.higher("c", wide, "score", seed + 1), effect


PATHS = {
    "gain, lead, placebo, at_length": Path(rise, 0.115, 100),
    "category": Path(category, 0.34),
    "followed": Path(followed, 0.5),
    "published, published_raw": Path(higher, 0.42),
}
