"""Heads against chance and each other, and verbs: against loops, and on nothing."""

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch

import sparcom_nb as sn
from sparcom_nb.evidence import NOT, SHOWS, UNTOLD, Clusters
from sparcom_nb.shift.attention import close_words, unordered_pairs
from sparcom_nb.shift.words import word_embeddings
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


def test_heads_of_one_model_twice_and_of_none():
    layers = Clusters.by(np.repeat(range(3), 3), "layer")
    same = overlap(random_pairs(0), random_pairs(0))
    found = attention.overlap_findings({"tuned": same, "placebo": same}, layers, 0)
    assert found["changed"].verdict == UNTOLD and found["changed"].value == 0  # nothing spreads
    nothing = overlap(random_pairs(0).iloc[:0], random_pairs(0).iloc[:0])
    found = attention.overlap_findings({"tuned": nothing}, layers, 0)
    assert {one.verdict for one in found.values()} == {UNTOLD}


def test_counts_of_the_control_are_those_of_the_method(load):
    """Without a turn, the quick count is the number of rows of the method."""
    words, table, model = PLAIN, vectors(), load("llama")
    pairs = sn.shift.attention_word_pairs(model, words, table, 5)
    embedded = torch.from_numpy(word_embeddings(model, words).to_numpy())
    static = torch.from_numpy(np.stack(list(table.values())).astype(np.float32))
    counts = list(attention.pair_counts(model, embedded, close_words(static) > -torch.inf, 5))
    rows = pairs.groupby(["layer", "head"]).size().unstack(fill_value=0).to_numpy().ravel()
    assert counts == rows.tolist() and sum(counts) > 0
    turned = attention.turned_counts(model, words, table, 5, 3, 0)
    assert turned.shape == (3, 12) and not (turned[0] == counts).all()


def test_head_words_rank_by_what_other_heads_do_not_hold():
    pairs = random_pairs(2)
    found = attention.head_words(unordered_pairs(pairs), 1, 2, top=4)
    kept = kept_sets(pairs)
    mean = {pair: sum(k.get(pair, 0) for k in kept.values()) / 6 for pair in kept[1, 2]}
    best = sorted((n - mean[pair] for pair, n in kept[1, 2].items()), reverse=True)[:4]
    np.testing.assert_allclose(found["dimensions"] - found["elsewhere"], best, atol=0.051)


def test_verbs_of_which_too_few_vote_cannot_be_told():
    shares = pd.DataFrame(
        {"verb": ["say", "run", "go"], "share": 0.5, "instruction": [True, False, False]}
    )
    few = attention.verb_findings(shares, 0)
    assert {one.verdict for one in few.values()} == {UNTOLD}


def test_a_study_of_a_model_with_itself_sees_no_change(load, tmp_path):
    words, table = PLAIN, vectors()
    model = load("llama")
    models = {"base": model, "tuned": model}
    pairs = {name: sn.shift.attention_word_pairs(model, words, table, 8) for name in models}
    found = attention.study(models, pairs, words, table, 8, draws=5)
    assert found.findings["verbs"].verdict == found.findings["changed"].verdict == UNTOLD
    assert found.findings["kept"].verdict in (SHOWS, NOT)
    found.save(tmp_path)
