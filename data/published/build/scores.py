"""Instruction scores of the attribution matrices that Wu et al. (2024) published.

    python data/published/build/scores.py FOLDER

FOLDER holds ``all_attributions_u8.npz``: levels ``llama/ID`` and ``vicuna/ID`` [input, output] (L = 10,
b = 0) and ``mask/ID`` [input]; and ``all_scores.csv`` with the human ratings of Vicuna's responses. The
group of a prompt is what its ID starts with: user (Self-Instruct), lima or mtbench.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.shift.density import importance_density, instruction_score

HERE = Path(__file__).parent.parent
#: Other choices -> arguments of density and score, and whether both responses to a prompt are cut
#: to the length of the shorter one.
CHOICES: dict[str, tuple[dict[str, Any], bool, bool]] = {
    "score": ({}, False, False),
    "b0": ({"b": 0}, False, False),
    "mean": ({}, True, False),
    "mean_raw": ({"normalise": False}, True, False),
    "cut": ({}, False, True),
    "cut_mean_raw": ({"normalise": False}, True, True),
}


def rows(stored: Any, prompt: str) -> Iterator[dict[str, Any]]:
    """A row for each model's response to a prompt, with the score under every choice."""
    mask = stored[f"mask/{prompt}"]
    made = {name: stored[f"{name}/{prompt}"] for name in ("llama", "vicuna")}
    shorter = min(matrix.shape[1] for matrix in made.values())
    for name, matrix in made.items():
        level = xr.DataArray(matrix, dims=("input", "output"))
        row = {"model": name, "id": prompt, "group": prompt.partition("_")[0]}
        row |= {"n_in": len(mask), "n_out": matrix.shape[1], "n_mask": int(mask.sum())}
        for choice, (how, mean, cut) in CHOICES.items():
            length = shorter if cut else None
            density = importance_density(level, levels=True, length=length, **how)
            row[choice] = instruction_score(density, mask, mean)
        yield row


def build(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores with rating and group, and the same scores under other choices."""
    stored = np.load(folder / "all_attributions_u8.npz", allow_pickle=False)
    prompts = [n.removeprefix("mask/") for n in stored.files if n.startswith("mask/")]
    table = pd.DataFrame([row for prompt in prompts for row in rows(stored, prompt)])
    rated = pd.read_csv(folder / "all_scores.csv").query("model.str.startswith('vicuna')")
    rating = table["id"].map(rated.set_index("id")["vicuna_rating"])
    rating = rating.where(table["model"] == "vicuna").astype("Int64")
    own = (rating > 0).fillna(False) & (table["n_out"] >= 5)
    followed = pd.Series(
        np.where(own, np.where((rating > 1).fillna(False), "yes", "no"), ""), table.index
    )
    choices = [name for name in CHOICES if name != "score"]
    scores = table.drop(columns=choices).assign(rating=rating, followed=followed)
    return scores, table[["model", "id", *choices]]


if __name__ == "__main__":
    for name, made in zip(("scores", "choices"), build(Path(sys.argv[1])), strict=True):
        made.to_csv(HERE / f"{name}.csv", index=False, float_format="%.7g")
