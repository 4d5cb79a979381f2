"""Right answers of two members: sub-types differ in how hard they are, members by ``effect``."""

import numpy as np
import pandas as pd

from sparcom_nb.evidence import Finding
from sparcom_nb.studies.start import study
from worlds import Path


def answers(effect: float, seed: int) -> tuple[Finding, float]:
    """Each member knows some sub-types better by itself."""
    rng, made = np.random.default_rng(seed), {}
    table = pd.DataFrame(
        [(c, f"s{n}") for c in ("QA", "MATH", "SUM") for n in range(6) for _ in range(5)],
        columns=["category", "subtype"],
    )
    hard = rng.uniform(0.2, 0.6, 18)
    for name, more in (("base", 0.0), ("instruct", effect)):
        chance = np.repeat(hard + rng.normal(0, 0.1, 18), 5) + more
        made[name] = table.assign(correct=pd.array(rng.random(90) < chance, dtype="boolean"))
    return study(made, seed + 10**6).findings["answers"], effect


PATHS = {"answers": Path(answers, 0.25)}
