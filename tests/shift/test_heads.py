"""Counts and overlaps of heads' word pairs, against loops."""

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest

import sparcom_nb as sn

WORDS = ["sky", "rain", "Rain", "fig", "pear", "cat"]


def random_pairs(seed, n=900, last=2):
    rng = np.random.default_rng(seed)
    spelled = pd.CategoricalDtype(WORDS)
    key, query = rng.integers(len(WORDS), size=(2, n))
    return pd.DataFrame(
        {
            "layer": rng.integers(last, size=n), "head": rng.integers(3, size=n),
            "dim": rng.integers(8, size=n), "cosine": rng.random(n),
            "key_word": pd.Categorical.from_codes(key, dtype=spelled),
            "query_word": pd.Categorical.from_codes(query, dtype=spelled),
        }
    )  # fmt: skip


def kept_sets(pairs):
    counts = Counter(
        (r.layer, r.head, *sorted([r.key_word.lower(), r.query_word.lower()]))
        for r in pairs.itertuples()
    )
    return {
        (layer, head): {(a, b): n for (x, y, a, b), n in counts.items()
                        if (x, y) == (layer, head) and n > 1}
        for layer, head in itertools.product(range(3), range(3))
    }  # fmt: skip


def test_pairs_per_head_is_a_mean_over_tables():
    one, two = random_pairs(0), random_pairs(1)
    found = sn.shift.pairs_per_head({"one": [one], "mean": [one, two]}, 3, 3)
    for row in found.itertuples():
        counts = [((t["layer"] == row.layer) & (t["head"] == row.head)).sum() for t in (one, two)]
        assert (row.one, row.mean) == (counts[0], sum(counts) / 2)
    assert len(found) == 9 and (found.loc[found["layer"] == 2, "one"] == 0).all()


def test_head_ratio():
    counts = pd.DataFrame({"true": [9, 19, 39, 9], "control": [4, 9, 19, 4]})
    found = sn.shift.head_ratio(counts, "true", "control")
    assert found["value"] == pytest.approx(2) and found["n"] == 4
    assert found["low"] == pytest.approx(2) and found["high"] == pytest.approx(2)


def test_head_overlap_equals_the_loop():
    base, tuned = random_pairs(0, 60), random_pairs(1, 60)
    found = sn.shift.head_overlap(base, tuned, 3, 3).set_index(["layer", "head"])
    before, after = kept_sets(base), kept_sets(tuned)

    def jaccard(a, b):
        return len(a.keys() & b.keys()) / len(a.keys() | b.keys()) if a or b else np.nan

    for place, row in found.iterrows():
        assert row["jaccard"] == pytest.approx(jaccard(before[place], after[place]), nan_ok=True)
        others = [jaccard(before[place], after[p]) for p in after if p != place]
        assert row["other"] == pytest.approx(np.nanmean(others) if before[place] else 0)
    assert 0 < found["jaccard"].mean() < 1


def test_head_overlap_of_a_model_with_itself_and_of_nothing():
    base = random_pairs(0)
    same = sn.shift.head_overlap(base, base, 2, 3)
    assert (same["jaccard"] == 1).all() and (same["other"] <= 1).all()
    nothing = sn.shift.head_overlap(base.iloc[:0], base.iloc[:0], 2, 3)
    assert nothing[["jaccard", "other"]].isna().all(axis=None)
    assert sn.shift.mean_overlap(nothing["jaccard"])["n"] == 0
    assert sn.shift.mean_overlap(same["jaccard"])["value"] == 1


def test_head_words_rank_by_what_other_heads_do_not_hold():
    pairs = random_pairs(0)
    found = sn.shift.head_words(sn.shift.unordered_pairs(pairs), 1, 2, top=4)
    kept = kept_sets(pairs)
    own = kept[1, 2]
    mean = {pair: sum(k.get(pair, 0) for k in kept.values()) / 6 for pair in own}
    best = sorted((own[pair] - mean[pair] for pair in own), reverse=True)[:4]
    np.testing.assert_allclose(found["dimensions"] - found["elsewhere"], best)
    assert {tuple(pair.split(" · ")) for pair in found["pair"]} <= set(own)


def test_head_changes_stand_side_by_side():
    kept = sn.shift.unordered_pairs(random_pairs(0))
    found = sn.shift.head_changes({"base": kept, "tuned": kept.iloc[:0]}, 0, 0, top=5)
    assert list(found.columns) == ["base", "tuned"] and len(found) == 5
    assert (found["tuned"] == "").all() and found["base"].str.contains(" · ").all()


def test_shuffled_vectors_stay_in_their_band():
    vectors = {f"w{n}": np.array([float(n)]) for n in range(40)}
    found = sn.shift.shuffle_vectors(vectors, seed=1, band=10)
    values = np.array([row[0] for row in found.values()])
    assert list(found) == list(vectors)
    assert ((values // 10).astype(int) == np.arange(40) // 10).all()
    assert sorted(values) == list(range(40)) and (values != np.arange(40)).sum() > 20


def test_nearest_words():
    vectors = {"a": np.array([1, 0.0]), "b": np.array([0.9, 0.1]), "c": np.array([0, 1.0])}
    found = sn.shift.nearest_words(vectors, ["a", "c"], n=1)
    assert found.to_dict("list") == {"word": ["a", "c"], "nearest": ["b", "b"]}
