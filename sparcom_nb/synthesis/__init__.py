"""The three papers together: whether neurons, directions, concepts and attributions meet."""

from sparcom_nb.expect import doors

__getattr__, __dir__, __all__ = doors(__name__, __file__)
