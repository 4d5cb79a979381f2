from .annotate import CANNOT_TELL, LEVELS, TASKS, Annotation, Lexicon, annotate, shuffle_words
from .attention import attention_word_pairs, unordered_pairs, verb_shares, verb_shift
from .attribution import input_attribution
from .concepts import ffn_concepts
from .density import importance_density, instruction_score, levels
from .embeddings import word_embeddings
from .endpoint import Endpoint
from .joint import instruction_mask, join
from .published import published_scores, published_sensitivity, table_1, table_2
from .responses import (
    instruction_scores,
    response_attributions,
    score_shift,
    shift_sensitivity,
)
from .shares import compare_shares, concept_shares
from .subspaces import (
    mean_rotation,
    random_change,
    random_subspaces,
    rotation,
    rotation_test,
    turned_change,
)
from .words import (
    INSTRUCTION_VERBS,
    corpus_vectors,
    general_verbs,
    miniworld_texts,
    read_glove,
    vocabulary,
    word_vectors,
)

__all__ = [
    "CANNOT_TELL",
    "INSTRUCTION_VERBS",
    "LEVELS",
    "TASKS",
    "Annotation",
    "Endpoint",
    "Lexicon",
    "annotate",
    "attention_word_pairs",
    "compare_shares",
    "concept_shares",
    "corpus_vectors",
    "ffn_concepts",
    "general_verbs",
    "importance_density",
    "input_attribution",
    "instruction_mask",
    "instruction_score",
    "instruction_scores",
    "join",
    "levels",
    "mean_rotation",
    "miniworld_texts",
    "published_scores",
    "published_sensitivity",
    "random_change",
    "random_subspaces",
    "read_glove",
    "response_attributions",
    "rotation",
    "rotation_test",
    "score_shift",
    "shift_sensitivity",
    "shuffle_words",
    "table_1",
    "table_2",
    "turned_change",
    "unordered_pairs",
    "verb_shares",
    "verb_shift",
    "vocabulary",
    "word_embeddings",
    "word_vectors",
]
