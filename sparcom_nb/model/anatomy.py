"""What a model is made of, found by what its modules do and not by what they are called.

Every architecture names and arranges its modules in a way of its own, and a module's weights are not
always what it applies (a norm may multiply by 1 + weight, a fused projection may mix queries, keys
and values in any order). So the model runs once on single tokens, every module's input and output is
kept while its layer runs, and a part is accepted where these numbers say that it is one:

* a *feed-forward network* is an affine map whose input is sigma(z), or sigma(z) * u, of values that
  the layer made before;
* the *experts* are modules that transformers lets run by an implementation of our own; it must give
  what the module's own code gives;
* the *query and key projections* are the rows of affine maps whose output the attention multiplies
  with one another. A single token stands at position 0, where rotary positions change nothing;
* the *gain* of a norm is what it multiplies the entries +1 and -1 by.

What a model lacks (a norm before attention, queries that are one matrix) is kept as a sentence.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, relu, silu
from torch.utils._python_dispatch import TorchDispatchMode

from sparcom_nb.errors import InputError

EXPERTS_IMPLEMENTATION = "sparcom_nb"
#: Activation functions to look for where an architecture has no module for its own.
_FUNCTIONS: tuple[Callable[[Tensor], Tensor], ...] = (
    silu,
    gelu,
    lambda x: gelu(x, approximate="tanh"),
    relu,
    lambda x: relu(x).square(),
)
#: Tokens of the run that finds the parts.
N_TOKENS = 32
#: Correlation above which two columns of numbers are the same.
_SAME = 0.99


@dataclass(frozen=True)
class Affine:
    """A module that computes x W + b, and whether its weight holds W or W transposed."""

    module: Any
    transposed: bool

    @property
    def weight(self) -> Tensor:
        """W [in, out]."""
        weight = self.module.weight.detach()
        return weight.T if self.transposed else weight


@dataclass(frozen=True)
class Network:
    """A feed-forward network that every token goes through.

    ``down`` reads site ``post``; ``value`` makes site ``gate`` of the output of ``gate``.
    """

    down: Affine
    gate: Any
    value: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Experts:
    """The experts of a layer and the module that chooses among them (None: found none)."""

    module: Any
    router: Any


@dataclass(frozen=True)
class Rows:
    """Columns [head, d_head] of an affine map's output."""

    source: Affine
    columns: Tensor

    @property
    def weight(self) -> Tensor:
        """W [head, d_model, d_head]."""
        return self.source.weight[:, self.columns].movedim(1, 0)


@dataclass(frozen=True)
class Attention:
    """Queries and keys of a layer, a key head for each query head, and the norm that they read."""

    query: Rows
    key: Rows
    norm: Any


@dataclass
class Anatomy:
    """All parts of a model by number of layer; a sentence says why one cannot be had."""

    layers: list[nn.Module]
    embedding: Any
    head: Any
    networks: dict[str, dict[int, Network]] = field(
        default_factory=lambda: {"dense": {}, "shared": {}}
    )
    experts: dict[int, Experts] = field(default_factory=dict)
    attention: dict[int, Attention | str] = field(default_factory=dict)
    final_norm: nn.Module | str = ""


def examine(whole: Any) -> Anatomy:
    """Find the parts of a causal language model of transformers.

    Raises:
        InputError: no feed-forward network, or a layer whose parts are not understood.
    """
    anatomy = Anatomy(layers_of(whole), whole.get_input_embeddings(), whole.get_output_embeddings())
    if anatomy.head is None:
        raise InputError("it has no output embedding")
    for module in whole.modules():
        if hasattr(module, "_apply_gate"):
            module.sparcom_taps, module.sparcom_routes = [], []
            module.config._experts_implementation = EXPERTS_IMPLEMENTATION
    ids = probe_ids(whole, N_TOKENS).unsqueeze(1)
    with torch.no_grad(), ExitStack() as undo:
        for number, layer in enumerate(anatomy.layers):
            undo.enter_context(_studied(anatomy, number, layer))
        outer = undo.enter_context(_calls(_outside(whole, anatomy.layers), N_TOKENS))
        _run(whole, ids)
    _check_embeddings(anatomy, outer, ids)
    anatomy.final_norm = _norm_before(outer, anatomy.head, "the unembedding")
    _check_networks(anatomy)
    return anatomy


