"""Interventions against plain torch: weights edited by hand, routers and experts written out."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch.nn.functional import softmax
from transformers import AutoModelForCausalLM

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.model import taps
from sparcom_nb.model.capture import PositiveCounts, capture
from sparcom_nb.model.intervene import write_norm

MOE = ["mixtral", "olmoe", "qwen2_moe", "qwen3_moe"]
IDS = torch.arange(7, 47).view(2, 20)
CLOSE = {"rtol": 1e-5, "atol": 1e-6}  # attention works in float32 whatever the model


def bare(folder, dtype=torch.float64):
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager", experts_implementation="eager"
    ).eval()


def random_mask(model, seed=0, share=0.3):
    """Neurons of every layer: [layer, neuron], or [layer, expert, neuron]."""
    layers = taps.dense_layers(model) or taps.sparse_layers(model)
    inner = (taps.width(model),) if taps.dense_layers(model) else taps.experts_shape(model)
    rng = np.random.default_rng(seed)
    dims = ("layer", "neuron") if len(inner) == 1 else ("layer", "expert", "neuron")
    mask = rng.random((len(layers), *inner)) < share
    return xr.DataArray(mask, dims=dims, coords={"layer": layers})


def random_experts(model, seed=0):
    """One expert of every layer but the last: [layer, expert]."""
    layers = taps.sparse_layers(model)
    mask = np.zeros((len(layers), taps.experts_shape(model)[0]), bool)
    rng = np.random.default_rng(seed)
    for row in mask[:-1]:
        row[rng.integers(len(row))] = True
    return xr.DataArray(mask, dims=("layer", "expert"), coords={"layer": layers})


def down_projections(model, name):
    """The weight of every layer's down projection with the neurons in its last dimension."""
    if name == "gpt2":
        return [block.mlp.c_proj.weight.data.T for block in model.transformer.h]
    if name in MOE:
        return [block.mlp.experts.down_proj.data for block in model.model.layers]
    return [block.mlp.down_proj.weight.data for block in model.model.layers]


@pytest.mark.parametrize("name", ["llama", "gpt2", "mixtral", "qwen3_moe"])  # the zoo has all
@pytest.mark.parametrize("scale", [0.0, 2.5])
def test_scaling_neurons_is_scaling_their_columns_of_w_down(name, scale, load, folders):
    model, twin = load(name), bare(folders(name))
    mask = random_mask(model)
    for weight, off in zip(down_projections(twin, name), mask.to_numpy(), strict=True):
        weight *= torch.where(torch.tensor(off), scale, 1.0).unsqueeze(-2)
    with sn.intervene(model, neurons=mask, scale=scale):
        found = model(IDS)
    torch.testing.assert_close(found, twin(IDS).logits, **CLOSE)
    assert (found - model(IDS)).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["llama", "gpt2", "mixtral"])
def test_a_value_takes_the_place_of_the_activation(name, load, folders):
    """sum over other neurons, plus the value times the column of W_down, which is a constant."""
    model, twin = load(name), bare(folders(name))
    mask = random_mask(model)
    values = xr.zeros_like(mask, float) + np.random.default_rng(1).normal(size=mask.shape)
    off, new = torch.tensor(mask.to_numpy()), torch.tensor(values.to_numpy())
    if name == "mixtral":
        for n, block in enumerate(twin.model.layers):
            block.mlp.experts.forward = written_out_experts(block.mlp.experts, off[n], new[n])
    else:
        down = {"llama": "model.layers.{}.mlp.down_proj", "gpt2": "transformer.h.{}.mlp.c_proj"}
        for n in range(3):
            twin.get_submodule(down[name].format(n)).register_forward_pre_hook(
                lambda m, x, n=n: (torch.where(off[n], new[n], x[0]),)
            )
    with sn.intervene(model, neurons=mask, value=values):
        torch.testing.assert_close(model(IDS), twin(IDS).logits, **CLOSE)
    with sn.intervene(model, neurons=mask, value=0.0):
        zero = model(IDS)
    with sn.intervene(model, neurons=mask):
        assert torch.equal(model(IDS), zero)


def written_out_experts(experts, off, new):
    def forward(hidden, index, weights):
        final = torch.zeros_like(hidden)
        for t in range(len(hidden)):
            for e, w in zip(index[t].tolist(), weights[t], strict=True):
                gate, up = (experts.gate_up_proj[e] @ hidden[t]).chunk(2)
                post = torch.where(off[e], new[e], experts.act_fn(gate) * up)
                final[t] += w * (experts.down_proj[e] @ post)
        return final

    return forward


