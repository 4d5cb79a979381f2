"""The tables of ``data/planted``: what every method finds in models whose neurons are known.

Run ``python data/planted/build/tables.py DIR`` to write them again.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from scoring import decoys, grow, recovery, recovery_curves, switched_off

KINDS = ("dense", "moe")


def curves(kind: str) -> pd.DataFrame:
    """Precision and recall by noise, of one plan."""
    return recovery_curves(recovery(kind, seeds=(0,)))


def losses(kind: str) -> pd.DataFrame:
    """Rise of the loss without the neurons of a role, mean over categories."""
    table = switched_off(*grow(kind))
    return table.groupby("role", sort=False)[["own", "others"]].mean().reset_index()


TABLES: dict[str, Callable[[str], pd.DataFrame]] = {
    "recovery": curves,
    "decoys": decoys,
    "switched_off": losses,
}


def write(folder: Path) -> None:
    """Write the three tables, with a column ``kind`` for the kind of model."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table_of in TABLES.items():
        table = pd.concat([table_of(kind).assign(kind=kind) for kind in KINDS])
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.4f", lineterminator="\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