def _run(whole: Any, ids: Tensor) -> None:
    try:
        whole(input_ids=ids, use_cache=False)
    except InputError:
        raise
    except Exception as error:
        why = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"transformers cannot run it: {why}") from None


def probe_ids(whole: Any, n: int) -> Tensor:
    """Different tokens from all over the vocabulary, on the model's device."""
    size = whole.get_input_embeddings().weight.shape[0]
    ids = 3 + torch.arange(n) * max(1, (size - 3) // n)
    return (ids % size).to(whole.device)


def gain(norm: Any, like: Tensor) -> Tensor:
    """Factor [d_model] of each entry of the normalised input; ``like`` is [..., d_model, any].

    Entries of plus and minus one have mean 0 and mean square 1, so that nothing is left to divide
    by; a power of two makes the norm's epsilon vanish, and half the difference takes out its bias.
    """
    signs = 1 - 2 * (torch.arange(like.shape[-2], device=like.device) % 2).to(like.dtype)
    large = signs * (2.0**12 if like.dtype == torch.float16 else 2.0**20)
    with torch.no_grad():
        return (norm(large[None])[0] - norm(-large[None])[0]) / 2 * signs


@dataclass(eq=False)
class _Call:
    """What a module was given and made of it, a row for each token: [token, value]."""

    module: Any
    given: Tensor
    made: Tensor
    arguments: tuple[Tensor, ...]
    results: tuple[Tensor, ...]

    @cached_property
    def affine(self) -> Affine | None:
        """The module as an affine map, proved on these tokens."""
        weight = getattr(self.module, "weight", None)
        if not isinstance(weight, Tensor) or weight.dim() != 2 or _has_experts(self.module):
            return None
        for transposed in (True, False):
            found = Affine(self.module, transposed)
            if found.weight.shape == (self.given.shape[1], self.made.shape[1]):
                made = self.given @ found.weight
                bias = getattr(self.module, "bias", None)
                if same(self.made, made if bias is None else made + bias):
                    return found
        return None


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two arrays are equal to rounding in their type."""
    if one.shape != other.shape or not one.numel():
        return False
    tolerance = max(1e-4, 8 * torch.finfo(one.dtype).eps)
    return bool((one - other).abs().max() <= tolerance * other.abs().max())


def layers_of(whole: Any) -> list[nn.Module]:
    """The list of modules with most parameters: the layers of the language model."""
    lists = [m for m in whole.modules() if isinstance(m, nn.ModuleList)]
    if not lists:
        raise InputError("it has no list of layers")
    return list(max(lists, key=lambda m: sum(p.numel() for p in m.parameters())))


def _outside(whole: nn.Module, layers: list[nn.Module]) -> list[nn.Module]:
    inside = set(chain.from_iterable(layer.modules() for layer in layers))
    return [m for m in whole.modules() if m not in inside and not isinstance(m, nn.ModuleList)]


@contextmanager
def _calls(modules: list[nn.Module], n_tokens: int) -> Iterator[list[_Call]]:
    """The calls of modules, as they end, while the model runs."""
    calls: list[_Call] = []

    def keep(module: nn.Module, args: tuple, kwargs: dict, out: Any) -> None:
        given = _tensors([*args, *kwargs.values()], n_tokens)
        made = _tensors(_listed(out), n_tokens)
        if given and made:
            calls.append(_Call(module, given[0], made[0], given, made))

    with ExitStack() as undo:
        for module in modules:
            undo.enter_context(module.register_forward_hook(keep, with_kwargs=True))
        yield calls


def _listed(out: Any) -> list[Any]:
    return list(out) if isinstance(out, tuple | list) else [out]


def _tensors(values: Any, n_tokens: int) -> tuple[Tensor, ...]:
    """Copies [token, value] of the tensors that have one row a token; a layer may overwrite them."""
    tensors = [v for v in values if isinstance(v, Tensor) and v.dim()]
    return tuple(
        v.detach().clone().reshape(n_tokens, -1)
        for v in tensors
        if len(v) == n_tokens and v.numel()
    )


class _Products(TorchDispatchMode):
    """Keeps what attention multiplies: query and key [token, head, d_head] of single tokens."""

    def __init__(self, n_tokens: int) -> None:
        super().__init__()
        self.n_tokens, self.pairs, self.softmaxes = n_tokens, [], 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        aten = torch.ops.aten
        if func in (aten.bmm.default, aten.baddbmm.default):
            query, key = args[-2:]
            if key.shape[2] == 1 < key.shape[1] and len(key) % self.n_tokens == 0:
                key = key.transpose(1, 2).expand_as(query)
                self.pairs.append(
                    tuple(x.clone().reshape(self.n_tokens, -1, x.shape[2]) for x in (query, key))
                )
        self.softmaxes += func is aten._softmax.default and args[0].dim() > 2
        return func(*args, **(kwargs or {}))


@contextmanager
def _studied(anatomy: Anatomy, number: int, layer: nn.Module) -> Iterator[None]:
    """Study the layer when it has run; no more than one layer's numbers are in memory."""
    inner = [m for m in layer.modules() if m is not layer]
    hidden = {m for experts in inner if _has_experts(experts) for m in experts.modules()}
    modules = [m for m in inner if m not in hidden or _has_experts(m)]
    now: list[Any] = []

    def begin(*_: Any) -> None:
        if now:
            raise InputError(f"layer {number} runs more than once")
        undo = ExitStack()
        products = undo.enter_context(_Products(N_TOKENS))
        now.extend([undo, undo.enter_context(_calls(modules, N_TOKENS)), products])

    def end(_: Any, given: Any, made: Any) -> None:
        undo, calls, products = now
        undo.close()
        if not all(x.isfinite().all() for x in _tensors([*given, *_listed(made)], N_TOKENS)):
            raise InputError(
                f"layer {number}: the tap gives values that are not all finite; the weights are "
                "damaged or the architecture is not supported"
            )
        _study(anatomy, number, calls, products)
        calls.clear()

    with layer.register_forward_pre_hook(begin), layer.register_forward_hook(end):
        yield


def _study(anatomy: Anatomy, number: int, calls: list[_Call], products: _Products) -> None:
    elsewhere = chain(*(m.modules() for m in anatomy.layers if m is not anatomy.layers[number]))
    often = {*elsewhere, *(m for m, n in Counter(c.module for c in calls).items() if n > 1)}
    experts = [call for call in calls if _has_experts(call.module)]
    networks = _networks(number, calls, often)
    kind = "shared" if experts else "dense"
    if len(experts) > 1 or len(networks) > 1:
        raise InputError(f"layer {number} has more than one feed-forward network of a kind")
    if networks:
        anatomy.networks[kind][number] = networks[0]
    if experts:
        anatomy.experts[number] = _experts(number, experts[0], calls)
    if attention := _attention(number, calls, products):
        anatomy.attention[number] = attention


def _networks(number: int, calls: list[_Call], often: set[Any]) -> list[Network]:
    """Networks of a layer: each affine map that reads sigma(z), or sigma(z) * u."""
    found = []
    for place, call in enumerate(calls):
        if call.affine and (gate := _gate(call.given, calls[:place], often)):
            _check_writing(number, call)
            found.append(Network(call.affine, *gate))
    return found


def _check_writing(number: int, call: _Call) -> None:
    strongest = call.given.abs().amax(dim=0).argmax()
    if call.affine and not call.affine.weight[strongest].any():
        raise InputError(
            f"layer {number}: scaling a tapped neuron does not change the logits; the weights are "
            "damaged or the architecture is not supported"
        )


def _gate(
    post: Tensor, before: list[_Call], often: set[Any]
) -> tuple[nn.Module, Callable[[Tensor], Tensor]] | None:
    """Which module's output, and what of it, is the factor sigma(z) of ``post``.

    A module for sigma is read only where it runs once in a pass: some are shared by all layers.
    """
    width = post.shape[1]
    pieces = [
        (call.module, cut, cut(call.made))
        for call in before
        if call.affine
        for cut in _cuts(call.made.shape[1], width)
    ]
    functions: list[Callable[[Tensor], Tensor]] = [*_FUNCTIONS]
    posts = [post, *(call.given for call in before if same(call.made, post))]  # a norm between
    for call in before:
        if call.made.shape[1] == width and _is_elementwise(call):
            others = [piece for _, _, piece in pieces]
            if any(_is_product(one, call.made, others) for one in posts):
                if call.module not in often:
                    return call.module, lambda made: made
                functions.append(call.module)
    for module, cut, piece in pieces:
        others = [other for _, _, other in pieces if other is not piece]
        for function in functions:
            value = function(piece)
            if same(value, piece):  # relu of what is never negative says nothing
                continue
            if any(_is_product(one, value, others) for one in posts):
                return module, lambda made, cut=cut, function=function: function(cut(made))
    return None


def _cuts(width: int, wanted: int) -> list[Callable[[Tensor], Tensor]]:
    """Ways in which one or two sets of ``wanted`` columns stand in ``width``."""
    if width == wanted:
        return [lambda x: x]
    if width == 2 * wanted:
        return [
            lambda x: x[..., :wanted], lambda x: x[..., wanted:],
            lambda x: x[..., ::2], lambda x: x[..., 1::2],
        ]  # fmt: skip
    return []


def _is_product(post: Tensor, value: Tensor, others: list[Tensor]) -> bool:
    return same(post, value) or any(same(post, value * other) for other in others)


def _is_elementwise(call: _Call) -> bool:
    """Whether a module without weights, or of one for all, works on each entry by itself."""
    if call.given.shape != call.made.shape or any(call.module.children()):
        return False
    if torch.equal(call.given, call.made) or any(p.numel() > 1 for p in call.module.parameters()):
        return False
    try:
        return same(call.module(call.given[:, :1]), call.made[:, :1])
    except (RuntimeError, TypeError, ValueError, IndexError):
        return False


def _has_experts(module: Any) -> bool:
    return hasattr(module, "num_experts") and hasattr(module, "down_proj") and _is_3d(module)


def _is_3d(module: Any) -> bool:
    return isinstance(module.down_proj, Tensor) and module.down_proj.dim() == 3


def _experts(number: int, call: _Call, calls: list[_Call]) -> Experts:
    """Experts that run by our implementation; it must give what the module's own code gives."""
    module = call.module
    if not hasattr(module, "_apply_gate") or len(call.arguments) < 3:
        raise InputError(
            f"layer {number}: {type(module).__name__} computes its experts in a way of its own"
        )
    module.config._experts_implementation = "eager"
    own = module(*call.arguments[:3])
    module.config._experts_implementation = EXPERTS_IMPLEMENTATION
    if not same(call.made, own):
        raise InputError(
            f"layer {number}: {type(module).__name__} does more than gate, scale and project"
        )
    routers = [c for c in calls if any(torch.equal(r, call.arguments[1]) for r in c.results[1:])]
    return Experts(module, routers[0].module if routers else None)


def _attention(number: int, calls: list[_Call], products: _Products) -> Attention | str | None:
    """Which rows of which maps make the queries and keys; None in a layer without attention."""
    maps = [call for call in calls if call.affine]
    for factors in products.pairs:
        query, key = (_rows(one, maps, calls) for one in factors)
        if query and key:
            norm = _norm_before(calls, query[0].module, "its attention", query[0].given)
            if isinstance(norm, str):
                return f"layer {number} has {norm}"
            order = query[1].argsort(dim=1)  # dimensions as the query's weight has them
            return Attention(_in_order(query, order), _in_order(key, order), norm)
    if products.softmaxes:
        return f"layer {number} makes its queries and keys by more than one matrix each"
    return None


def _in_order(found: tuple[_Call, Tensor], order: Tensor) -> Rows:
    call, columns = found
    return Rows(cast(Affine, call.affine), columns.gather(1, order))


def _rows(factor: Tensor, maps: list[_Call], calls: list[_Call]) -> tuple[_Call, Tensor] | None:
    """The map and its columns [head, d_head] that a factor [token, head, d_head] consists of.

    Scales do not matter, and a norm in between is looked through.
    """
    flat = factor.flatten(1)
    for call in maps:
        if (columns := _matched(flat, call.made)) is not None:
            return call, columns.view(factor.shape[1:])
    for norm in calls:
        if norm.given.shape == norm.made.shape and not torch.equal(norm.given, norm.made):
            places = _matched(flat, norm.made)
            for call in maps if places is not None else []:
                if call.module is not norm.module:
                    columns = _matched(norm.given[:, places], call.made)
                    if columns is not None:
                        return call, columns.view(factor.shape[1:])
    return None


def _matched(wanted: Tensor, among: Tensor) -> Tensor | None:
    """For each column of ``wanted`` the column of ``among`` that it is a multiple of; None: not all."""
    one, other = (
        nn.functional.normalize((x - x.mean(dim=0)).double(), dim=0) for x in (wanted, among)
    )
    best, place = (one.T @ other).max(dim=1)
    return place if bool((best > _SAME).all()) else None


def _norm_before(
    calls: list[_Call], reader: Any, what: str, read: Tensor | None = None
) -> nn.Module | str:
    """The norm whose output a module reads, proved to be a plain gain (and bias)."""
    if read is None:
        read = next(call.given for call in reversed(calls) if call.module is reader)
    for call in calls:
        if _is_multiple(read, call.made) and _is_norm(call):
            return call.module
    return f"no norm before {what}"


def _is_multiple(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    return same(one, other) or same(one, other * ((one * other).sum() / other.square().sum()))


def _is_norm(call: _Call) -> bool:
    """Whether a module divides by the size of its input and multiplies by its gain."""
    if call.given.shape != call.made.shape:
        return False
    large = call.given * 1024
    try:
        made, again = call.module(large), call.module(2 * large)
        factor = gain(call.module, large.T)
        bias = (call.module(large) + call.module(-large)) / 2
    except (RuntimeError, TypeError, ValueError, IndexError):
        return False
    centred = large - large.mean(dim=1, keepdim=True)
    sizes = (x / x.square().mean(dim=1, keepdim=True).sqrt() for x in (large, centred))
    return same(made, again) and any(same(made, factor * x + bias) for x in sizes)


def _check_embeddings(anatomy: Anatomy, outer: list[_Call], ids: Tensor) -> None:
    """The input embedding gives its rows, the head multiplies by its weight."""
    rows = anatomy.embedding.weight.detach()[ids.flatten()]
    given = [call.made for call in outer if call.module is anatomy.embedding]
    if not given or not _is_multiple(given[0], rows):
        raise InputError("its input embedding does not give the rows of its weight")
    if not any(call.affine for call in outer if call.module is anatomy.head):
        raise InputError("its output embedding does not multiply by its weight")


def _check_networks(anatomy: Anatomy) -> None:
    """Something to read, of one width, and every expert understood."""
    for layer in anatomy.layers:
        for module in layer.modules():
            if _unknown_experts(module, anatomy):
                raise InputError(
                    f"{type(module).__name__} computes its experts in a way of its own"
                )
    widths = {
        kind: {network.down.weight.shape[0] for network in networks.values()}
        for kind, networks in anatomy.networks.items()
    }
    if any(len(width) > 1 for width in widths.values()):
        raise InputError("its layers have different numbers of neurons")
    if not anatomy.experts and not any(widths.values()):
        raise InputError("it has no feed-forward network that is understood")


def _unknown_experts(module: Any, anatomy: Anatomy) -> bool:
    known = {id(experts.module) for experts in anatomy.experts.values()}
    many = isinstance(getattr(module, "experts", None), nn.ModuleList)
    fused = hasattr(module, "num_experts") and any(
        p.dim() == 3 for p in module.parameters(recurse=False)
    )
    return many or (fused and id(module) not in known)
