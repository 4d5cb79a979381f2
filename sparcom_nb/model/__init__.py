"""Everything that sees a model: load it, prove its taps, capture, change, evaluate, tune."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, ["capture", "prompts", "taps"])
