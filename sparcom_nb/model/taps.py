"""Where to read and write inside a model, and what was proved of it at load.

A *neuron* is a coordinate of the hidden layer of a feed-forward network (FFN). With the gate
z = x W_gate, the up projection u = x W_up and the activation function sigma (SPARCOM, Zhang et al.
2025, section 3):

* site ``gate`` is sigma(z), right after the nonlinearity (an ungated FFN: sigma(x W_in));
* site ``post`` is sigma(z) * u, the input of the down projection (ungated: the same as ``gate``).

Every token goes through the FFN of a dense layer (kind ``dense``) and through the shared expert of a
sparse one (kind ``shared``). Only the tokens that the router sends there go through an expert.

The taps are hooks on modules of the Hugging Face model inside, found by :mod:`sparcom_nb.model.anatomy`.
Mixture-of-Experts layers keep their neurons inside experts, which transformers fuses into one
parameter without a module per expert to hook, so this file registers an experts implementation of
its own, equal to the library's ``eager`` bit for bit, that offers every chosen expert's activations
to a tap.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import linear, one_hot
from transformer_lens.model_bridge import TransformerBridge
from transformers import DynamicCache
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS, _default_apply_gate

from sparcom_nb.errors import InputError
from sparcom_nb.model import anatomy
from sparcom_nb.model.anatomy import EXPERTS_IMPLEMENTATION, Anatomy, Attention, Network

SITES = ("gate", "post")
KINDS = ("dense", "shared")

#: ``visit(layer, activation)``; the activation is [batch, token, neuron], or, where a network sees
#: the tokens of a batch in one row, [batch x token, neuron].
Visit = Callable[[int, Tensor], None]
#: ``visit(layer, expert, token, activation)``; token [n] indexes the flattened batch x tokens, the
#: activation is [n, neuron].
ExpertVisit = Callable[[int, int, Tensor, Tensor], None]
#: ``tap(expert, token, gate, post)`` of one layer: token [n] indexes the flattened batch x tokens,
#: gate and post are [n, neuron]; it returns the post to go on with.
ExpertTap = Callable[[int, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Proved:
    """What of a model holds for sequences of up to ``reach`` tokens.

    ``left``: padding on the left is invisible. ``pieces``: a sequence run in pieces, with a cache,
    has the derivatives of the whole one.
    """

    reach: float
    left: bool
    pieces: bool


def dense_layers(model: TransformerBridge) -> list[int]:
    """Numbers of the layers whose FFN is one network."""
    return sorted(_parts(model).networks["dense"])


def sparse_layers(model: TransformerBridge) -> list[int]:
    """Numbers of the layers whose FFN is a set of experts."""
    return sorted(_parts(model).experts)


def network_layers(model: TransformerBridge, kind: str = "dense") -> list[int]:
    """Numbers of the layers that have a network of this kind."""
    if kind not in KINDS:
        raise InputError(f"unknown kind {kind!r}; use one of {', '.join(KINDS)}")
    return sorted(_parts(model).networks[kind])


def device(model: TransformerBridge) -> torch.device:
    """Return where the model runs."""
    return next(model.parameters()).device


def width(model: TransformerBridge, kind: str = "dense") -> int:
    """Return the number of neurons of a network of this kind (the same in all layers)."""
    return _network(model, network_layers(model, kind)[0], kind).down.weight.shape[0]


def main_kind(model: TransformerBridge) -> str:
    """Return which networks make up the model: its experts where it has any, else the dense ones."""
    return "expert" if sparse_layers(model) else "dense"


def experts_shape(model: TransformerBridge) -> tuple[int, int]:
    """Return the numbers of experts of a sparse layer and of neurons of an expert."""
    n_experts, n_neurons, _ = _expert_weights(model, sparse_layers(model)[0]).shape
    return n_experts, n_neurons


def output_weights(
    model: TransformerBridge, kind: str = "dense"
) -> Iterator[tuple[int, int | None, Tensor]]:
    """Yield layer, expert and W_down transposed [neuron, d_model] of every network of a kind.

    A row is what a neuron writes. Beside those of :data:`KINDS` there is the kind ``expert``, the
    networks that a router chooses from; only these have a number as expert.
    """
    if kind == "expert":
        for layer in sparse_layers(model):
            for expert, weight in enumerate(_expert_weights(model, layer)):
                yield layer, expert, weight
    else:
        for layer in network_layers(model, kind):
            yield layer, None, _network(model, layer, kind).down.weight


def final_norm_gain(model: TransformerBridge) -> Tensor:
    """Gain [d_model] that the norm before the unembedding really applies.

    Raises:
        InputError: there is no norm right before the unembedding.
    """
    parts = _parts(model)
    if isinstance(parts.final_norm, str):
        raise InputError(f"{model.identity.name} has {parts.final_norm}: leave fold_norm out")
    weight = parts.head.weight.detach()
    return anatomy.gain(parts.final_norm, weight.T)


def embedding_rows(model: TransformerBridge, ids: Tensor, matrix: str) -> Tensor:
    """Rows [token, d_model] of the ``input`` or ``output`` embedding, at least in float32."""
    if matrix not in ("input", "output"):
        raise InputError(f"unknown matrix {matrix!r}; use input or output")
    parts = _parts(model)
    weight = (parts.embedding if matrix == "input" else parts.head).weight.detach()
    return _exact(weight[ids.to(weight.device)])


def attention_weights(model: TransformerBridge) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield the number of every layer with attention and its W_q and W_k [head, d_model, d_head].

    The gain of the layer's input norm is folded in, and every key head stands once for each query
    head that reads it (grouped-query attention), so that heads pair up. At least in float32.

    Raises:
        InputError: a layer has no norm before its attention, or no matrix of queries or keys.
    """
    found = _parts(model).attention
    if not found:
        raise InputError(f"{model.identity.name} has no word pairs: it has no attention")
    for attention in found.values():
        if isinstance(attention, str):
            raise InputError(f"{model.identity.name} has no word pairs: {attention}")
    for layer, attention in found.items():
        if isinstance(attention, Attention):
            gain = anatomy.gain(attention.norm, attention.query.weight)[:, None]
            yield layer, _exact(attention.query.weight * gain), _exact(attention.key.weight * gain)


