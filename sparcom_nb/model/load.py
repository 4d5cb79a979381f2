"""Loading models: a base model and the same model after instruction tuning.

Every model is loaded by transformers from safetensors (never from pickles, never with remote code),
and refused unless every weight has its place, and every place its weight. To be looked into, it is
wrapped in place by TransformerLens' ``TransformerBridge``, which leaves its numbers as they are, and
proves its taps (:func:`sparcom_nb.model.proof.wrap`).
"""

import contextlib
import copy
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from transformer_lens.model_bridge import TransformerBridge
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
)
from transformers import logging as transformers_logging

from sparcom_nb.errors import InputError, one_line
from sparcom_nb.model.prompts import Template, chat_template
from sparcom_nb.model.proof import wrap
from sparcom_nb.model.sources import (
    FAMILIES,
    MEMBERS,
    PAIRS,
    PLACEBO,
    Identity,
    check_pair,
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
    name_or_path: str | Path, device: str = "auto", dtype: str | torch.dtype = "auto"
) -> TransformerBridge:
    """Load one model, frozen and in eval mode, with ``tokenizer``, ``template`` and ``identity``.

    Args:
        name_or_path: a pair's member (``tiny-dense/base``), a Hugging Face folder, a GGUF file or a
            hub id.
        device: ``auto`` takes a GPU when there is one.
        dtype: ``auto`` is float32 on a CPU and the checkpoint's own type elsewhere.

    Raises:
        InputError: an unknown name, a hub id without network, weights that are pickles, damaged, or
            not those that the configuration asks for, an architecture that is not supported, or a
            device or dtype that there is not.
    """
    name = str(name_or_path)
    device = usable_device(device)
    chosen = "float32" if dtype == "auto" and device == "cpu" else dtype
    path = model_path(name)
    model, tokenizer = load_bare(name, path, device, chosen, attn_implementation="eager")
    with loading(name, model.config.architectures[0]):  # the bridge alters its tokenizer: a copy
        bridge = wrap(model, copy.deepcopy(tokenizer), device).requires_grad_(False)
    bridge._tokenizer = tokenizer  # the public setter loads another, and adds tokens to it
    pair, _, member = name.rpartition("/")
    own = PAIRS[pair].template if pair in PAIRS and member in (*MEMBERS, PLACEBO) else None
    bridge.template = own or chat_template(tokenizer)
    bridge.identity = Identity(name, path)
    return bridge


