"""A TransformerBridge that somebody has already, made ready for every method here."""

import copy
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError, one_line
from sparcom_nb.model.load import check_finite, loading, usable_tokenizer
from sparcom_nb.model.prompts import Template, chat_template
from sparcom_nb.model.proof import prove_bridge


@dataclass(frozen=True)
class InMemory:
    """Which model this is, where no folder says so; as :class:`sparcom_nb.model.sources.Identity`."""

    name: str
    model: Any
    tokenizer: Any

    @property
    def hashes(self) -> dict[str, str]:
        """All that a result depends on of a model."""
        return {"weights_sha256": self.weights_sha256, "settings_sha256": self.settings_sha256}

    @property
    def weights_sha256(self) -> str:
        """SHA-256 over all weights as they are now, in the order of their names."""
        digest = hashlib.sha256()
        for name, weight in sorted(self.model.named_parameters()):
            digest.update(f"{name} {weight.dtype} {tuple(weight.shape)} ".encode())
            digest.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()

    @cached_property
    def settings_sha256(self) -> str:
        """SHA-256 over what says how weights and texts are read: configuration, tokenizer."""
        said = self.model.config.to_json_string() + self.tokenizer.backend_tokenizer.to_str()
        return hashlib.sha256(f"{said}{self.tokenizer.chat_template}".encode()).hexdigest()


def adopt(
    bridge: Any, tokenizer: Any = None, template: Template | None = None
) -> TransformerBridge:
    """Make a TransformerBridge ready for every method: its parts are found and proved as at load.

    Args:
        bridge: from ``TransformerBridge.boot_transformers``, its weights as they were loaded. It is
            changed in place: in eval mode, its weights frozen, attention and experts run eagerly.
        tokenizer: a fast tokenizer of transformers; None takes the bridge's own, to which
            TransformerLens may have added tokens.
        template: what stands around the user's text; None takes the tokenizer's chat template.

    Returns:
        The bridge, with ``tokenizer``, ``template`` and ``identity`` as :func:`load_model` gives.

    Raises:
        InputError: another kind of model, one with processed weights or hooks, no tokenizer, or an
            architecture that is not supported.
    """
    _check(bridge)
    whole = bridge.eval().original_model
    name = str(whole.config.name_or_path or bridge.cfg.model_name)
    found = tokenizer or bridge.tokenizer
    if found is None:
        raise InputError("the bridge has no tokenizer; give it: sn.adopt(bridge, tokenizer)")
    with loading(name):
        check_finite(whole)
        ready = usable_tokenizer(copy.deepcopy(found), whole)
    with loading(name, type(whole).__name__):
        fits = prove_bridge(bridge)
    if not fits:
        raise InputError(
            "the bridge computes other numbers than the model inside it; call reset_hooks() first, and "
            "leave out whatever processes its weights"
        )
    bridge._tokenizer = ready  # the public setter adds tokens to it
    bridge.cfg.dtype = whole.dtype
    bridge.template = template or chat_template(ready)
    bridge.identity = InMemory(name, whole, ready)
    return bridge.requires_grad_(False)


def _check(bridge: Any) -> None:
    if not isinstance(bridge, TransformerBridge):
        raise InputError(
            f"a {one_line(type(bridge).__name__, 40)} cannot be adopted; give a TransformerBridge, as "
            "TransformerBridge.boot_transformers(name) of TransformerLens makes it"
        )
    if bridge.compatibility_mode:
        raise InputError(
            "the bridge is in compatibility mode, which folds and centres weights; boot it again and "
            "leave enable_compatibility_mode() out"
        )
