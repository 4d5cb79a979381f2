"""The experts study on routing made by hand: by plain loops, calibrated, and seen where it is."""

import itertools

import numpy as np
import pytest
import xarray as xr

from sparcom_nb.evidence import NOT, SHOWS, against
from sparcom_nb.sparcom import overlap, specific_experts
from sparcom_nb.studies.experts import Pairs, _named, _sweep, _taken, _unique, study

CATEGORIES = ("CLS", "QA", "SUM")


def joint_of(effect, seed=0, units=4, each=3, subtype=0.0):
    """2 of 8 experts a token, 10 tokens, 2 layers, 3 neurons an expert that work half of the time."""
    rng, n = np.random.default_rng(seed), 3 * units * each
    category, unit = np.repeat(range(3), units * each), np.arange(n) // each
    liking = rng.normal(size=(3, 2, 8))[category] * effect
    liking = liking + rng.normal(size=(3 * units, 2, 8))[unit] * subtype
    rank = (-(liking + rng.gumbel(size=(10, n, 2, 8)))).argsort(-1).argsort(-1)
    routed = (rank < 2)[..., None] & np.ones(3, dtype=bool)
    joint = (routed & (rng.random(routed.shape) < 0.5)).mean(axis=0)
    coords = {
        "category": ("instruction", np.array(CATEGORIES)[category]),
        "subtype": ("instruction", unit.astype(str)),
        "n_tokens": ("instruction", rng.integers(4, 20, n)),
        "routing": (("instruction", "layer", "expert"), (rank < 2).mean(axis=0)),
        "instruction": [f"i{k}" for k in range(n)],
        "layer": [1, 3],
        "expert": range(8),
        "neuron": range(3),
    }
    return xr.DataArray(joint, coords, ("instruction", "layer", "expert", "neuron"))


def test_what_categories_share_shows_and_chance_does_not():
    found = study(joint_of(1.5, units=6), draws=499).findings
    assert {found[name].verdict for name in ("usage", "experts", "named", "unique")} == {SHOWS}
    assert (
        found["neurons, joint"].verdict == SHOWS and found["named beyond length"].verdict == SHOWS
    )
    nothing = study(joint_of(0.0, subtype=1.0), draws=499)
    assert {one.verdict for one in nothing.findings.values()} == {NOT}


def test_pairs_and_tables_equal_a_loop():
    joint = joint_of(1.0)
    routing = joint["routing"]
    marked = specific_experts(routing, 2.0)
    sets = [set(np.flatnonzero(row)) for row in marked.to_numpy()]
    category, unit = routing["category"].to_numpy(), routing["subtype"].to_numpy()
    values = {True: [], False: []}
    for a, b in itertools.permutations(range(len(sets)), 2):
        if unit[a] != unit[b] and sets[a] | sets[b]:
            jaccard = len(sets[a] & sets[b]) / len(sets[a] | sets[b])
            values[category[a] == category[b]].append(jaccard)
    pairs = Pairs.of(overlap(marked))
    expected = [np.mean(values[True]), np.mean(values[False])]
    assert pairs.within_across(pairs.clusters.stratum) == pytest.approx(expected)
    swept = _sweep(routing, 9, 0).set_index("relative")
    assert swept.loc[2.0, ["within", "across"]].to_numpy(float) == pytest.approx(expected)
    q = routing.to_numpy()
    neurons = (routing > 0.25).expand_dims(neuron=3, axis=3)
    taken = _taken({"neurons, joint": neurons, "neurons, conditional": neurons}, routing)
    for row in taken[taken["sets"] == "neurons, joint"].to_dict("records"):
        inside = np.round(2 * q / 0.25) / 2 == row["relative"]
        assert row["n"] == inside.sum() and row["mean"] == pytest.approx(
            float(row["relative"] > 1), abs=0.5
        )


def test_no_more_than_five_percent_show_where_only_subtypes_differ():
    p = []
    for run in range(100):
        joint = joint_of(0.0, run, each=2, subtype=1.0)
        routing = (
            joint["routing"]
            .reset_coords(drop=True)
            .assign_coords({name: joint[name] for name in ("category", "subtype", "n_tokens")})
        )
        marked = specific_experts(routing)
        found, null = Pairs.of(overlap(marked)).tested(59, run)
        named = _named(routing, joint, joint, 59, run)[0]
        p.append(
            (
                against(float(found.value), null).p,
                _unique(marked, 0.5, 59, run).p,
                named["named"].p,
                named["named by conditional"].p,
            )
        )
    assert ((np.array(p) <= 0.05).mean(axis=0) <= 0.1).all()  # 97.5th percentile of 100 at .05


def test_few_rows_and_one_subtype_do_not_stop_it():
    joint = joint_of(0.5, units=1, each=2)
    results = study(joint, draws=19)
    assert results.findings["usage"].units == "6 rows"
    assert len(results.tables["usage"]) == 3 * 2 * 8
