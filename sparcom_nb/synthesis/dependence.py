"""Whether less of a response comes from its instruction when specific neurons are off.

The responses stay the reference ones; a category's set is switched off and the instruction score
(importance density of the instruction's tokens; Wu et al. 2024) is measured anew. Everything around
it is that of an ablation (:mod:`sparcom_nb.sparcom.ablation`) with the score in place of the loss:
sets of one half of the rows are judged on the other, against matched random sets and against the
other categories' sets.

Switching neurons off harms the model, and a harmed model may look anywhere. So the same is done with
the loss, and what a fall of the score is beyond that of *other* sets that raise the loss as much is
reported beside the fall itself.
"""

from contextlib import nullcontext

import numpy as np
import pandas as pd
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.model.intervene import changed
from sparcom_nb.rows.instructions import limit_rows
from sparcom_nb.shift.attribution import response_attributions
from sparcom_nb.shift.density import CUT, instruction_scores
from sparcom_nb.sparcom.ablation import Loss

_EFFECTS = ("effect", "control")


def judged_rows(data: pd.DataFrame, half: np.ndarray, limit: int) -> np.ndarray:
    """Positions of ``limit`` rows, as many of either half, balanced over categories and sub-types.

    ``half`` is 0 or 1 [row].
    """
    placed = data.assign(place=np.arange(len(data)))
    parts = [placed[half == side].reset_index(drop=True) for side in (0, 1)]
    chosen = [limit_rows(part, max(1, limit // 2))["place"] for part in parts]
    return np.sort(np.concatenate(chosen))


def score_loss_under(
    model: TransformerBridge, data: pd.DataFrame, b: int = CUT, batch_tokens: int | None = None
) -> Loss:
    """Make the function ``loss(mask, rows)`` that is minus the instruction score of these rows.

    So that, as with a loss, a rise is what is lost. ``mask`` as in :func:`sparcom_nb.loss_under`.
    """

    def loss(mask: xr.DataArray | None, rows: np.ndarray) -> np.ndarray:
        part = data.iloc[rows].reset_index(drop=True)
        with changed(model, mask) if mask is not None else nullcontext():
            found = response_attributions(model, part, batch_tokens=batch_tokens)
        return -instruction_scores(found, b=b)

    return loss


def only(loss: Loss, rows: np.ndarray) -> Loss:
    """Measure at the positions ``rows`` alone; elsewhere the value is missing (NaN)."""

    def at(mask: xr.DataArray | None, asked: np.ndarray) -> np.ndarray:
        values, chosen = np.full(len(asked), np.nan), np.isin(asked, rows)
        if chosen.any():
            values[chosen] = loss(mask, np.asarray(asked)[chosen])
        return values

    return at


def at_equal_harm(fall: xr.Dataset, harm: xr.Dataset) -> xr.Dataset:
    """Take out of every fall what sets that raise the loss as much bring about anyway.

    A straight line is put through the effects on the score against the cube roots of the effects on
    the loss (a few are very large), of other categories' sets and random sets only: those say what
    harm by itself does to a score.

    Args:
        fall: of :func:`sparcom_nb.sparcom.critical_role` with :func:`score_loss_under`.
        harm: likewise with the loss of the responses, of the same sets and draws.

    Returns:
        A result like ``fall`` whose effect and control are what is left.
    """
    table = falls(fall, harm)
    known = table[table["kind"] != "own"]
    x = np.cbrt(known["harm"].to_numpy(float))
    slope, level = (
        np.polyfit(x, known["fall"].to_numpy(float), 1) if len(set(x)) > 1 else (0.0, 0.0)
    )
    left = {name: fall[name] - slope * np.cbrt(harm[name]) - level for name in _EFFECTS}
    return fall.assign(left)


def falls(fall: xr.Dataset, harm: xr.Dataset) -> pd.DataFrame:
    """Every effect of a set on the score of a row, beside its effect on the row's loss.

    Returns:
        DataFrame: kind (own, other, random), category (of the row), fall, harm.
    """
    own = (fall["category"] == fall["set"]).transpose("set", "instruction").to_numpy()
    kinds = {"effect": np.where(own, "own", "other"), "control": np.array("random")}
    parts = []
    for name in _EFFECTS:
        columns = {"kind": kinds[name], "category": fall["category"].to_numpy()}
        columns |= {"fall": fall[name].to_numpy(), "harm": harm[name].to_numpy()}
        shape = fall[name].shape
        parts.append({key: np.broadcast_to(x, shape).ravel() for key, x in columns.items()})
    return pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True).dropna()
