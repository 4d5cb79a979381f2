from .components import category_sets, component_table, generality, overlap, specific
from .frequency import activation_frequency, as_frequency, token_activity
from .profiles import layer_shares
from .sweep import TOPS, category_overlap_at, sweep
from .wording import wording_ladder

__all__ = [
    "TOPS",
    "activation_frequency",
    "as_frequency",
    "category_overlap_at",
    "category_sets",
    "component_table",
    "generality",
    "layer_shares",
    "overlap",
    "specific",
    "sweep",
    "token_activity",
    "wording_ladder",
]
