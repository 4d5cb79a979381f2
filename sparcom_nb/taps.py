"""Where to read and write inside a model: the only file that knows hook names.

A *neuron* is a coordinate of the hidden layer of a feed-forward network (FFN). With the gate
z = x W_gate, the up projection u = x W_up and the activation function sigma (SPARCOM, Zhang et al.
2025, section 3):

* site ``gate`` is sigma(z), right after the nonlinearity (an ungated FFN: sigma(x W_in));
* site ``post`` is sigma(z) * u, the input of the down projection (ungated: the same as ``gate``).

Every token goes through the FFN of a dense layer (kind ``dense``) and through the shared expert of a
Qwen2-MoE layer (kind ``shared``). Only the tokens that the router sends there go through an expert.

Mixture-of-Experts layers keep their neurons inside experts. Transformers fuses all experts of a
layer into one parameter, without a module per expert to hook, so this file registers an experts
implementation of its own, equal to the library's ``eager`` bit for bit, that offers every chosen
expert's activations to a tap.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, one_hot
from transformer_lens.model_bridge import TransformerBridge
from transformers import DynamicCache
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

from sparcom_nb.errors import InputError

SITES = ("gate", "post")
#: Where in a layer the network of each kind is.
_NETWORKS = {"dense": "mlp", "shared": "mlp.shared_expert"}
KINDS = tuple(_NETWORKS)
EXPERTS_IMPLEMENTATION = "sparcom_nb"

#: ``visit(layer, activation)``; the activation is [batch, token, neuron].
Visit = Callable[[int, Tensor], None]
#: ``visit(layer, expert, token, activation)``; token [n] indexes the flattened batch x tokens, the
#: activation is [n, neuron].
ExpertVisit = Callable[[int, int, Tensor, Tensor], None]
#: ``tap(expert, token, gate, post)`` of one layer: token [n] indexes the flattened batch x tokens,
#: gate (before sigma) and post are [n, neuron]; it returns the post to go on with.
ExpertTap = Callable[[int, Tensor, Tensor, Tensor], Tensor]


def dense_layers(model: TransformerBridge) -> list[int]:
    """Numbers of the layers whose FFN is one network."""
    return [n for n in range(model.cfg.n_layers) if not _is_sparse(model, n)]


def sparse_layers(model: TransformerBridge) -> list[int]:
    """Numbers of the layers whose FFN is a set of experts."""
    return [n for n in range(model.cfg.n_layers) if _is_sparse(model, n)]


def network_layers(model: TransformerBridge, kind: str = "dense") -> list[int]:
    """Numbers of the layers that have a network of this kind."""
    if kind not in KINDS:
        raise InputError(f"unknown kind {kind!r}; use one of {', '.join(KINDS)}")
    if kind == "dense":
        return dense_layers(model)
    return [n for n in sparse_layers(model) if hasattr(model.blocks[n].mlp, "shared_expert")]


def device(model: TransformerBridge) -> torch.device:
    """Return where the model runs."""
    return next(model.parameters()).device


def width(model: TransformerBridge, kind: str = "dense") -> int:
    """Return the number of neurons of a network of this kind (the same in all layers)."""
    return _network(model, network_layers(model, kind)[0], kind).W_out.shape[0]


def experts_shape(model: TransformerBridge) -> tuple[int, int]:
    """Return the numbers of experts of a sparse layer and of neurons of an expert."""
    down_proj = _experts(model, sparse_layers(model)[0]).down_proj
    return down_proj.shape[0], down_proj.shape[2]


def write_norms(model: TransformerBridge, kind: str = "dense") -> Tensor:
    """Norms [layer, neuron] of what the neurons write: the columns of W_down."""
    layers = network_layers(model, kind)
    return torch.stack(
        [_network(model, n, kind).W_out.detach().float().norm(dim=1) for n in layers]
    )


def expert_write_norms(model: TransformerBridge) -> Tensor:
    """Norms [layer, expert, neuron] of what the neurons of the experts write."""
    down = [_experts(model, n).down_proj.detach().float() for n in sparse_layers(model)]
    return torch.stack([weight.norm(dim=1) for weight in down])


def output_weights(
    model: TransformerBridge, kind: str = "dense"
) -> Iterator[tuple[int, int | None, Tensor]]:
    """Yield layer, expert and W_down transposed [neuron, d_model] of every network of a kind.

    A row is what a neuron writes. Beside those of :data:`KINDS` there is the kind ``expert``, the
    networks that a router chooses from; only these have a number as expert.
    """
    if kind == "expert":
        for layer in sparse_layers(model):
            for expert, weight in enumerate(_experts(model, layer).down_proj.detach()):
                yield layer, expert, weight.T
    else:
        for layer in network_layers(model, kind):
            yield layer, None, _network(model, layer, kind).W_out.detach()


def final_norm_gain(model: TransformerBridge) -> Tensor:
    """Gain [d_model] of the norm between the last layer and the unembedding."""
    return model.ln_final.weight.detach()


def embedding_rows(model: TransformerBridge, ids: Tensor, matrix: str) -> Tensor:
    """Rows [token, d_model] of the ``input`` or ``output`` embedding, at least in float32."""
    if matrix not in ("input", "output"):
        raise InputError(f"unknown matrix {matrix!r}; use input or output")
    weight = model.W_E if matrix == "input" else model.W_U.T
    rows = weight.detach()[ids.to(weight.device)]
    return rows if rows.dtype.itemsize > 4 else rows.float()


def attention_weights(model: TransformerBridge) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield the number of every layer with its W_q and W_k [head, d_model, d_head].

    The gain of the layer's input norm is folded in, and every key head stands once for each query
    head that reads it (grouped-query attention), so that heads pair up. At least in float32.
    """
    for layer in range(model.cfg.n_layers):
        block: Any = model.blocks[layer]
        if not hasattr(block, "ln1"):
            raise InputError(
                f"layer {layer} has no norm before its attention; this architecture is not supported"
            )
        gain = block.ln1.w.detach()[:, None]
        query, key = (weight.detach() * gain for weight in (block.attn.W_Q, block.attn.W_K))
        key = key.repeat_interleave(len(query) // len(key), dim=0)
        yield layer, *((w if w.dtype.itemsize > 4 else w.float()) for w in (query, key))


def forward(model: TransformerBridge, ids: Tensor, mask: Tensor) -> None:
    """Run all layers without the unembedding (its logits are not needed to read activations).

    ids and mask (1 = token, 0 = padding) are [batch, token]. Padding on the right needs no mask in
    a causal model: no token looks at what comes after it.
    """
    extra = {} if bool(mask[:, 0].all()) else _left_padding(mask, model.cfg.dtype)
    base: Any = model.original_model.base_model
    with torch.inference_mode():
        base(input_ids=ids, use_cache=False, **extra)


def logits(model: TransformerBridge, ids: Tensor, positions: Tensor) -> Tensor:
    """Logits [batch, position, vocabulary] at some positions of right-padded ids [batch, token].

    The head runs at these positions only; whatever an architecture does to its logits is done.
    """
    whole: Any = model.original_model
    with torch.inference_mode():
        return whole(input_ids=ids, use_cache=False, logits_to_keep=positions).logits


def differentiable_logits(
    model: TransformerBridge, ids: Tensor, mask: Tensor, start: int, step: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Run ids [batch, token] in pieces and keep the graph, to differentiate by the embeddings.

    The first piece ends with the ``step``-th token from ``start`` on still to be predicted, the
    next ones predict ``step`` tokens each. Keys and values of earlier pieces are kept with their
    graph, so that a derivative goes back through no token that comes after what it is a derivative
    of.

    Yields:
        The input embeddings of the first piece [batch, token, d_model] (a leaf, the same each
        time), what the unembedding reads, and the logits, both [batch, position, ...] at the
        positions that predict this piece's tokens from ``start`` on. The last token predicts none.
    """
    whole: Any = model.original_model
    cache, seen = DynamicCache(config=whole.config), {}
    end = ids.shape[1] - 1
    edges = [0, *range(start - 1 + step, end, step), end]

    def leaf(embedded: Tensor, hook: Any) -> Tensor | None:
        if "leaf" in seen:
            return None
        return seen.setdefault("leaf", embedded.detach().requires_grad_())

    def head(state: Tensor, hook: Any) -> None:
        seen["state"] = state

    for first, stop in pairwise(edges):
        extra = {} if bool(mask[:, 0].all()) else _left_padding(mask[:, :stop], model.cfg.dtype)
        extra = {name: value[..., first:stop, :] if value.dim() > 2 else value[:, first:stop]
                 for name, value in extra.items()}  # fmt: skip
        with model.hooks(fwd_hooks=[("embed.hook_out", leaf), ("unembed.hook_in", head)]):
            logits = whole(
                input_ids=ids[:, first:stop],
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=stop - max(first, start - 1),
                **extra,
            ).logits
        yield seen["leaf"], seen["state"], logits


def generate(
    model: TransformerBridge, ids: Tensor, mask: Tensor, max_new_tokens: int, pad_id: int
) -> Tensor:
    """Greedy continuation of left-padded prompts: [batch, prompt and new tokens]."""
    whole: Any = model.original_model
    return whole.generate(
        ids,
        attention_mask=mask,
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=pad_id,
    )


@contextmanager
def reading(
    model: TransformerBridge,
    site: str,
    visit: Visit,
    sign_only: bool = False,
    kind: str = "dense",
) -> Iterator[None]:
    """Call ``visit`` with every layer's activation at ``site`` while the model runs.

    ``sign_only`` allows the gate's pre-activation in place of its activation where both have the
    same sign, which saves the activation function. A shared expert sees the tokens of a batch in
    one row: its activation is [batch x token, neuron].
    """
    _check_site(site)
    layers = network_layers(model, kind)
    hooks = [_reader(model, layer, site, visit, sign_only, kind) for layer in layers]
    with model.hooks(fwd_hooks=hooks):
        yield


@contextmanager
def reading_experts(
    model: TransformerBridge, site: str, visit: ExpertVisit, sign_only: bool = False
) -> Iterator[None]:
    """Call ``visit`` with the activation of every expert at ``site`` for the tokens it is given."""
    _check_site(site)
    layers = sparse_layers(model)
    taps = {layer: _expert_reader(model, layer, site, visit, sign_only) for layer in layers}
    with expert_taps(model, taps):
        yield


@contextmanager
def reading_routes(model: TransformerBridge, visit: Visit) -> Iterator[None]:
    """Call ``visit`` with the weights [batch x token, expert] of the chosen experts, 0 elsewhere."""

    def reader(layer: int) -> Callable[..., None]:
        return lambda weights, hook: visit(layer, weights)

    with model.hooks(
        fwd_hooks=[
            (f"blocks.{n}.mlp.gate.hook_expert_weights", reader(n)) for n in sparse_layers(model)
        ]
    ):
        yield


@contextmanager
def writing(
    model: TransformerBridge, change: Callable[[int, Tensor], Tensor], kind: str = "dense"
) -> Iterator[None]:
    """Put ``change(layer, post)`` in place of every layer's post while the model runs."""
    with model.hooks(
        fwd_hooks=[
            (f"blocks.{layer}.{_NETWORKS[kind]}.hook_post", _writer(layer, change))
            for layer in network_layers(model, kind)
        ]
    ):
        yield


@contextmanager
def expert_taps(model: TransformerBridge, taps: dict[int, ExpertTap]) -> Iterator[None]:
    """Attach one tap a sparse layer while the model runs; taps attached before it come first."""
    with ExitStack() as undo:
        for layer, tap in taps.items():
            experts = _experts(model, layer)
            before = getattr(experts, "sparcom_taps", ())
            experts.sparcom_taps = (*before, tap)
            undo.callback(setattr, experts, "sparcom_taps", before)
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


def prove(model: TransformerBridge) -> None:
    """Check every layer's taps by use; raise InputError where one does not do what it says.

    One batch of the same few tokens, a row for every layer and two to spare: in row n the strongest
    neuron of layer n is scaled. Every tap must have the right shape and finite values, the two
    sites must agree with the activation function, and each scaling must move the logits of its row
    by more than ten times what the two untouched rows differ.
    """
    n_layers, ids = model.cfg.n_layers, _probe(model)
    with ExitStack() as undo:
        undo.enter_context(reading(model, "gate", _check_values))
        undo.enter_context(writing(model, _scale_own_row))
        undo.enter_context(
            expert_taps(
                model,
                {n: _scale_own_row_of_expert(n, ids.shape[1]) for n in sparse_layers(model)},
            )
        )
        undo.enter_context(torch.inference_mode())
        logits = model(ids, attention_mask=torch.ones_like(ids))
    moved = (logits - logits[-1]).abs().amax(dim=(1, 2)).float()
    noise = moved[n_layers]
    for layer in range(n_layers):
        if not moved[layer] > 10 * noise:
            raise InputError(
                f"layer {layer}: scaling a tapped neuron does not change the logits; "
                "this architecture is not supported"
            )


def _left_padding(mask: Tensor, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return positions that start at each prompt's first token, and the additive causal mask.

    Padding sees itself: a row that sees nothing would be NaN wherever softmax runs in float32.
    """
    length = mask.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=mask.device).tril()
    visible = causal & mask.bool()[:, None, :] | torch.eye(length, dtype=torch.bool).to(mask.device)
    hidden = torch.zeros(visible.shape, dtype=dtype, device=mask.device)
    hidden.masked_fill_(~visible, torch.finfo(torch.float16).min if dtype.itemsize < 4 else -1e30)
    return {
        "attention_mask": hidden[:, None],
        "position_ids": (mask.cumsum(dim=1) - 1).clamp(min=0),
    }


def _is_sparse(model: TransformerBridge, layer: int) -> bool:
    return getattr(model.blocks[layer].mlp, "bound_dense", None) is False


def _check_site(site: str) -> None:
    if site not in SITES:
        raise InputError(f"unknown site {site!r}; use one of {', '.join(SITES)}")


def _network(model: TransformerBridge, layer: int, kind: str) -> Any:
    mlp: Any = model.blocks[layer].mlp
    return mlp.shared_expert if kind == "shared" else mlp


def _activation_function(layer: int, component: Any) -> Callable[[Tensor], Tensor]:
    for name in ("act_fn", "act", "activation_fn"):
        if hasattr(component, name):
            return getattr(component, name)
    raise InputError(
        f"layer {layer}: no activation function found in {type(component).__name__}; "
        "this architecture is not supported"
    )


def _keeps_sign(function: Callable[[Tensor], Tensor]) -> bool:
    x = torch.linspace(-30, 30, 6001)
    return bool(((function(x) > 0) == (x > 0)).all())


def _reader(
    model: TransformerBridge, layer: int, site: str, visit: Visit, sign_only: bool, kind: str
) -> tuple[str, Callable[..., None]]:
    """Name and hook of one layer. A hook that returns None leaves the activation alone."""
    function = _activation_function(layer, _network(model, layer, kind).original_component)
    raw = site == "post" or (sign_only and _keeps_sign(function))

    def hook(activation: Tensor, hook: Any) -> None:
        visit(layer, activation if raw else function(activation))

    point = "hook_post" if site == "post" else "hook_pre"
    return f"blocks.{layer}.{_NETWORKS[kind]}.{point}", hook


def _expert_reader(
    model: TransformerBridge, layer: int, site: str, visit: ExpertVisit, sign_only: bool
) -> ExpertTap:
    """Tap of one layer that leaves the activations alone."""
    function = _activation_function(layer, _experts(model, layer))
    raw = sign_only and _keeps_sign(function)

    def tap(expert: int, token: Tensor, gate: Tensor, post: Tensor) -> Tensor:
        seen = post if site == "post" else gate if raw else function(gate)
        visit(layer, expert, token, seen)
        return post

    return tap


def _writer(layer: int, change: Callable[[int, Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda activation, hook: change(layer, activation)


def _experts(model: TransformerBridge, layer: int) -> Any:
    experts = model.blocks[layer].mlp.original_component.experts
    return getattr(experts, "original_component", experts)


def _router(model: TransformerBridge, layer: int) -> Any:
    router = model.blocks[layer].mlp.original_component.gate
    return getattr(router, "original_component", router)


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
    like = router.weight
    probe = torch.arange(8 * like.shape[1], device=like.device).sin().view(8, -1).to(like.dtype)
    with torch.inference_mode():
        logits, weights, chosen = router(probe)
        again, again_chosen = _route(router, logits)
    if not (chosen.equal(again_chosen) and torch.allclose(weights, again.to(weights.dtype))):
        raise InputError(
            f"layer {layer}: {type(router).__name__} does not choose by softmax and top-k, so that "
            "it cannot be re-routed; silence the experts instead"
        )
    if (off | logits.isneginf()).all(dim=-1).any():
        raise InputError(f"all experts of layer {layer} are switched off; leave at least one")


def _experts_forward(
    self: Any, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor
) -> Tensor:
    """Run the chosen experts one by one: [tokens, d_model] in and out.

    A choice of weight zero writes nothing and is left out: it fills a place of an expert that an
    intervention has silenced.
    """
    taps: tuple[ExpertTap, ...] = getattr(self, "sparcom_taps", ())
    final = torch.zeros_like(hidden_states)
    places = one_hot(top_k_index, num_classes=self.num_experts)
    chosen = (places * (top_k_weights != 0).unsqueeze(-1)).permute(2, 1, 0)
    for expert in chosen.sum(dim=(1, 2)).nonzero().flatten().tolist():
        rank, token = torch.where(chosen[expert])
        gate, up = linear(hidden_states[token], self.gate_up_proj[expert]).chunk(2, dim=-1)
        post = self.act_fn(gate) * up
        for tap in taps:
            post = tap(expert, token, gate, post)
        out = linear(post, self.down_proj[expert]) * top_k_weights[token, rank, None]
        final.index_add_(0, token, out.to(final.dtype))
    return final


ALL_EXPERTS_FUNCTIONS.register(EXPERTS_IMPLEMENTATION, _experts_forward)


def _probe(model: TransformerBridge) -> Tensor:
    ids = torch.arange(5, 13, device=device(model)) % model.cfg.d_vocab
    return ids.expand(model.cfg.n_layers + 2, -1).clone()


def _check_values(layer: int, activation: Tensor) -> None:
    if activation.dim() != 3 or not activation.isfinite().all():
        raise InputError(
            f"layer {layer}: the tap gives {tuple(activation.shape)} values, not all finite "
            "[batch, token, neuron]; the weights are damaged or the architecture is not supported"
        )


def _scale_own_row(layer: int, post: Tensor) -> Tensor:
    strongest = post[layer, -1].abs().argmax()
    changed = post.clone()
    changed[layer, :, strongest] *= -3
    return changed


def _scale_own_row_of_expert(layer: int, n_tokens: int) -> ExpertTap:
    def tap(expert: int, token: Tensor, gate: Tensor, post: Tensor) -> Tensor:
        own = token // n_tokens == layer
        if not own.any():
            return post
        changed = post.clone()
        strongest = post[own].abs().amax(dim=0).argmax()
        changed[own.nonzero().flatten(), strongest] *= -3
        return changed

    return tap
