"""Experts and their neurons against a recomputation from the weights, token by token."""

import numpy as np
import pytest
import torch
import xarray as xr
from transformers import AutoModelForCausalLM, AutoTokenizer

import sparcom_nb as sn
from sparcom_nb.errors import InputError

SPARSE = ["mixtral", "olmoe", "qwen2_moe", "qwen3_moe", "qwen2_mixed", "qwen3_mixed"]
LAYERS = {"qwen2_mixed": [1], "qwen3_mixed": [0, 2]}
NORMALISED = {"mixtral": True, "qwen3_mixed": True}
PASSES = [("right", None), ("left", 200), ("right", 90)]


def silu(x):
    return x / (1 + torch.exp(-x))


def by_hand(mlp, x, k, normalised):
    """One token through one sparse layer: chosen experts, gates and posts of each, output."""
    odds = torch.exp(mlp.gate.weight @ x)
    odds = odds / odds.sum()
    chosen = sorted(range(len(odds)), key=lambda e: -odds[e].item())[:k]
    total = sum(odds[e] for e in chosen) if normalised else 1.0
    gates, posts, output = {}, {}, torch.zeros_like(x)
    for e in chosen:
        rows = mlp.experts.gate_up_proj[e]
        half = len(rows) // 2
        gates[e] = rows[:half] @ x
        posts[e] = silu(gates[e]) * (rows[half:] @ x)
        output = output + odds[e] / total * (mlp.experts.down_proj[e] @ posts[e])
    if hasattr(mlp, "shared_expert"):
        shared = mlp.shared_expert
        inner = silu(shared.gate_proj.weight @ x) * (shared.up_proj.weight @ x)
        strength = 1 / (1 + torch.exp(-(mlp.shared_expert_gate.weight @ x)))
        output = output + strength * (shared.down_proj.weight @ inner)
    return gates, posts, output


def brute_force(folder, name, rows, site="gate"):
    """Counts of routed tokens, of active expert neurons, of shared and of dense neurons, by row."""
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager", experts_implementation="eager"
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    k = model.config.num_experts_per_tok
    mlps = [layer.mlp for layer in model.model.layers]
    seen = {}
    for n, mlp in enumerate(mlps):
        mlp.register_forward_hook(lambda m, x, y, n=n: seen.update({n: (x[0][0], y[0])}))
    sparse = [n for n, mlp in enumerate(mlps) if hasattr(mlp, "experts")]
    dense = [n for n in range(len(mlps)) if n not in sparse]
    routed, active, shared, plain = [], [], [], []
    for row in rows.to_dict("records"):
        text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        ids = [tokenizer.bos_token_id, *tokenizer.encode(text, add_special_tokens=False)]
        with torch.no_grad():
            model(torch.tensor([ids]))
            shape = mlps[sparse[0]].experts.down_proj.shape
            q = np.zeros((len(sparse), shape[0]), int)
            p = np.zeros((len(sparse), shape[0], shape[2]), int)
            for place, n in enumerate(sparse):
                for x, y in list(zip(*seen[n], strict=True))[1:]:
                    gates, posts, output = by_hand(mlps[n], x, k, NORMALISED.get(name, False))
                    torch.testing.assert_close(output, y, rtol=1e-5, atol=1e-6)
                    for e in gates:
                        q[place, e] += 1
                        p[place, e] += ((posts if site == "post" else gates)[e] > 0).numpy()
            gate = {n: seen[n][0][1:] for n in range(len(mlps))}
            shared.append([
                (gate[n] @ mlps[n].shared_expert.gate_proj.weight.T > 0).sum(0).numpy()
                for n in sparse if hasattr(mlps[n], "shared_expert")
            ])  # fmt: skip
            plain.append([(gate[n] @ mlps[n].gate_proj.weight.T > 0).sum(0).numpy() for n in dense])
        routed.append(q)
        active.append(p)
    return np.array(routed), np.array(active), np.array(shared), np.array(plain)


def counts(frequency):
    """Back from frequencies to whole tokens."""
    n_tokens = frequency["n_tokens"].to_numpy().reshape(-1, *[1] * (frequency.ndim - 1))
    return np.rint(frequency.to_numpy().astype(float) * n_tokens).astype(int)


@pytest.mark.parametrize("name", SPARSE)
def test_counts_equal_brute_force(name, load, folders, rows):
    routed, active, shared, plain = brute_force(folders(name), name, rows)
    assert (routed == 0).any() and active.any()
    for side, budget in PASSES:
        options = {"padding_side": side, "batch_tokens": budget}
        joint = sn.sparcom.expert_neuron_frequency(load(name), rows, **options)
        np.testing.assert_array_equal(counts(joint), active)
        np.testing.assert_array_equal(counts(joint["routing"]), routed)
        np.testing.assert_array_equal(
            counts(sn.sparcom.expert_frequency(load(name), rows, **options)), routed
        )
        for kind, expected in (("shared", shared), ("dense", plain)):
            if expected.size:
                found = sn.sparcom.activation_frequency(load(name), rows, kind=kind, **options)
                np.testing.assert_array_equal(counts(found), expected)
    assert list(joint["layer"].to_numpy()) == LAYERS.get(name, [0, 1, 2])


@pytest.mark.parametrize("name", SPARSE[:4])
def test_post_counts_equal_brute_force(name, load, folders, rows):
    _, active, _, _ = brute_force(folders(name), name, rows[:8], site="post")
    joint = sn.sparcom.expert_neuron_frequency(load(name), rows[:8], site="post")
    np.testing.assert_array_equal(counts(joint), active)


