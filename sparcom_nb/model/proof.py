"""Putting a TransformerBridge around a model, and proving at load what can be read of it."""

import contextlib
import copy
import math
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.factories.architecture_adapter_factory import ArchitectureAdapterFactory
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.architecture_adapter import ArchitectureAdapter
from transformer_lens.model_bridge.generalized_components import (
    EmbeddingBridge,
    OpaqueBlockBridge,
    UnembeddingBridge,
)
from transformer_lens.model_bridge.sources import build_bridge_from_module

from sparcom_nb.errors import InputError
from sparcom_nb.model import anatomy, taps
from sparcom_nb.model.anatomy import Anatomy, probe_ids, same
from sparcom_nb.model.taps import Proved, left_padding, pieces

#: A window above so many tokens is not proved at load.
_PROVED_WINDOW = 256


@dataclass(frozen=True)
class _Proof:
    """The parts of a model, what holds for them, and the numbers that a bridge must compute."""

    parts: Anatomy
    proved: Proved
    numbers: list[Tensor]

    @classmethod
    def of(cls, model: Any) -> "_Proof":
        """Find and prove the parts of a model of transformers."""
        parts = anatomy.examine(model)
        proved = _prove(model, parts)
        return cls(parts, proved, _numbers(model, parts, proved))

    def fits(self, bridge: TransformerBridge) -> bool:
        """Whether a bridge around this model computes what the model does; then its taps are set."""
        found = _numbers(bridge.original_model, self.parts, self.proved)
        fits = len(found) == len(self.numbers) and all(map(same, found, self.numbers))
        if fits:
            bridge.anatomy, bridge.proved = self.parts, self.proved
        return fits


def wrap(model: Any, tokenizer: Any, device: str) -> TransformerBridge:
    """Put a TransformerBridge around a model of transformers and prove what can be read of it.

    The bridge puts modules of its own in place of the model's. Where it does not know the
    architecture, or computes other numbers than the model by itself, its blocks are left whole.

    Raises:
        InputError: the parts are not understood, or a token sees what comes after it.
    """
    proof = _Proof.of(model)
    for boot in (_boot, _boot_whole_blocks):
        with contextlib.suppress(Exception):  # whatever a library does with what it does not know
            bridge = boot(_shell(model), tokenizer, device)
            if proof.fits(bridge):
                return bridge
    raise InputError("TransformerLens does not compute what transformers does")


def prove_bridge(bridge: TransformerBridge) -> bool:
    """Prove what can be read of a bridge that stands; False where it computes other than its model.

    Raises:
        InputError: as :func:`wrap`.
    """
    bare = _bare(bridge.original_model)
    bare.set_attn_implementation("eager")
    return _Proof.of(bare).fits(bridge)


def _bare(module: nn.Module) -> Any:
    """The tree of modules as it was before a bridge put its own around some of them."""
    inner = module._modules.get("_original_component")
    if inner is not None:
        return _bare(inner)
    children = {name: child and _bare(child) for name, child in module._modules.items()}
    if all(children[name] is child for name, child in module._modules.items()):
        return module
    return _with_children(module, children)


def _shell(module: nn.Module) -> Any:
    """The same modules in a tree of its own: only what holds others is copied, its hooks shared."""
    children = {name: child and _shell(child) for name, child in module._modules.items()}
    return _with_children(module, children) if children else module


def _with_children(module: nn.Module, children: dict[str, Any]) -> Any:
    twin = copy.copy(module)
    twin._modules = children
    return twin


def _boot(model: Any, tokenizer: Any, device: str) -> TransformerBridge:
    return TransformerBridge.boot_transformers(
        model.config.name_or_path or "local",
        hf_model=model,
        tokenizer=tokenizer,
        device=device,
        dtype=model.dtype,
    )


def _boot_whole_blocks(model: Any, tokenizer: Any, device: str) -> TransformerBridge:
    names = {id(module): name for name, module in model.named_modules()}
    blocks = names[id(anatomy.layers_of(model)[0])].rpartition(".")[0]
    ends = model.get_input_embeddings(), model.get_output_embeddings()

    class WholeBlocks(ArchitectureAdapter):
        """Embeddings and blocks, as they are."""

        def __init__(self, cfg: TransformerBridgeConfig) -> None:
            super().__init__(cfg)
            self.component_mapping = {
                "embed": EmbeddingBridge(name=names[id(ends[0])]),
                "blocks": OpaqueBlockBridge(name=blocks),
                "unembed": UnembeddingBridge(name=names[id(ends[1])], config=cfg),
            }

    architecture = f"{type(model).__name__}WithWholeBlocks"
    ArchitectureAdapterFactory.register_adapter(architecture, WholeBlocks)
    return build_bridge_from_module(
        model,
        architecture,
        hf_config=copy.deepcopy(model.config),
        tokenizer=tokenizer,
        device=device,
        model_name=model.config.name_or_path or "local",
    )


