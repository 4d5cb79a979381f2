from .baselines import BASELINES, baseline_score
from .directions import METHODS, Direction, capability_direction, direction_of, sample_activations
from .readout import CANDIDATES
from .scores import alignment_score, alignment_scores, combine, length_correlation, select

__all__ = [
    "BASELINES",
    "CANDIDATES",
    "METHODS",
    "Direction",
    "alignment_score",
    "alignment_scores",
    "baseline_score",
    "capability_direction",
    "combine",
    "direction_of",
    "length_correlation",
    "sample_activations",
    "select",
]
