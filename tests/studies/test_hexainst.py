"""What the text alone gives away, against sets and where the truth is known."""

import numpy as np
import pandas as pd
from worlds.hexainst import alike

from sparcom_nb.studies import hexainst
from sparcom_nb.studies.hexainst import guessed, nearest_wording, wording_overlap


def table(n_categories=3, n_subtypes=4, n=6):
    made = [
        (f"c{c}", f"s{s}") for c in range(n_categories) for s in range(n_subtypes) for _ in range(n)
    ]
    return pd.DataFrame(made, columns=["category", "subtype"])


def test_length_that_tells_is_seen():
    rows = table()
    lengths = 10.0 * (1 + rows["category"].factorize()[0])
    found = guessed("Length tells.", alike(lengths), rows, 199)
    assert found.value > 0.95 and found.verdict == "shows" and found.null_mean < 0.5


def test_guesses_are_those_of_a_loop():
    rows, rng = table(2, 3, 4), np.random.default_rng(1)
    lengths = rng.normal(size=24)
    unit, right = (rows["category"] + rows["subtype"]).to_numpy(), {"c0": [], "c1": []}
    for i in range(24):
        others = sorted(
            (j for j in range(24) if unit[j] != unit[i]), key=lambda j: abs(lengths[i] - lengths[j])
        )
        votes = rows["category"][others[:15]].to_list()
        guess = max(["c0", "c1"], key=votes.count)
        right[rows["category"][i]].append(guess == rows["category"][i])
    expected = np.mean([np.mean(one) for one in right.values()])
    assert guessed("Length tells.", alike(lengths), rows, 9).value == expected


def test_study_of_a_few_rows():
    rows = pd.DataFrame(
        {
            "id": list("abcdef"), "category": ["QA", "QA", "QA", "SUM", "SUM", "SUM"],
            "subtype": ["s", "s", "t", "u", "v", "v"], "checker": "none",
            "instruction": [f"say the {n} words of the day" for n in range(6)], "tokens": range(1, 7),
        }
    )  # fmt: skip
    results = hexainst.study(rows, 19)
    assert results.findings["length"].verdict == "cannot be told"  # 19 draws
    assert results.numbers["instructions"]["value"] == 6
    assert "checker" not in results.tables["rows"]


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
