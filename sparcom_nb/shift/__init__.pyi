from .concepts import ffn_concepts
from .embeddings import word_embeddings
from .subspaces import mean_rotation, random_change, random_subspaces, rotation, rotation_test

__all__ = [
    "ffn_concepts",
    "mean_rotation",
    "random_change",
    "random_subspaces",
    "rotation",
    "rotation_test",
    "word_embeddings",
]
