"""SPARCOM (Zhang et al. 2025, arXiv 2505.21191): sparse components that serve instructions."""

from sparcom_nb.expect import doors

__getattr__, __dir__, __all__ = doors(__name__, __file__)
