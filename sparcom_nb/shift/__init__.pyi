from .annotate import CANNOT_TELL, LEVELS, TASKS, Annotation, Lexicon, annotate, shuffle_words
from .attention import attention_word_pairs, unordered_pairs, verb_shares, verb_shift
from .attribution import input_attribution
from .concepts import (
    component_words,
    explained_variance,
    ffn_concepts,
    half_variance,
    shuffled_weights,
)
from .density import importance_density, instruction_score, levels, word_density
from .embeddings import word_embeddings
from .endpoint import Endpoint, load_annotator
from .heads import head_changes, head_overlap, head_ratio, head_words, mean_overlap, pairs_per_head
from .joint import instruction_mask, join
from .published import published_scores, published_sensitivity, table_1, table_2
from .responses import (
    instruction_scores,
    response_attributions,
    score_shift,
    shift_sensitivity,
)
from .shares import compare_shares, concept_shares, shares_by_strength
from .subspaces import (
    matched_words,
    mean_rotation,
    placebo_rotation,
    random_change,
    random_subspaces,
    rotation,
    rotation_test,
    turned_change,
)
from .words import (
    INSTRUCTION_VERBS,
    corpus_texts,
    corpus_vectors,
    general_verbs,
    nearest_words,
    read_glove,
    shuffle_vectors,
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
    "component_words",
    "concept_shares",
    "corpus_texts",
    "corpus_vectors",
    "explained_variance",
    "ffn_concepts",
    "general_verbs",
    "half_variance",
    "head_changes",
    "head_overlap",
    "head_ratio",
    "head_words",
    "importance_density",
    "input_attribution",
    "instruction_mask",
    "instruction_score",
    "instruction_scores",
    "join",
    "levels",
    "load_annotator",
    "matched_words",
    "mean_overlap",
    "mean_rotation",
    "nearest_words",
    "pairs_per_head",
    "placebo_rotation",
    "published_scores",
    "published_sensitivity",
    "random_change",
    "random_subspaces",
    "read_glove",
    "response_attributions",
    "rotation",
    "rotation_test",
    "score_shift",
    "shares_by_strength",
    "shift_sensitivity",
    "shuffle_vectors",
    "shuffle_words",
    "shuffled_weights",
    "table_1",
    "table_2",
    "turned_change",
    "unordered_pairs",
    "verb_shares",
    "verb_shift",
    "vocabulary",
    "word_density",
    "word_embeddings",
    "word_vectors",
]
