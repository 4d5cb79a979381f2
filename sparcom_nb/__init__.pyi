from . import capture, describe, prompts, sparcom, stats, taps, view
from .errors import InputError
from .evaluation import answer, evaluate, perplexity
from .instructions import CATEGORIES, limit_rows, load_instructions, load_paraphrases
from .interventions import intervene, mean_activation
from .models import load_model, load_pair
from .sources import list_pairs
from .tuning import tune

__version__: str

__all__ = [
    "CATEGORIES",
    "InputError",
    "answer",
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
    "mean_activation",
    "perplexity",
    "prompts",
    "sparcom",
    "stats",
    "taps",
    "tune",
    "view",
]
