"""Loading models: a base model and the same model after instruction tuning.

Every model is loaded by transformers from safetensors or GGUF (never from pickles, never with
remote code), then wrapped in place by TransformerLens' ``TransformerBridge``, which leaves its
numbers as they are. At load it proves its taps (:func:`sparcom_nb.proof.wrap`).
"""

import contextlib
import copy
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers import logging as transformers_logging

from sparcom_nb import taps
from sparcom_nb.errors import InputError
from sparcom_nb.prompts import Template, chat_template
from sparcom_nb.proof import wrap
from sparcom_nb.sources import (
    MEMBERS,
    PAIRS,
    PLACEBO,
    Identity,
    check_pair,
    config_place,
    has_experts,
    local_path,
    member_name,
    model_path,
    pair_kind,
)


@dataclass(frozen=True)
class ModelPair:
    """A base model and its tuned version, each loaded when first used.

    ``kind`` is ``dense`` or ``moe``; ``template`` stands around the user's text in all members.
    """

    name: str
    device: str = "auto"
    dtype: str = "auto"
    placebo_name: str = ""

    @cached_property
    def base(self) -> TransformerBridge:
        """The model before instruction tuning, read with the pair's template."""
        return self._with_template(member_name(self.name, "base"))

    @cached_property
    def instruct(self) -> TransformerBridge:
        """The model after instruction tuning."""
        return load_model(member_name(self.name, "instruct"), self.device, self.dtype)

    @cached_property
    def placebo(self) -> TransformerBridge | None:
        """The base after equally long training on plain documents; None where there is no such."""
        here = self.name in PAIRS and local_path(self.name, PLACEBO) is not None
        name = self.placebo_name or (f"{self.name}/{PLACEBO}" if here else "")
        return self._with_template(name) if name else None

    @property
    def members(self) -> tuple[str, ...]:
        """Return the members that can be used now: those of a catalogued pair that are local."""
        if self.name not in PAIRS:
            return MEMBERS
        return tuple(m for m in MEMBERS if local_path(self.name, m) is not None) or MEMBERS

    @property
    def data(self) -> str:
        """Return the instructions that suit the pair: its own small world, or natural language."""
        return "miniworld" if self.name in PAIRS and PAIRS[self.name].embedded else "hexainst"

    @cached_property
    def kind(self) -> str:
        """``dense``, or ``moe`` when any layer has experts."""
        return pair_kind(self.name)

    @cached_property
    def template(self) -> Template:
        """The pair's own template, else the tuned member's chat template."""
        source = PAIRS.get(self.name)
        return (source and source.template) or self.instruct.template

    def _with_template(self, name: str) -> TransformerBridge:
        model = load_model(name, self.device, self.dtype)
        model.template = self.template
        return model


def load_pair(name: str, device: str = "auto", dtype: str = "auto", placebo: str = "") -> ModelPair:
    """Return a pair by name, or of two models of your own written ``BASE,INSTRUCT``.

    ``placebo`` is a model of yours (name, folder, GGUF file or hub id) in place of the pair's own.

    Raises:
        InputError: a name that is neither.
    """
    return ModelPair(check_pair(name), device, dtype, placebo)


def load_model(
    name_or_path: str | Path, device: str = "auto", dtype: str = "auto"
) -> TransformerBridge:
    """Load one model, frozen and in eval mode, with ``tokenizer``, ``template`` and ``identity``.

    Args:
        name_or_path: a pair's member (``tiny-dense/base``), a Hugging Face folder, a GGUF file or a
            hub id.
        device: ``auto`` takes a GPU when there is one.
        dtype: ``auto`` is float32 on a CPU and the checkpoint's own type elsewhere.

    Raises:
        InputError: an unknown name, weights that are only pickles, a hub id without network, or a
            model whose taps do not work.
    """
    name = str(name_or_path)
    path = model_path(name)
    device = _device(device)
    model, tokenizer = _load(name, path, device, dtype)
    try:
        bridge = _bridge(model, tokenizer, device)
    except InputError as error:
        raise InputError(f"model {name}: {error}") from None
    bos = tokenizer.bos_token
    bridge.tokenizer = tokenizer
    tokenizer.bos_token = bos  # the bridge puts EOS in the place of a BOS that there is not
    pair, _, member = name.rpartition("/")
    own = PAIRS[pair].template if pair in PAIRS and member in (*MEMBERS, PLACEBO) else None
    bridge.template = own or chat_template(tokenizer)
    bridge.identity = Identity(name, path)
    return bridge


def _device(device: str) -> str:
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _load(name: str, path: Path, device: str, dtype: str) -> tuple[Any, Any]:
    """Load model and tokenizer with transformers; eager attention, frozen, on the device."""
    folder, options = config_place(path)
    chosen = "float32" if dtype == "auto" and device == "cpu" else dtype
    with quiet():
        try:
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False, **options)
            if has_experts(config):
                config._experts_implementation = taps.EXPERTS_IMPLEMENTATION
            model = AutoModelForCausalLM.from_pretrained(
                folder,
                config=config,
                dtype=chosen,
                attn_implementation="eager",
                trust_remote_code=False,
                **options,
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, **options)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise InputError(
                f"model {name}: cannot be loaded from {path}: {_first(error)}"
            ) from None
    if not tokenizer.is_fast:
        raise InputError(f"model {name}: needs a fast tokenizer (tokenizer.json)")
    model.config.architectures = model.config.architectures or [type(model).__name__]
    ready: Any = model.eval()
    return ready.to(device), tokenizer


def _bridge(model: Any, tokenizer: Any, device: str) -> TransformerBridge:
    """Wrap in place and freeze. The bridge alters the tokenizer it is given, so it gets a copy."""
    with quiet():
        bridge = wrap(model, copy.deepcopy(tokenizer), device)
    return bridge.requires_grad_(False)


def _first(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' advice and loading bars off the screen; errors are raised, not printed."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        transformers_logging.set_verbosity(level)
