from . import nait, shift, sparcom, view
from .errors import InputError
from .evidence import Finding
from .model import capture, prompts, taps
from .model.adopt import adopt
from .model.evaluate import answer, evaluate
from .model.intervene import intervene, mean_activation
from .model.load import load_model, load_pair
from .model.sources import list_pairs
from .model.tune import tune
from .rows.instructions import (
    CATEGORIES,
    limit_rows,
    load_instructions,
    load_paraphrases,
    load_texts,
)

__version__: str

__all__ = [
    "CATEGORIES",
    "Finding",
    "InputError",
    "adopt",
    "answer",
    "capture",
    "evaluate",
    "intervene",
    "limit_rows",
    "list_pairs",
    "load_instructions",
    "load_model",
    "load_pair",
    "load_paraphrases",
    "load_texts",
    "mean_activation",
    "nait",
    "prompts",
    "shift",
    "sparcom",
    "taps",
    "tune",
    "view",
]
