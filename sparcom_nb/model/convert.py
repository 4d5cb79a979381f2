"""A GGUF file as a folder of safetensors, made once: later loads are those of any folder.

The folder holds every weight as the file's blocks unpack, to the bit: in half precision where all of
them are exact there, else in float32. It also holds configuration, tokenizer and chat template, and the
manifest of :func:`sparcom_nb.store.once`, which keeps it. In the user's cache it is called by the hash
of the file.
"""

import copy
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from safetensors import SafetensorError, safe_open

from sparcom_nb.errors import InputError, one_line
from sparcom_nb.progress import progress
from sparcom_nb.store import file_sha256, once, record

#: Changed when this file makes other folders than before.
_EDITION = 1
_MADE_WITH = ("transformers", "gguf", "tokenizers")
_PART = re.compile(r"(.+)\.part(\d+)")


def cached(path: Path, show_progress: bool = True) -> Path:
    """Folder in the user's cache with what a GGUF file, or a folder with files in parts, holds.

    Raises:
        InputError: a file that cannot be converted, parts that do not make one, or a cache that
            cannot be written.
    """
    if path.is_file():
        return _in_cache(file_sha256(path), lambda work: _unpack(path, work, show_progress))
    parts, digest = parts_of(path), hashlib.sha256()
    for file in sorted(file for file in path.iterdir() if file.is_file()):
        digest.update(f"{file.name}\0{file_sha256(file)}\0".encode())
    joined = _in_cache(digest.hexdigest(), lambda work: _join(path, parts, work))
    packed = [joined / name for name in parts if name.endswith(".gguf")]
    return cached(packed[0], show_progress) if packed else joined


def convert(file: Path, out: Path, show_progress: bool = True) -> Path:
    """Write the folder that a GGUF file becomes; it is kept by :func:`sparcom_nb.store.once`.

    Raises:
        InputError: no GGUF file, one that cannot be converted, or ``out`` is taken.
    """
    if not file.is_file() or file.suffix != ".gguf":
        raise InputError(f"{one_line(file, 90)}: no .gguf file; give the one to convert")
    made_of = _made_of(file_sha256(file))
    once(out, made_of, lambda folder: _unpack(file, folder, show_progress), reads=[file])
    return out


def parts_of(folder: Path) -> dict[str, list[Path]]:
    """Parts of every file that comes in some (``NAME.part1``, ``NAME.part2``, ...), in order.

    Raises:
        InputError: a part is missing between others, or there twice.
    """
    found: dict[str, dict[int, Path]] = {}
    for file in sorted(folder.iterdir()):
        if named := _PART.fullmatch(file.name):
            same = found.setdefault(named[1], {})
            if int(named[2]) in same:
                raise InputError(
                    f"{one_line(folder, 90)}: part {int(named[2])} of {one_line(named[1], 60)} is there "
                    "twice; keep one"
                )
            same[int(named[2])] = file
    for name, parts in found.items():
        if missing := [n for n in range(1, max(parts)) if n not in parts]:
            raise InputError(
                f"{one_line(folder, 90)}: {len(missing)} of the parts of {one_line(name, 60)} are not "
                f"here ({one_line(', '.join(f'part{n}' for n in missing), 60)}); fetch them"
            )
    return {name: [parts[n] for n in sorted(parts)] for name, parts in found.items()}


def _join(folder: Path, parts: dict[str, list[Path]], work: Path) -> dict[str, str]:
    """Write the joined files, checked by what their headers or sums say, and all the others."""
    for name, pieces in parts.items():
        with (work / name).open("wb") as whole:
            for piece in pieces:
                with piece.open("rb") as stream:
                    shutil.copyfileobj(stream, whole, 1 << 24)
        _check_joined(work / name, folder / f"{name}.sha256", len(pieces))
    for file in folder.iterdir():
        if file.is_file() and not _PART.fullmatch(file.name):
            shutil.copyfile(file, work / file.name)
    return {"converted": folder.name}


def _check_joined(file: Path, sums: Path, n: int) -> None:
    wrong = None
    if sums.is_file() and sums.read_text(encoding="utf-8").split()[:1] != [file_sha256(file)]:
        wrong = f"not the SHA-256 of {sums.name}"
    if file.suffix == ".safetensors":
        try:
            with safe_open(file, "np"):
                pass
        except SafetensorError as error:
            wrong = str(error)
    if wrong:
        raise InputError(
            f"{file.name}: its {n} parts do not make a whole file ({one_line(wrong, 90)}); one is "
            "missing or damaged: fetch them again"
        )


