from .dependence import at_equal_harm, falls, judged_rows, only, score_loss_under
from .loading import loading_shares, loading_test
from .rotated import Turn, concept_neurons, rotated_test, specific_neurons, turned

__all__ = [
    "Turn",
    "at_equal_harm",
    "concept_neurons",
    "falls",
    "judged_rows",
    "loading_shares",
    "loading_test",
    "only",
    "rotated_test",
    "score_loss_under",
    "specific_neurons",
    "turned",
]
