"""Numbers of heads and shares of verbs: four layers of four heads, 30 instruction verbs among 130."""

import numpy as np
import pandas as pd

from sparcom_nb.evidence import Clusters
from sparcom_nb.studies import attention
from worlds import Path

LAYER = np.repeat(range(4), 4)
HEADS, LAYERS = Clusters.by(range(16), "head"), Clusters.by(LAYER, "layer")


def directions(effect: float, seed: int):
    """A head's number of pairs has nothing to do with the directions it reads, or ``effect`` more."""
    rng = np.random.default_rng(seed)
    rate = rng.uniform(200, 900, size=16)
    draws = rng.poisson(rate * rng.normal(1, 0.03, size=(40, 1)))
    count = draws[0] * (1 + effect)
    return attention.more_pairs("c", count, draws[1:], HEADS, "control", ""), np.nan


def overlaps(rng, own: float) -> np.ndarray:
    """Jaccard [head, head]; heads of a layer are alike, and each is ``own`` more like itself."""
    layer = 0.02 * rng.normal(size=4)[LAYER] + 0.05 * (LAYER[:, None] == LAYER)
    return 0.2 + layer + 0.03 * rng.normal(size=(16, 16)) + own * np.eye(16)


def kept(effect: float, seed: int):
    found = overlaps(np.random.default_rng(seed), effect)
    return attention.overlap_findings({"tuned": found}, LAYERS, seed + 1)["kept"], 0.25 + effect


def changed(effect: float, seed: int):
    """Of a head's pairs the placebo keeps ``effect`` more."""
    rng = np.random.default_rng(seed)
    both = {"tuned": overlaps(rng, 0), "placebo": overlaps(rng, effect)}
    return attention.overlap_findings(both, LAYERS, seed + 1)["changed"], effect


def verbs(effect: float, seed: int) -> dict:
    """A verb's share is of the few heads that vote; heads of a verb tend to agree."""
    rng, own = np.random.default_rng(seed), np.arange(130) < 30
    heads = rng.integers(1, 13, size=130)
    share = rng.binomial(heads, rng.beta(4, 4, size=130)) / heads
    share = np.where(own, share + effect, share)
    table = pd.DataFrame({"verb": np.arange(130).astype(str), "share": share, "instruction": own})
    return attention.verb_findings(table, seed + 1)


PATHS = {
    "directions_base, directions_tuned": Path(directions, 0.1, 400),
    "kept": Path(kept, 0.028, beside=True),
    "changed": Path(changed, 0.08, beside=True),
    "verbs": Path(lambda effect, seed: (verbs(effect, seed)["verbs"], effect), 0.18),
    "half": Path(lambda effect, seed: (verbs(effect, seed)["half"], effect), 0.18),
}
