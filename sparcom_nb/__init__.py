"""What instruction tuning does inside a language model: measure it, show it, teach it.

    import sparcom_nb as sn
    model = sn.load_model("tiny-dense/instruct")
    data = sn.load_instructions("miniworld")
    frequency = sn.sparcom.activation_frequency(model, data)

Three papers, one package: SPARCOM (Zhang 2025, arXiv 2505.21191), behaviour shift (Wu 2024, arXiv
2310.00492) and NAIT (Chen 2026, arXiv 2603.13201). Heavy modules load when first used; the public
names are listed in ``__init__.pyi``.
"""

from sparcom_nb.expect import doors

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = doors(__name__, __file__)