def test_the_comparison_catches_a_tap_on_the_wrong_half(load, folders, rows, monkeypatch):
    """A reader that takes the up projection for the gate must not pass for right."""
    _, active, _, _ = brute_force(folders("mixtral"), "mixtral", rows[:6])
    model = load("mixtral")
    for layer in sn.taps.sparse_layers(model):
        weight = sn.taps._experts(model, layer).gate_up_proj
        monkeypatch.setattr(weight, "data", weight.data.roll(weight.shape[1] // 2, dims=1))
    wrong = sn.sparcom.expert_neuron_frequency(model, rows[:6])
    monkeypatch.undo()
    assert (counts(wrong)[:, 0] != active[:, 0]).any()
    np.testing.assert_array_equal(
        counts(sn.sparcom.expert_neuron_frequency(model, rows[:6])), active
    )


@pytest.mark.parametrize("name", SPARSE)
def test_reading_changes_no_logit(name, load, folders):
    """Tapped logits equal those of the untouched library model, bit for bit."""
    plain = AutoModelForCausalLM.from_pretrained(
        folders(name), dtype=torch.float32, attn_implementation="eager",
        experts_implementation="eager",
    ).eval()  # fmt: skip
    model, ids, seen = load(name, "float32"), torch.arange(7, 31).view(2, 12), set()
    with (
        sn.taps.reading_experts(model, "gate", lambda n, e, t, x: seen.add((n, e))),
        sn.taps.reading_routes(model, lambda n, x: seen.add((n, -1))),
        torch.inference_mode(),
    ):
        tapped = model(ids)
        assert torch.equal(tapped, plain(ids).logits)
    assert {n for n, _ in seen} == set(sn.taps.sparse_layers(model)) and len(seen) > 4


def test_joint_conditional_and_uniform(load, rows):
    joint = sn.sparcom.expert_neuron_frequency(load("mixtral"), rows)
    routing = joint["routing"]
    assert joint.dims == ("instruction", "layer", "expert", "neuron")
    assert (joint <= routing).all()
    np.testing.assert_allclose(routing.sum("expert"), 2, rtol=1e-6)
    assert sn.sparcom.uniform_rate(routing) == 0.5
    conditional = sn.sparcom.conditional_frequency(joint, routing)
    assert bool((conditional.isnull().all("neuron") == (routing == 0)).all())
    p, q = joint.to_numpy()[3, 1, 2], float(routing[3, 1, 2])
    np.testing.assert_allclose(conditional[3, 1, 2], p / q if q else np.full_like(p, np.nan))
    assert float(conditional.max()) <= 1 + 1e-6


def test_a_stored_result_is_lazy_and_the_same(load, rows, tmp_path):
    memory = sn.sparcom.expert_neuron_frequency(load("mixtral"), rows)
    stored = sn.sparcom.expert_neuron_frequency(load("mixtral"), rows, store=tmp_path / "a.zarr")
    assert stored.chunks is not None and stored["routing"].chunks is not None
    xr.testing.assert_equal(stored.compute(), memory)
    kept = xr.open_zarr(tmp_path / "a.zarr")
    assert kept["count"].dtype == kept["routed"].dtype == np.uint16


def test_neuron_frequency_takes_what_the_model_has(load, rows):
    assert sn.sparcom.neuron_frequency(load("llama"), rows).dims[1:] == ("layer", "neuron")
    sparse = sn.sparcom.neuron_frequency(load("qwen2_mixed"), rows, site="post")
    assert sparse.dims[1:] == ("layer", "expert", "neuron")
    assert sparse.attrs == {"site": "post", "span": "instruction", "model": sparse.attrs["model"]}


def test_models_without_the_asked_neurons_are_told(load, rows):
    with pytest.raises(InputError, match="no experts: use activation_frequency"):
        sn.sparcom.expert_frequency(load("llama"), rows)
    with pytest.raises(InputError, match="no experts"):
        sn.sparcom.expert_neuron_frequency(load("llama"), rows)
    with pytest.raises(InputError, match="no shared experts: use expert_frequency"):
        sn.sparcom.activation_frequency(load("mixtral"), rows, kind="shared")
    with pytest.raises(InputError, match="unknown kind 'sparse'; use one of dense, shared"):
        sn.sparcom.activation_frequency(load("mixtral"), rows, kind="sparse")


def test_a_silenced_expert_is_not_counted(load, rows):
    """An expert whose weights are set to zero serves no token, whatever fills its place."""
    model = load("mixtral")

    def silence(weights, hook):
        return weights.index_fill(-1, torch.tensor([1]), 0)

    points = [(f"blocks.{n}.mlp.gate.hook_expert_weights", silence) for n in range(3)]
    with model.hooks(fwd_hooks=points):
        joint = sn.sparcom.expert_neuron_frequency(model, rows)
    assert not joint.sel(expert=1).any() and not joint["routing"].sel(expert=1).any()
    assert joint.sel(expert=2).any() and (joint <= joint["routing"]).all()


@pytest.mark.parametrize("name", ["llama", "mixtral", "qwen2_mixed"])
def test_activity_by_token_adds_up_to_the_frequency(name, load, rows):
    model, row = load(name), rows.iloc[[5]]
    parts = {
        "dense": sn.taps.dense_layers(model) and sn.sparcom.activation_frequency(model, row),
        "sparse": sn.taps.sparse_layers(model) and sn.sparcom.expert_neuron_frequency(model, row),
    }
    for frequency in (part for part in parts.values() if len(part)):
        for layer in frequency["layer"].to_numpy():
            active, tokens = sn.sparcom.token_activity(model, row, layer)
            assert len(active) == len(tokens) == int(frequency["n_tokens"][0])
            expected = frequency.sel(layer=layer)[0].to_numpy().ravel()
            np.testing.assert_allclose(active.mean(axis=0), expected, rtol=1e-6)


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
