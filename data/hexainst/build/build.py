"""Assemble HexaInst: authored rows, generated rows and paraphrases of six categories -> two files.

    python data/hexainst/build/build.py            write both files and the tables of the README
    python data/hexainst/build/build.py --check CLS [CODE ...]   only say what is wrong

Per category ``authored/cls.jsonl`` (100 rows written one by one), ``generate_cls.py`` (``rows(rng)``
makes 100) and ``paraphrases/cls.jsonl`` (20 rows: ``of`` names the row by its instruction).
"""

import argparse
import importlib
import json
import random
import statistics
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from sparcom_nb.rows.checkers import KINDS
from sparcom_nb.studies.hexainst import wording_overlap

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import datasheet  # noqa: E402  (neighbours of this file, not a package)
from judge import judge  # noqa: E402

CATEGORIES = ("CLS", "CODE", "QA", "GEN", "MATH", "SUM")
FIELDS = ("subtype", "instruction", "input", "response", "checker")
SEED = 20250521


def read_jsonl(path: Path) -> list[dict]:
    """Rows of a JSON-lines file; a bad line is named."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise SystemExit(f"{path}:{number}: not JSON ({error})") from None
    return rows


def category_rows(category: str) -> list[dict]:
    """The 200 rows of a category without ids: authored first, then generated."""
    name = category.lower()
    authored = read_jsonl(HERE / "authored" / f"{name}.jsonl")
    generate = importlib.import_module(f"generate_{name}").rows
    generated = generate(random.Random(f"{SEED}-{name}"))
    return [{**row, "source": "authored"} for row in authored] + [
        {**row, "source": "generated"} for row in generated
    ]


def with_ids(category: str, rows: list[dict]) -> list[dict]:
    """Rows in final form; split a/b halves every sub-type, and either source of it, evenly."""
    done, seen = [], Counter()
    for number, row in enumerate(rows, 1):
        key = (row["subtype"], row["source"])
        seen[key] += 1
        flip = sum(map(ord, row["subtype"])) + (row["source"] == "generated")
        done.append(
            {
                "id": f"{category.lower()}-{number:03d}",
                "category": category,
                **{field: row[field] for field in FIELDS},
                "source": row["source"],
                "split": "ab"[(seen[key] + flip) % 2],
                "paraphrase_of": None,
            }
        )
    return done


def paraphrases(category: str, rows: list[dict]) -> list[dict]:
    """The 20 paraphrases of a category: another wording of the instruction, the rest as it was."""
    by_instruction = {row["instruction"]: row for row in rows}
    found = []
    for number, row in enumerate(read_jsonl(HERE / "paraphrases" / f"{category.lower()}.jsonl"), 1):
        original = by_instruction.get(row["of"])
        if original is None:
            raise SystemExit(f"{category}: paraphrase {number} is of no row: {row['of']!r}")
        found.append(
            {
                **original,
                "id": f"{category.lower()}-p{number:02d}",
                "instruction": row["instruction"],
                "source": "authored",
                "paraphrase_of": original["id"],
            }
        )
    return found


def near_duplicates(texts: list[str], limit: float = 0.5) -> list[tuple[int, int, float]]:
    """Pairs of texts whose 5-gram Jaccard reaches the limit."""
    overlap = wording_overlap(texts)
    return [(i, j, overlap[i, j]) for i, j in np.argwhere(np.triu(overlap, 1) >= limit)]


def faults(category: str, rows: list[dict]) -> list[str]:
    """Everything wrong with the rows of a category, one line each."""
    said = []
    counts = Counter(row["source"] for row in rows)
    if counts != {"authored": 100, "generated": 100}:
        said.append(f"sources {dict(counts)}, expected 100 each")
    subtypes = Counter(row["subtype"] for row in rows)
    if len(subtypes) < 20:
        said.append(f"{len(subtypes)} sub-types, expected at least 20")
    said += [
        f"sub-type {s} has only {n} rows (want 6 or more)" for s, n in subtypes.items() if n < 6
    ]
    for number, row in enumerate(rows, 1):
        label = f"{row['source']} row {number} ({row['instruction'][:50]!r})"
        missing = [f for f in FIELDS if not isinstance(row.get(f), str)]
        if missing or not row["instruction"].strip() or not row["response"].strip():
            said.append(f"{label}: empty or missing {missing or 'instruction/response'}")
        elif row["checker"].partition(":")[0] not in KINDS:
            said.append(f"{label}: unknown checker {row['checker'][:30]!r}")
        elif judge(row["checker"], row["response"], row["response"]) is False:
            said.append(f"{label}: its own response fails {row['checker'][:60]!r}")
        elif category in ("MATH", "CODE") and row["checker"] == "none":
            said.append(f"{label}: a {category} row needs a checker that runs")
    for what, texts in (
        ("instructions", [r["instruction"] for r in rows]),
        ("instruction+input", [f"{r['instruction']} {r['input']}" for r in rows]),
    ):
        said += [
            f"{what} {i + 1} and {j + 1} overlap {v:.2f}: {texts[i][:60]!r} / {texts[j][:60]!r}"
            for i, j, v in near_duplicates(texts)
        ]
    return said


def lengths(rows: list[dict]) -> str:
    """Deciles of words in instruction+input, and of the response."""

    def deciles(fields: tuple[str, ...]) -> str:
        counts = [len(" ".join(row[f] for f in fields).split()) for row in rows]
        cuts = statistics.quantiles(counts, n=10)
        return "/".join(f"{cuts[k]:.0f}" for k in (0, 2, 4, 6, 8))

    return (
        f"words at 10/30/50/70/90 %: text {deciles(('instruction', 'input'))}, "
        f"response {deciles(('response',))}"
    )


def as_lines(rows: list[dict]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def assemble() -> tuple[list[dict], list[dict]]:
    """All rows and all paraphrases, unchecked."""
    found, again = [], []
    for category in CATEGORIES:
        final = with_ids(category, category_rows(category))
        found += final
        again += paraphrases(category, final)
    return found, again


def main() -> None:
    """Check the named categories, or check all and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", nargs="+", choices=CATEGORIES, metavar="CATEGORY")
    wanted = parser.parse_args().check
    bad = []
    for category in wanted or CATEGORIES:
        rows = category_rows(category)
        bad += [f"{category}: {line}" for line in faults(category, rows)]
        paraphrases(category, with_ids(category, rows))
        kinds = len({r["subtype"] for r in rows})
        print(category, len(rows), "rows,", kinds, "sub-types,", lengths(rows))
    print(*bad, sep="\n")
    if bad:
        raise SystemExit(1)
    if not wanted:
        found, again = assemble()
        folder = HERE.parent
        (folder / "hexainst.jsonl").write_text(as_lines(found), encoding="utf-8")
        (folder / "paraphrases.jsonl").write_text(as_lines(again), encoding="utf-8")
        readme = folder / "README.md"
        filled = datasheet.fill(readme.read_text(encoding="utf-8"), found)
        readme.write_text(filled, encoding="utf-8")


if __name__ == "__main__":
    main()
