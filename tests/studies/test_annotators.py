"""Annotation of concepts: the lexicon against a loop, its errors."""

import json
from math import comb

import numpy as np
import pandas as pd
import pytest

import sparcom_nb as sn
from sparcom_nb.studies.annotators import (
    CANNOT_TELL,
    LEVELS,
    LEXICON,
    TASKS,
    Annotation,
    Lexicon,
    annotate,
)

ANIMALS = ["cat", "dog", "cow", "pig", "hen", "fox"]
COLOURS = ["red", "blue", "green", "grey"]
FILLER = [f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(90)]
VOCABULARY = [*ANIMALS, *COLOURS, *FILLER]
LINES = [
    {"concept": "animals", "task": "none", "level": "semantic", "words": [*ANIMALS, "eel"]},
    {"concept": "colours", "task": "writing", "level": "semantic", "words": COLOURS},
    {"concept": "starts with c", "task": "none", "level": "phonology", "pattern": "^c"},
]


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def lexicon(tmp_path):
    return Lexicon(VOCABULARY, write(tmp_path / "own.jsonl", LINES))


def twin(words, alpha=0.05, least=3):
    """Sum of binomial ratios, list by list."""
    found = []
    for line in LINES[:2]:
        k = len(set(words) & set(line["words"]))
        size, n, total = len(set(line["words"]) & set(VOCABULARY)), len(set(words)), len(VOCABULARY)
        ways = sum(comb(size, i) * comb(total - size, n - i) for i in range(k, min(n, size) + 1))
        found.append((3 * ways / comb(total, n) if k >= least else 9, line["concept"]))
    p, name = min(found)
    return name if p <= alpha else CANNOT_TELL


def test_lexicon_equals_the_twin(lexicon):
    rng = np.random.default_rng(0)
    named = []
    for n in range(200):
        from_list = rng.choice(VOCABULARY[:10], size=n % 7, replace=False)
        words = [*from_list, *rng.choice(FILLER, size=15 - n % 7, replace=False)]
        assert lexicon(words).concept == twin(words), words
        named.append(lexicon(words).concept)
    assert set(named) == {"animals", "colours", CANNOT_TELL}


def test_a_name_comes_with_its_task_and_level(lexicon):
    assert lexicon([*COLOURS, *FILLER[:11]]) == Annotation("colours", "writing", "semantic")
    assert lexicon(FILLER[:15]) == Annotation("cannot tell", "none", "none")


def test_a_word_said_twice_counts_once(lexicon):
    assert lexicon(["cat", "dog"] * 6 + FILLER[:3]).concept == CANNOT_TELL


def test_lower_case_entries_fit_any_case_and_capitals_only_themselves(tmp_path):
    line = {"concept": "x", "task": "none", "level": "semantic", "words": ["fox", "June"]}
    made = Lexicon(["fox", "Fox", "June", "june"], write(tmp_path / "x.jsonl", [line]))
    assert made.member.tolist() == [[True, True, True, False]]


def test_what_is_not_a_lexicon_is_named(tmp_path):
    good = LINES[0]
    for wrong, said in [
        ({"concept": "a"}, "2: not a concept .*'task'"),
        (good | {"task": "cooking"}, "unknown task 'cooking'"),
        (good | {"level": "none"}, "unknown level 'none'"),
        (good | {"words": "cat"}, "words must be a list"),
        ({**LINES[2], "pattern": "("}, "not a concept"),
        (["animals"], "a JSON object is expected"),
    ]:
        path = write(tmp_path / "bad.jsonl", [good, wrong])
        with pytest.raises(sn.InputError, match=said) as error:
            Lexicon(VOCABULARY, path)
        assert f"{path}:2" in str(error.value)
    with pytest.raises(sn.InputError, match="no rows"):
        Lexicon(VOCABULARY, write(tmp_path / "empty.jsonl", []))


def test_the_shipped_lexicon_is_sound():
    said = Lexicon(VOCABULARY).names
    assert len({one.concept for one in said}) == len(said) > 100
    assert {one.level for one in said} == set(LEVELS)
    assert {one.task for one in said} == {*TASKS, "none"}
    for line in LEXICON.read_text(encoding="utf-8").splitlines():
        words = json.loads(line).get("words", [])
        assert len(set(words)) == len(words) and all(w.strip() == w != "" for w in words)


def test_the_shipped_lexicon_names_what_a_reader_would():
    animals = ["cat", "dog", "horse", "cow", "pig", "goat"]
    code = ["def", "return", "import", "while", "else", "elif"]
    vocabulary = [*animals, *code, "seven", "eight", "red", "blue", "is", "are", *FILLER]
    lexicon = Lexicon(vocabulary)
    assert lexicon([*animals, *FILLER[:9]]).concept == "animals"
    said = lexicon([*code, *FILLER[:9]])
    assert (said.task, said.level) == ("coding", "semantic")


def concepts(words_of):
    """A table of concepts: words by (layer, component)."""
    return pd.DataFrame(
        [
            {"layer": layer, "component": c, "explained": 0.1, "word": word, "rank": n + 1, "score": 0.5}
            for (layer, c), words in words_of.items()
            for n, word in enumerate(words)
        ]
    )  # fmt: skip


@pytest.fixture
def table():
    return concepts(
        {
            (0, 0): [*ANIMALS, *FILLER[:14]],
            (0, 1): FILLER[20:40],
            (1, 0): [*FILLER[40:51], *COLOURS, *ANIMALS],
            (1, 1): [*FILLER[60:75], *ANIMALS],
        }
    )


def test_only_the_first_words_and_components_count(table, lexicon):
    made = annotate(table, lexicon)
    assert list(made) == ["layer", "component", "run", "concept", "task", "level"]
    assert made["concept"].tolist() == ["animals", CANNOT_TELL, "colours", CANNOT_TELL]
    assert annotate(table, lexicon, rank=1)["component"].tolist() == [0, 0]


def test_experts_and_poles_are_components_of_their_own(table, lexicon):
    table.insert(1, "expert", table["component"])
    table.insert(3, "pole", "+")
    made = annotate(table, lexicon)
    assert list(made)[:4] == ["layer", "expert", "component", "pole"] and len(made) == 4


def test_random_words_are_hardly_ever_explained():
    """The false alarms of the shipped lexicon stay near what its alpha promises."""
    lines = map(json.loads, LEXICON.read_text(encoding="utf-8").splitlines())
    vocabulary = sorted({word for line in lines for word in line.get("words", [])})
    lexicon, rng = Lexicon(vocabulary), np.random.default_rng(0)
    named = [lexicon(list(rng.choice(vocabulary, 15, replace=False))).concept for _ in range(600)]
    assert np.mean(np.array(named) != CANNOT_TELL) <= 0.05
