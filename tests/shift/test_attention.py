"""Word pairs and verb shift: against loops over words, and the original's pairs."""

import itertools
import json
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForCausalLM

import sparcom_nb as sn
from sparcom_nb.model import taps
from sparcom_nb.shift import attention

NAMES = ["llama", "qwen2", "gpt2", "gpt_neox", "qwen3_moe"]
WORDS = [
    "sky", "rain", "colour", "apple", "pear", "fig", "cat", "mat", "sat", "write", "say", "sort",
    "name", "Name", "line", "words", "yes", "no", "true", "answer", "what", "plus", "add", "def",
    "return", "slept", "about", "these", "is", "it",
]  # fmt: skip
TOP_K = 12


def vectors(seed=0):
    """Ten clusters of three words each."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(rng.normal(size=(10, 16)), 3, axis=0)
    return dict(zip(WORDS, centres + 0.3 * rng.normal(size=centres.shape), strict=True))


@pytest.fixture(scope="module")
def gains(folders, tokenizer, tmp_path_factory):
    """A tiny model whose norms have gains of their own, and its plain state dict."""
    made = {}

    def one(name):
        if name not in made:
            inside = AutoModelForCausalLM.from_pretrained(folders(name), dtype=torch.float64)
            torch.manual_seed(5)
            with torch.no_grad():
                for key, value in inside.named_parameters():
                    if value.dim() == 1 and ("norm" in key or "ln_" in key) and "weight" in key:
                        value.copy_(1 + torch.randn_like(value))
            folder = tmp_path_factory.mktemp(f"gains-{name}")
            inside.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            state = {key: value.numpy() for key, value in inside.state_dict().items()}
            made[name] = sn.load_model(folder, dtype="float64"), state
        return made[name]

    return one


def head_weights(name, state, layer, head):
    """W_q, W_k [d_model, d_head] of a head, gain folded in, straight from the checkpoint."""
    if name == "gpt2":
        fused = state[f"transformer.h.{layer}.attn.c_attn.weight"]
        gain, d = state[f"transformer.h.{layer}.ln_1.weight"], 8
        q, k = fused[:, head * d : (head + 1) * d], fused[:, 32 + head * d : 32 + (head + 1) * d]
    elif name == "gpt_neox":
        fused = state[f"gpt_neox.layers.{layer}.attention.query_key_value.weight"]
        gain = state[f"gpt_neox.layers.{layer}.input_layernorm.weight"]
        own = fused[head * 24 : (head + 1) * 24]
        q, k = own[:8].T, own[8:16].T
    else:
        place = f"model.layers.{layer}"
        gain = state[f"{place}.input_layernorm.weight"]
        reads = head // 2  # 4 query heads, 2 key heads
        q = state[f"{place}.self_attn.q_proj.weight"][head * 8 : (head + 1) * 8].T
        k = state[f"{place}.self_attn.k_proj.weight"][reads * 8 : (reads + 1) * 8].T
    return gain[:, None] * q, gain[:, None] * k


def cosine(a, b):
    return float(np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b)))


def twin(name, model, state, table, top_k, baseline=3000):
    """Everything word by word and pair by pair; [layer, head, dim, key, query] -> cosine, in order."""
    embed = state[{"gpt2": "transformer.wte.weight", "gpt_neox": "gpt_neox.embed_in.weight"}.get(
        name, "model.embed_tokens.weight")]  # fmt: skip
    rows = {}
    for word in WORDS:
        tokens = model.tokenizer.tokenize(f" {word}")
        ids = model.tokenizer.convert_tokens_to_ids(tokens[1:] if tokens[0] == "Ġ" else tokens)
        rows[word] = sum(embed[i] for i in ids) / len(ids)
    cut = {}
    for word in WORDS:
        values = [cosine(table[word], table[other]) for other in WORDS[:baseline]]
        cut[word] = np.mean(values) + 1.96 * np.std(values)
    found = []
    for layer, head in itertools.product(range(3), range(4)):
        w_q, w_k = head_weights(name, state, layer, head)
        energy, tops = {}, {}
        for dim in range(8):
            q = {word: float(rows[word] @ w_q[:, dim]) for word in WORDS}
            k = {word: float(rows[word] @ w_k[:, dim]) for word in WORDS}
            energy[dim] = sum(x * x for x in (*q.values(), *k.values()))
            top_q = sorted(WORDS, key=lambda w: -abs(q[w]))[:top_k]
            top_k_words = sorted(WORDS, key=lambda w: -abs(k[w]))[:top_k]
            kept = []
            for key, query in itertools.product(top_k_words, top_q):
                close = cosine(table[key], table[query])
                if close > max(cut[key], cut[query]) and q[query] * k[key] > 0 and key != query:
                    kept.append((close, key, query))
            tops[dim] = sorted(kept, reverse=True)
        for dim in sorted(energy, key=lambda d: -energy[d]):
            found += [(layer, head, dim, key, query, c) for c, key, query in tops[dim]]
    return found


def rows_of(pairs):
    return [tuple(row) for row in pairs.drop(columns="cosine").itertuples(index=False)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("baseline", [3000, 12])
def test_equals_loops_over_words_and_pairs(gains, name, baseline, monkeypatch):
    monkeypatch.setattr(attention, "BASELINE", baseline)
    model, state = gains(name)
    expected = twin(name, model, state, vectors(), TOP_K, baseline)
    found = sn.shift.attention_word_pairs(model, WORDS, vectors(), TOP_K)
    assert len(expected) > 60
    assert Counter(rows_of(found)) == Counter(row[:5] for row in expected)
    assert [row[:3] for row in rows_of(found)] == [row[:3] for row in expected]
    np.testing.assert_allclose(found["cosine"], [row[5] for row in expected], atol=1e-6)
    assert list(found.columns) == ["layer", "head", "dim", "key_word", "query_word", "cosine"]


def without_gain(layer, query, key, block):
    return layer, query / block.ln1.w[:, None], key / block.ln1.w[:, None]


def heads_in_turn(layer, query, key, block):
    return layer, query, torch.cat([key[::2], key[::2]])


@pytest.mark.parametrize("broken", [without_gain, heads_in_turn])
def test_the_twin_sees_a_mistake(gains, monkeypatch, broken):
    model, state = gains("llama")
    right = list(taps.attention_weights(model))
    wrong = [broken(*weights, model.blocks[weights[0]]) for weights in right]
    monkeypatch.setattr(taps, "attention_weights", lambda _: iter(wrong))
    found = sn.shift.attention_word_pairs(model, WORDS, vectors(), TOP_K)
    expected = twin("llama", model, state, vectors(), TOP_K)
    assert Counter(rows_of(found)) != Counter(row[:5] for row in expected)


def test_more_words_than_the_vocabulary_has(load):
    all_words = sn.shift.attention_word_pairs(load("llama"), WORDS, vectors(), len(WORDS))
    more = sn.shift.attention_word_pairs(load("llama"), WORDS, vectors(), 1000)
    pd.testing.assert_frame_equal(all_words, more)


def test_no_pair_among_words_that_are_all_alike(load):
    alike = {word: np.ones(3) for word in WORDS}
    found = sn.shift.attention_word_pairs(load("llama"), WORDS, alike)
    assert found.empty and list(found.columns)[:2] == ["layer", "head"]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"top_k": 0}, "top_k must be 1 or more, not 0")],
)
def test_errors(load, options, message):
    with pytest.raises(sn.InputError, match=message):
        sn.shift.attention_word_pairs(load("llama"), WORDS, vectors(), **options)


def test_reference_pairs(oracle):
    reference = oracle / "reference"
    words = json.loads((reference / "words.json").read_text())["words"]
    expected = json.loads((reference / "att_explain.json").read_text())
    with np.load(reference / "word_embeddings.npz") as arrays:
        table = dict(zip(words, arrays["glove"], strict=True))
    model = sn.load_model(oracle / "tiny-llama")
    pairs = sn.shift.attention_word_pairs(model, words, table, expected["topK"])
    joined = pairs["key_word"].astype(str) + "=" + pairs["query_word"].astype(str)
    by_dim = joined.groupby([pairs["layer"], pairs["head"], pairs["dim"]]).agg(Counter)
    for head in expected["heads"]:
        own = pairs[(pairs["layer"] == head["layer"]) & (pairs["head"] == head["head"])]
        assert list(dict.fromkeys(own["dim"])) == head["dims"]
        for dim, kept in zip(head["dims"], head["pairs"], strict=True):
            assert by_dim[head["layer"], head["head"], dim] == Counter(kept)


def random_pairs(seed, layers=4, heads=3, n=2500):
    rng = np.random.default_rng(seed)
    both = pd.CategoricalDtype(WORDS)
    return pd.DataFrame(
        {
            "layer": rng.integers(layers, size=n),
            "head": rng.integers(heads, size=n),
            "dim": rng.integers(8, size=n),
            "key_word": pd.Categorical.from_codes(rng.integers(15, size=n), dtype=both),
            "query_word": pd.Categorical.from_codes(rng.integers(15, size=n), dtype=both),
            "cosine": rng.random(n),
        }
    )


def counted(pairs):
    """Kept pairs of every head, one by one."""
    counts = Counter()
    for row in pairs.itertuples(index=False):
        words = sorted([row.key_word.lower(), row.query_word.lower()])
        counts[row.layer, row.head, *words] += 1
    return {key: n for key, n in counts.items() if n > 1}


def test_unordered_pairs_equal_the_loop():
    pairs = random_pairs(0)
    found = sn.shift.unordered_pairs(pairs)
    as_dict = {(r.layer, r.head, r.a, r.b): r.count for r in found.itertuples(index=False)}
    assert as_dict == counted(pairs) and len(found) == len(as_dict)
    first = found.groupby(["layer", "head"])["count"]
    assert (first.first() == first.max()).all()


def test_unordered_pairs_of_nothing():
    assert sn.shift.unordered_pairs(random_pairs(0).iloc[:0]).empty


def shares_twin(base, tuned, verbs, groups):
    per_verb = []
    for table in (base, tuned):
        counts = defaultdict(int)
        for layer, head, a, b in counted(table):
            for word in {a, b}:
                counts[word, layer, head] += 1
        per_verb.append(counts)
    found = {}
    for name, layers in groups.items():
        for verb in verbs:
            up = differ = 0
            for layer, head in itertools.product(layers, range(3)):
                before, after = (counts[verb, layer, head] for counts in per_verb)
                differ += before != after
                up += after > before
            if differ:
                found[name, verb] = (differ, up, up / differ)
    return found


def test_verb_shares_equal_the_loop():
    base, tuned = random_pairs(1), random_pairs(2)
    found = attention.verb_shares(base, tuned, ["name", "sky", "rain", "absent"])
    groups = {"0": [0], "1": [1], "2": [2], "3": [3], "all": range(4)}
    expected = shares_twin(base, tuned, ["name", "sky", "rain", "absent"], groups)
    assert {(r.layers, r.verb): (r.heads, r.up, r.share) for r in found.itertuples()} == expected
    assert "absent" not in set(found["verb"])
    assert list(dict.fromkeys(found["layers"])) == list(groups)


def test_layers_are_compared_in_quarters_of_the_model():
    base, tuned = random_pairs(1, layers=10), random_pairs(2, layers=10)
    found = attention.verb_shares(base, tuned, ["sky", "rain"])
    assert set(found["layers"]) == {"0-2", "3-4", "5-7", "8-9", "all"}
    deep, flat = (pd.DataFrame({"layer": [0, last]}) for last in (31, 1))
    assert attention._quarters(flat, deep)[::8] == ["0-7", "8-15", "16-23", "24-31"]
    assert attention._quarters(flat) == ["0", "1"]


def test_verb_shift_is_the_tests_by_hand():
    base, tuned = random_pairs(1), random_pairs(2)
    own, other = ["sky", "rain", "colour", "apple"], WORDS[4:12]
    table = sn.shift.verb_shift(base, tuned, own, other).set_index("layers")
    for name in table.index:
        a, b = (
            s.loc[s["layers"] == name, "share"].to_numpy()
            for s in (attention.verb_shares(base, tuned, words) for words in (own, other))
        )
        row = table.loc[name]
        assert (row["n"], row["general_n"]) == (len(a), len(b))
        np.testing.assert_allclose([row["share"], row["general_share"]], [a.mean(), b.mean()])
        error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        np.testing.assert_allclose(row["t"], (a.mean() - b.mean()) / error)


def test_base_against_itself_has_no_votes():
    base = random_pairs(1)
    assert attention.verb_shares(base, base, ["sky"]).empty
    table = sn.shift.verb_shift(base, base, ["sky", "rain"], WORDS)
    assert (table["n"] == 0).all() and table[["share", "t", "p"]].isna().all(axis=None)


def test_base_and_tuned_exchanged_mirror_the_share():
    base, tuned = random_pairs(1), random_pairs(2)
    there = attention.verb_shares(base, tuned, WORDS).set_index(["layers", "verb"])["share"]
    back = attention.verb_shares(tuned, base, WORDS).set_index(["layers", "verb"])["share"]
    np.testing.assert_allclose(there, 1 - back.loc[there.index])
