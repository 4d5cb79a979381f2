"""Behaviour shift (Wu et al. 2024, NAACL, arXiv 2310.00492): what tuning changes in how a model reads."""

from sparcom_nb.expect import doors

__getattr__, __dir__, __all__ = doors(__name__, __file__)
