"""Base against tuned model: how much of the same responses comes from the instruction.

The published comparison (Wu et al. 2024, Table 2) lets each model write its own responses, which
differ in length, and does not pair them. Here both models read the reference response of a row, so
that rows pair and lengths agree; the sub-type is the unit of resampling.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.paired import Part, parts, swap_test
from sparcom_nb.rows.instructions import user_text, validate
from sparcom_nb.shift.attribution import input_attribution
from sparcom_nb.shift.density import CUT, importance_density, instruction_score
from sparcom_nb.shift.joint import instruction_mask

#: Ways to make a score: name -> arguments of :func:`instruction_scores`.
VARIANTS: dict[str, dict[str, Any]] = {
    "as published (b = 7)": {},
    "b = 0": {"b": 0},
    "b = 3": {"b": 3},
    "mean over the instruction": {"mean": True},
    "not normalised": {"normalise": False},
}


def response_attributions(
    model: TransformerBridge,
    data: pd.DataFrame,
    objective: str = "probability",
    template: bool = True,
    **options: Any,
) -> list[xr.DataArray]:
    """Attribute the reference response of every row to its prompt.

    Args:
        model: from :func:`sparcom_nb.load_model`.
        data: rows from :func:`sparcom_nb.load_instructions`, with responses.
        objective: of :func:`sparcom_nb.shift.input_attribution`.
        template: put the prompts into the model's chat template.
        options: more of :func:`sparcom_nb.shift.input_attribution` (``chunk``, ``batch_tokens`` ...).

    Returns:
        A DataArray [input, output] a row, with the coordinate mask on input: True for tokens of the
        instruction (not of the input that follows it, nor of the template).

    Raises:
        InputError: as :func:`sparcom_nb.shift.input_attribution`.
    """
    rows = validate(data).to_dict("records")
    texts = [user_text(row) for row in rows]
    found = input_attribution(
        model, texts, [row["response"] for row in rows], objective, template=template, **options
    )
    return [
        one.assign_coords(mask=("input", _mask(model, row, text, template).values))
        for one, row, text in zip(found, rows, texts, strict=True)
    ]


def instruction_scores(
    attributions: Sequence[xr.DataArray],
    data: pd.DataFrame,
    b: int = CUT,
    normalise: bool = True,
    mean: bool = False,
    length: int | None = None,
    rest: bool = False,
) -> xr.DataArray:
    """Instruction score of every row: [instruction].

    Args:
        attributions: of :func:`response_attributions`.
        data: the same rows.
        b: of :func:`sparcom_nb.shift.importance_density`.
        normalise: of the same.
        mean: of :func:`sparcom_nb.shift.instruction_score`.
        length: compare at so many response tokens: rows with fewer are left out, others cut.
        rest: score the rest of the prompt in place of the instruction, as a control.

    Returns:
        DataArray [instruction] with category, subtype and n_tokens (of the response used).
    """
    rows = [n for n, one in enumerate(attributions) if one.sizes["output"] >= (length or 1)]
    kept = [attributions[n] for n in rows]
    scores = [
        instruction_score(
            importance_density(one, b, normalise=normalise, length=length),
            one["mask"] != rest,
            mean,
        )
        for one in kept
    ]
    chosen = data.iloc[rows]
    coords = {name: ("instruction", chosen[name].to_numpy(str)) for name in ("category", "subtype")}
    coords["instruction"] = ("instruction", chosen["id"].to_numpy(str))
    sizes = [length or one.sizes["output"] for one in kept]
    return xr.DataArray(
        scores, coords | {"n_tokens": ("instruction", sizes)}, "instruction", "score"
    )


def score_shift(
    base: xr.DataArray, tuned: xr.DataArray, draws: int = 199, seed: int = 0
) -> pd.DataFrame:
    """Test whether scores rose from base to tuned model on the same rows, by category and in all.

    Were the models alike, it would not matter which is called tuned: their names are exchanged at
    random in whole sub-types.

    Args:
        base: scores [instruction] of :func:`instruction_scores`.
        tuned: the tuned model's, on the same rows.
        draws: exchanges.
        seed: of the exchanges.

    Returns:
        DataFrame: category (the last row is ``all``: the mean over categories), n, base, tuned
        (means), value (tuned minus base), low, high (95 %, jackknife over sub-types), null_mean,
        p (one-sided: higher in the tuned model), units.
    """
    made, _ = parts({"base": base, "tuned": tuned})
    groups = {name: {name: part} for name, part in made.items()} | {"all": made}
    return pd.DataFrame(
        [{"category": name} | _tested(group, draws, seed) for name, group in groups.items()]
    )


def shift_sensitivity(
    base: Sequence[xr.DataArray],
    tuned: Sequence[xr.DataArray],
    data: pd.DataFrame,
    length: int,
    draws: int = 199,
    seed: int = 0,
) -> pd.DataFrame:
    """The mean shift over categories under every choice of :data:`VARIANTS`, and at equal length.

    ``length`` response tokens are compared in the length-matched variants.

    Returns:
        DataFrame: choice, and the other columns of :func:`score_shift`.
    """
    matched = {
        f"first {length} response tokens": {"length": length},
        f"first {length}, not normalised": {"length": length, "normalise": False},
    }
    rows = []
    for choice, how in (VARIANTS | matched).items():
        scores = {
            name: instruction_scores(one, data, **how)
            for name, one in (("base", base), ("tuned", tuned))
        }
        rows.append({"choice": choice} | _tested(parts(scores)[0], draws, seed))
    return pd.DataFrame(rows)


def _tested(group: Mapping[str, Part], draws: int, seed: int) -> dict[str, Any]:
    """Row of a table: means of both models, and the test of their difference."""
    test = swap_test(group, _difference, "base", "tuned", draws, seed)
    means = {
        name: float(np.mean([part.mean(name).item() for part in group.values()]))
        for name in ("base", "tuned")
    }
    kept = {name: test[name] for name in ("value", "low", "high", "null_mean", "p", "units")}
    return {"n": int(sum(part.size.sum() for part in group.values()))} | means | kept


def _difference(part: Part) -> float:
    return (part.mean("tuned") - part.mean("base")).item()


def _mask(
    model: TransformerBridge, row: Mapping[Any, Any], text: str, template: bool
) -> xr.DataArray:
    return instruction_mask(model, text, [(0, len(row["instruction"]))], template)
