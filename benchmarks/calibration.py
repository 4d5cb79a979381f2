"""How often every way to a verdict is wrong, and what it sees: the table of ``docs/calibration.md``.

    python benchmarks/calibration.py [--runs 2000] [--jobs 2] [--only NAME]

Draws the worlds of ``tests/worlds`` (the tests draw the same ones a few hundred times).
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
TABLE = ROOT / "docs" / "calibration.md"
HEAD = """# Calibration

Worlds with a known truth (`tests/worlds`), drawn by `python benchmarks/calibration.py`. *False*: share
of worlds without an effect in which a claim shows before adjusting (5 % is promised). *Covered*: share
of 95 % intervals that hold the truth. *Power*: share of worlds with an effect of this size, in the
world's own unit, in which it shows. *Told*: what the finding says would have shown four times in five,
as a share of what this effect comes to. At 300 runs a true 5 % is drawn as 3 to 8.

"""


def row(name: str, most: int) -> dict[str, object]:
    """One line of the table; a costly path is drawn at most ten times as often as in the tests."""
    from worlds import paths, rates

    path = paths()[name]
    runs = min(most, 10 * path.runs)
    none, there = rates(path, 0.0, runs), rates(path, path.effect, runs // 4, seed=10**6)
    covered = f"{none.covered:.1%}" if none.covered == none.covered else "no interval"
    return {
        "path": name,
        "runs": runs,
        "false": f"{none.called:.1%}",
        "covered": covered,
        "effect": path.effect,
        "power": f"{there.called:.0%}",
        "told": f"{there.told:.0%}",
    }


def main() -> None:
    """Draw, print and keep."""
    from worlds import paths

    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=2000)
    asked.add_argument("--jobs", type=int, default=2)
    asked.add_argument("--only", default="", help="paths whose name holds this; nothing is kept")
    given = asked.parse_args()
    names = [name for name in paths() if given.only in name]
    with ProcessPoolExecutor(given.jobs) as pool:
        made = pool.map(partial(row, most=given.runs), names)
        table = pd.DataFrame(list(tqdm(made, total=len(names), unit="path")))
    lines = [list(table), ["---"] * table.shape[1], *table.astype(str).to_numpy().tolist()]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    print(text)
    if not given.only:
        TABLE.write_text(f"{HEAD}{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
