from .ablation import equal_sets, halves, sets_of_halves
from .alteration import alteration, instruction_jaccard
from .baselines import category_means, contrast, entropy, lape, random_sets
from .carry_over import between_sources, carry_over, split_halves
from .comparison import compare_methods
from .components import category_sets, component_table, generality, overlap, specific, unique_sets
from .controls import critical_role, effects, imbalance, matched_sets, pooled_p, specificity
from .experts import conditional_frequency, specific_experts, uniform_rate
from .fair import compare_cuts
from .frequency import (
    activation_frequency,
    as_frequency,
    expert_frequency,
    expert_neuron_frequency,
    neuron_frequency,
    token_activity,
)
from .profiles import layer_shares
from .sweep import TOPS, category_overlap_at, sweep
from .uniqueness import (
    combinations,
    kind_counts,
    kinds_sweep,
    layer_kinds,
    set_overlap,
    set_sizes,
)
from .wording import wording_ladder, wording_sets

__all__ = [
    "TOPS",
    "activation_frequency",
    "alteration",
    "as_frequency",
    "between_sources",
    "carry_over",
    "category_means",
    "category_overlap_at",
    "category_sets",
    "combinations",
    "compare_cuts",
    "compare_methods",
    "component_table",
    "conditional_frequency",
    "contrast",
    "critical_role",
    "effects",
    "entropy",
    "equal_sets",
    "expert_frequency",
    "expert_neuron_frequency",
    "generality",
    "halves",
    "imbalance",
    "instruction_jaccard",
    "kind_counts",
    "kinds_sweep",
    "lape",
    "layer_kinds",
    "layer_shares",
    "matched_sets",
    "neuron_frequency",
    "overlap",
    "pooled_p",
    "random_sets",
    "set_overlap",
    "set_sizes",
    "sets_of_halves",
    "specific",
    "specific_experts",
    "specificity",
    "split_halves",
    "sweep",
    "token_activity",
    "uniform_rate",
    "unique_sets",
    "wording_ladder",
    "wording_sets",
]
