from .ablation import equal_sets, halves
from .alteration import alteration, instruction_jaccard
from .baselines import category_means, contrast, lape, random_sets
from .experts import conditional_frequency, specific_experts, uniform_rate
from .frequency import (
    activation_frequency,
    expert_frequency,
    expert_neuron_frequency,
    neuron_frequency,
    token_activity,
)
from .sets import category_sets, generality, overlap, specific, unique_sets

__all__ = [
    "activation_frequency",
    "alteration",
    "category_means",
    "category_sets",
    "conditional_frequency",
    "contrast",
    "equal_sets",
    "expert_frequency",
    "expert_neuron_frequency",
    "generality",
    "halves",
    "instruction_jaccard",
    "lape",
    "neuron_frequency",
    "overlap",
    "random_sets",
    "specific",
    "specific_experts",
    "token_activity",
    "uniform_rate",
    "unique_sets",
]
