"""Names against random directions, and rotation against changes of equal size."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binom, binomtest

import sparcom_nb as sn
from sparcom_nb.evidence import LEVEL, NOT, UNTOLD
from sparcom_nb.shift.concepts import networks
from sparcom_nb.shift.rotation import rotation_of
from sparcom_nb.studies import concepts
from sparcom_nb.studies.annotators import Annotation, annotate

SOME = ["math/semantic", "", "none/syntax", "coding/semantic", "", "", "", "none/semantic"]


def annotated(said, run=0):
    """A row a component: each is "" (cannot tell) or task/level."""
    rows = []
    for n, one in enumerate(said):
        task, _, level = one.partition("/")
        what = {"concept": "x", "task": task, "level": level} if one else {
            "concept": "cannot tell", "task": "none", "level": "none"
        }  # fmt: skip
        rows.append({"layer": n % 2, "component": n // 2, "run": run} | what)
    return pd.DataFrame(rows)


def test_shares_are_counted():
    table = concepts.shares({"base": annotated(SOME)}).set_index("what")
    assert list(table.index) == list(concepts.WHAT)
    assert table["share"]["explained"] == 0.5 and table["share"]["semantic"] == 3 / 8
    assert table["share"]["math"] == 1 / 8 and table["share"]["writing"] == 0
    ends = binomtest(4, 8).proportion_ci(method="wilson")
    assert (table["low"]["explained"], table["high"]["explained"]) == (ends.low, ends.high)
    layers = concepts.shares({"base": annotated(SOME)}, ["layer"])
    assert layers.query("what == 'explained'")["n"].tolist() == [4, 4]


def test_most_runs_decide():
    three = pd.concat([annotated(SOME, 0), annotated(SOME, 1), annotated([""] * 8, 2)])
    assert concepts.indicators(three)["explained"].sum() == 4
    tied = pd.concat([annotated(SOME, 0), annotated([""] * 8, 1)])
    assert concepts.indicators(tied)["explained"].sum() == 0


def test_false_positives_power_and_coverage_of_names(monkeypatch):
    """Words in clumps: a direction is named when its nearest words are mostly of one clump.

    For power, two in five of the components have a name anyway.
    """
    monkeypatch.setattr(concepts, "DRAWS", 199)
    rng = np.random.default_rng(0)
    words = rng.normal(size=(15, 16)).repeat(8, axis=0) + 0.9 * rng.normal(size=(120, 16))
    clump = np.arange(120) // 8
    index = pd.MultiIndex.from_product([range(4), range(12)], names=["layer", "component"])

    def marks(more):
        """Four random frames of twelve directions."""
        made = rng.normal(size=(4, 12, 16))
        axes = np.linalg.qr(made.swapaxes(1, 2))[0].swapaxes(1, 2).reshape(48, 16)
        near = clump[np.argsort(-np.abs(axes @ words.T), axis=1)[:, :8]]
        named = np.array([np.bincount(one).max() >= 5 for one in near])
        named |= rng.random(48) < more
        return pd.DataFrame({"explained": named.astype(float)}, index)

    def found(more, seed):
        of = {
            f"{n}{s}": marks(more if not s else 0)
            for n in ("base", "tuned")
            for s in ("", ", random directions")
        }
        return concepts.name_findings(of, seed)

    none = [found(0, n) for n in range(400)]
    for name in ("named_base", "named_change"):
        assert sum(one[name].p <= LEVEL for one in none) <= binom.ppf(0.999, 400, LEVEL), name
    assert np.mean([one["named_base"].low <= 0 <= one["named_base"].high for one in none]) >= 0.91
    strong = [found(0.4, n)["named_base"].p <= LEVEL for n in range(30)]
    assert np.mean(strong) > 0.8


@pytest.fixture(scope="module")
def nets(load):
    """The llama's networks, two changes of them, and the second at thrice its size."""
    base, dice = networks(load("llama")), torch.Generator().manual_seed(0)

    def changed(size):
        return [
            (k, w + size * w.std() * torch.randn(w.shape, generator=dice, dtype=w.dtype))
            for k, w in base
        ]

    return base, changed(0.2), changed(0.6)


