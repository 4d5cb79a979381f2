"""Selection precision against loops, on planted scores and on tiny models."""

import numpy as np
import pandas as pd
import pytest

from sparcom_nb.nait import alignment_score, capability_direction
from sparcom_nb.nait.pool import Mixture
from sparcom_nb.nait.precision import (
    SCORES,
    by_number,
    pool_baselines,
    pool_directions,
    pool_scores,
    selection_precision,
)


@pytest.fixture(scope="module")
def mix(rows):
    """24 rows as pool; the same rows under other ids as in-domain samples."""
    quality = ["clean", "clean", "corrupted", "shuffled"] * 6
    target = rows.assign(id=["t" + name for name in rows["id"]])
    return Mixture(target, rows.assign(quality=quality), rows)


def planted(mix, strength):
    rng = np.random.default_rng(0)
    ids = pd.Index(mix.pool["id"])
    return pd.DataFrame(
        {
            (name, c): pd.Series(rng.normal(size=len(ids)) + by * mix.wanted(c).to_numpy(), ids)
            for name, by in {"good": strength, "bad": -strength, "blind": 0.0}.items()
            for c in mix.pool["category"].unique()
        }
    )


def test_precision_is_what_counting_gives(mix):
    scores = planted(mix, 1.0)
    lengths = pd.Series(np.arange(24.0), pd.Index(mix.pool["id"]))
    table = selection_precision(scores, mix, lengths, ratio=0.25, draws=20)
    for row in table[table["capability"] != "mean"].to_dict("records"):
        ranked = scores[row["score"], row["capability"]].sort_values(ascending=False)
        pool = mix.pool.set_index("id").loc[ranked.index[:6]]
        own = pool["category"] == row["capability"]
        shares = {
            k: (own & (pool["quality"] == k)).mean() for k in ("clean", "corrupted", "shuffled")
        }
        assert row["precision"] == pytest.approx(shares["clean"])
        assert row["corrupted"] == pytest.approx(shares["corrupted"])
        assert row["shuffled"] == pytest.approx(shares["shuffled"])
        assert row["other"] == pytest.approx((~own).mean())
        assert row["low"] <= row["precision"] <= row["high"]
        assert row["length"] == pytest.approx(ranked.corr(lengths, method="spearman"))
    means = table[table["capability"] == "mean"].set_index("score")
    for name, part in table[table["capability"] != "mean"].groupby("score"):
        assert means.loc[name, "precision"] == pytest.approx(part["precision"].mean())


def test_good_bad_and_blind_scores_are_told_apart(mix):
    lengths = pd.Series(1.0, pd.Index(mix.pool["id"]))
    table = selection_precision(planted(mix, 9.0), mix, lengths, ratio=1 / 6)
    means = table[table["capability"] == "mean"].set_index("score")
    assert means.loc["good", "precision"] == 1 and means.loc["good", "auc"] == 1
    assert means.loc["bad", "precision"] == 0 and means.loc["bad", "auc"] == 0
    assert means.loc["blind", "low"] <= means.loc["blind", "chance"] + 0.15
    assert means["length"].isna().all()


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_every_score_is_that_of_its_own_direction(name, load, mix):
    model = load(name)
    directions = pool_directions(model, mix, n=4, skip=2, show_progress=False)
    scores = pool_scores(model, mix, directions, show_progress=False)
    assert list(scores.columns.get_level_values(0).unique()) == list(SCORES)
    for score, (method, candidate, late) in SCORES.items():
        own = mix.in_domain("QA", 4)
        pool = mix.pool if method == "contrast" else None
        how = {"skip": 2 * late, "show_progress": False}
        direction = capability_direction(model, own, method, pool, **how)
        alone = alignment_score(model, mix.pool, direction, candidate, show_progress=False)
        np.testing.assert_allclose(scores[score, "QA"], alone, rtol=1e-4, atol=1e-4)


def test_baselines_have_their_sign(load, mix):
    found = pool_baselines(load("llama"), mix, ("random", "most surprising", "least surprising"))
    assert (found["most surprising"] == -found["least surprising"]).all().all()
    assert (found["random", "QA"] != found["random", "CLS"]).any()


def test_sizes_that_cannot_be_filled_are_left_out(load, mix):
    table = by_number(load("llama"), mix, (2, 4, 100), draws=2, show_progress=False)
    assert set(table["size"]) == {2, 4} and len(table) == 3 * 3 * 2 * 2
    assert table["precision"].between(0, 1).all()
