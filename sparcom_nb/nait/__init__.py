"""NAIT (Chen et al. 2026, arXiv 2603.13201): which training samples to select, judged by neurons."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
