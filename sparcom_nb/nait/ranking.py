"""How well a score ranks: the area under its curve, with an interval that few rows do not fool."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import root_scalar
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_auc_score


def auc(values: np.ndarray, positive: np.ndarray) -> float:
    """Chance that a positive's value is above a negative's; ties count half. NaN without either."""
    if positive.all() or not positive.any():
        return float("nan")
    return float(roc_auc_score(positive, rankdata(values)))  # ranks: infinite values too


def auc_interval(value: float, n: int, m: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of an area found with ``n`` positives and ``m`` negatives, rows being the units.

    All areas from which the one found is no more than z standard errors away, the error being that
    of the area asked about (Newcombe 2006, Statistics in Medicine 25:559, method 5): it neither
    leaves 0..1 nor shrinks to a point where the ranking of a few rows is perfect.
    """
    z = float(norm.ppf((1 + level) / 2))

    def beyond(area: float) -> float:
        pairs = (1 - area) / (2 - area) + area / (1 + area)
        variance = area * (1 - area) * (1 + ((n + m) / 2 - 1) * pairs) / (n * m)
        return (value - area) ** 2 - z**2 * variance

    return _root(beyond, 0.0, value), _root(beyond, 1.0, value)


def _root(beyond: Callable[[float], float], end: float, value: float) -> float:
    """Where the area found begins to be too far away; at the area itself nothing is."""
    near = value + 1e-9 * (end - value)
    return end if value == end else float(root_scalar(beyond, bracket=(end, near)).root)