def _prove(whole: Any, parts: Anatomy) -> Proved:
    """Compare a sequence with the same one changed at its end, padded, and run in pieces.

    The sequence is longer than the shortest attention window where that is short; else nothing is
    claimed beyond the window.
    """
    window = _window(whole.config.get_text_config())
    length = int(window) + 8 if window <= _PROVED_WINDOW else 12
    ids = probe_ids(whole, length + 2)
    changed = torch.stack([ids[:length], torch.cat([ids[: length - 1], ids[-1:]])])
    with torch.inference_mode():
        states = whole.base_model(input_ids=changed, use_cache=False)[0][:, :-1]
    if not same(states[0], states[1]):
        raise InputError("a token sees what comes after it: only causal models are supported")
    reach = math.inf if window <= _PROVED_WINDOW else window
    return Proved(reach, _hides_padding(whole, ids[:length]), _differentiates(whole, parts, ids))


def _window(config: Any) -> float:
    """The shortest stretch of tokens that a configuration speaks of; infinite where of none."""
    words = ("window", "local", "chunk")
    found = [
        value
        for name, value in vars(config).items()
        if isinstance(value, int) and value > 0 and not isinstance(value, bool)
        if any(word in name for word in words) and not name.endswith(("layers", "experts"))
    ]
    return min(found, default=math.inf)


def _hides_padding(whole: Any, ids: Tensor) -> bool:
    """Whether a row padded on the left gives what it gives alone, last states compared."""
    n_pads = 3
    alone = ids[n_pads:]
    padded = torch.cat([ids.new_zeros(n_pads), alone])
    mask = torch.ones_like(torch.stack([ids, ids]))
    mask[1, :n_pads] = 0
    base = whole.base_model
    try:
        with torch.inference_mode():
            expected = base(input_ids=alone[None], use_cache=False)[0]
            together = base(
                input_ids=torch.stack([ids, padded]), use_cache=False, **left_padding(base, mask)
            )[0]
    except Exception:
        return False
    return same(together[1:, n_pads:], expected)


def _differentiates(whole: Any, parts: Anatomy, ids: Tensor) -> bool:
    """Whether pieces with a cache give the derivatives of one piece."""
    n_pieces = 3
    steps = len(ids), max(2, len(ids) // n_pieces)
    try:
        one, many = (_slope(whole, parts, ids[None], step) for step in steps)
    except Exception:
        return False
    return same(one, many)


def _slope(whole: Any, parts: Anatomy, ids: Tensor, step: int) -> Tensor:
    """Derivative by the first embeddings of the last logits, weighted by a fixed pattern."""
    with torch.enable_grad():
        *_, (leaf, _, logits) = pieces(whole, parts, ids, torch.ones_like(ids), 2, step)
        value = (logits[:, -1] * torch.arange(logits.shape[-1]).to(logits).sin()).sum()
        return torch.autograd.grad(value, leaf)[0][:, :1]


def _numbers(whole: Any, parts: Anatomy, proved: Proved) -> list[Tensor]:
    """What a bridge must compute as the model does: tapped, padded and in pieces."""
    ids = torch.stack([probe_ids(whole, 12), probe_ids(whole, 13)[1:]])
    with torch.inference_mode():
        found = _tapped(whole, parts, ids)
        if proved.left:
            mask = torch.ones_like(ids)
            mask[0, :3] = 0
            extra = left_padding(whole, mask)
            found.append(whole(input_ids=ids, use_cache=False, **extra).logits[:, 3:])
    if proved.pieces:
        found.append(_slope(whole, parts, ids, 4))
    return found


def _tapped(whole: Any, parts: Anatomy, ids: Tensor) -> list[Tensor]:
    """Site gate of every network, and the logits while every post is half as large again."""
    seen: list[Tensor] = []

    def louder(layer: int, post: Tensor) -> Tensor:
        return post * 1.5

    with ExitStack() as undo:
        for network in chain(*(networks.values() for networks in parts.networks.values())):
            undo.enter_context(taps.reader(network, 0, "gate", lambda _, gate: seen.append(gate)))
            undo.enter_context(taps.writer(network, 0, louder))
        for experts in parts.experts.values():
            experts.module.sparcom_taps.append(lambda expert, token, gate, post: post * 1.5)
            undo.callback(experts.module.sparcom_taps.pop)
        logits = whole(input_ids=ids, use_cache=False).logits
    return [logits, *seen]
