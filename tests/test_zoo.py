"""Every architecture against brute force: the plain Hugging Face model with hooks written here.

``SPARCOM_WRITE_TABLE=1`` writes the table of docs/models.md that this file otherwise checks.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from torch.nn.functional import silu
from zoo import REFUSED, ZOO, layers, part, plain, save

import sparcom_nb as sn
from sparcom_nb.model import taps
from sparcom_nb.model.evaluate import ResponseLoss, continuations
from sparcom_nb.model.prompts import encode
from sparcom_nb.model.sources import FAMILIES
from sparcom_nb.shift.attribution import attributions, join

TABLE = Path(__file__).parents[1] / "docs" / "models.md"
QUIET = {"show_progress": False}
CLOSE = {"rtol": 2e-3, "atol": 1e-5}
#: What the tests of this run found out, a row an architecture.
FOUND: dict[str, str] = {}


@pytest.fixture(scope="module")
def data(rows):
    """Rows of different length, all longer than the windows of the zoo."""
    return rows.iloc[[1, 9, 22]]


class Twin:
    """The plain model, run on one row at a time."""

    def __init__(self, name, folder, prompts):
        self.kind, self.whole, self.prompts = ZOO[name], plain(folder), prompts
        self.layers = layers(self.whole)
        self.experts = {
            n: next(m for m in layer.modules() if type(m).__name__.endswith("Experts"))
            for n, layer in enumerate(self.layers)
            if any(type(m).__name__.endswith("Experts") for m in layer.modules())
        }
        self.networks = {"dense": {}, "shared": {}}
        for n, layer in enumerate(self.layers):
            kind = "shared" if n in self.experts else "dense"
            for network in getattr(self.kind, kind):
                if part(layer, network.gate) and part(layer, network.down):
                    self.networks[kind][n] = network

    @torch.no_grad()
    def seen(self, prompt):
        """Gate and post by layer, and what the experts were given: tokens, numbers, weights."""
        found, given = {}, {}
        with ExitStack() as undo:
            for n, network in (self.networks["dense"] | self.networks["shared"]).items():
                gate, down = (part(self.layers[n], p) for p in (network.gate, network.down))
                sigma = network.sigma
                sigma = part(self.layers[n], sigma) if isinstance(sigma, str) else sigma
                undo.enter_context(gate.register_forward_hook(
                    lambda m, x, y, n=n, s=sigma, c=network.cut: found.__setitem__((n, "gate"), s(c(y)))
                ))  # fmt: skip
                undo.enter_context(down.register_forward_pre_hook(
                    lambda m, x, n=n: found.__setitem__((n, "post"), x[0])
                ))  # fmt: skip
            for n, experts in self.experts.items():
                undo.enter_context(experts.register_forward_pre_hook(
                    lambda m, x, k, n=n: given.__setitem__(n, [*x, *k.values()]), with_kwargs=True
                ))  # fmt: skip
            self.whole(torch.tensor([prompt.ids]))
        return {k: v.flatten(0, -2) for k, v in found.items()}, given

    @torch.no_grad()
    def of_experts(self, n, given):
        """Which expert serves a token, and gate and post of its neurons: [token, expert, neuron]."""
        hidden, index, weights = given[:3]
        experts = self.experts[n]
        turned = experts.is_transposed
        width = experts.down_proj.shape[1 if turned else 2]
        gate, post = torch.zeros(2, len(hidden), experts.num_experts, width)
        routed = torch.zeros(len(hidden), experts.num_experts)
        for t in range(len(hidden)):
            for e in index[t, weights[t] != 0].tolist():
                w = experts.gate_up_proj[e]
                z = hidden[t] @ (w if turned else w.T)
                if experts.has_bias:
                    z = z + experts.gate_up_proj_bias[e]
                routed[t, e] = 1
                if type(experts).__name__ == "GptOssExperts":
                    clamped = z[::2].clamp(max=experts.limit)
                    gate[t, e] = clamped * torch.sigmoid(clamped * experts.alpha)
                    up = z[1::2].clamp(-experts.limit, experts.limit) + 1
                else:
                    gate[t, e], up = silu(z[:width]), z[width:]
                post[t, e] = gate[t, e] * up
        return routed, gate, post

    @torch.no_grad()
    def losses(self):
        """Mean loss of a response token, row by row."""
        found = []
        for prompt in self.prompts["response"]:
            scores = self.whole(torch.tensor([prompt.ids])).logits[0].log_softmax(-1)
            at = range(prompt.start, prompt.stop)
            found.append(-np.mean([scores[t - 1, prompt.ids[t]].item() for t in at]))
        return np.array(found)

    def attribution(self, sequence):
        """S [input, output], one derivative at a time, and the size of what is summed in it.

        Where a norm follows the embedding S is zero but for rounding: its parts cancel.
        """
        found = []
        for t in range(sequence.start, sequence.stop):
            leaf = []

            def keep(module, ids, embedded, leaf=leaf):
                leaf.append(embedded.detach().requires_grad_())
                return leaf[0]

            with self.whole.get_input_embeddings().register_forward_hook(keep):
                logits = self.whole(torch.tensor([sequence.ids[:t]])).logits[0, -1]
            value = logits.softmax(-1)[sequence.ids[t]]
            (slope,) = torch.autograd.grad(value, leaf[0])
            found.append((slope * leaf[0])[0, : sequence.start].detach())
        parts = torch.stack(found, dim=1)
        return parts.sum(-1).numpy(), float(parts.abs().sum(-1).max())

    @torch.no_grad()
    def continuation(self, prompt, n_new):
        ids = list(prompt.ids)
        for _ in range(n_new):
            ids.append(int(self.whole(torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] == self.whole.generation_config.eos_token_id:
                return ids[len(prompt.ids) : -1]
        return ids[len(prompt.ids) :]

    def query_and_key(self, n):
        """W_q and W_k [head, d_model, d_head] of a layer, as its code reads them; None: none."""
        how, layer, config = self.kind.pairs, self.layers[n], self.whole.config
        source = part(layer, how.query)
        if source is None:
            return None
        n_heads = config.num_attention_heads
        n_key = getattr(config, "num_key_value_heads", None) or n_heads
        if how.split:
            weight = source.weight if type(source).__name__ == "Conv1D" else source.weight.T
            if getattr(config, "multi_query", False) and "BigCode" in type(self.whole).__name__:
                n_key = 1
            query, key = how.split(weight, n_heads, n_key)
        else:
            query = how.cut(source.weight.T, n_heads)
            key = part(layer, how.key).weight.T.unflatten(1, (-1, query.shape[2])).movedim(1, 0)
        key = key.repeat_interleave(len(query) // len(key), dim=0)
        gain = part(layer, how.norm).weight if how.gain != "ones" else torch.ones(query.shape[1])
        gain = gain + 1 if how.gain == "plus" else gain
        return query * gain[:, None], key * gain[:, None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tokenizer):
    made = {}

    def one(name, config):
        if name not in made:
            made[name] = save(config(), tokenizer, tmp_path_factory.mktemp(name))
        return made[name]

    return one


@pytest.mark.parametrize("name", ZOO)
def test_everything_equals_brute_force(name, folder, data):
    path = folder(name, ZOO[name].config)
    model = sn.load_model(path)
    prompts = {
        span: encode(model.tokenizer, model.template, data, span, model.cfg.n_ctx)
        for span in ("instruction", "response", "prompt")
    }
    twin = Twin(name, path, prompts)
    check_parts(model, twin)
    check_frequencies(model, twin, data)
    check_ablations(model, twin, data)
    check_attribution(model, twin, data)
    check_answers(model, twin)
    pairs = check_pairs(model, twin)
    FOUND[name] = row(name, model, pairs)


def check_parts(model, twin):
    for kind in ("dense", "shared"):
        assert taps.network_layers(model, kind) == sorted(twin.networks[kind])
    assert taps.sparse_layers(model) == sorted(twin.experts)
    ids = torch.tensor([twin.prompts["response"][1].ids])
    torch.testing.assert_close(model(ids), twin.whole(ids).logits.detach(), **CLOSE)


def check_frequencies(model, twin, data):
    """Counts at both sites, of networks and experts, and routing, all rows together."""
    seen = [twin.seen(prompt) for prompt in twin.prompts["instruction"]]
    spans = [slice(p.start, p.stop) for p in twin.prompts["instruction"]]
    for site in ("gate", "post"):
        for kind, networks in twin.networks.items():
            if networks:
                found = sn.sparcom.activation_frequency(model, data, site=site, kind=kind, **QUIET)
                expected = [
                    np.stack([(one[n, site][at] > 0).float().mean(0) for n in sorted(networks)])
                    for (one, _), at in zip(seen, spans, strict=True)
                ]
                np.testing.assert_allclose(found, np.stack(expected), rtol=1e-6)
        if twin.experts:
            found = sn.sparcom.expert_neuron_frequency(model, data, site=site, **QUIET)
            for r, ((_, given), at) in enumerate(zip(seen, spans, strict=True)):
                for n, inputs in given.items():
                    routed, gate, post = twin.of_experts(n, inputs)
                    active = ((gate if site == "gate" else post)[at] > 0).float().mean(0)
                    here = found.sel(layer=n)[r]
                    np.testing.assert_allclose(here, active.detach(), rtol=1e-6)
                    np.testing.assert_allclose(here["routing"], routed[at].mean(0), rtol=1e-6)


def check_ablations(model, twin, data):
    """A third of the neurons off, of each kind by itself."""
    losses = ResponseLoss(model, data)
    np.testing.assert_allclose(losses(), twin.losses(), rtol=1e-4)
    dice = np.random.default_rng(0)
    for kind, networks in twin.networks.items():
        if networks:
            shape = len(networks), taps.width(model, kind)
            mask = xr.DataArray(
                dice.random(shape) < 0.33,
                dims=("layer", "neuron"),
                coords={"layer": sorted(networks)},
            )
            with sn.intervene(model, neurons=mask, kind=kind), ExitStack() as undo:
                for n, network in networks.items():
                    keep = torch.tensor(~mask.sel(layer=n).to_numpy())
                    down = part(twin.layers[n], network.down)
                    undo.enter_context(
                        down.register_forward_pre_hook(lambda m, x, keep=keep: (x[0] * keep,))
                    )
                np.testing.assert_allclose(losses(), twin.losses(), rtol=1e-4)
    if twin.experts:
        shape = len(twin.experts), *taps.experts_shape(model)
        dims = ("layer", "expert", "neuron")
        mask = xr.DataArray(
            dice.random(shape) < 0.33, dims=dims, coords={"layer": sorted(twin.experts)}
        )
        before = {n: experts.down_proj.data.clone() for n, experts in twin.experts.items()}
        for n, experts in twin.experts.items():
            keep = torch.tensor(~mask.sel(layer=n).to_numpy())
            experts.down_proj.data *= keep[:, :, None] if experts.is_transposed else keep[:, None]
        with sn.intervene(model, neurons=mask):
            np.testing.assert_allclose(losses(), twin.losses(), rtol=1e-4)
        for n, experts in twin.experts.items():
            experts.down_proj.data = before[n]


def check_attribution(model, twin, data):
    """Two together, in pieces of two response tokens."""
    texts = [data[column].to_list()[:2] for column in ("instruction", "response")]
    found = attributions(model, *texts, chunk=2)
    for one, prompt, response in zip(found, *texts, strict=True):
        sequence = join(model, prompt, response, False).sequence
        expected, size = twin.attribution(sequence)
        np.testing.assert_allclose(one, expected[-len(one) :], rtol=1e-3, atol=1e-5 * size)


def check_answers(model, twin):
    found = continuations(model, twin.prompts["prompt"], 3, show_progress=False)
    for one, prompt in zip(found, twin.prompts["prompt"], strict=True):
        ids = twin.continuation(prompt, 3)
        assert one == model.tokenizer.decode(ids, skip_special_tokens=True).strip()


def check_pairs(model, twin):
    if isinstance(twin.kind.pairs, str):
        with pytest.raises(sn.InputError, match=twin.kind.pairs) as caught:
            list(taps.attention_weights(model))
        assert len(str(caught.value)) <= 300 and "\n" not in str(caught.value)
        return twin.kind.pairs
    found = {n: weights for n, *weights in taps.attention_weights(model)}
    expected = {n: twin.query_and_key(n) for n in range(len(twin.layers))}
    assert found and list(found) == [n for n, weights in expected.items() if weights]
    for n, weights in found.items():
        for one, other in zip(weights, expected[n], strict=True):
            torch.testing.assert_close(one, other.detach(), rtol=1e-5, atol=1e-6)
    return "yes"


def row(name, model, pairs):
    """A line of the table: what was proved of the tiny model of an architecture."""
    kind = "experts" if taps.sparse_layers(model) else "dense"
    kind += " + shared" if taps.network_layers(model, "shared") else ""
    norm = "no" if isinstance(model.anatomy.final_norm, str) else "yes"
    together = "padded" if model.proved.left else "equal length"
    inside = "blocks whole" if type(model.adapter).__name__ == "WholeBlocks" else "all"
    cells = (
        ZOO[name].family,
        type(model.original_model).__name__,
        kind,
        pairs,
        norm,
        together,
        inside,
    )
    return "| " + " | ".join(cells) + " |"


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_refused_in_one_line(name, folder):
    config, why = REFUSED[name]
    with pytest.raises(sn.InputError, match=why) as caught:
        sn.load_model(folder(name, config))
    assert len(str(caught.value)) <= 300 and "\n" not in str(caught.value)


def test_the_table_of_families_is_what_was_proved():
    if set(FOUND) != set(ZOO):
        pytest.skip("only part of the zoo was run")
    before, mark, _ = TABLE.read_text(encoding="utf-8").partition("| --- ")
    head = mark + "| --- " * 6 + "|\n"
    text = before + head + "\n".join(sorted(set(FOUND.values()))) + "\n"
    if os.environ.get("SPARCOM_WRITE_TABLE"):
        TABLE.write_text(text, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == text


def test_refusals_name_the_families_of_the_table():
    assert set(FAMILIES) == {kind.family for kind in ZOO.values()}
