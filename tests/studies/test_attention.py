"""Heads against chance and each other, and verbs: against loops, calibrated, and on nothing."""

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import sparcom_nb as sn
from sparcom_nb.evidence import LEVEL, NOT, SHOWS, UNTOLD
from sparcom_nb.shift.attention import unordered_pairs
from sparcom_nb.studies import attention

PLAIN = [
    "sky", "rain", "colour", "apple", "pear", "fig", "cat", "mat", "sat", "write", "say", "sort",
    "name", "line", "words", "yes", "no", "true", "answer", "what", "plus", "add", "def", "return",
]  # fmt: skip
WORDS = ["sky", "rain", "Rain", "fig", "pear", "cat"]


def vectors():
    """Eight clusters of three words each."""
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=(8, 16)), 3, axis=0)
    return dict(zip(PLAIN, centres + 0.3 * rng.normal(size=centres.shape), strict=True))


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


def overlap(base, tuned):
    return attention.overlap(unordered_pairs(base), unordered_pairs(tuned), 3, 3)


def test_overlap_equals_the_loop():
    base, tuned = random_pairs(0, 60), random_pairs(1, 60)
    found, (before, after) = overlap(base, tuned), (kept_sets(base), kept_sets(tuned))
    for (n, a), (m, b) in itertools.product(enumerate(before.values()), enumerate(after.values())):
        expected = len(a.keys() & b.keys()) / len(a.keys() | b.keys()) if a or b else np.nan
        assert found[n, m] == pytest.approx(expected, nan_ok=True)
    others = attention.off_diagonal(found)
    assert others[0] == pytest.approx(np.nanmean(found[0, 1:]))


def test_heads_of_one_model_twice_and_of_none():
    heads = attention.of_heads(3, 3)
    same = overlap(random_pairs(0), random_pairs(0))
    found = attention.overlap_findings({"tuned": same, "placebo": same}, heads, 0)
    assert found["changed"].verdict == NOT and found["changed"].value == 0
    nothing = overlap(random_pairs(0).iloc[:0], random_pairs(0).iloc[:0])
    found = attention.overlap_findings({"tuned": nothing}, heads, 0)
    assert {one.verdict for one in found.values()} == {UNTOLD}


def test_counts_of_the_controls_are_those_of_the_method(load):
    """With the true vectors and no turn, the quick count is the number of rows of the method."""
    words, table = PLAIN, vectors()
    model = load("llama")
    pairs = sn.shift.attention_word_pairs(model, words, table, 5)
    embedded = attention.torch.from_numpy(attention.word_embeddings(model, words).to_numpy())
    cosine = attention.close_words(attention.stacked(table, words))
    counts = attention.counted(attention.led(model, embedded, 5), cosine)
    assert counts == attention.per_head(pairs, 3, 4).tolist() and sum(counts) > 0
    turned = attention.turned_counts(model, words, table, 5, 3, 0)
    mixed = attention.shuffled_counts(model, words, table, 5, 3, 0)
    assert turned.shape == mixed.shape == (3, 12) and not (turned[0] == counts).all()


def test_head_words_rank_by_what_other_heads_do_not_hold():
    pairs = random_pairs(2)
    found = attention.head_words(unordered_pairs(pairs), 1, 2, top=4)
    kept = kept_sets(pairs)
    mean = {pair: sum(k.get(pair, 0) for k in kept.values()) / 6 for pair in kept[1, 2]}
    best = sorted((n - mean[pair] for pair, n in kept[1, 2].items()), reverse=True)[:4]
    np.testing.assert_allclose(found["dimensions"] - found["elsewhere"], best, atol=0.051)


def test_nearest():
    vectors = {"a": np.array([1, 0.0]), "b": np.array([0.9, 0.1]), "c": np.array([0, 1.0])}
    found = attention.nearest(vectors, ["a", "c"], n=1)
    assert found.to_dict("list") == {"word": ["a", "c"], "nearest": ["b", "b"]}


def verbs(rng, lift=0.0, own=20, others=40):
    share = np.clip(rng.integers(1, 12, size=own + others) / 12, 0, 1)
    instruction = np.arange(own + others) < own
    share = np.clip(share + lift * instruction, 0, 1)
    names = [f"v{n}" for n in range(own + others)]
    return pd.DataFrame({"verb": names, "share": share, "instruction": instruction})


def test_false_positives_and_power_of_the_verb_tests(monkeypatch):
    monkeypatch.setattr(attention, "DRAWS", 199)
    rng = np.random.default_rng(0)
    none = [attention.verb_findings(verbs(rng), n) for n in range(400)]
    for name in ("verbs", "half"):
        p = np.array([one[name].p for one in none])
        assert (p <= LEVEL).sum() <= binom.ppf(0.999, 400, LEVEL), name
    covered = np.mean([one["verbs"].low <= 0 <= one["verbs"].high for one in none])
    assert 0.92 <= covered <= 0.97
    there = [attention.verb_findings(verbs(rng, 0.3), n)["verbs"] for n in range(60)]
    assert np.mean([one.p <= LEVEL for one in there]) > 0.8


def test_verbs_of_which_too_few_vote_cannot_be_told():
    few = attention.verb_findings(verbs(np.random.default_rng(0), own=1), 0)
    assert {one.verdict for one in few.values()} == {UNTOLD}


def test_false_positives_and_power_of_more_pairs():
    """Heads keep numbers of pairs that have nothing to do with the vectors, or 15 % more."""
    rng, heads = np.random.default_rng(1), attention.of_heads(4, 4)
    p, strong = [], []
    for _ in range(400):
        rate = rng.uniform(200, 900, size=16)
        draws = rng.poisson(rate * rng.normal(1, 0.03, size=(40, 1)))
        p.append(attention.more_pairs("c", draws[0], draws[1:], heads).p)
        strong.append(attention.more_pairs("c", draws[0] * 1.15, draws[1:], heads).p)
    assert (np.array(p) <= LEVEL).sum() <= binom.ppf(0.999, 400, LEVEL)
    assert np.mean(np.array(strong) <= LEVEL) > 0.8


def test_a_study_of_a_model_with_itself_sees_no_change(load, tmp_path):
    words, table = PLAIN, vectors()
    model = load("llama")
    models = {"base": model, "tuned": model}
    pairs = {name: sn.shift.attention_word_pairs(model, words, table, 8) for name in models}
    found = attention.study(models, pairs, words, table, 8, draws=5)
    assert found.findings["verbs"].verdict == found.findings["changed"].verdict == UNTOLD
    assert found.findings["kept"].verdict in (SHOWS, NOT)
    found.save(tmp_path)
