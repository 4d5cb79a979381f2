"""Annotation of concepts: the lexicon against a loop, its errors."""

import json
from math import comb

import numpy as np
import pandas as pd
import pytest

import sparcom_nb as sn
from sparcom_nb.files import shipped
from sparcom_nb.studies.annotators import (
    CANNOT_TELL,
    LEVELS,
    TASKS,
    Annotation,
    Lexicon,
    annotate,
    checked,
    read_lexicon,
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
    (entry,) = read_lexicon(write(tmp_path / "x.jsonl", [line]))
    assert [entry.fits(w) for w in ("fox", "Fox", "June", "june")] == [True, True, True, False]


def test_what_is_not_a_lexicon_is_named(tmp_path):
    good = LINES[0]
    for wrong, said in [
        ({"concept": "a"}, "2: not a concept .no 'task'"),
        (good | {"task": "cooking"}, "unknown task 'cooking'"),
        (good | {"level": "none"}, "unknown level 'none'"),
        (good | {"pattern": "x"}, "either words or a pattern"),
        (good | {"words": "cat"}, "words must be a list"),
        ({**LINES[2], "pattern": "("}, "not a concept"),
        (["animals"], "not a concept"),
    ]:
        path = write(tmp_path / "bad.jsonl", [good, wrong])
        with pytest.raises(sn.InputError, match=said) as error:
            read_lexicon(path)
        assert f"{path}:2" in str(error.value)
    with pytest.raises(sn.InputError, match="no concepts"):
        read_lexicon(write(tmp_path / "empty.jsonl", []))


def test_a_word_outside_the_vocabulary_is_named(lexicon):
    with pytest.raises(sn.InputError, match="'zebra' is not in the vocabulary"):
        lexicon(["zebra"])


def test_the_shipped_lexicon_is_sound():
    path = shipped("data") / "lexicon" / "concepts.jsonl"
    entries = read_lexicon(path)
    names = [entry.annotation.concept for entry in entries]
    assert len(set(names)) == len(names) > 100
    assert {e.annotation.level for e in entries} == set(LEVELS)
    assert {e.annotation.task for e in entries} == {*TASKS, "none"}
    for line in path.read_text(encoding="utf-8").splitlines():
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


def test_it_always_says_the_same(table, lexicon, tmp_path):
    again = Lexicon(VOCABULARY, write(tmp_path / "again.jsonl", LINES))
    pd.testing.assert_frame_equal(annotate(table, lexicon), annotate(table, again))
    runs = annotate(table, lexicon, runs=2)
    assert runs["run"].tolist() == [0, 1] * 4
    assert (
        annotate(table, lexicon)["concept"].to_numpy()
        == runs["concept"].to_numpy().reshape(-1, 2).T
    ).all()


def test_experts_and_poles_are_components_of_their_own(table, lexicon):
    table.insert(1, "expert", table["component"])
    table.insert(3, "pole", "+")
    made = annotate(table, lexicon)
    assert list(made)[:4] == ["layer", "expert", "component", "pole"] and len(made) == 4


def test_random_words_are_hardly_ever_explained():
    """The false alarms of the shipped lexicon stay near what its alpha promises."""
    entries = read_lexicon(shipped("data") / "lexicon" / "concepts.jsonl")
    vocabulary = sorted(set().union(*(entry.words for entry in entries)))
    lexicon, rng = Lexicon(vocabulary), np.random.default_rng(0)
    named = [lexicon(list(rng.choice(vocabulary, 15, replace=False))).concept for _ in range(600)]
    assert np.mean(np.array(named) != CANNOT_TELL) <= 0.05


def test_a_concept_is_one_printable_line():
    assert checked("a\n<b>\x07 c", "math", "syntax").concept == "a <b> c"
    assert checked("Cannot tell.", None, None) == Annotation()
    assert checked("  ", "math", "syntax") == Annotation()
    with pytest.raises(ValueError, match="unknown level None"):
        checked("x", "math", None)
