"""The tables of HexaInst's README, computed from its rows.

``fill`` replaces what stands between ``<!-- table: NAME -->`` and ``<!-- end -->`` by the table of
that name.
"""

import math
import random
import re
import statistics
from collections import Counter
from collections.abc import Callable

SOURCES = ("authored", "generated")
_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(readme: str, rows: list[dict]) -> str:
    """The README with all its tables computed anew."""
    return _BLOCK.sub(lambda m: f"{m[1]}{TABLES[m[2]](rows)}\n{m[3]}", readme)


def words(row: dict, *fields: str) -> int:
    """How many words these fields hold together."""
    return sum(len(row[field].split()) for field in fields)


def guess_by_length(rows: list[dict], fields: tuple[str, ...], bins: int = 12) -> float:
    """How often the category is guessed from the number of words alone, ten-fold cross-validated.

    A histogram classifier: the log of the number of words falls into one of ``bins`` quantile bins
    of the nine other folds, and the commonest category of that bin is the guess.
    """
    data = [(math.log(1 + words(row, *fields)), row["category"]) for row in rows]
    random.Random(0).shuffle(data)
    right = 0
    for fold in range(10):
        known = [d for i, d in enumerate(data) if i % 10 != fold]
        cuts = statistics.quantiles([x for x, _ in known], n=bins)
        votes = Counter((sum(x > c for c in cuts), category) for x, category in known)
        names = sorted({category for _, category in known})
        for x, category in data[fold::10]:
            place = sum(x > c for c in cuts)
            right += max(names, key=lambda name: votes[place, name]) == category
    return right / len(data)


def _table(head: list[str], lines: list[list]) -> str:
    ruled = ["---", *["---:" if isinstance(c, (int, float)) else "---" for c in lines[0][1:]]]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in [head, ruled, *lines])


def _categories(rows: list[dict]) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for row in rows:
        found.setdefault(row["category"], []).append(row)
    return found


def _kinds(rows: list[dict]) -> str:
    counts = Counter(row["checker"].partition(":")[0] for row in rows)
    return ", ".join(f"{kind} {n}" for kind, n in counts.most_common())


def _balance(rows: list[dict]) -> str:
    """One line a category: sub-types, sources, halves, checkers."""
    lines = []
    for category, part in _categories(rows).items():
        count = Counter(row["source"] for row in part) + Counter(row["split"] for row in part)
        kinds = len({row["subtype"] for row in part})
        lines.append([category, kinds, *(count[k] for k in (*SOURCES, "a", "b")), _kinds(part)])
    return _table(["category", "sub-types", *SOURCES, "split a", "split b", "checkers"], lines)


def _lengths(rows: list[dict]) -> str:
    """Deciles of the number of words, by category and source."""
    lines = []
    for category, part in _categories(rows).items():
        for source in ("all", *SOURCES):
            some = [row for row in part if source in ("all", row["source"])]
            text = statistics.quantiles([words(r, "instruction", "input") for r in some], n=10)
            response = statistics.quantiles([words(r, "response") for r in some], n=10)
            share = sum(bool(row["input"]) for row in some) / len(some)
            lines.append(
                [f"{category}, {source}"]
                + [round(text[k]) for k in (0, 2, 4, 6, 8)]
                + [round(response[k]) for k in (0, 4, 8)]
                + [f"{share:.0%}"]
            )
    head = ["words", "10 %", "30 %", "50 %", "70 %", "90 %"]
    return _table([*head, "response 10 %", "50 %", "90 %", "with input"], lines)


def _guess(rows: list[dict]) -> str:
    """The category guessed from lengths."""
    error = math.sqrt(1 / 6 * 5 / 6 / len(rows))
    named = {
        "instruction and input": ("instruction", "input"),
        "instruction": ("instruction",),
        "input (0 when there is none)": ("input",),
        "response": ("response",),
    }
    lines = [[name, f"{guess_by_length(rows, fields):.1%}"] for name, fields in named.items()]
    chance = ["nothing (chance)", f"{1 / 6:.1%}, standard error {error:.1%}"]
    return _table(["words counted in", "category guessed right"], [*lines, chance])


def _subtypes(rows: list[dict]) -> str:
    """One table a category: its sub-types."""
    parts = []
    for category, part in _categories(rows).items():
        lines = []
        for subtype in dict.fromkeys(row["subtype"] for row in part):
            some = [row for row in part if row["subtype"] == subtype]
            count = Counter(row["source"] for row in some)
            length = statistics.median(words(row, "instruction", "input") for row in some)
            lines.append(
                [f"`{subtype}`", *(count[s] for s in SOURCES), round(length), _kinds(some)]
            )
        parts.append(_table([f"{category} sub-type", *SOURCES, "median words", "checkers"], lines))
    return "\n\n".join(parts)


TABLES: dict[str, Callable[[list[dict]], str]] = {
    "balance": _balance,
    "lengths": _lengths,
    "guess": _guess,
    "subtypes": _subtypes,
}
