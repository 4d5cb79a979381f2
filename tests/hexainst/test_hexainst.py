"""HexaInst: the shipped files, their balance, and that every answer holds and wrong ones do not."""

import ast
import importlib.util
import json
import os
import re
import statistics
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import pytest
from judge import judge

import sparcom_nb as sn
from sparcom_nb.rows.checkers import code_of

FOLDER = Path(__file__).parents[2] / "data" / "hexainst"
CATEGORIES = ["CLS", "CODE", "QA", "GEN", "MATH", "SUM"]
FIELDS = [
    "id", "category", "subtype", "instruction", "input", "response", "checker", "source", "split",
    "paraphrase_of",
]  # fmt: skip


def read(name):
    return [json.loads(line) for line in (FOLDER / name).read_text("utf-8").splitlines()]


ROWS = read("hexainst.jsonl")
AGAIN = read("paraphrases.jsonl")
OF = {category: [r for r in ROWS if r["category"] == category] for category in CATEGORIES}


def kind(row):
    return row["checker"].partition(":")[0]


def verdicts_on(pairs):
    """Verdicts on pairs of a row and an output; many of them wait for a subprocess."""
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(lambda p: judge(p[0]["checker"], p[0]["response"], p[1]), pairs))


def five_grams(text):
    found = text.lower().split()
    return {tuple(found[i : i + 5]) for i in range(max(1, len(found) - 4))}


