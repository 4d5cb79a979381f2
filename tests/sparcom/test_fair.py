"""Equal share and equal length."""

import numpy as np
import pytest
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.stats import separation


@pytest.fixture
def frequency():
    """24 instructions of few tokens: many ties."""
    rng = np.random.default_rng(0)
    n_tokens = rng.integers(3, 7, 24)
    counts = rng.binomial(n_tokens[:, None, None], rng.random((24, 3, 40)))
    counts[0] = 0
    counts[0, 0, :5] = 1
    return xr.DataArray(
        (counts / n_tokens[:, None, None]).astype(np.float32),
        dims=("instruction", "layer", "neuron"),
        coords={
            "instruction": [f"i{n}" for n in range(24)],
            "layer": range(3),
            "category": ("instruction", np.repeat(["CLS", "QA"], 12)),
            "subtype": ("instruction", [f"s{n % 3}" for n in range(24)]),
            "n_tokens": ("instruction", n_tokens),
        },
    )


def test_random_ties_take_the_same_share_everywhere(frequency):
    every = sn.sparcom.specific(frequency, top=0.2)
    marked = sn.sparcom.specific(frequency, top=0.2, ties="random")
    assert (every["share"] > 0.2).any()
    for row, values, one in zip(
        range(24), frequency.to_numpy(), marked.to_numpy().astype(bool), strict=True
    ):
        wanted = 24 if row else 5
        assert one.sum() == wanted
        cut = sorted(values.ravel())[-24] if row else values[one].min()
        assert (values[one] >= cut).all() and one[values > cut].all() and (values[one] > 0).all()
    np.testing.assert_allclose(marked["share"][1:], 0.2)
    assert (every | ~marked).all()


def test_random_ties_are_drawn_anew_for_every_instruction_and_by_seed(frequency):
    same = frequency.copy(data=np.repeat(frequency.to_numpy()[1:2], 24, axis=0))
    marked = sn.sparcom.specific(same, top=0.1, ties="random")
    assert len({row.tobytes() for row in marked.to_numpy()}) > 12
    again = sn.sparcom.specific(same, top=0.1, ties="random")
    other = sn.sparcom.specific(same, top=0.1, ties="random", seed=1)
    xr.testing.assert_identical(marked, again)
    assert not (marked == other).all()


def test_random_ties_lazy_and_eager_agree(frequency):
    eager = sn.sparcom.specific(frequency, top=0.1, ties="random")
    lazy = sn.sparcom.specific(frequency.chunk({"instruction": 7}), top=0.1, ties="random")
    assert lazy.chunks is not None
    xr.testing.assert_equal(lazy.compute(), eager)


def test_wrong_ties_are_refused(frequency):
    with pytest.raises(InputError, match="unknown ties 'first'; use one of all, random"):
        sn.sparcom.specific(frequency, ties="first")


@pytest.mark.parametrize("span", ["instruction", "prompt", "response"])
def test_first_tokens_are_counted_as_if_the_text_ended_there(load, rows, span):
    """Counts at T minus counts at T - 1 tokens are the activity of token T alone."""
    model = load("llama")
    options = {"span": span, "show_progress": False}
    whole = sn.sparcom.activation_frequency(model, rows, **options)
    T = int(whole["n_tokens"].min())
    counts = [
        sn.sparcom.activation_frequency(model, rows, first_tokens=t, **options) * t
        for t in range(1, T + 1)
    ]
    assert all((c["n_tokens"] == t).all() for t, c in enumerate(counts, 1))
    steps = np.diff([np.zeros(counts[0].shape), *counts], axis=0).round(6)
    assert set(np.unique(steps)) <= {0, 1}
    if span == "instruction":
        for row in (0, 7):
            for layer in range(3):
                active, _ = sn.sparcom.token_activity(model, rows.iloc[[row]], layer)
                np.testing.assert_array_equal(steps[:, row, layer], active[:T])


def test_first_tokens_of_experts(load, rows):
    """The last token's share of the routing is what T has more than T - 1: two experts a layer."""
    model = load("mixtral")
    options = {"show_progress": False}
    two = sn.sparcom.expert_frequency(model, rows, first_tokens=2, **options) * 2
    three = sn.sparcom.expert_frequency(model, rows, first_tokens=3, **options) * 3
    np.testing.assert_allclose((three - two).sum("expert"), 2, atol=1e-5)


def test_too_few_tokens_are_named(load, rows):
    with pytest.raises(InputError, match=r"row 'r\d+' has \d+ tokens to count, 99 are asked for"):
        sn.sparcom.activation_frequency(load("llama"), rows, first_tokens=99)
    with pytest.raises(InputError, match="1 or more"):
        sn.sparcom.activation_frequency(load("llama"), rows, first_tokens=0)


def test_cuts_beside_one_another(frequency):
    cuts = {
        "all": sn.sparcom.specific(frequency, 0.2),
        "equal": sn.sparcom.specific(frequency, 0.2, ties="random"),
    }
    table = sn.sparcom.compare_cuts(cuts, draws=19)
    for name, marked in cuts.items():
        part = table[table["cut"] == name].set_index("measure")["value"]
        gap = separation(sn.sparcom.overlap(marked), draws=19)
        assert part["overlap within minus across"] == gap["difference"]
        sets = sn.sparcom.category_sets(marked).to_numpy()
        number = sets.sum(axis=0)
        assert part["unique components"] == (number == 1).sum()
        assert part["general components"] == (number == 2).sum()
        both, either = (sets[0] & sets[1]).sum(), (sets[0] | sets[1]).sum()
        assert part["Jaccard between categories' sets"] == pytest.approx(both / either)
    equal = table[table["cut"] == "equal"].iloc[0]
    assert equal["share_high"] == pytest.approx(0.2) and equal["n"] == 24
    assert equal["tokens_low"] == frequency["n_tokens"].to_numpy().reshape(2, 12).mean(1).min()
