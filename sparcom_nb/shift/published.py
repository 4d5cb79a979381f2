"""Tables 1 and 2 of Wu et al. (2024), from the attribution matrices that the authors published.

The file is a NumPy archive with levels ``llama/ID`` and ``vicuna/ID`` [input, output] (L = 10, b = 0)
and ``mask/ID`` [input]; ``all_scores.csv`` beside it holds the human ratings of Vicuna's responses.
The group of a prompt is what its ID starts with: user (Self-Instruct), lima or mtbench.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import ttest_ind, ttest_rel

from sparcom_nb.errors import InputError
from sparcom_nb.shift.density import CUT, importance_density, instruction_score

_RATINGS = "all_scores.csv"
_LEAST_OUTPUT = 5  # shorter responses are not in Table 1
_LONG = 200


def published_scores(
    file: str | Path,
    b: int = CUT,
    normalise: bool = True,
    mean: bool = False,
    matched: bool = False,
) -> pd.DataFrame:
    """Instruction score of every published matrix.

    Args:
        file: the archive.
        b: of :func:`sparcom_nb.shift.importance_density`.
        normalise: of the same.
        mean: of :func:`sparcom_nb.shift.instruction_score`.
        matched: cut both responses to a prompt to the length of the shorter one.

    Returns:
        DataFrame: model, id, group, rating, n_in, n_out, n_mask, score.

    Raises:
        InputError: no such file, or no ratings beside it.
    """
    path = Path(file)
    if not (path.is_file() and (path.parent / _RATINGS).is_file()):
        raise InputError(f"no published attributions at {path} with {_RATINGS} beside it")
    stored = np.load(path, allow_pickle=False)
    found = pd.DataFrame(
        [
            row
            for name in stored.files
            if name.startswith("mask/")
            for row in _rows(stored, name.removeprefix("mask/"), b, normalise, mean, matched)
        ]
    )
    ratings = pd.read_csv(path.parent / _RATINGS).query("model.str.startswith('vicuna')")
    return found.assign(rating=found["id"].map(ratings.set_index("id")["vicuna_rating"]))


def table_1(scores: pd.DataFrame) -> pd.DataFrame:
    """Followed against unfollowed instructions, Vicuna's own responses (Table 1).

    Rating 1 is unfollowed, 2 and more followed; other ratings and short responses are left out.
    """
    own = scores.query(f"model == 'vicuna' and rating > 0 and n_out >= {_LEAST_OUTPUT}")
    return _compare({"unfollowed": own[own["rating"] == 1], "followed": own[own["rating"] > 1]})


def table_2(scores: pd.DataFrame, paired: bool = False) -> pd.DataFrame:
    """LLaMA against Vicuna, each on its own responses (Table 2).

    ``paired`` uses that both answer the same prompts, which the paper does not.
    """
    ordered = scores.sort_values("id")
    models = {name: ordered[ordered["model"] == name] for name in ("llama", "vicuna")}
    return _compare(models, paired)


def published_sensitivity(file: str | Path) -> pd.DataFrame:
    """Table 2 under other choices: cut b, normalisation, mask size, response length, pairing.

    Returns:
        DataFrame: choice, and the columns of :func:`table_2`.
    """
    scores = published_scores(file)
    long = scores.groupby("id")["n_out"].transform("min") >= _LONG
    variants = {
        "as published (b = 7)": table_2(scores),
        "b = 0": table_2(published_scores(file, b=0)),
        "mean over the instruction": table_2(published_scores(file, mean=True)),
        "mean, not normalised": table_2(published_scores(file, normalise=False, mean=True)),
        "paired": table_2(scores, paired=True),
        f"both responses at least {_LONG} tokens": table_2(scores[long]),
        "cut to the shorter response": table_2(published_scores(file, matched=True)),
        "cut, not normalised": table_2(
            published_scores(file, normalise=False, mean=True, matched=True)
        ),
    }
    return pd.concat(variants, names=["choice"]).reset_index("choice").reset_index(drop=True)


def _rows(
    stored: Any, prompt: str, b: int, normalise: bool, mean: bool, matched: bool
) -> list[dict[str, Any]]:
    """One row for each model's response to a prompt."""
    mask = stored[f"mask/{prompt}"]
    made = {name: stored[f"{name}/{prompt}"] for name in ("llama", "vicuna")}
    shorter = min(matrix.shape[1] for matrix in made.values()) if matched else None
    rows = []
    for name, matrix in made.items():
        level = xr.DataArray(matrix, dims=("input", "output"))
        density = importance_density(level, b, levels=True, normalise=normalise, length=shorter)
        row = {"model": name, "id": prompt, "group": prompt.partition("_")[0]}
        row |= {"n_in": len(mask), "n_out": matrix.shape[1], "n_mask": int(mask.sum())}
        rows.append(row | {"score": instruction_score(density, mask, mean)})
    return rows


def _compare(sides: dict[str, pd.DataFrame], paired: bool = False) -> pd.DataFrame:
    """Mean, population standard deviation and n of both sides by group, and all groups together.

    Test: the first side is smaller (t < 0); Welch's, or paired. One-sided p.
    """
    rows = []
    for group in ("user", "lima", "mtbench", "all"):
        values = [
            table.loc[(table["group"] == group) | (group == "all"), "score"].to_numpy()
            for table in sides.values()
        ]
        row: dict[str, Any] = {"group": group}
        for name, own in zip(sides, values, strict=True):
            row |= {f"{name} mean": own.mean(), f"{name} std": own.std(), f"{name} n": len(own)}
        test = ttest_rel if paired else ttest_ind
        options: dict[str, Any] = {} if paired else {"equal_var": False}
        result: Any = test(*values, alternative="less", **options)
        rows.append(row | {"t": float(result.statistic), "p": float(result.pvalue)})
    return pd.DataFrame(rows)
