"""Behaviour shift (Wu et al. 2024, NAACL, arXiv 2310.00492): what tuning changes in how a model reads."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
