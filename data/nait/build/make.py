"""The experiments at full size, made once and shipped: ``data/nait``.

    python data/nait/build/make.py OUT WORK                              hours
    python data/nait/build/make.py OUT WORK steps=2 seeds=2 n_pool=120   to try it

WORK keeps every tuned arm's outcome, so that a run which was interrupted goes on. What stands in
``data/nait`` was made by an earlier form of this program: its intervals are the spread over halves of
the sub-types, and it has the extremes over seeds.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from sparcom_nb.nait.selection import core_subset
from sparcom_nb.store import versions, write
from sparcom_nb.studies import selection, transfer
from sparcom_nb.studies.tuning import FULL_POOL, RANDOM, Bench, begin, mean_losses

PAIR = "tiny-dense"
PLAN = {"steps": 120, "n_pool": 3000, "n_evaluation": 600, "answers": True}
SCORES = ("NAIT", "contrast")
RATIOS = (0.03, 0.1, 0.3, 1.0)


def make(out: Path, bench: Bench) -> None:
    """Run all experiments and write the tables."""
    tables = {
        "arms": selection.study(bench).tables["arms"],
        "ratios": pd.concat(ratios(bench, c) for c in bench.capabilities),
        "transfer": pd.concat(moved(bench, s) for s in SCORES),
        "core": pd.concat(core(bench, s) for s in SCORES),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(out / f"{name}.csv", index=False, float_format="%.5f", lineterminator="\n")
    said = {"pair": PAIR, "tables": list(tables), "plan": asdict(bench.plan), "made_by": versions()}
    write(out / "manifest.json", json.dumps(said, indent=1, sort_keys=True) + "\n")


def ratios(bench: Bench, capability: str) -> pd.DataFrame:
    """Effects of the scores' top, and of random rows, by the share of the pool taken."""
    tables = []
    for ratio in RATIOS:
        arms = {RANDOM: bench.random(ratio)} | {s: bench.top(s, capability, ratio) for s in SCORES}
        own = bench.outcomes(arms).query("category == @capability")
        tables.append(mean_losses(own).assign(ratio=ratio, capability=capability))
    return pd.concat(tables)


def moved(bench: Bench, score: str) -> pd.DataFrame:
    """Effects of every capability's selection on every category."""
    table = transfer.study(bench, score).tables["transfer"]
    table = table[table["arm"].isin(bench.mix.capabilities)]
    return table.rename(columns={"arm": "selected_for"}).assign(score=score)


def core(bench: Bench, score: str) -> pd.DataFrame:
    """Effects of the core subset and of the whole pool on all categories together."""
    core = core_subset(pd.DataFrame(bench.scores[score]), bench.plan.ratio)
    whole = pd.Index(bench.mix.pool["id"])
    found = bench.outcomes({RANDOM: bench.random(), "core": core, FULL_POOL: whole})
    subtypes = found["category"] + "/" + found["subtype"]
    return mean_losses(found.assign(category="all", subtype=subtypes)).assign(score=score)


if __name__ == "__main__":
    out, work, *changes = sys.argv[1:]
    plan: dict[str, Any] = PLAN | {k: int(v) for k, v in (one.split("=") for one in changes)}
    make(Path(out), begin(PAIR, "", work, **plan))
