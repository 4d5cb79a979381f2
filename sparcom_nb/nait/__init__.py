"""NAIT (Chen et al. 2026, arXiv 2603.13201): which training samples to select, judged by neurons."""

from sparcom_nb.expect import doors

__getattr__, __dir__, __all__ = doors(__name__, __file__)
