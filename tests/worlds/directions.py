"""Notebook 31: samples and a pool whose sub-types differ, and whose categories do by the effect."""

import numpy as np
import pandas as pd

from sparcom_nb.studies import directions, scoring
from sparcom_nb.studies.mixture import Mixture
from sparcom_nb.studies.scoring import Samples
from worlds import Path

NAMES, RATIO, DRAWS = ("CLS", "QA", "SUM"), 0.2, 20


def labelled(names, subtypes, rows):
    made = [(c, f"s{s}") for c in names for s in range(subtypes) for _ in range(rows)]
    table = pd.DataFrame(made, columns=["category", "subtype"])
    return table.assign(id=[f"r{n}" for n in range(len(table))])


def mixed(subtypes=6, names=NAMES):
    target, pool = labelled(names, subtypes, 3), labelled(names, subtypes, 6)
    quality = ["clean", "clean", "clean", "clean", "corrupted", "shuffled"]
    return Mixture(target, pool.assign(quality=quality * (len(pool) // 6)), target)


def planted(effect, seed):
    """Samples [candidate, layer, row, feature] and the mixture they are of."""
    rng, mix = np.random.default_rng(seed), mixed()
    own, parts = effect * rng.normal(size=(len(NAMES), 2, 4)), []
    for table in (mix.target, mix.pool):
        number = table["category"].map(NAMES.index).to_numpy()
        which = number * 6 + table["subtype"].str[1:].astype(int).to_numpy()
        kind = rng.normal(size=(len(NAMES) * 6, 2, 1, 4))
        values = kind[which] + own[number][:, :, None] + rng.normal(size=(len(table), 2, 1, 4))
        parts.append(values.transpose(1, 2, 0, 3))
    return Samples(*parts), mix


def selects(effect, seed):
    samples, mix = planted(effect, seed)
    label = mix.target["category"].map(NAMES.index).to_numpy()
    values = scoring.scores(samples, scoring.directions(samples, label, 3), "contrast")
    drawn = directions.null_precision(samples, mix, RATIO, DRAWS, seed, ["contrast"])
    mean = directions.resampled([values], mix, RATIO)[0, -1]
    found = directions.selects("contrast", mean, mix, drawn["contrast"])
    return found, directions.truth(mix).mean()  # where there is no effect


def stable(effect, seed):
    samples, mix = planted(effect, seed)
    return directions.stable("contrast", samples, mix.target, RATIO, 12, seed), np.nan


def scored(mix, effect, rng):
    """Scores [capability, row] that differ between sub-types, and of wanted rows by the effect."""
    shape = (len(mix.capabilities), len(mix.pool) // 6)
    kind = rng.normal(size=shape).repeat(6, axis=1)
    return kind + rng.normal(size=kind.shape) + effect * directions.truth(mix)


def beats(effect, seed):
    """Three rivals that are as good as the contrast where there is no effect."""
    rng, mix = np.random.default_rng(seed), mixed()
    rivals = {name: scored(mix, 1.0, rng) for name in "abc"}
    return directions.beats(scored(mix, 1.0 + effect, rng), rivals, mix, RATIO), 0.0


def sees(effect, seed):
    rng, mix = np.random.default_rng(seed), mixed(6, ("CLS", "QA"))
    return directions.sees(scored(mix, effect, rng), mix), 0.5


PATHS = {
    "selects": Path(selects, 2.2),
    "selection": Path(stable, 1.3),
    "beats the baselines": Path(beats, 2.0, beside=True),  # the best is chosen by what it did
    "sees answers": Path(sees, 1.0),
}
