"""Notebooks 32 and 33: losses after arms that differ by the effect, with noise of sub-types and seeds."""

import numpy as np
import pandas as pd

from sparcom_nb.studies import tuning
from worlds import Path
from worlds.directions import labelled

NAMES = ("CLS", "QA", "SUM")


def losses(
    rng, effect=0.0, by_seed=0.0, seeds=3, names=NAMES, subtypes=6, arms=("random", "other")
):
    """Outcomes of arms; the loss of all but the first is lower by the effect."""
    rows, made = labelled(names, subtypes, 3), []
    which = (rows["category"] + rows["subtype"]).factorize()[0]
    for arm in arms:
        own = rng.normal(size=which.max() + 1)[which]
        for seed in range(seeds):
            noise = own + by_seed * rng.normal() + 0.5 * rng.normal(size=len(rows))
            nll = 3 - effect * (arm != arms[0]) + noise
            made.append(rows.assign(arm=arm, seed=seed, n=5, nll=nll, correct=np.nan))
    return pd.concat(made, ignore_index=True)


def gained(names=NAMES, **world):
    def draw(effect, seed):
        outcomes = losses(np.random.default_rng(seed), effect, names=names, **world)
        arms, others = ([(arm, c) for c in names] for arm in ("other", "random"))
        return tuning.gained("A.", outcomes, arms, others), effect

    return draw


def own_and_others(effect, seed):
    """Each category's arm is better for it by the effect than for the others."""
    outcomes = losses(np.random.default_rng(seed), 0.0, 0.3, arms=NAMES)
    outcomes["nll"] -= effect * (outcomes["arm"] == outcomes["category"])
    own, others = [(c, c) for c in NAMES], [(a, c) for a in NAMES for c in NAMES if a != c]
    return tuning.gained("A.", outcomes, own, others), effect


PATHS = {
    "gain": Path(gained(), 1.1),
    "gain, seeds differ": Path(gained(by_seed=0.5), 2.0),
    "gain, two seeds": Path(gained(seeds=2), 1.1),  # as said in the caveat: seeds are alike
    "gain, one category": Path(gained(("SUM",)), 2.1),
    "own and others'": Path(own_and_others, 0.9),
}
