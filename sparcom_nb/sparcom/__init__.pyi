from .ablation import equal_sets, halves, sets_of_halves
from .alteration import alteration, instruction_jaccard
from .baselines import category_means, contrast, lape, random_sets
from .controls import critical_role, effects, imbalance, matched_sets, pooled_p, specificity
from .experts import conditional_frequency, specific_experts, uniform_rate
from .frequency import (
    activation_frequency,
    as_frequency,
    expert_frequency,
    expert_neuron_frequency,
    neuron_frequency,
    token_activity,
)
from .profiles import layer_shares
from .sets import category_sets, component_table, generality, overlap, specific, unique_sets
from .sweep import TOPS
from .uniqueness import kind_counts

__all__ = [
    "TOPS",
    "activation_frequency",
    "alteration",
    "as_frequency",
    "category_means",
    "category_sets",
    "component_table",
    "conditional_frequency",
    "contrast",
    "critical_role",
    "effects",
    "equal_sets",
    "expert_frequency",
    "expert_neuron_frequency",
    "generality",
    "halves",
    "imbalance",
    "instruction_jaccard",
    "kind_counts",
    "lape",
    "layer_shares",
    "matched_sets",
    "neuron_frequency",
    "overlap",
    "pooled_p",
    "random_sets",
    "sets_of_halves",
    "specific",
    "specific_experts",
    "specificity",
    "token_activity",
    "uniform_rate",
    "unique_sets",
]
