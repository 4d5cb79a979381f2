from . import capture, describe, nait, prompts, shift, sparcom, stats, synthesis, taps, view
from .errors import InputError
from .evaluation import (
    answer,
    answers_under,
    evaluate,
    loss_under,
    perplexity,
    text_loss_under,
)
from .instructions import CATEGORIES, limit_rows, load_instructions, load_paraphrases, load_texts
from .interventions import intervene, mean_activation
from .models import load_model, load_pair
from .sources import list_pairs
from .tuning import tune

__version__: str

__all__ = [
    "CATEGORIES",
    "InputError",
    "answer",
    "answers_under",
    "capture",
    "describe",
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
    "synthesis",
    "taps",
    "text_loss_under",
    "tune",
    "view",
]