@pytest.mark.parametrize("name", MOE)
def test_a_barred_expert_is_as_if_the_router_had_never_known_it(name, load, folders):
    model, twin = load(name), bare(folders(name))
    off = random_experts(model)
    for n, block in enumerate(twin.model.layers):
        block.mlp.gate.forward = router_without(block.mlp.gate, off.to_numpy()[n], name)
    with sn.intervene(model, experts=off):
        found = model(IDS)
    torch.testing.assert_close(found, twin(IDS).logits, **CLOSE)
    assert (found - model(IDS)).abs().max() > 1e-3


def router_without(router, off, name):
    """The router of a model that has the other experts only, their numbers kept."""
    rest = torch.tensor(np.flatnonzero(~off))
    normalised = name == "mixtral" or router.norm_topk_prob

    def forward(hidden):
        logits = hidden.reshape(-1, hidden.shape[-1]) @ router.weight[rest].T
        top = torch.sort(softmax(logits.float(), -1), descending=True)
        weights, index = top.values[:, :2], rest[top.indices[:, :2]]
        if normalised:
            weights = weights / (weights[:, :1] + weights[:, 1:])
        return logits, weights.to(logits.dtype) if name != "mixtral" else weights, index

    return forward


def test_both_kinds_of_router_are_among_those_tested(load):
    """OLMoE, Qwen2-MoE and Qwen3-MoE leave the weights of the chosen as they are unless told to."""
    norm = {n: getattr(taps._router(load(n), 0), "norm_topk_prob", True) for n in MOE}
    assert norm == {"mixtral": True, "olmoe": False, "qwen2_moe": False, "qwen3_moe": False}


def test_an_architecture_that_renormalises_is_renormalised(load, monkeypatch):
    model = load("olmoe")
    for layer in taps.sparse_layers(model):
        monkeypatch.setattr(taps._router(model, layer), "norm_topk_prob", True)
    seen = []
    with (
        sn.intervene(model, experts=random_experts(model)),
        taps.reading_routes(model, lambda layer, weights: seen.append(weights)),
    ):
        model(IDS)
    for weights in seen:
        torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[:, 0]))


@pytest.mark.parametrize("name", MOE)
def test_a_silenced_expert_has_no_down_projection(name, load, folders):
    model, twin = load(name), bare(folders(name))
    off = random_experts(model)
    for weight, silent in zip(down_projections(twin, name), off.to_numpy(), strict=True):
        weight[torch.tensor(silent)] = 0
    with sn.intervene(model, experts=off, silence=True):
        found = model(IDS)
    torch.testing.assert_close(found, twin(IDS).logits, **CLOSE)
    with sn.intervene(model, experts=off):
        assert (found - model(IDS)).abs().max() > 1e-3


def test_shared_experts(load, folders):
    model, twin = load("qwen2_moe"), bare(folders("qwen2_moe"))
    mask = np.random.default_rng(0).random((3, 40)) < 0.5
    for block, off in zip(twin.model.layers, mask, strict=True):
        block.mlp.shared_expert.down_proj.weight.data[:, torch.tensor(off)] = 0
    mask = xr.DataArray(mask, dims=("layer", "neuron"))
    with sn.intervene(model, neurons=mask, kind="shared"):
        torch.testing.assert_close(model(IDS), twin(IDS).logits, **CLOSE)


@pytest.mark.parametrize("name", ["llama", "mixtral", "qwen2_moe"])
def test_the_model_is_restored_after_the_end_and_after_an_error(name, load):
    model = load(name)
    before = model(IDS)
    with pytest.raises(RuntimeError), everything(model):
        assert not torch.equal(model(IDS), before)
        raise RuntimeError
    assert torch.equal(model(IDS), before)
    with (
        pytest.raises(InputError),
        sn.intervene(model, neurons=random_mask(model), scale=1, value=1),
    ):
        pass
    assert torch.equal(model(IDS), before)


def everything(model):
    experts = random_experts(model) if taps.sparse_layers(model) else None
    return sn.intervene(model, neurons=random_mask(model), experts=experts)


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_interventions_nest(name, load):
    model = load(name)
    one, two = random_mask(model, 1), random_mask(model, 2)
    with sn.intervene(model, neurons=one | two):
        both = model(IDS)
    with sn.intervene(model, neurons=one):
        outer = model(IDS)
        with sn.intervene(model, neurons=two):
            assert torch.equal(model(IDS), both)
        assert torch.equal(model(IDS), outer)


