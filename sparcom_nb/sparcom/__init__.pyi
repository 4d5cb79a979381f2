from .alteration import (
    alteration,
    before_after,
    before_after_by_layer,
    floor_test,
    frequency_shift,
    instruction_jaccard,
    jaccard,
    kept_share,
    over_layers,
    placebo_test,
    profile_distance,
    routing_shift,
)
from .baselines import category_means, contrast, entropy, lape, random_sets
from .carry_over import between_sources, carry_over, split_halves
from .centroids import guess_category
from .comparison import compare_methods
from .components import category_sets, component_table, generality, overlap, specific, unique_sets
from .experts import conditional_frequency, expert_usage, specific_experts, uniform_rate
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
    "before_after",
    "before_after_by_layer",
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
    "entropy",
    "expert_frequency",
    "expert_neuron_frequency",
    "expert_usage",
    "floor_test",
    "frequency_shift",
    "generality",
    "guess_category",
    "instruction_jaccard",
    "jaccard",
    "kept_share",
    "kind_counts",
    "kinds_sweep",
    "lape",
    "layer_kinds",
    "layer_shares",
    "neuron_frequency",
    "over_layers",
    "overlap",
    "placebo_test",
    "profile_distance",
    "random_sets",
    "routing_shift",
    "set_overlap",
    "set_sizes",
    "specific",
    "specific_experts",
    "split_halves",
    "sweep",
    "token_activity",
    "uniform_rate",
    "unique_sets",
    "wording_ladder",
    "wording_sets",
]