def _in_cache(digest: str, make: Callable[[Path], dict[str, str]]) -> Path:
    named = os.environ.get("SPARCOM_CACHE") or platformdirs.user_cache_dir("sparcom_nb")
    folder = Path(named) / digest
    if folder.exists() and record(folder / "manifest.json") is None:  # the cache is all ours
        shutil.rmtree(folder, ignore_errors=True)
    try:
        once(folder, _made_of(digest), make, wait=True, replace=True)
    except (InputError, OSError) as error:
        why = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(why, OSError | SafetensorError):
            raise
        raise InputError(
            f"the cache {one_line(folder.parent, 90)} cannot be written ({one_line(why, 90)}); set the "
            "environment variable SPARCOM_CACHE to a folder with room"
        ) from None
    return folder


def _made_of(digest: str) -> dict[str, Any]:
    made_with = {name: version(name) for name in _MADE_WITH}
    return {"source_sha256": digest, "edition": _EDITION, "made_with": made_with}


def _unpack(file: Path, work: Path, show_progress: bool) -> dict[str, str]:
    """Read a GGUF file and write what it holds as transformers writes a model."""
    import torch
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    from sparcom_nb.model.load import load_weights, loading, quiet

    with loading(str(file)):
        tensors = GGUFReader(file).tensors
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    with _shown(len(tensors), show_progress):
        model = load_weights(
            AutoModelForCausalLM,
            str(file),
            file.parent,
            gguf_file=file.name,
            dtype=torch.float32,
            quantization_config=GgufConfig(dequantize=True),
        )
    with loading(str(file)):
        _check_all_used(model, _without_rope(model.config, tensors))
    with quiet():
        model.to(_narrowest(model)).save_pretrained(work)
        tokenizer.save_pretrained(work)
    return {"converted": file.name}


#: What Llama 3's rotary embedding is scaled by, beside the factor; llama.cpp writes what comes of it.
_LLAMA3 = {
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def _without_rope(config: Any, tensors: list[Any]) -> list[Any]:
    """Leave out the factors of a Llama's rotary embedding, and have the configuration say the same.

    The library reads neither them nor a scaling from the file.
    """
    found = [tensor for tensor in tensors if tensor.name == "rope_freqs.weight"]
    if not found or config.model_type != "llama":
        return tensors
    factors = found[0].data.astype(float)
    told = {"factor": float(factors.max()), **_LLAMA3, **config.rope_parameters}
    told["rope_type"] = "llama3"
    given = _frequencies(config, told | {"factor": 1.0}) / _frequencies(config, told)
    if factors.shape != given.shape or not np.allclose(factors, given, rtol=1e-5):
        raise InputError(
            f"rope_freqs.weight goes up to {factors.max():.4g} and is not the scaling of a Llama 3 "
            f"(up to {given.max():.4g}); take a folder of safetensors, whose config.json says it"
        )
    config.rope_parameters = told
    return [tensor for tensor in tensors if tensor.name != found[0].name]


def _frequencies(config: Any, told: dict[str, Any]) -> np.ndarray:
    """Frequencies of the rotary embedding under a scaling of Llama 3's kind: [pair of features]."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    scaled = copy.deepcopy(config)
    scaled.rope_parameters = told
    return ROPE_INIT_FUNCTIONS["llama3"](scaled)[0].double().numpy()


def _check_all_used(model: Any, tensors: list[Any]) -> None:
    """Refuse tensors that no weight was made of: the reader passes over them without a word."""
    held = sum(int(tensor.n_elements) for tensor in tensors)
    weights = {weight.data_ptr(): weight.numel() for weight in model.state_dict().values()}
    if held == sum(weights.values()):
        return
    layers = model.config.get_text_config().num_hidden_layers
    beyond = [t.name for t in tensors if (n := _layer(t.name)) is None or n >= layers]
    raise InputError(
        f"{held:,} numbers in {len(tensors)} tensors for a model of {sum(weights.values()):,} and "
        f"{layers} layers: not all have a place, perhaps {one_line(', '.join(beyond), 70)}; take a "
        "folder of safetensors"
    )


def _layer(name: str) -> int | None:
    found = re.match(r"blk\.(\d+)\.", name)
    return int(found[1]) if found else None


def _narrowest(model: Any) -> Any:
    """The smallest type that holds every weight exactly."""
    import torch

    for dtype in (torch.bfloat16, torch.float16):
        if all(torch.equal(weight, weight.to(dtype).float()) for weight in model.parameters()):
            return dtype
    return torch.float32


@contextmanager
def _shown(total: int, show: bool) -> Iterator[None]:
    """Show how many tensors are unpacked, in the place of the library's own bar."""
    from transformers import modeling_gguf_pytorch_utils

    library: Any = modeling_gguf_pytorch_utils

    with progress(total, "convert", "tensors", show) as bar:

        def counted(items: Iterable[Any], **_: Any) -> Iterator[Any]:
            for item in items:
                yield item
                bar.update(1)

        old, library.tqdm = library.tqdm, counted
        try:
            yield
        finally:
            library.tqdm = old
