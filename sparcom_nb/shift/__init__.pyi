from .embeddings import word_embeddings

__all__ = [
    "word_embeddings",
]
