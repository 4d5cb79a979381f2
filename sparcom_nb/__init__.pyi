from . import nait, shift, sparcom, stats, view
from .errors import InputError
from .model import capture, prompts, taps
from .model.adopt import adopt
from .model.evaluate import (
    answer,
    answers_under,
    evaluate,
    loss_under,
    perplexity,
    text_loss_under,
)
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
    "InputError",
    "adopt",
    "answer",
    "answers_under",
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
    "loss_under",
    "mean_activation",
    "nait",
    "perplexity",
    "prompts",
    "shift",
    "sparcom",
    "stats",
    "taps",
    "text_loss_under",
    "tune",
    "view",
]