def _exact(weight: Tensor) -> Tensor:
    return weight if weight.dtype.itemsize > 4 else weight.float()


def pads_left(model: TransformerBridge, length: int) -> bool:
    """Whether prompts of up to ``length`` tokens may be padded on the left: no number changes."""
    proved = cast(Proved, model.proved)
    return proved.left and length <= proved.reach


def forward(model: TransformerBridge, ids: Tensor, mask: Tensor) -> None:
    """Run all layers without the unembedding (its logits are not needed to read activations).

    ids and mask (1 = token, 0 = padding) are [batch, token]. Padding on the right needs no mask in
    a causal model: no token looks at what comes after it.
    """
    base: Any = model.original_model.base_model
    with torch.inference_mode():
        base(input_ids=ids, use_cache=False, **left_padding(base, mask))


def logits(model: TransformerBridge, ids: Tensor, positions: Tensor) -> Tensor:
    """Logits [batch, position, vocabulary] at some positions of right-padded ids [batch, token].

    The head runs at these positions only; whatever an architecture does to its logits is done.
    """
    whole: Any = model.original_model
    with torch.inference_mode():
        if takes(whole, "logits_to_keep"):
            return whole(input_ids=ids, use_cache=False, logits_to_keep=positions).logits
        return whole(input_ids=ids, use_cache=False).logits[:, positions]


