"""The experiments at full size, made once and shipped: ``data/nait``.

``python -m sparcom_nb.nait.full OUT WORK`` makes them again in hours; WORK keeps every tuned arm's
outcome, so that a run which was interrupted goes on. ``manifest.json`` holds the hash of what they
are about (the model's weights, the rows and the plan) and the libraries that made them.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from sparcom_nb.files import shipped
from sparcom_nb.nait.kept import made_by
from sparcom_nb.nait.outcomes import effects
from sparcom_nb.nait.study import FULL, Plan, Study, begin_study
from sparcom_nb.store import write

PAIR = "tiny-dense"


def full_results() -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The shipped tables by name, and their manifest; both empty when none are shipped.

    The manifest's ``changed`` names what is no longer as it was when they were made.

    ``arms`` and ``ratios`` have a column capability, ``transfer`` and ``core`` a column score;
    otherwise they are as :func:`sparcom_nb.nait.effects`, :meth:`Study.sweep` and
    :func:`sparcom_nb.nait.transfer_matrix` return them.
    """
    folder = shipped("data") / "nait"
    if not (folder / "manifest.json").exists():
        return {}, {}
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    tables = {name: pd.read_csv(folder / f"{name}.csv") for name in manifest["tables"]}
    return tables, manifest | {"changed": _changed(manifest)}


def _changed(manifest: dict[str, Any]) -> list[str]:
    """Libraries that differ from those of the manifest; where none does, the inputs."""
    now = made_by(())
    if names := sorted(name for name in now if manifest["made_by"].get(name) != now[name]):
        return names
    same = begin_study(manifest["pair"], "", FULL, "").fingerprint == manifest["fingerprint"]
    return [] if same else ["rows, weights or plan"]


def make(out: Path, work: Path, plan: Plan = FULL, pair: str = PAIR) -> None:
    """Run all experiments and write the tables."""
    study = begin_study(pair, "", plan, work)
    tables = {
        "arms": _by_capability(study, arm_effects),
        "ratios": _by_capability(study, Study.sweep),
        "transfer": pd.concat(study.transfer(s).assign(score=s) for s in plan.swept),
        "core": pd.concat(core_effects(study, s).assign(score=s) for s in plan.swept),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(out / f"{name}.csv", index=False, float_format="%.5f", lineterminator="\n")
    manifest = {
        "fingerprint": study.fingerprint,
        "pair": pair,
        "tables": list(tables),
        "plan": asdict(plan),
        "made_by": made_by(()),
    }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    write(out / "manifest.json", text)


def arm_effects(study: Study, capability: str) -> pd.DataFrame:
    """Effects of all arms on the capability they are for."""
    return effects(study.outcomes(study.arms(capability)), capability)


def core_effects(study: Study, score: str) -> pd.DataFrame:
    """Effects of the core subset on all categories together."""
    return effects(study.outcomes(study.core_arms(score)))


def _by_capability(study: Study, table_of: Any) -> pd.DataFrame:
    return pd.concat(table_of(study, c).assign(capability=c) for c in study.capabilities)


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