def usable_device(device: str) -> str:
    """Return the device to use, tried out; ``auto`` takes a GPU when there is one."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device).item()
    except Exception as error:
        raise InputError(
            f"device {one_line(device, 40)!r} cannot be used here ({one_line(error, 90)}); take "
            "auto, cpu, or cuda where there is a GPU"
        ) from None
    return device


def load_config(name: str, folder: Path) -> Any:
    """Read the configuration of a model in a folder of :func:`model_path`.

    Raises:
        InputError: it cannot be read, or is not that of a language model that transformers knows.
    """
    kind = str(json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type"))
    if kind not in CONFIG_MAPPING:
        raise _unsupported(name, f"model_type {one_line(kind, 40)!r}", "not known")
    with loading(name):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise _unsupported(name, kind, "no causal language model")
    if getattr(config, "transformers_weights", None):  # may name a pickle
        raise InputError(
            f"model {one_line(name, 90)}: config.json says transformers_weights; take it out, and "
            "call the weights model.safetensors"
        )
    return config


def load_bare(
    name: str,
    folder: Path,
    device: str,
    dtype: str | torch.dtype,
    **options: Any,
) -> tuple[Any, Any]:
    """Load model and tokenizer as transformers has them, on a device; the one way to do so.

    Padding never counts, so a padding token that the embedding does not have is left out.

    Raises:
        InputError: as :func:`load_model`.
    """
    config = load_config(name, folder)
    model = load_weights(
        AutoModelForCausalLM, name, folder, config=config, dtype=_dtype(dtype), **options
    )
    model.config.architectures = model.config.architectures or [type(model).__name__]
    with loading(name):
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        return model.to(device), usable_tokenizer(tokenizer, model)


def usable_tokenizer(tokenizer: Any, model: Any) -> Any:
    """Return the tokenizer, told the size of the model's embedding.

    Raises:
        InputError: a slow one, which does not say where a token stands.
    """
    if not tokenizer.is_fast:
        raise InputError(
            "no fast tokenizer; give its tokenizer.json, as AutoTokenizer.from_pretrained(folder)"
            ".save_pretrained(folder) writes it"
        )
    tokenizer.n_embedded = model.get_input_embeddings().weight.shape[0]
    if (tokenizer.pad_token_id or 0) >= tokenizer.n_embedded:
        tokenizer.pad_token = None
    return tokenizer


def load_weights(kind: Any, name: str, folder: Path, **options: Any) -> Any:
    """``kind.from_pretrained`` of safetensors, with every weight where it belongs, in eval mode.

    Raises:
        InputError: weights are missing, left over, of another shape, or not finite.
    """
    with loading(name):
        model, told = kind.from_pretrained(
            folder,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # else they are told by a log that nobody sees
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
            **options,
        )
        _check_told(told)
        check_finite(model)
        _check_tied(model)
    return model.eval()


def _dtype(dtype: str | torch.dtype) -> str:
    name = str(dtype).removeprefix("torch.")
    if name not in ("auto", "float32", "float64", "float16", "bfloat16"):
        raise InputError(
            f"unknown dtype {one_line(dtype, 40)!r}; use auto, float32, float64, float16 or bfloat16"
        )
    return name


def _check_told(told: dict[str, Any]) -> None:
    """Refuse what transformers would fill with random numbers, or pass over. Tied heads are told."""
    shapes = [f"{key} {list(file)} for {list(own)}" for key, file, own in told["mismatched_keys"]]
    problems = {
        "missing": told["missing_keys"],
        "left over": told["unexpected_keys"],
        "of another shape": shapes,
    }
    wrong = [
        f"{len(keys)} {what} ({one_line(', '.join(sorted(keys)[:2]), 55)})"
        for what, keys in problems.items()
        if keys
    ]
    if wrong:
        raise InputError(
            f"the weights are not those of config.json: {', '.join(wrong)}; save the model again"
        )


def _check_tied(model: Any) -> None:
    """Refuse a head of its own where the configuration says that there is none."""
    head, config = model.get_output_embeddings(), model.config.get_text_config()
    tied = getattr(config, "tie_word_embeddings", False) and model._tied_weights_keys
    if head is None or not tied:
        return
    if not torch.equal(head.weight, model.get_input_embeddings().weight):
        raise InputError(
            "config.json says tie_word_embeddings, but the weights hold another head; set it to false "
            "where the head is the model's own, or take the head out"
        )


def check_finite(model: Any) -> None:
    """Refuse damaged weights; a sum is finite unless one of them is not, or it overflows."""
    for name, weight in model.named_parameters():
        quick = weight.detach().sum(dtype=torch.promote_types(weight.dtype, torch.float32))
        if not quick.isfinite() and not weight.isfinite().all():
            wrong = int((~weight.isfinite()).sum())
            raise InputError(
                f"{wrong:,} of {weight.numel():,} numbers of {one_line(name, 60)} are not finite: the "
                "weights are damaged; fetch or save them again"
            )


def _unsupported(name: str, architecture: str, why: object) -> InputError:
    """One sentence that names what is supported instead."""
    said = str(why).removesuffix("; this architecture is not supported")
    head = (
        f"model {one_line(name, 60)}: {one_line(architecture, 40)} is not supported "
        f"({one_line(said, 95)}); supported: "
    )
    where, named = " ... (docs/models.md)", list(FAMILIES)
    while len(head + ", ".join(named) + where) > 300:
        named.pop()
    return InputError(head + ", ".join(named) + where)


@contextlib.contextmanager
def loading(name: str, proved: str = "") -> Iterator[None]:
    """Turn whatever goes wrong while a model is loaded, or this architecture proved, into one sentence."""
    try:
        with quiet():
            yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic in Rust is no Exception
        raise _told(error, name, proved) from None


def _told(error: BaseException, name: str, proved: str) -> InputError:
    model = f"model {one_line(name, 90)}"
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return InputError(
            f"{model}: does not fit into memory; take a smaller one, or dtype bfloat16"
        )
    if proved:
        said = error if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        return _unsupported(name, proved, said)
    if isinstance(error, InputError):
        return InputError(f"{model}: {error}")
    return InputError(
        f"{model}: cannot be loaded: {one_line(_first(error), 110)}; mend what it names, fetch the "
        "model again or save it anew"
    )


def _first(error: BaseException) -> str:
    """The line of an error that says most: a message that is a mere key or number needs its kind."""
    line = next((line for line in str(error).splitlines() if line.strip()), "")
    return line if " " in line.strip() else f"{type(error).__name__} {line}".strip()


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
