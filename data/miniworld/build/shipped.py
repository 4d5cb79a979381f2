"""The files of ``data/miniworld``.

Held-out instructions, their paraphrases and held-out documents; rows of the training split to choose
from (``pool``), and documents to count words in (``texts``).

Run ``python data/miniworld/build/shipped.py DIR`` to write them again, byte for byte.
"""

import gzip
import itertools
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import documents
from tasks import CATEGORIES, Content, Subtype, content, generate, of_category, row

SEED = 2026
PER_CATEGORY, PARAPHRASES, DOCUMENTS = 100, 20, 200
POOL, POOL_SEED, TEXTS, TEXTS_SEED = 12_000, 500, 4_000, 0
Record = dict[str, Any]


def instructions(seed: int = SEED) -> tuple[list[Record], list[Record]]:
    """Held-out rows, 100 a category, and 20 of each again in another held-out wording."""
    rows, again = [], []
    for category in CATEGORIES:
        rng = Random(f"shipped/{category}/{seed}")
        drawn = _draw(category, rng)
        made = [row(subtype, what, True, rng) for subtype, what in drawn]
        _label(made, category)
        rows += made
        for i in range(0, PER_CATEGORY, PER_CATEGORY // PARAPHRASES):
            again.append(_paraphrase(made[i], *drawn[i], rng))
    return rows, again


def _draw(category: str, rng: Random) -> list[tuple[Subtype, Content]]:
    """Held-out contents, all different, sub-types by weight."""
    subtypes, drawn, seen = of_category(category), [], set()
    for subtype in _shares(subtypes):
        what = content(subtype, True, rng)
        while (key := (subtype.name, what.input, str(what.values), what.response)) in seen:
            what = content(subtype, True, rng)
        seen.add(key)
        drawn.append((subtype, what))
    return drawn


def _shares(subtypes: list[Subtype]) -> list[Subtype]:
    """100 sub-types in proportion to their weights, interleaved."""
    total = sum(s.weight for s in subtypes)
    counts = [int(PER_CATEGORY * s.weight / total) for s in subtypes]
    for i in range(PER_CATEGORY - sum(counts)):
        counts[i % len(counts)] += 1
    spread = [(j / n, i) for i, n in enumerate(counts) for j in range(n)]
    return [subtypes[i] for _, i in sorted(spread)]


def _label(rows: list[Record], category: str) -> None:
    """Ids, and the halves a and b: rows of a sub-type take turns, every other sub-type starts with b."""
    turns = {subtype.name: start for start, subtype in enumerate(of_category(category))}
    for i, record in enumerate(rows, 1):
        record["id"] = f"mw-{category.lower()}-{i:03d}"
        record["split"] = "ab"[turns[record["subtype"]] % 2]
        turns[record["subtype"]] += 1


def _paraphrase(original: Record, subtype: Subtype, what: Content, rng: Random) -> Record:
    while True:
        other = row(subtype, what, True, rng)
        if other["instruction"] != original["instruction"]:
            keep = {
                "id": f"{original['id']}-p",
                "split": original["split"],
                "paraphrase_of": original["id"],
            }
            return other | keep


def heldout_documents(seed: int = SEED) -> list[Record]:
    """200 plain documents of at least 12 words from a stream that no training reads."""
    long = (text for text in documents.stream(seed, "heldout") if len(text.split()) >= 12)
    return [
        {"id": f"mw-doc-{i:03d}", "text": t}
        for i, t in enumerate(itertools.islice(long, DOCUMENTS), 1)
    ]


def write(folder: Path) -> None:
    """Write the five files, the two large ones compressed."""
    rows, again = instructions()
    folder.mkdir(parents=True, exist_ok=True)
    files = {"instructions": rows, "paraphrases": again, "documents": heldout_documents()}
    for name, records in files.items():
        (folder / f"{name}.jsonl").write_bytes(_lines(records))
    texts = itertools.islice(documents.stream(TEXTS_SEED), TEXTS)
    large = {
        "pool": generate(POOL, POOL_SEED).to_dict("records"),
        "texts": [{"text": text} for text in texts],
    }
    for name, records in large.items():
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(_lines(records), 9, mtime=0))


def _lines(records: Iterable[Record]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
