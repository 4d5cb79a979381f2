"""Notebook 41: do neurons, directions, concepts and attributions meet in one model.

Sets of neurons (SPARCOM) are made on some sub-types of every category and everything else is read
from the others, both ways round: what is made of the same rows agrees by their noise alone.

    share(S) = mean over layers l of sum_{i in S} v_l[i]^2             of a direction (NAIT), unit v_l
    w[k, i]  = ((v_i - mean v) . c_k)^2 / sum_j ((v_j - mean v) . c_k)^2
               part of neuron i, which writes v_i, in concept c_k of its network (Wu et al.)

None of the three papers asks these questions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import rankdata
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.evidence import (
    Clusters,
    Estimate,
    Finding,
    Matched,
    finding,
    jackknife,
    known_mean,
    means,
    permuted,
)
from sparcom_nb.model.evaluate import loss_under
from sparcom_nb.model.intervene import changed
from sparcom_nb.nait.directions import METHODS
from sparcom_nb.shift.attribution import response_attributions
from sparcom_nb.shift.concepts import networks, principal_axes
from sparcom_nb.shift.density import instruction_scores
from sparcom_nb.shift.rotation import SAME, rotation
from sparcom_nb.sparcom.ablation import Loss
from sparcom_nb.studies.ablation import ORDERS, Trial
from sparcom_nb.studies.results import NO_PLACEBO, Results

#: Draws of tests that run no model.
DRAWS = 999
_CARRY = "A category's neurons carry more of its direction ({}) than"
_PART = "of the squared length"
_WORDS = {"pc1": "first component of the drifts", "contrast": "difference of means"}


def study(
    pair: Any,
    data: pd.DataFrame,
    frequency: xr.DataArray,
    activations: xr.DataArray,
    top: float = 0.1,
    which: str = "unique",
    r: int = 20,
    seed: int = 0,
    batch_tokens: int | None = None,
) -> Results:
    """Ask whether the three papers' parts of one model meet.

    Args:
        pair: of :func:`sparcom_nb.load_pair`.
        data: rows with responses.
        frequency: [instruction, layer, (expert,) neuron] of the tuned model on these rows.
        activations: likewise, of :func:`sparcom_nb.nait.sample_activations`.
        top: share of the neurons that is specific to an instruction.
        which: kind of sets, as in :func:`sparcom_nb.sparcom.equal_sets`.
        r: concepts a network.
        seed: of all draws.
        batch_tokens: tokens in a batch.

    Returns:
        Results: tables ``shares`` (method, set, direction, share), ``concepts`` (network, component,
        angle, share, neurons), ``rows`` (every set and row: fall of the score, harm to the loss)
        and ``match``.

    Raises:
        InputError: frequencies and activations of different rows or neurons.
    """
    options: dict[str, Any] = {"batch_tokens": batch_tokens}
    losses = [loss(pair.instruct, data, **options) for loss in (score_loss_under, loss_under)]
    fall, harm = (trial(loss, frequency, top, which, seed) for loss in losses)
    rows = Rows.of(fall, activations)
    turns = {"tuned": turned(pair.base, pair.instruct, r)}
    if pair.placebo:
        turns["placebo"] = turned(pair.base, pair.placebo, r)
    like = Outsiders.of_rows(rows, turns["tuned"].norm)
    each = effects(fall, harm)
    findings = beyond_others(rows, like) | beyond_outsiders(like) | concepts(like, turns)
    findings["fall, equal harm"] = margin(each)
    tables = {"shares": _shares(like), "concepts": _angles(like, turns["tuned"]), "rows": each}
    tables["match"] = pd.DataFrame([like.row])
    return Results.of("Where the three papers meet", findings, tables=tables)


# ---------------------------------------------------------------- sets, directions, outsiders


def trial(loss: Loss, frequency: xr.DataArray, top: float, which: str, seed: int) -> Trial:
    """Sets made on some sub-types and judged on the others; two of either for every category."""
    base = loss(None, np.arange(len(frequency)))
    made = Trial.of(loss, base, frequency, top, 1, seed)
    return replace(made, clusters=Clusters.of(frequency, least=4), which=which, by="subtype")


@dataclass(frozen=True)
class Rows:
    """What sets are made of (``trial``), and directions (samples [method, row, layer, component])."""

    trial: Trial
    samples: np.ndarray

    @classmethod
    def of(cls, trial: Trial, activations: xr.DataArray) -> "Rows":
        """Add activations of the trial's rows and neurons."""
        forms = activations.sel(candidate=[form for form, _ in METHODS.values()])
        values = forms.transpose("candidate", "instruction", ...)
        if values.shape[1:] != trial.frequency.shape:
            raise InputError(
                f"frequencies {dict(trial.frequency.sizes)} and activations {dict(activations.sizes)} "
                "are not of the same rows and neurons; measure both on the same model and data"
            )
        return cls(trial, values.to_numpy().astype(float).reshape(*values.shape[:3], -1))

    def made(self, stratum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sets and squared directions for categories ``stratum`` [cluster].

        Returns:
            bool [half, category, layer, component], float [half, method, category, layer, component].
        """
        label = stratum[self.trial.clusters.index]
        half = self.trial.halves(label)
        sets = self.trial.sets(label, half)
        found = np.stack([self._directions(np.where(half == side, label, -1)) for side in (0, 1)])
        return sets.reshape(*sets.shape[:2], *self.samples.shape[2:]), found**2

    def _directions(self, label: np.ndarray) -> np.ndarray:
        """Unit vectors [method, category, layer, component] of the rows with a label."""
        names = range(len(self.trial.clusters.strata))
        methods = zip(METHODS.values(), self.samples, strict=True)
        return np.array(
            [[_unit(make, x[label == n], x[label >= 0]) for n in names] for (_, make), x in methods]
        )


def _unit(make: Any, own: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Unit vectors [layer, component] of rows [row, layer, component]; NaN where they are too few."""
    try:
        return np.stack([make(own[:, n], pool[:, n]) for n in range(own.shape[1])])
    except InputError:
        return np.full(own.shape[1:], np.nan)


@dataclass(frozen=True)
class Outsiders(Matched):
    """Sets with their outsiders, and the squared directions of :meth:`Rows.made`."""

    squares: np.ndarray
    trial: Trial

    @classmethod
    def of_rows(cls, rows: Rows, norm: np.ndarray) -> "Outsiders":
        """Match on frequency, spread of the activation over rows, and norm of what a neuron writes."""
        sets, squares = rows.made(rows.trial.clusters.stratum)
        features = {
            "frequency": rows.trial.frequency.mean("instruction").to_numpy(),
            "spread": rows.samples[list(METHODS).index("contrast")].std(axis=0),
            "norm": norm,
        }
        features = {name: values.reshape(sets.shape[2:]) for name, values in features.items()}
        return cls.of(sets, features, squares=squares, trial=rows.trial)


# ---------------------------------------------------------------- 1 directions


def beyond_others(rows: Rows, like: Outsiders, draws: int = DRAWS) -> dict[str, Finding]:
    """Claim that a category's neurons carry more of its direction than other categories' do."""
    clusters, found = rows.trial.clusters, _mean(gaps(shares(like.sets, like.squares)))
    labels = permuted(clusters, draws, rows.trial.seed)
    null = np.array([known_mean(gaps(shares(*rows.made(one))).T) for one in labels])
    return {
        f"{method}, other sets": finding(
            f"{_CARRY.format(words)} other categories' do", found[n], null[:, n], clusters,
            unit=_PART, control=clusters.permuted,
            reading="Set and direction come from different sub-types: only what these share counts.",
        )
        for n, (method, words) in enumerate(_WORDS.items())
    }  # fmt: skip


def beyond_outsiders(like: Outsiders, draws: int = DRAWS) -> dict[str, Finding]:
    """Claim that a category's neurons carry more of its direction than outsiders like them."""
    found, *null = (
        _mean(_own(shares(one, like.squares)))
        for one in (like.sets, *like.swapped(draws, like.trial.seed))
    )
    return {
        f"{method}, outsiders": like.finding(
            f"{_CARRY.format(words)} outsiders like them", found[n], [one.value[n] for one in null],
            like.trial.clusters, unit=_PART,
            reading="A neuron that varies much loads on every direction: hence the match.",
        )
        for n, (method, words) in enumerate(_WORDS.items())
    }  # fmt: skip


def shares(sets: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Share of every direction on every set, sets of one half and directions of the other.

    Args:
        sets: bool [half, set, layer, component].
        squares: squared directions [half, method, direction, layer, component].

    Returns:
        float [method, set, direction], 0 to 1; NaN for a direction that some half has not.
    """
    flat = sets.reshape(*sets.shape[:2], -1).astype(float)
    along = squares.reshape(*squares.shape[:3], -1).swapaxes(2, 3)
    return (flat[0] @ along[1] + flat[1] @ along[0]) / 2 / sets.shape[2]


def _mean(values: np.ndarray) -> Estimate:
    """Mean of numbers [method, category] over the categories."""
    return means(values.T, Clusters.by(range(values.shape[1]), "category"))[-1]


def _own(shares: np.ndarray) -> np.ndarray:
    return np.diagonal(shares, axis1=1, axis2=2)


def gaps(shares: np.ndarray) -> np.ndarray:
    """Share on the own set minus that on the others: [method, set, direction] to [method, category]."""
    own, number = _own(shares), shares.shape[1] - 1 or np.nan
    return own - (shares.sum(axis=1) - own) / number


def _shares(like: Outsiders) -> pd.DataFrame:
    """Share of every direction on every set and on the outsiders beside it."""
    names = like.trial.clusters.strata
    both = np.concatenate([like.sets, like.beside], axis=1)
    index = [METHODS, [*names, *(f"beside {name}" for name in names)], names]
    keys = pd.MultiIndex.from_product(index, names=["method", "set", "direction"])
    return pd.Series(shares(both, like.squares).ravel(), keys, name="share").reset_index()


# ---------------------------------------------------------------- 2 concepts


@dataclass(frozen=True)
class Turn:
    """What training did to the feed-forward networks of a model.

    angle: [network, concept], degrees between a concept and its match; weight: w of every neuron
    [network, concept, neuron]; norm: of what it writes [network, neuron].
    """

    angle: np.ndarray
    weight: np.ndarray
    norm: np.ndarray

    def rotation(self, sets: np.ndarray) -> float:
        """Rank correlation of a concept's angle with its part on the sets, mean over networks."""
        return float(known_mean(_spearman(self.angle, self.share(sets))))

    def share(self, sets: np.ndarray) -> np.ndarray:
        """Part of every concept [network, concept] that lies on the members of any set."""
        members = np.asarray(sets.any(axis=(0, 1))).reshape(self.norm.shape)
        return (self.weight @ members[..., None])[..., 0]


def turned(base: TransformerBridge, tuned: TransformerBridge, r: int) -> Turn:
    """Compare the first ``r`` concepts of every network before and after training."""
    matched = rotation(base, tuned, r)["cosine"].to_numpy().reshape(-1, r)
    angle = np.degrees(np.arccos(np.clip(matched, -1, 1)))
    before = [w.double().cpu() for _, w in networks(base)]
    along = [((w - w.mean(dim=0)) @ principal_axes(w, r)[1].T).square() for w in before]
    weight = np.stack([(one / one.sum(dim=0)).T.numpy() for one in along])
    norm = np.stack([w.norm(dim=1).numpy() for w in before])
    return Turn(np.where(angle < SAME, 0, angle), weight, norm)


def _spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rank correlation of every row of a with that of b; NaN for a constant row."""
    x, y = (rankdata(values.round(12), axis=1) for values in (a, b))
    x, y = (values - values.mean(axis=1, keepdims=True) for values in (x, y))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)


def concepts(like: Outsiders, turns: Mapping[str, Turn], draws: int = DRAWS) -> dict[str, Finding]:
    """Claim that what training turned lies on the sets, and by tuning more than by a placebo."""
    swaps, clusters = [like.sets, *like.swapped(draws, like.trial.seed)], like.trial.clusters
    at = {name: np.array([turn.rotation(one) for one in swaps]) for name, turn in turns.items()}
    beyond = at["tuned"] - at.get("placebo", np.nan)
    lack = {} if "placebo" in turns else {"invalid": NO_PLACEBO}
    claim = "How far a concept turned goes with its part on the categories' neurons more than on"
    unit = "of rank correlation"
    return {
        "rotation, outsiders": like.finding(
            f"{claim} outsiders like them", at["tuned"][0], at["tuned"][1:], clusters, unit=unit,
            reading="One pair of weights: another training run would be another draw.",
        ),
        "rotation, placebo": like.finding(
            f"{claim} outsiders, under tuning more than under the placebo", beyond[0], beyond[1:],
            clusters, unit=unit, **lack,
            reading="What any further training does to these neurons, the placebo does, too.",
        ),
    }  # fmt: skip


def _angles(like: Outsiders, turn: Turn) -> pd.DataFrame:
    """Every concept's turn beside its part on the sets and on the outsiders."""
    network, component = np.indices(turn.angle.shape).reshape(2, -1)
    columns = {"network": network, "component": component, "angle": turn.angle.ravel()}
    parts = {"the sets": like.sets, "outsiders like them": like.beside}
    tables = [
        pd.DataFrame(columns | {"share": turn.share(sets).ravel(), "neurons": name})
        for name, sets in parts.items()
    ]
    return pd.concat(tables, ignore_index=True)


# ---------------------------------------------------------------- 3 attribution


def score_loss_under(
    model: TransformerBridge, data: pd.DataFrame, batch_tokens: int | None = None
) -> Loss:
    """Make the function that is minus the instruction score of rows under a mask (a rise is a loss)."""

    def loss(mask: xr.DataArray | None, rows: np.ndarray) -> np.ndarray:
        with changed(model, mask):
            part = data.iloc[rows].reset_index(drop=True)
            found = response_attributions(model, part, batch_tokens=batch_tokens)
        return -instruction_scores(found)

    return loss


def effects(fall: Trial, harm: Trial) -> pd.DataFrame:
    """Fall of the score and rise of the loss of every judged row with every set off."""
    rows = fall.matrix().rename(columns={"value": "fall"}).assign(harm=harm.matrix()["value"])
    rows["neurons"] = np.where(rows["set"] == rows["category"], "own set", "other sets")
    return rows.dropna().reset_index(drop=True)


def margin(rows: pd.DataFrame) -> Finding:
    """Claim that the score falls more under a row's own set than under others that harm as much.

        fall[s, c] = b_c + slope . cbrt(harm[s, c]) + beyond . (s is the set of c)

    of the means over the rows of category c with set s off; a few harms are very large, hence the
    root. The null gives the sets to the categories in every order, as in notebook 14; orders compare
    by ``beyond`` over its error, since own sets harm more and the slope's error counts for them.
    """
    claim = (
        "With a category's neurons off, the instruction's score falls more than with other sets off "
        "that raise the loss as much"
    )
    rows = rows[rows["category"].isin(set(rows["set"]))]
    if rows["set"].nunique() < 2:
        return Finding(claim, np.nan)
    clusters = Clusters.of(rows)
    k, label = len(clusters.strata), clusters.stratum[clusters.index]
    cell = rows["set"].map(clusters.strata.index).to_numpy() * k + label
    values = rows["fall"].to_numpy(), np.cbrt(rows["harm"].to_numpy())

    def beyond(order: Sequence[int], keep: np.ndarray) -> np.ndarray:
        """The last coefficient and its error, of the clusters kept."""
        weight = keep[clusters.index]
        number = np.bincount(cell, weight, k * k)
        fall, root = (np.bincount(cell, weight * x, k * k) / np.maximum(number, 1) for x in values)
        of, category = divmod(np.arange(k * k), k)
        own = of == np.asarray(order)[category]
        level = category[:, None] == np.arange(k)
        return _last(np.column_stack([level, root, own])[number > 0], fall[number > 0])

    true, every = range(k), np.ones(len(clusters.names))
    found = jackknife(lambda keep: beyond(true, keep)[0], clusters.stratum)
    orders = np.array([beyond(order, every) for order in permutations(true)])
    null = orders[:, 0] / orders[:, 1] * beyond(true, every)[1]
    return finding(
        claim, found, null, clusters, unit="of the score", n=rows["row"].nunique(), control=ORDERS,
        reading="A harmed model may look anywhere: hence at equal harm.",
    )  # fmt: skip


def _last(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Last coefficient of least squares and its error; NaN where they are not determined."""
    x = x.astype(float)
    free = len(x) - x.shape[1]
    if free < 1 or np.linalg.matrix_rank(x) < x.shape[1]:
        return np.full(2, np.nan)
    inverse = np.linalg.inv(x.T @ x)
    found = inverse @ x.T @ y
    left = y - x @ found
    return np.array([found[-1], np.sqrt(left @ left / free * inverse[-1, -1])])
