"""What the pictures and sentences of directions and selections make of tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sparcom_nb.nait.directions import Direction
from sparcom_nb.nait.pool import Mixture
from sparcom_nb.view.plots import capability as plots
from sparcom_nb.view.sentences import capability as sentences

GOOD = {"precision": 0.5, "low": 0.4, "high": 0.6}
CHANCE = {"precision": 0.11, "low": 0.05, "high": 0.2}
BELOW = {"precision": 0.02, "low": 0.0, "high": 0.05}
REST = {
    "chance": 0.1, "corrupted": 0.1, "shuffled": 0.1, "other": 0.3, "auc": 0.8, "auc_corrupted": 0.5,
    "auc_shuffled": 0.8, "length": 0.1,
}  # fmt: skip


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def table(**scores):
    return pd.DataFrame(
        {"score": score.replace("_", " "), "capability": c} | REST | row
        for score, row in scores.items()
        for c in ("CLS", "QA", "mean")
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [(GOOD, "chance shows."), (CHANCE, "chance does not show."), (BELOW, "it is below chance.")],
)
def test_the_published_score_comes_first(row, said):
    text = sentences.precisions(table(NAIT=row, contrast=GOOD, random=CHANCE))
    assert said in text and "Above chance besides: contrast 50% [40%, 60%]." in text
    assert "is clearly above the best baseline (random" in text


def test_a_lucky_draw_is_the_mark_to_beat():
    lucky = {"precision": 0.45, "low": 0.35, "high": 0.55}
    text = sentences.precisions(table(NAIT=GOOD, random=lucky))
    assert (
        "10% of wanted rows, one random draw 45%. The" in text and "chance does not show.**" in text
    )
    assert "Above chance besides: none." in text


def test_each_capability():
    half = table(NAIT=GOOD, contrast=CHANCE, drift=GOOD, random=GOOD)
    half.loc[(half["score"] == "NAIT") & (half["capability"] == "QA"), "low"] = 0.05
    text = sentences.each_capability(half)
    assert text.endswith("(at random it is for one in forty): NAIT 1 (CLS); contrast 0; drift 2.")


def test_nothing_above_chance():
    text = sentences.precisions(table(NAIT=CHANCE, contrast=CHANCE, random=CHANCE))
    assert "Above chance besides: none." in text and "is not clearly above" in text


def test_blind_spots_and_lengths():
    text = sentences.blind_spots(table(NAIT=GOOD))
    assert "0.80, which tells most of them" in text and "0.50, **next to blind**" in text
    assert "baseline" not in text
    lucky, better = GOOD | {"auc_corrupted": 0.9}, GOOD | {"auc_corrupted": 0.7}
    text = sentences.blind_spots(table(NAIT=GOOD, random=lucky, longest=better))
    assert "NAIT, reaches 0.50, **next to blind**; the best baseline, longest, reaches 0.70" in text
    assert "none of the scores" in sentences.lengths(table(NAIT=GOOD))
    long = table(NAIT=GOOD, longest=CHANCE).assign(length=[0.1, 0.1, 0.1, 1, 1, 1])
    assert "longest 1.00" in sentences.lengths(long)
    text = sentences.one_capability(table(NAIT=GOOD).head(1), ["NAIT"])
    assert "NAIT: 50% wanted, 10% corrupted, 10% shuffled, 30% of other" in text


def test_openings():
    late = pd.concat([table(NAIT=BELOW), table(NAIT=GOOD).assign(score="NAIT, no opening")])
    assert "(clearly different)" in sentences.openings(late)
    same = pd.concat([table(NAIT=GOOD), table(NAIT=GOOD).assign(score="NAIT, no opening")])
    assert "(not clearly different)" in sentences.openings(same)


def numbers():
    sizes = [(4, 0.2), (64, 0.5), (256, 0.51)]
    return pd.DataFrame(
        {"score": "NAIT", "capability": c, "size": n, "draw": d, "precision": p, "chance": 0.1}
        for n, p in sizes
        for c in ("CLS", "QA")
        for d in range(2)
    )


def test_numbers():
    text = sentences.numbers(numbers())
    assert "20% with 4 samples, 51% with 256; within 5 points of its best from 64 on" in text
    plots.numbers(numbers())


def direction(capability, share=0.4):
    vectors = xr.DataArray(np.eye(2), {"layer": [0, 1], "neuron": [0, 1]}, ("layer", "neuron"))
    explained = xr.DataArray([share, share / 2], {"layer": [0, 1]}, ("layer",))
    return Direction(
        vectors, explained, "pc1", "post", "sample", 0, "dense", 4, "m", "x", capability
    )


def test_explained_and_cosines():
    parts = {"first": {c: direction(c) for c in ("CLS", "QA")}}
    assert "first: 20% to 40%, mean 30%" in sentences.explained(parts)
    plots.explained(parts)
    names = ["pc1/0/CLS", "pc1/0/QA"]
    values = np.tile(np.array([[1, 0.3], [0.3, 1.0]])[..., None], 2)
    matrix = xr.DataArray(
        values, {"direction": names, "direction_b": names}, ("direction", "direction_b", "layer")
    )
    plots.cosine_matrices({"NAIT": matrix, "contrast": matrix})
    for low, said in ((0.5, "the direction is the capability's own"), (0.1, "cannot speak of")):
        halves = pd.DataFrame(
            [{"score": "NAIT", "measure": "cosine", "mean": 0.6, "low": low, "high": 0.7}]
        )
        assert said in sentences.cosines({"NAIT": matrix}, halves)


def test_pictures_of_scores():
    plots.precisions(table(NAIT=GOOD, random=CHANCE))
    plots.blind_spots(table(NAIT=GOOD, random=CHANCE))
    plots.lengths(table(NAIT=GOOD, random=CHANCE))
    pool = pd.DataFrame(
        {
            "id": list("abcd"),
            "category": ["CLS", "CLS", "QA", "QA"],
            "quality": ["clean", "shuffled"] * 2,
        }
    )
    scores = pd.DataFrame({("NAIT", "CLS"): [1.0, 2, 3, 4]}, pd.Index(list("abcd"), name="id"))
    mix = Mixture(pool.drop(columns="quality"), pool, pool.head(1))
    fig = plots.histograms(scores, mix, "CLS", ["NAIT"], 0.5)
    assert fig.axes[0].lines[0].get_xdata()[0] == 3
    assert fig.axes[0].get_title(loc="left") == "NAIT, CLS"
    text = sentences.pool(mix)
    assert "4 rows in 2 categories: 2 clean, 0 corrupted, 2 shuffled" in text
    assert "Beside it are 2 in-domain samples" in text