def differentiable_logits(
    model: TransformerBridge, ids: Tensor, mask: Tensor, start: int, step: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Run ids [batch, token] in pieces and keep the graph, to differentiate by the embeddings.

    The first piece ends with the ``step``-th token from ``start`` on still to be predicted, the
    next ones predict ``step`` tokens each. Keys and values of earlier pieces are kept with their
    graph, so that a derivative goes back through no token that comes after what it is a derivative
    of. Where a model's cache is not proved to keep the graph, all tokens run in one piece.

    Yields:
        The input embeddings of the first piece [batch, token, d_model] (a leaf, the same each
        time), what the unembedding reads, and the logits, both [batch, position, ...] at the
        positions that predict this piece's tokens from ``start`` on. The last token predicts none.
    """
    proved = cast(Proved, model.proved)
    if not (proved.pieces and ids.shape[1] <= proved.reach):
        step = ids.shape[1]
    yield from pieces(model.original_model, _parts(model), ids, mask, start, step)


def pieces(
    whole: Any, parts: Anatomy, ids: Tensor, mask: Tensor, start: int, step: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Do what :func:`differentiable_logits` says, in pieces of ``step`` whatever was proved."""
    seen: dict[str, Any] = {}
    end = ids.shape[1] - 1
    edges = [0, *range(start - 1 + step, end, step), end]
    alone = len(edges) == 2
    cache = None if alone else DynamicCache(config=whole.config.get_text_config())
    sliced = takes(whole, "logits_to_keep")

    def leaf(_: Any, given: Any, embedded: Tensor) -> Tensor | None:
        if "leaf" in seen:
            return None
        return seen.setdefault("leaf", embedded.detach().requires_grad_())

    def head(_: Any, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        seen["state"] = given[0] if sliced else given[0][:, -seen["kept"] :]
        return (seen["state"], *given[1:])

    for first, stop in pairwise(edges):
        seen["kept"] = stop - max(first, start - 1)
        extra: dict[str, Any] = dict(left_padding(whole, mask[:, :stop], first))
        if sliced:
            extra["logits_to_keep"] = seen["kept"]
        if not alone:
            extra["past_key_values"] = cache
        with (
            parts.embedding.register_forward_hook(leaf),
            parts.head.register_forward_pre_hook(head),
        ):
            logits = whole(
                input_ids=ids[:, first:stop],
                use_cache=not alone,
                **extra,
            ).logits
        yield seen["leaf"], seen["state"], logits


def generate(
    model: TransformerBridge, ids: Tensor, mask: Tensor, max_new_tokens: int
) -> list[list[int]]:
    """Greedy continuation of left-padded prompts: the new tokens of each, before its end token."""
    whole: Any = model.original_model
    made = whole.generate(
        ids,
        attention_mask=mask,
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=0,
    )
    end = whole.generation_config.eos_token_id
    ends = set(end if isinstance(end, list) else [end])
    return [
        list(takewhile(lambda one: one not in ends, row))
        for row in made[:, ids.shape[1] :].tolist()
    ]


@contextmanager
def reading(
    model: TransformerBridge, site: str, visit: Visit, kind: str = "dense"
) -> Iterator[None]:
    """Call ``visit`` with every layer's activation at ``site`` while the model runs."""
    _check_site(site)
    with ExitStack() as undo:
        for layer in network_layers(model, kind):
            undo.enter_context(reader(_network(model, layer, kind), layer, site, visit))
        yield


@contextmanager
def reading_experts(model: TransformerBridge, site: str, visit: ExpertVisit) -> Iterator[None]:
    """Call ``visit`` with the activation of every expert at ``site`` for the tokens it is given."""
    _check_site(site)
    with expert_taps(
        model, {layer: _expert_reader(layer, site, visit) for layer in sparse_layers(model)}
    ):
        yield


@contextmanager
def reading_routes(model: TransformerBridge, visit: Visit) -> Iterator[None]:
    """Call ``visit`` with the weights [batch x token, expert] of the chosen experts, 0 elsewhere."""
    with ExitStack() as undo:
        for layer in sparse_layers(model):
            routes = _experts(model, layer).sparcom_routes
            routes.append(lambda weights, layer=layer: visit(layer, weights))
            undo.callback(routes.pop)
        yield


@contextmanager
def writing(
    model: TransformerBridge, change: Callable[[int, Tensor], Tensor], kind: str = "dense"
) -> Iterator[None]:
    """Put ``change(layer, post)`` in place of every layer's post while the model runs."""
    with ExitStack() as undo:
        for layer in network_layers(model, kind):
            undo.enter_context(writer(_network(model, layer, kind), layer, change))
        yield


@contextmanager
def expert_taps(model: TransformerBridge, taps: dict[int, ExpertTap]) -> Iterator[None]:
    """Attach one tap a sparse layer while the model runs; taps attached before it come first."""
    with ExitStack() as undo:
        for layer, tap in taps.items():
            attached = _experts(model, layer).sparcom_taps
            attached.append(tap)
            undo.callback(attached.pop)
        yield


@contextmanager
def barring(model: TransformerBridge, barred: dict[int, Tensor]) -> Iterator[None]:
    """Keep the routers of some sparse layers from choosing the barred experts (bool [expert]).

    The choice is made again among the others: their softmax, the top k of it, renormalised where
    the architecture does so.

    Raises:
        InputError: a router that does not choose by softmax and top-k, or is left no expert.
    """
    with ExitStack() as undo:
        for layer, off in barred.items():
            router = _router(model, layer)
            _check_router(layer, router, off)
            undo.enter_context(router.register_forward_hook(_barrier(off)))
        yield


def takes(module: Any, name: str) -> bool:
    """Whether a module's forward has an argument of this name."""
    return name in inspect.signature(module.forward).parameters


def left_padding(module: Any, mask: Tensor, first: int = 0) -> dict[str, Tensor]:
    """Arguments that tell a model of padding on the left; tokens before ``first`` were run before.

    A position counts from each prompt's first token. In 64 bits the library's mask overflows (its
    softmax has 32): such a model is not proved to be padded on the left.
    """
    if bool(mask[:, 0].all()):
        return {}
    extra = {"attention_mask": mask}
    if takes(module, "position_ids"):
        extra["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, first:]
    return extra


def _check_site(site: str) -> None:
    if site not in SITES:
        raise InputError(f"unknown site {site!r}; use one of {', '.join(SITES)}")


def _parts(model: TransformerBridge) -> Anatomy:
    return cast(Anatomy, model.anatomy)


def _network(model: TransformerBridge, layer: int, kind: str) -> Network:
    return _parts(model).networks[kind][layer]


def reader(network: Network, layer: int, site: str, visit: Visit) -> Any:
    """Attach the hook of one layer. A hook that returns None leaves the activation alone."""
    if site == "post":
        return network.down.module.register_forward_pre_hook(
            lambda module, given: visit(layer, given[0])
        )
    return network.gate.register_forward_hook(
        lambda module, given, made: visit(layer, network.value(made))
    )


def _expert_reader(layer: int, site: str, visit: ExpertVisit) -> ExpertTap:
    """Tap of one layer that leaves the activations alone."""

    def tap(expert: int, token: Tensor, gate: Tensor, post: Tensor) -> Tensor:
        visit(layer, expert, token, post if site == "post" else gate)
        return post

    return tap


def writer(network: Network, layer: int, change: Callable[[int, Tensor], Tensor]) -> Any:
    """Attach a hook that puts ``change(layer, post)`` in the place of post."""
    return network.down.module.register_forward_pre_hook(
        lambda module, given: (change(layer, given[0]), *given[1:])
    )


def _experts(model: TransformerBridge, layer: int) -> Any:
    return _parts(model).experts[layer].module


def _expert_weights(model: TransformerBridge, layer: int) -> Tensor:
    """W_down transposed [expert, neuron, d_model] of a layer's experts."""
    experts = _experts(model, layer)
    weight = experts.down_proj.detach()
    return weight if experts.is_transposed else weight.transpose(1, 2)


def _router(model: TransformerBridge, layer: int) -> Any:
    return _parts(model).experts[layer].router


def _route(router: Any, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and numbers [token, top k] of the experts that a router chooses by its logits."""
    weights, chosen = logits.float().softmax(dim=-1).topk(router.top_k, dim=-1)
    if getattr(router, "norm_topk_prob", True):  # Mixtral always does
        weights = weights / weights.sum(dim=-1, keepdim=True)
    return weights, chosen


def _barrier(off: Tensor) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    """Forward hook of a router. Barred logits go out as minus infinity, so that barriers nest."""

    def hook(router: Any, _: Any, out: tuple[Tensor, Tensor, Tensor]) -> Any:
        logits = out[0].masked_fill(off, float("-inf"))
        weights, chosen = _route(router, logits)
        return logits, weights.to(out[1].dtype), chosen

    return hook


def _check_router(layer: int, router: Any, off: Tensor) -> None:
    """Prove by use that :func:`_route` does what the router does, and that it has a choice left."""
    if not _routes_by_softmax(router):
        raise InputError(
            f"layer {layer}: {type(router).__name__} does not choose by softmax and top-k, so that "
            "it cannot be re-routed; silence the experts instead"
        )
    barred = router(_router_probe(router))[0].isneginf()
    if (off | barred).all(dim=-1).any():
        raise InputError(f"all experts of layer {layer} are switched off; leave at least one")


def _routes_by_softmax(router: Any) -> bool:
    try:
        with torch.inference_mode():
            logits, weights, chosen = router(_router_probe(router))
            again, again_chosen = _route(router, logits)
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return False
    return chosen.equal(again_chosen) and torch.allclose(weights, again.to(weights.dtype))


def _router_probe(router: Any) -> Tensor:
    like = router.weight
    probe = torch.arange(8 * like.shape[1], device=like.device).sin().view(8, -1)
    return probe.to(like.dtype)


def _experts_forward(
    self: Any, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor
) -> Tensor:
    """Run the chosen experts one by one: [tokens, d_model] in and out.

    A choice of weight zero writes nothing and is left out: it fills a place of an expert that an
    intervention has silenced.
    """
    for visit in self.sparcom_routes:
        visit(_by_expert(top_k_index, top_k_weights, self.num_experts))
    final = torch.zeros_like(hidden_states)
    places = one_hot(top_k_index, num_classes=self.num_experts)
    chosen = (places * (top_k_weights != 0).unsqueeze(-1)).permute(2, 1, 0)
    for expert in chosen.sum(dim=(1, 2)).nonzero().flatten().tolist():
        rank, token = torch.where(chosen[expert])
        first = "gate_up_proj" if self.has_gate else "up_proj"
        gate, post = _gated(self, _project(self, first, expert, hidden_states[token]))
        for tap in self.sparcom_taps:
            post = tap(expert, token, gate, post)
        out = _project(self, "down_proj", expert, post) * top_k_weights[token, rank, None]
        final.index_add_(0, token, out.to(final.dtype))
    return final


def _by_expert(index: Tensor, weights: Tensor, n_experts: int) -> Tensor:
    """Weights [token, expert] from those of the chosen [token, rank]."""
    return weights.new_zeros(len(index), n_experts).scatter_add_(1, index, weights)


def _project(experts: Any, name: str, expert: int, x: Tensor) -> Tensor:
    weight = getattr(experts, name)[expert]
    bias = getattr(experts, f"{name}_bias")[expert] if experts.has_bias else None
    return linear(x, weight.T if experts.is_transposed else weight, bias)


def _gated(experts: Any, z: Tensor) -> tuple[Tensor, Tensor]:
    """Sites gate and post of what an expert's first projection makes."""
    if not experts.has_gate:
        gate = experts.act_fn(z)
        return gate, gate
    if type(experts)._apply_gate is _default_apply_gate:
        gate, up = z.chunk(2, dim=-1)
        gate = experts.act_fn(gate)
        return gate, gate * up
    return _alone(experts, z), experts._apply_gate(z)


def _alone(experts: Any, z: Tensor) -> Tensor:
    """The factor sigma(z) of a gating of its own: with an up projection that multiplies by one.

    That is 0 where the factor is 1 + u (GPT-OSS), else 1.
    """
    up = [torch.zeros_like(z), torch.ones_like(z)]
    half = z.shape[-1] // 2
    for one in up:
        if experts.is_concatenated:
            one[..., :half] = z[..., :half]
        else:
            one[..., ::2] = z[..., ::2]
    plain = experts._apply_gate(up[0])
    return plain if plain.any() else experts._apply_gate(up[1])


ALL_EXPERTS_FUNCTIONS.register(EXPERTS_IMPLEMENTATION, _experts_forward)
