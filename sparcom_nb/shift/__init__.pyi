from .attention import attention_word_pairs, unordered_pairs, verb_shift
from .attribution import input_attribution, instruction_mask, response_attributions
from .concepts import component_words, ffn_concepts
from .density import importance_density, instruction_score, levels
from .rotation import rotation
from .words import corpus_texts, vocabulary, word_vectors

__all__ = [
    "attention_word_pairs",
    "component_words",
    "corpus_texts",
    "ffn_concepts",
    "importance_density",
    "input_attribution",
    "instruction_mask",
    "instruction_score",
    "levels",
    "response_attributions",
    "rotation",
    "unordered_pairs",
    "verb_shift",
    "vocabulary",
    "word_vectors",
]
