"""The experts study: what categories share shows, chance does not, and few rows do not stop it."""

import numpy as np
import pytest
from worlds.experts import joint_of

from sparcom_nb.evidence import NOT, SHOWS
from sparcom_nb.studies.experts import inside, study


def test_what_categories_share_shows_and_chance_does_not():
    found = study(joint_of(1.5, neurons=0.3), draws=499).findings
    assert {one.verdict for one in found.values()} == {SHOWS}
    nothing = study(joint_of(0.0), draws=499)
    assert {one.verdict for one in nothing.findings.values()} == {NOT}


def test_a_call_alone_says_nothing_of_the_neurons_inside():
    joint = joint_of(1.0)
    values, routing = inside(joint, joint["routing"]), joint["routing"].to_numpy()
    assert (values[routing == 0] == 0).all()
    called = routing[:, 0, 0] > 0
    conditional = joint.to_numpy()[called, 0, 0] / routing[called, 0, 0][:, None]
    assert values[called, 0, 0] == pytest.approx(conditional - conditional.mean(axis=0))


def test_few_rows_and_one_subtype_do_not_stop_it():
    results = study(joint_of(0.5, units=1), draws=19)
    assert results.findings["usage"].units == "6 rows"
    assert len(results.tables["usage"]) == 3 * 2 * 8
    shares = results.tables["usage"].groupby(["category", "layer"])["mean"].sum()
    np.testing.assert_allclose(shares, 2)
