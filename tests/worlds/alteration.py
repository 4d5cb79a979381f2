"""Frequencies of base, tuned model and placebo: categories, sub-types and rows differ; tuning may move."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from sparcom_nb.evidence import Finding
from sparcom_nb.sparcom.alteration import agreed_jaccard, instruction_jaccard, routing_shift
from sparcom_nb.studies.alteration import Compared, beyond_floor, beyond_placebo, by_category
from worlds import Path

CATEGORIES = ("CLS", "CODE", "QA", "GEN", "MATH", "SUM")
DRAWS = 59


def models(seed, moved=0.0, units=6, each=2) -> dict[str, xr.DataArray]:
    """Inputs of 2 layers of 12 neurons; ``moved`` is what tuning did."""
    rng, n = np.random.default_rng(seed), 6 * units * each
    category, unit = np.repeat(np.arange(6), units * each), np.arange(n) // each
    common = rng.normal(size=(6, 2, 12))[category] + 0.5 * rng.normal(size=(6 * units, 2, 12))[unit]
    change = moved * np.random.default_rng(0).normal(size=(2, 12))
    tokens = rng.integers(4, 20, n) + 2 * category
    coords = {
        "category": ("instruction", np.array(CATEGORIES)[category]),
        "subtype": ("instruction", unit.astype(str)),
        "n_tokens": ("instruction", tokens),
    }
    made = {}
    for name in ("base", "tuned", "placebo"):
        own = 0.5 * rng.normal(size=(6 * units, 2, 12))[unit] + 0.2 * rng.normal(size=(n, 2, 12))
        values = common + own + (change if name == "tuned" else 0)
        made[name] = xr.DataArray(values, coords, ("instruction", "layer", "neuron"))
    return made


def marks(found: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """The third with the largest inputs."""
    return {name: values > 0.5 for name, values in found.items()}


def sets(effect: float, seed: int) -> tuple[Finding, float]:
    """Of profiles, too: the same exchanges of the same array, through another measure."""
    made = Compared.of(marks(models(seed, effect)), seed)
    return beyond_floor("sets", made, agreed_jaccard, 1, DRAWS, seed), 0.0


def routing(effect: float, seed: int) -> tuple[Finding, float]:
    """Inputs of a router, as shares of a layer."""
    shares = {name: 2.0**values for name, values in models(seed, effect).items()}
    shares = {name: values / values.sum("neuron") for name, values in shares.items()}
    return beyond_floor("routing", Compared.of(shares, seed), routing_shift, -1, DRAWS, seed), 0.0


def placebo(effect: float, seed: int) -> tuple[Finding, float]:
    """Tuned model and placebo differ from the base by chance; the tuned one by ``effect`` more."""
    made = Compared.of(marks(models(seed, effect)), seed)
    return beyond_placebo(made, agreed_jaccard, DRAWS, seed), 0.0


def category(effect: float, seed: int) -> tuple[Finding, float]:
    """Likeness falls with the length, in which categories differ; one is altered more. No interval."""
    rng, one = np.random.default_rng(seed), marks(models(seed))
    own = instruction_jaccard(one["base"], one["tuned"])
    noise = np.repeat(rng.normal(size=36), 2) + 0.5 * rng.normal(size=72)
    shift = effect * (own["category"] == "SUM").to_numpy()
    values = 0.5 - 0.1 * np.log(own["n_tokens"].to_numpy()) + 0.05 * (noise + shift)
    return by_category(own.copy(data=values), 99, seed), np.nan


PATHS = {
    "sets, profiles": Path(sets, 0.75),
    "routing": Path(routing, 0.37),
    "placebo": Path(placebo, 1.1),
    "category": Path(category, 3.1),
}
