"""Names against random directions, and rotation against changes of equal size."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binomtest

import sparcom_nb as sn
from sparcom_nb.evidence import NOT, UNTOLD
from sparcom_nb.shift.concepts import networks
from sparcom_nb.shift.rotation import rotation_of
from sparcom_nb.studies import concepts
from sparcom_nb.studies.annotators import LEVELS, TASKS, Annotation, annotate

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
    assert list(table.index) == ["explained", *TASKS, *LEVELS]
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