def jaccard(one, two):
    return len(one & two) / len(one | two)


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("hexainst_build", FOLDER / "build" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- the files ----------------------------------------------------------------------------------


def test_a_rebuild_gives_the_shipped_bytes(build):
    rows, again = build.assemble()
    for name, made in (("hexainst", rows), ("paraphrases", again)):
        assert build.as_lines(made).encode() == (FOLDER / f"{name}.jsonl").read_bytes(), (
            f"{name}.jsonl is not what build.py makes: run data/hexainst/build/build.py"
        )


def test_the_tables_of_the_datasheet_are_current(build):
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert set(re.findall(r"<!-- table: (\w+) -->", readme)) == set(build.datasheet.TABLES)
    assert build.datasheet.fill(readme, ROWS) == readme, "run data/hexainst/build/build.py"


def test_rows_have_exactly_the_fields():
    for row in ROWS + AGAIN:
        assert list(row) == FIELDS
        texts = [row[f] for f in FIELDS if f != "paraphrase_of"]
        assert all(isinstance(t, str) and t == t.strip() for t in texts), row["id"]
        assert all(row[f] for f in FIELDS if f not in ("input", "paraphrase_of")), row["id"]
    assert all(row["paraphrase_of"] is None for row in ROWS)


def test_ids_are_unique():
    assert len({row["id"] for row in ROWS + AGAIN}) == 1320


def test_it_loads_by_name():
    rows, again = (sn.load_instructions(n) for n in ("hexainst", "hexainst-paraphrases"))
    assert (len(rows), len(again)) == (1200, 120)
    assert set(again["paraphrase_of"]) <= set(rows["id"])


# --- balance ------------------------------------------------------------------------------------


def test_balance_of_categories_and_sources():
    assert Counter((r["category"], r["source"]) for r in ROWS) == {
        (c, s): 100 for c in CATEGORIES for s in ("authored", "generated")
    }


@pytest.mark.parametrize("category", CATEGORIES)
def test_subtypes(category):
    counts = Counter(row["subtype"] for row in OF[category])
    assert len(counts) >= 20
    assert min(counts.values()) >= 6
    both = [s for s in counts if len({r["source"] for r in OF[category] if r["subtype"] == s}) == 2]
    assert len(both) >= 0.9 * len(counts)


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_two_splits_are_balanced(category):
    def excess(rows):
        count = Counter(row["split"] for row in rows)
        assert set(count) <= {"a", "b"}
        return abs(count["a"] - count["b"])

    for subtype in {row["subtype"] for row in OF[category]}:
        some = [row for row in OF[category] if row["subtype"] == subtype]
        assert excess(some) <= 1
        for source in ("authored", "generated"):
            assert excess([row for row in some if row["source"] == source]) <= 1
    assert excess(OF[category]) <= 10


@pytest.mark.parametrize("category", CATEGORIES)
def test_lengths_are_comparable(category):
    for source in ("authored", "generated", ""):
        counts = [
            len(f"{r['instruction']} {r['input']}".split())
            for r in OF[category]
            if r["source"].startswith(source)
        ]
        cuts = statistics.quantiles(counts, n=10)
        assert 30 <= cuts[4] <= 46, (source, "median")
        assert 58 <= cuts[8] <= 72, (source, "90 %")
        if not source:
            assert 32 <= cuts[4] <= 42


def test_length_does_not_tell_the_category(build):
    assert build.datasheet.guess_by_length(ROWS, ("instruction", "input")) < 0.22


@pytest.mark.parametrize("category", CATEGORIES)
def test_no_near_duplicates(category):
    for texts in (
        [r["instruction"] for r in OF[category]],
        [f"{r['instruction']} {r['input']}" for r in OF[category]],
    ):
        grams = list(map(five_grams, texts))
        assert max(jaccard(a, b) for a, b in combinations(grams, 2)) < 0.5


@pytest.mark.parametrize("category", CATEGORIES)
def test_no_opening_word_dominates(category):
    counts = Counter(r["instruction"].lower().split()[0] for r in OF[category])
    assert max(counts.values()) <= 0.13 * len(OF[category]), counts.most_common(1)


def test_a_summary_is_shorter_than_its_text():
    for row in OF["SUM"]:
        if row["input"]:
            assert len(row["response"].split()) <= 0.6 * len(row["input"].split()), row["id"]


def test_code_requests_name_or_show_their_language():
    shown = {
        "python": r"python|^def |    ",
        "stdout": r"python|print",
        "sql": "sql",
        "shell": "bash|shell|awk|sed|linux|pipeline",
        "regex": "regex|regular expression|pattern",
        "json": "json",
    }
    for row in OF["CODE"] + [r for r in AGAIN if r["category"] == "CODE"]:
        assert re.search(shown[kind(row)], f"{row['instruction']} {row['input']}", re.I), row["id"]


# --- answers ------------------------------------------------------------------------------------


def test_every_answer_of_math_and_code_is_run_and_right():
    rows = OF["MATH"] + OF["CODE"]
    assert not [row["id"] for row in rows if kind(row) == "none"]
    wrong = [
        row["id"]
        for row, verdict in zip(rows, verdicts_on((r, r["response"]) for r in rows), strict=True)
        if verdict is not True
    ]
    assert not wrong


def test_the_other_responses_satisfy_their_checkers():
    rows = [row for c in ("CLS", "QA", "GEN", "SUM") for row in OF[c]]
    for row, verdict in zip(rows, verdicts_on((r, r["response"]) for r in rows), strict=True):
        assert verdict is (None if kind(row) == "none" else True), row["id"]
    assert sum(kind(row) == "none" for row in rows) <= 12


def test_an_empty_answer_is_always_wrong():
    rows = [row for row in ROWS if kind(row) != "none"]
    assert not any(verdicts_on((row, "") for row in rows))


def test_every_other_label_is_refused():
    for row in ROWS:
        if kind(row) == "label":
            labels = row["checker"].partition(":")[2].split("|")
            accepted = [x for x in labels if judge(row["checker"], row["response"], x)]
            assert len(labels) >= 2 and len(accepted) == 1, row["id"]


def test_another_number_is_refused():
    for row in ROWS:
        if kind(row) == "number":
            value = float(re.findall(r"-?\d[\d,]*(?:\.\d+)?", row["response"])[-1].replace(",", ""))
            for wrong in (value * 1.01 + 1, -value - 1, value * 10 + 1):
                assert not judge(row["checker"], row["response"], f"{wrong:.6f}")


def test_numbers_are_computed_not_copied():
    rows = [row for row in OF["MATH"] if kind(row) == "number"]
    bare = [r["id"] for r in rows if re.fullmatch(r"number:-?[\d.,]+", r["checker"])]
    assert not bare


@pytest.mark.parametrize(
    ("wanted", "least"),
    [
        ("number", 0.97), ("value", 0.9), ("python", 0.98), ("sql", 0.98), ("json", 1), ("regex", 0.98),
        ("shell", 1), ("stdout", 1), ("label", 0.9), ("contains", 0.95),
    ],
)  # fmt: skip
def test_the_answer_to_another_row_is_refused(wanted, least):
    rows = [row for row in ROWS if kind(row) == wanted]
    pairs = []
    for row in rows:
        near = [r for r in rows if r["subtype"] == row["subtype"] and r is not row]
        start = sum(map(ord, row["id"])) % max(1, len(near))
        pairs += [(row, other["response"]) for other in (near[start:] + near[:start])[:1]]
    verdicts = verdicts_on(pairs)
    assert sum(v is False for v in verdicts) >= least * len(verdicts), Counter(verdicts)


SWAPS = [
    (ast.Lt, ast.GtE), (ast.Gt, ast.LtE), (ast.Eq, ast.NotEq), (ast.In, ast.NotIn),
    (ast.Is, ast.IsNot), (ast.Add, ast.Sub), (ast.Mult, ast.Add), (ast.FloorDiv, ast.Mult),
    (ast.Div, ast.Mult), (ast.Mod, ast.Mult),
]  # fmt: skip
OTHER = {b: a for a, b in reversed(SWAPS)} | dict(SWAPS)


class Mutant(ast.NodeTransformer):
    """Changes the first comparison, arithmetic operator or number of a program."""

    done = False

    def generic_visit(self, node):
        if not self.done and type(node) in OTHER:
            self.done = True
            return OTHER[type(node)]()
        if not self.done and isinstance(node, ast.Constant) and type(node.value) is int:
            self.done = True
            return ast.Constant(node.value + 1)
        return super().generic_visit(node)


def test_asserts_catch_broken_programs():
    pairs = []
    for row in OF["CODE"]:
        if kind(row) == "python":
            mutant = Mutant()
            tree = mutant.visit(ast.parse(code_of(row["response"])))
            if mutant.done:
                pairs.append((row, ast.unparse(ast.fix_missing_locations(tree))))
    verdicts = verdicts_on(pairs)
    assert len(pairs) >= 80
    assert sum(v is False for v in verdicts) >= 0.9 * len(verdicts), [
        row["id"] for (row, _), v in zip(pairs, verdicts, strict=True) if v
    ]


# --- paraphrases --------------------------------------------------------------------------------


def test_paraphrases_reword_and_keep_the_rest():
    assert Counter(row["category"] for row in AGAIN) == dict.fromkeys(CATEGORIES, 20)
    assert len({row["paraphrase_of"] for row in AGAIN}) == 120
    originals = {row["id"]: row for row in ROWS}
    same = ["category", "subtype", "input", "response", "checker", "split"]
    for row in AGAIN:
        original = originals[row["paraphrase_of"]]
        assert [row[f] for f in same] == [original[f] for f in same], row["id"]
        assert jaccard(*(five_grams(r["instruction"]) for r in (row, original))) < 0.3, row["id"]
        lengths = [len(r["instruction"].split()) for r in (row, original)]
        assert max(lengths) <= 2.5 * min(lengths) + 6, row["id"]


@pytest.mark.parametrize("category", CATEGORIES)
def test_paraphrases_cover_subtypes_and_sources(category):
    originals = {row["id"]: row for row in ROWS}
    some = [originals[r["paraphrase_of"]] for r in AGAIN if r["category"] == category]
    assert len({row["subtype"] for row in some}) >= 15
    assert 8 <= sum(row["source"] == "authored" for row in some) <= 12
