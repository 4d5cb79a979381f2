from .baselines import baseline_score
from .directions import METHODS, Direction, capability_direction, direction_of
from .readout import sample_activations
from .scores import alignment_score, layer_scores
from .selection import combine, core_subset, select

__all__ = [
    "METHODS",
    "Direction",
    "alignment_score",
    "baseline_score",
    "capability_direction",
    "combine",
    "core_subset",
    "direction_of",
    "layer_scores",
    "sample_activations",
    "select",
]
