from .directions import Direction, capability_direction
from .readout import sample_activations
from .scores import alignment_score
from .selection import combine, core_subset, select

__all__ = [
    "Direction",
    "alignment_score",
    "capability_direction",
    "combine",
    "core_subset",
    "sample_activations",
    "select",
]
