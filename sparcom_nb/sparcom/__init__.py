"""SPARCOM (Zhang et al. 2025, arXiv 2505.21191): sparse components that serve instructions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "components": [
            "category_sets",
            "component_table",
            "generality",
            "overlap",
            "specific",
        ],
        "frequency": ["activation_frequency", "as_frequency", "token_activity"],
        "profiles": ["layer_shares"],
        "sweep": ["TOPS", "category_overlap_at", "sweep"],
        "wording": ["wording_ladder"],
    },
)
