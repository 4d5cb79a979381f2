"""Everything that sees a model: load it, prove its taps, capture, change, evaluate, tune."""
