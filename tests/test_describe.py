"""What the text gives away without a model."""

import numpy as np
import pandas as pd

from sparcom_nb.describe import guess_from_length, nearest_wording, wording_overlap


def labels(n_categories=3, n_subtypes=5, n_rows=8):
    category = np.repeat([f"c{k}" for k in range(n_categories)], n_subtypes * n_rows)
    subtype = np.tile(np.repeat([f"s{k}" for k in range(n_subtypes)], n_rows), n_categories)
    return category, subtype


def test_length_that_tells_is_found():
    category, subtype = labels()
    lengths = 10 * (1 + np.unique(category, return_inverse=True)[1]) ** 2
    guess = guess_from_length(lengths, category, subtype, draws=19)
    assert guess["accuracy"] > 0.95 and guess["p"] == 0.05 and guess["null_mean"] < 0.5


def test_length_that_does_not_tell_is_not():
    category, subtype = labels()
    p = [
        guess_from_length(
            np.random.default_rng(n).integers(5, 80, len(category)), category, subtype, 19
        )["p"]
        for n in range(10)
    ]
    assert np.mean(np.array(p) <= 0.05) <= 0.3


def test_length_of_a_subtype_is_not_length_of_a_category():
    """Each sub-type has a length of its own; whole sub-types are held out, so nothing is learned."""
    category, subtype = labels(3, 10, 6)
    names = np.char.add(category, subtype)
    rng = np.random.default_rng(0)
    length_of = dict(zip(np.unique(names), rng.permutation(np.arange(30)) * 7 + 5, strict=True))
    lengths = np.array([length_of[name] for name in names])
    assert guess_from_length(lengths, category, subtype, draws=19)["accuracy"] < 0.6


def test_nearest_wording_against_sets():
    texts = [
        "please add the numbers three and four now",
        "please add the numbers three and five now",
        "write a short poem about the sea at night",
        "short text",
    ]
    data = pd.DataFrame({"category": ["A", "A", "A", "A"], "instruction": texts})
    found = nearest_wording(data)

    def grams(text):
        words = text.split()
        return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}

    for i, text in enumerate(texts):
        best = 0.0
        for j, other in enumerate(texts):
            union = grams(text) | grams(other)
            if i != j and union:
                best = max(best, len(grams(text) & grams(other)) / len(union))
        assert found[i] == best
    assert found[0] > 0 and found[2] == 0


def test_wording_overlap_of_short_and_repeated_texts():
    found = wording_overlap(["Say  hello", "say hello", "say goodbye", "a b a b a b a b a b"])
    np.testing.assert_array_equal(found[:3, :3], [[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    assert found[3, 3] == 1 and found[3, 0] == 0