def test_random_changes_keep_size_and_spectrum(nets, monkeypatch):
    base, tuned, _ = nets
    seen = []
    monkeypatch.setattr(concepts, "leading", lambda w, r: seen.append(w) or np.eye(32)[:r])
    concepts.random_changes(base, tuned, 4, 1)
    for (_, a), (_, b), made in zip(base, tuned, seen[len(base) :], strict=True):
        true, change = (b - a).double(), made - a.double()
        np.testing.assert_allclose(torch.linalg.svdvals(change), torch.linalg.svdvals(true))
        assert not torch.allclose(change, true)


def test_changes_come_to_one_norm_and_keep_their_direction(nets):
    base, small, large = nets
    made = concepts.equal_norm(base, small, large)
    for (_, a), (_, b), (_, c), (_, d) in zip(base, *made, large, strict=True):
        assert float((b - a).norm()) == pytest.approx(float((c - a).norm()))
        ratio = (c - a) / (d - a).double()
        np.testing.assert_allclose(ratio, float(ratio.mean()), rtol=1e-4)
    still = concepts.equal_norm(base, base, large)
    assert all(torch.equal(a.double(), b) for (_, a), (_, b) in zip(base, still[1], strict=True))


def angles(nets):
    base, tuned, plain = nets
    found = {"tuned": rotation_of(base, tuned, 4)}
    found["random change"] = concepts.random_changes(base, tuned, 4, 45)
    pair = concepts.equal_norm(base, tuned, plain)
    names = ("tuned, equal norm", "placebo, equal norm")
    return found | {n: rotation_of(base, one, 4) for n, one in zip(names, pair, strict=True)}


def test_random_changes_are_no_more_than_random_changes(nets):
    found = concepts.rotation_findings(angles(nets))
    assert found["rotation"].verdict == found["placebo"].verdict == NOT
    assert found["rotation"].value == pytest.approx(angles(nets)["tuned"]["angle"].mean())
    base = nets[0]
    same = concepts.rotation_findings(angles((base, base, base)))
    assert same["rotation"].value == 0 and same["rotation"].verdict == NOT
    assert same["placebo"].verdict == UNTOLD  # nothing spreads


def test_false_positives_coverage_and_power_of_the_placebo():
    rng, frame = np.random.default_rng(0), pd.DataFrame({"layer": range(6)})
    networks = concepts.networks_of(frame)
    none = [concepts.beyond_placebo(rng.normal(0, 1.4, 6), networks) for _ in range(400)]
    assert sum(one.p <= LEVEL for one in none) <= binom.ppf(0.999, 400, LEVEL)
    assert 0.92 <= np.mean([one.low <= 0 <= one.high for one in none]) <= 0.97
    there = [concepts.beyond_placebo(rng.normal(2.5, 1.4, 6), networks) for _ in range(40)]
    assert np.mean([one.p <= LEVEL for one in there]) > 0.8


def test_random_subspaces_are_nearly_orthogonal_in_many_dimensions():
    assert concepts.random_subspaces(400, 3, 5)["angle"].mean() > 80
    few = concepts.random_subspaces(4, 3, 10)
    assert (few[few["component"] == 0]["angle"] < 1e-3).all()  # 3 + 3 > 4: they share a plane


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_a_study_of_a_model_with_itself(name, load, tmp_path):
    words = ["sky", "rain", "pear", "apple"]
    model = load(name)
    found = {n: sn.shift.ffn_concepts(model, words, rank=6) for n in ("base", "tuned")}
    shuffled = concepts.shuffled(networks(model))
    for (_, own), (_, mixed) in zip(networks(model), shuffled, strict=True):
        assert torch.equal(own.reshape(-1).sort()[0], mixed.reshape(-1).sort()[0])
    named = {
        n: annotate(t, lambda w, run: Annotation("x", "none", "syntax")) for n, t in found.items()
    }
    named |= {f"{n}, random directions": named[n] for n in found}
    results = concepts.study({"base": model, "tuned": model}, found, named, r=4, draws=3)
    assert {f.verdict for f in results.findings.values()} <= {NOT, UNTOLD}
    matched = results.tables["matched"]
    assert (matched["base"] == matched["tuned"]).all() and (matched["cosine"] > 1 - 1e-6).all()
    assert set(concepts.mean_angles(results.tables["rotation"], "layer")["change"]) == {
        "tuned",
        "random change",
    }
    results.save(tmp_path)
