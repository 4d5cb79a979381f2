"""What the pictures and sentences of tuned arms make of tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sparcom_nb.view.plots import tuned as plots
from sparcom_nb.view.sentences import tuned as sentences

LOWER = {"difference": -0.5, "low": -0.7, "high": -0.3, "verdict": "lower"}
SAME = {"difference": 0.0, "low": -0.1, "high": 0.1, "verdict": "not clearly different"}
HIGHER = {"difference": 0.5, "low": 0.3, "high": 0.7, "verdict": "higher"}
REST = {
    "n": 300, "loss": 2.0, "loss_low": 1.8, "loss_high": 2.2, "seed_low": -0.1, "seed_high": 0.1,
    "correct": 0.02,
}  # fmt: skip


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def arms(top, bottom=HIGHER, upper=LOWER, **more):
    rows = {
        "random": SAME, "full pool": SAME, "only what is wanted": upper, "NAIT: top": top,
        "NAIT: bottom": bottom, "contrast: top": LOWER,
    }  # fmt: skip
    return pd.DataFrame({"arm": arm} | REST | row for arm, row in (rows | more).items())


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (LOWER, "better than chance shows.**"),
        (SAME, "better than chance does not show.**"),
        (HIGHER, "better than chance does not show: it is worse.**"),
    ],
)
def test_arms(row, said):
    text = sentences.arms(arms(row), "SUM")
    assert said in text and "For contrast a gain shows." in text
    assert "cannot tell selections apart" not in text
    assert "cannot tell selections apart" in sentences.arms(arms(row, upper=SAME), "SUM")
    assert "With one seed" in sentences.arms(arms(row).assign(seed_low=0.1), "SUM")
    plots.arms({"SUM": arms(row), "QA": arms(row)})


def test_bottoms_and_accuracies():
    assert "is clearly better than the bottom (+0.50)" in sentences.bottoms(arms(LOWER))
    assert "is not clearly better than" in sentences.bottoms(arms(SAME, SAME))
    assert "is clearly worse than" in sentences.bottoms(arms(HIGHER, LOWER))
    assert "too short for right answers" in sentences.accuracies(arms(LOWER), 0.0)
    good = arms(LOWER).assign(correct=0.4)
    assert "0% before tuning, 40% after random rows" in sentences.accuracies(good, 0.0)
    assert "none after any arm" in sentences.accuracies(good.assign(correct=0.0), 0.0)
    assert "No answer can be judged" in sentences.accuracies(good.assign(correct=np.nan), 0.0)
    plots.accuracies(good)


def test_sweep():
    rows = [
        {"arm": arm, "ratio": ratio} | REST | row
        for arm, row in (("random", SAME), ("contrast", LOWER))
        for ratio in (0.1, 0.3, 1.0)
    ]
    text = sentences.sweep(pd.DataFrame(rows))
    assert "contrast: lowest loss at 10%" in text and "at 10%, 30%" in text
    none = pd.DataFrame(rows).assign(verdict="not clearly different")
    assert "at no ratio" in sentences.sweep(none)
    plots.sweep({"SUM": pd.DataFrame(rows)})


def test_work_and_shipped():
    outcomes = pd.DataFrame(
        {"arm": ["a", "a", "b"], "seed": [0, 1, 0], "fresh": [True, False, False]}
    )
    assert sentences.work(outcomes).startswith("3 tunings of 2 arms; 1 made now, 2 made before")
    assert "No results" in sentences.shipped({}, "tiny-dense")
    plan = {"seeds": 3, "steps": 120, "batch": 32, "capabilities": ["SUM"]}
    manifest = {"fingerprint": "f" * 64, "pair": "tiny-dense", "plan": plan, "changed": []}
    text = sentences.shipped(manifest, "tiny-dense")
    assert "are still the same" in text and "They are not of" not in text
    text = sentences.shipped(manifest | {"changed": ["torch"]}, "mine")
    assert "**Not the same any more: torch.**" in text and "**They are not of mine:**" in text


def transfer(own, other):
    names = ("CLS", "QA", "SUM")
    return pd.DataFrame(
        {"selected_for": a, "category": b} | REST | (own if a == b else other)
        for a in names
        for b in names
    )


def test_transfer():
    text = sentences.transfer(transfer(LOWER, HIGHER), "contrast")
    assert "in 3 of 3; for another in 0 of 6, clearly higher in 6" in text
    assert "In 3 of 3 categories no other selection is better" in text
    assert "own capability shows.**" in text
    text = sentences.transfer(transfer(SAME, LOWER), "contrast")
    assert "does not show in most categories.**" in text and "Most helpful to others" in text
    all_alike = sentences.transfer(transfer(LOWER, LOWER | {"difference": -0.6}), "contrast")
    assert "In 0 of 3" in all_alike and "does not show in most categories.**" in all_alike
    plots.transfer({"contrast": transfer(LOWER, SAME), "NAIT": transfer(SAME, SAME)})


def test_compositions():
    table = pd.DataFrame([[0.6, 0.1], [0.2, 0.1]], ["CLS", "QA"], ["CLS", "QA"])
    text = sentences.compositions({"NAIT": table}, 0.1)
    assert "NAIT: 35% of a selection" in text and "largest share in 1 of 2" in text
    plots.compositions({"NAIT": table}, 0.1)


def test_core():
    table = pd.DataFrame(
        {
            "number": range(7), "rows": [50, 30, 10, 5, 0, 0, 0], "expected": [53, 35, 9, 1, 0, 0, 0],
            "clean": [0.6, 0.6, 0.6, 0.8, np.nan, np.nan, np.nan],
        }
    )  # fmt: skip
    assert "5 rows are selected by at least 3 capabilities (1 were" in sentences.core({"a": table})
    assert "80% of them clean" in sentences.core({"a": table})
    assert "nan" not in sentences.core({"a": table.assign(rows=0)})
    plots.core({"a": table, "b": table})
    for row, said in ((LOWER, "ability shows**"), (SAME, "not show**"), (HIGHER, "it is worse**")):
        assert said in sentences.core_effect({"a": arms(SAME, core=row)})
    whole = {"difference": -0.9, "low": -1.0, "high": -0.8, "verdict": "lower"}
    text = sentences.core_effect({"a": arms(SAME, **{"core": LOWER, "full pool": whole})})
    assert "does not show: the whole pool is clearly better**" in text


def test_stability():
    rows = {"cosine": 0.4, "jaccard": 0.5, "core": 0.3, "chance": 0.05}
    table = pd.DataFrame(
        {"score": score, "measure": k, "mean": v, "low": max(0, v - by), "high": v + by}
        for score, by in (("contrast", 0.0), ("NAIT", 0.5))
        for k, v in rows.items()
    )
    text = sentences.stability(table, pd.Series({"contrast": 0.2, "NAIT": 0.2}))
    assert "contrast: selections 0.50 [0.50, 0.50], core subsets 0.30 [0.30, 0.30]" in text
    assert "two capabilities 0.20; above both" in text and "**not above chance**" in text
    shared = pd.Series({"contrast": 0.6, "NAIT": 0.2})
    assert "two capabilities 0.60; **not above two cap" in sentences.stability(table, shared)
    plots.stability(table, shared)


def test_between_models():
    rows = [
        {
            "model": "m", "method": "pc1", "capability": c, "cosine": 0.5, "control_cosine": 0.0,
            "spearman": 0.9, "control_spearman": by, "jaccard": 0.5, "precision": 0.4,
            "own_precision": 0.5,
        }
        for c, by in (("CLS", -0.2), ("QA", 0.3))
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    assert "carries over shows**" in sentences.between_models(table)
    same = table.assign(spearman=[0.1, 0.2])
    assert "carries over does not show**" in sentences.between_models(same)
    assert "There is no other model" in sentences.between_models(table[:0])
    plots.between_models(table)
    assert "**no transfer is defined**: why." in sentences.undefined("m", "why")
    assert "a transfer is possible" in sentences.undefined("m", "")
