"""Sets, directions, turned concepts and falls of a score made by hand."""

import functools

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import Finding, partners
from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.studies import synthesis
from worlds import Path

NAMES = ("CLS", "QA", "MATH")
DRAWS = 59


def made(planted, seed, subtypes=6, layers=1, width=24, experts=0):
    """Rows of three categories, each of which drives three neurons of a layer."""
    rng = np.random.default_rng(seed)
    category = np.repeat(NAMES, 2 * subtypes)
    subtype = np.tile(np.repeat([f"s{n}" for n in range(subtypes)], 2), 3)
    drive = np.zeros((len(category), layers, width))
    for n, name in enumerate(NAMES):
        drive[category == name, :, 3 * n : 3 * n + 3] = planted
    noise = np.repeat(rng.normal(size=(3 * subtypes, layers, width)), 2, axis=0)
    frequency = 1 / (1 + np.exp(-(drive + noise + rng.normal(size=drive.shape))))
    values = np.stack([drive + noise + 0.3 * rng.normal(size=drive.shape) for _ in "md"], axis=1)
    coords = {"category": ("instruction", category), "subtype": ("instruction", subtype)}
    dims = ("layer", "expert", "neuron") if experts else ("layer", "neuron")
    shape = (layers, experts, width // experts) if experts else (layers, width)
    return (
        xr.DataArray(frequency.reshape(-1, *shape), coords, ("instruction", *dims)),
        xr.DataArray(
            values.reshape(-1, 2, *shape),
            coords | {"candidate": ["mean", "drift"]},
            ("instruction", "candidate", *dims),
        ),
    )


def nothing(mask, rows):
    """A loss that nobody asks for."""
    return np.full(len(rows), np.nan)


def rows_of(planted, seed, loss=nothing, **size) -> synthesis.Rows:
    """:func:`made`, as the study reads it."""
    frequency, activations = made(planted, seed, **size)
    return synthesis.Rows.of(synthesis.trial(loss, frequency, 0.2, "unique", seed), activations)


@functools.cache
def some_trial():
    """A trial for findings that ask none of it but its clusters."""
    return rows_of(0.0, 0).trial


def outsiders(seed: int, effect: float = 0.0, width: int = 48) -> synthesis.Outsiders:
    """Three sets of three of any neurons, which carry ``effect`` more of directions than others."""
    rng = np.random.default_rng(seed)
    sets = np.zeros((2, 3, 1, width), dtype=bool)
    for n, members in enumerate(rng.permutation(width)[:9].reshape(3, 3)):
        sets[:, n, :, members] = True
    squares = rng.gamma(1.0, size=(2, 2, 3, 1, width)) * (1 + effect * sets[:, None])
    squares /= squares.sum(axis=-1, keepdims=True)
    pairs = partners(np.asarray(sets.any(axis=(0, 1))), rng.random((2, 1, width)))
    row = {"pairs": 9.0, "members": 9.0}
    return synthesis.Outsiders(sets, pairs, row, "", squares, some_trial())


def deep(like: synthesis.Outsiders, networks: int = 4) -> synthesis.Outsiders:
    """The same sets in several networks, each pair with coins of its own."""
    sets, pairs = np.repeat(like.sets, networks, axis=2), np.repeat(like.pairs, networks, axis=0)
    return synthesis.Outsiders(sets, pairs, like.row, "", like.squares, like.trial)


def turn(like: synthesis.Outsiders, effect: float, seed: int, r: int = 40) -> synthesis.Turn:
    """Concepts that turn by chance, and with ``effect`` by what of them lies on the sets."""
    rng, shape = np.random.default_rng(seed), like.pairs.shape
    weight = rng.dirichlet(np.full(shape[1], 0.1), (shape[0], r))
    share = synthesis.Turn(np.zeros((shape[0], r)), weight, np.ones(shape)).share(like.sets)
    angle = rng.normal(size=share.shape) + effect * share / share.std()
    return synthesis.Turn(angle, weight, np.ones(shape))


def labels(effect: float, seed: int) -> tuple[Finding, float]:
    """Of both directions; ``contrast`` is the one that sees a shift of means."""
    rows = rows_of(effect, seed)
    like = synthesis.Outsiders.of_rows(rows, np.ones((1, 24)))
    return synthesis.beyond_others(rows, like, 41)["contrast, other sets"], 0.0


def swaps(effect: float, seed: int) -> tuple[Finding, float]:
    """Of both directions: share of the own sets against that of sets with outsiders."""
    like = outsiders(seed, effect)
    return synthesis.beyond_outsiders(like, DRAWS)["contrast, outsiders"], 3 / 48


def rotation(effect: float, seed: int) -> tuple[Finding, float]:
    """Correlations of one pair of weights have no interval."""
    like = deep(outsiders(seed))
    turned = {"tuned": turn(like, effect, seed)}
    return synthesis.concepts(like, turned, DRAWS)["rotation, outsiders"], np.nan


def placebo(effect: float, seed: int) -> tuple[Finding, float]:
    """Both trainings turned what lies on the sets; tuning by ``effect`` more."""
    like = deep(outsiders(seed))
    tuned, other = turn(like, 0.3 + effect, seed), turn(like, 0.3, seed + 1)
    return synthesis.concepts(like, {"tuned": tuned, "placebo": other}, DRAWS)[
        "rotation, placebo"
    ], np.nan


def rows_under_sets(seed, own=0.0, harmful=0.0, subtypes=6) -> pd.DataFrame:
    """Fall and harm of six sets: sets differ in harm, categories in fragility; harm moves scores.

    What any set does to any category has a part of its own, by chance.
    """
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        [
            (of, name, f"{name}/{n}", subtypes * k + n)
            for of in CATEGORIES
            for k, name in enumerate(CATEGORIES)
            for n in range(subtypes)
        ],
        columns=["set", "category", "subtype", "row"],
    )  # fmt: skip
    inside = (table["set"] == table["category"]).to_numpy()
    of_set, of_row = rng.random(6), rng.random(6 * subtypes)
    harm = of_set[table["set"].map(CATEGORIES.index)] + of_row[table["row"]] + harmful * inside
    met = (
        0.05 * rng.normal(size=(6, 6))[table["set"].map(CATEGORIES.index), table["row"] // subtypes]
    )
    fall = 0.3 * np.cbrt(harm) + 0.2 * rng.normal(size=len(table)) + met + own * inside
    return table.assign(harm=harm, fall=fall)


def margin(effect: float, seed: int) -> tuple[Finding, float]:
    """The own set harms more all the time; only ``effect`` is no harm."""
    return synthesis.margin(rows_under_sets(seed, effect, harmful=1.0)), effect


PATHS = {
    "directions, other sets": Path(labels, 1.7),
    "directions, outsiders": Path(swaps, 4.0),
    "rotation, outsiders": Path(rotation, 0.4),
    "rotation, placebo": Path(placebo, 1.0),
    "fall, equal harm": Path(margin, 0.2),
}
