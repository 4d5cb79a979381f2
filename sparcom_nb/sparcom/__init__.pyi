from .baselines import category_means, contrast, entropy, lape, random_sets
from .components import category_sets, component_table, generality, overlap, specific
from .frequency import (
    activation_frequency,
    as_frequency,
    conditional_frequency,
    expert_frequency,
    expert_neuron_frequency,
    neuron_frequency,
    token_activity,
    uniform_rate,
)
from .profiles import layer_shares
from .sweep import TOPS, category_overlap_at, sweep
from .wording import wording_ladder

__all__ = [
    "TOPS",
    "activation_frequency",
    "as_frequency",
    "category_means",
    "category_overlap_at",
    "category_sets",
    "component_table",
    "conditional_frequency",
    "contrast",
    "entropy",
    "expert_frequency",
    "expert_neuron_frequency",
    "generality",
    "lape",
    "layer_shares",
    "neuron_frequency",
    "overlap",
    "random_sets",
    "specific",
    "sweep",
    "token_activity",
    "uniform_rate",
    "wording_ladder",
]