def test_barriers_nest_and_leave_a_choice(load):
    model = load("mixtral")
    one, two = random_experts(model, 1), random_experts(model, 3)
    assert (one != two).any()
    with sn.intervene(model, experts=one | two):
        both = model(IDS)
    with sn.intervene(model, experts=one):
        with sn.intervene(model, experts=two):
            assert torch.equal(model(IDS), both)
        refused = pytest.raises(InputError, match="all experts of layer 0 are switched off")
        with refused, sn.intervene(model, experts=~one):
            pass


def test_more_barred_experts_than_the_router_could_spare(load, folders):
    """One expert left where two are chosen: it gets all the weight."""
    model, twin = load("mixtral"), bare(folders("mixtral"))
    off = random_experts(model)
    off[:] = True
    off[:, 2] = False
    for block in twin.model.layers:
        n_tokens = IDS.numel()
        block.mlp.gate.forward = lambda hidden, n=n_tokens: (
            None, torch.ones(n, 1).double(), torch.full((n, 1), 2)
        )  # fmt: skip
    with sn.intervene(model, experts=off):
        torch.testing.assert_close(model(IDS), twin(IDS).logits, **CLOSE)


@pytest.mark.parametrize("name", ["llama", "gpt2", "mixtral", "qwen2_moe"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_batches_and_padding_change_nothing(name, side, load, rows):
    model = load(name)
    measure = PositiveCounts(kind="dense" if taps.dense_layers(model) else "expert")
    options = {"padding_side": side, "show_progress": False}
    rows = rows.iloc[::3]
    with everything(model):
        together = capture(model, rows, measure, "response", **options)
        alone = [capture(model, rows.iloc[[n]], measure, "response", **options) for n in range(8)]
    xr.testing.assert_equal(together, xr.concat(alone, "instruction"))
    assert (together != capture(model, rows, measure, "response", **options)).any()


@pytest.mark.parametrize("name", ["llama", "gpt2", "mixtral", "qwen3_moe"])
def test_generation_with_a_cache_equals_step_by_step_without(name, load, rows):
    model = load(name, "float32")
    data = rows.head(6)
    with everything(model):
        found = sn.answer(model, data, max_new_tokens=6, show_progress=False)["output"]
        for row, output in zip(data.to_dict("records"), found, strict=True):
            assert output == greedy(model, row, 6)
    assert list(found) != list(
        sn.answer(model, data, max_new_tokens=6, show_progress=False)["output"]
    )


def greedy(model, row, n_new):
    tokenizer = model.tokenizer
    text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
    head = "### Instruction:\n" + text + "\n\n### Response:\n"
    ids = [tokenizer.bos_token_id, *tokenizer.encode(head, add_special_tokens=False)]
    n_prompt = len(ids)
    for _ in range(n_new):
        ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
        if ids[-1] == model.original_model.generation_config.eos_token_id:
            break
    return tokenizer.decode(ids[n_prompt:], skip_special_tokens=True).strip()


@pytest.mark.parametrize("name", ["llama", "mixtral"])
@pytest.mark.parametrize("absolute", [False, True])
def test_mean_activation_equals_a_loop(name, absolute, load, folders, rows):
    model, data = load(name), rows.head(5)
    found = sn.mean_activation(model, data, "instruction", absolute, show_progress=False)
    for n, row in enumerate(data.to_dict("records")):
        text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        ids = [0, *model.tokenizer.encode(text, add_special_tokens=False)]
        expected = written_out_posts(bare(folders(name)), name, torch.tensor([ids]))[:, 1:]
        expected = expected.abs() if absolute else expected
        np.testing.assert_allclose(found[n], expected.mean(1), rtol=1e-5, atol=1e-6)


def written_out_posts(twin, name, ids):
    """Post of every layer at every token: [layer, token, (expert,) neuron]."""
    seen = []
    for block in twin.model.layers:
        if name == "llama":
            block.mlp.down_proj.register_forward_pre_hook(lambda m, x: seen.append(x[0][0]))
        else:
            block.mlp.register_forward_pre_hook(lambda m, x: seen.append(all_experts(m, x[0][0])))
    with torch.no_grad():
        twin(ids)
    return torch.stack(seen)


def all_experts(block, hidden):
    chosen = (hidden @ block.gate.weight.T).topk(2).indices
    post = torch.zeros(len(hidden), 4, 48, dtype=hidden.dtype)
    for t in range(len(hidden)):
        for e in chosen[t].tolist():
            gate, up = (block.experts.gate_up_proj[e] @ hidden[t]).chunk(2)
            post[t, e] = block.experts.act_fn(gate) * up
    return post


@pytest.mark.parametrize("name", ["llama", "gpt2", "mixtral"])
def test_write_norm(name, load, folders):
    norms = write_norm(load(name))
    for found, weight in zip(norms, down_projections(bare(folders(name)), name), strict=True):
        expected = torch.sqrt((weight.double() ** 2).sum(-2))
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def mask_of(*shape, dims=("layer", "neuron"), layers=None):
    coords = {} if layers is None else {"layer": layers}
    return xr.DataArray(np.ones(shape, bool), dims=dims, coords=coords)


CATEGORY = ("category", "layer", "neuron")
THREE = ("layer", "expert", "neuron")
WRONG = [
    ("llama", {}, "nothing to change"),
    ("llama", {"neurons": mask_of(3, 48), "scale": 0.0, "value": 1.0}, "scale .* or value .*, not both"),
    ("llama", {"neurons": mask_of(6, 3, 48, dims=CATEGORY)},
     "neurons has the dimensions category, layer, neuron; layer, neuron are expected"),
    ("llama", {"neurons": mask_of(3, 47)}, r"shape \(3, 47\); a layer here has 48 neurons"),
    ("llama", {"neurons": mask_of(2, 48)}, r"neurons has 2 layers; the model has \[0, 1, 2\]"),
    ("llama", {"neurons": mask_of(2, 48, layers=[1, 7])}, r"layers \[1, 7\]; the model has"),
    ("llama", {"neurons": mask_of(3, 48).astype(float)}, "must hold True and False, not float64"),
    ("llama", {"neurons": mask_of(3, 4, 48, dims=THREE)}, r"has no experts: give neurons \[layer, neur"),
    ("llama", {"experts": mask_of(3, 4, dims=THREE[:2])}, "has no experts"),
    ("llama", {"neurons": mask_of(3, 48), "value": mask_of(2, 48, layers=[0, 1]) * 1.0},
     "value has no layer 2, which neurons has"),
    ("mixtral", {"neurons": mask_of(3, 48)}, r"no dense layers: give neurons \[layer, expert, neuron\]"),
    ("mixtral", {"experts": mask_of(3, 4, dims=THREE[:2])}, "all experts of layer 0 are switched off"),
    ("mixtral", {"experts": mask_of(3, 5, dims=THREE[:2])}, "a layer here has 4 experts"),
    ("mixtral", {"experts": mask_of(3, 48)}, "layer, expert are expected"),
    ("mixtral", {"experts": mask_of(3, 48), "silence": True}, "layer, expert are expected"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "message"), WRONG, ids=lambda x: str(x)[:30])
def test_what_does_not_fit_is_said(name, arguments, message, load):
    with pytest.raises(InputError, match=message), sn.intervene(load(name), **arguments):
        pass


def test_a_router_that_chooses_otherwise_is_refused(load, monkeypatch):
    model = load("mixtral")
    router = taps._router(model, 0)
    real = router.forward
    monkeypatch.setattr(router, "forward", lambda x: (real(x)[0], real(x)[1] * 0.5, real(x)[2]))
    refused = pytest.raises(
        InputError, match="MixtralTopKRouter does not choose by softmax and top"
    )
    with refused, sn.intervene(model, experts=random_experts(model)):
        pass


def test_the_comparison_catches_a_broken_intervention(load, folders, monkeypatch):
    """Scaling that misses the last neuron must not pass for right."""
    model, twin = load("llama"), bare(folders("llama"))
    mask = random_mask(model)
    mask[:, -1] = True
    for weight, off in zip(down_projections(twin, "llama"), mask.to_numpy(), strict=True):
        weight[:, torch.tensor(off)] = 0
    broken = mask.copy()
    broken[:, -1] = False
    with sn.intervene(model, neurons=broken):
        assert (model(IDS) - twin(IDS).logits).abs().max() > 1e-6


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_neurons_are_told_by_their_labels(name, load):
    model = load(name)
    mask = random_mask(model)
    mask = mask.assign_coords({dim: np.arange(mask.sizes[dim]) for dim in mask.dims[1:]})
    turned = mask.isel({dim: slice(None, None, -1) for dim in mask.dims})
    with sn.intervene(model, neurons=mask):
        expected = model(IDS)
    with sn.intervene(model, neurons=turned):
        torch.testing.assert_close(model(IDS), expected)
    others = mask.assign_coords(neuron=mask["neuron"] + 1)
    with (
        pytest.raises(InputError, match="neurons: its neurons are others"),
        sn.intervene(model, neurons=others),
    ):
        pass
