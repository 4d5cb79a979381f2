"""SPARCOM (Zhang et al. 2025, arXiv 2505.21191): sparse components that serve instructions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
