"""How many concepts can be explained, by task and linguistic level (Wu et al. 2024, Table 5, Figure 3).

The unit is the component. The paper's p comes from five runs of its annotator and so measures how
much the annotator wavers, not how much models differ; intervals here are over components, and those
over runs stand beside them where there are several runs.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest, ttest_ind
from scipy.stats import t as student

from sparcom_nb.errors import InputError
from sparcom_nb.shift.annotate import CANNOT_TELL, LEVELS, TASKS
from sparcom_nb.shift.concepts import component_keys

#: What is counted: all explainable concepts, those of every task, those of every level.
WHAT = ("explained", *TASKS, *LEVELS)


def concept_shares(annotated: pd.DataFrame, by: list[str] | None = None) -> pd.DataFrame:
    """Share of components that are explained, serve a task, or are of a level.

    Args:
        annotated: from :func:`sparcom_nb.shift.annotate`.
        by: columns to tell apart, such as ``["layer"]``.

    Returns:
        DataFrame: the columns of ``by``, what (one of WHAT), share (of all components), low and
        high (95 % over components, Wilson), of_explained (share of the explainable ones) and n
        (components). With several runs shares are means over them, and run_low and run_high the
        95 % interval over runs.
    """
    if by:
        parts = {key: concept_shares(part) for key, part in annotated.groupby(by)}
        return pd.concat(parts, names=by).reset_index(by).reset_index(drop=True)
    components, runs = _components(annotated), _runs(annotated)
    share = components.mean()
    low, high = _wilson(share, len(components))
    table = pd.DataFrame({"share": share, "low": low, "high": high, "n": len(components)})
    table["of_explained"] = share / share["explained"] if share["explained"] else np.nan
    if len(runs) > 1:
        spread = student.ppf(0.975, len(runs) - 1) * runs.std(ddof=1) / len(runs) ** 0.5
        table["run_low"], table["run_high"] = runs.mean() - spread, runs.mean() + spread
    return table.rename_axis("what").reset_index()


def shares_by_strength(
    annotated: pd.DataFrame, edges: Sequence[int] = (0, 10, 20, 50, 100, 200)
) -> pd.DataFrame:
    """Shares of strong and of weak components; column start is the first component of a group."""
    number = np.searchsorted(np.asarray(edges), annotated["component"], side="right") - 1
    return concept_shares(annotated.assign(start=np.asarray(edges)[number]), ["start"])


def compare_shares(
    base: pd.DataFrame,
    tuned: pd.DataFrame,
    controls: tuple[pd.DataFrame, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Shares of base and tuned model, and their difference, paired by layer and component.

    Args:
        base: from :func:`sparcom_nb.shift.annotate`.
        tuned: of a model of the same shape, as many components.
        controls: of the base and of the tuned model, as many components again: what goes beyond
            them is then compared (a difference of differences).

    Returns:
        DataFrame: what, base and tuned (shares of all components; beyond their controls where these
        are given), difference with low and high (95 % over components), p (exact sign test over
        components that differ), p_holm (Holm's correction for the number of rows), n. With several
        runs and no controls also p_runs, the paper's Welch test between runs.

    Raises:
        InputError: the tables do not hold the same components.
    """
    a, b = _components(base), _components(tuned)
    for other in (b, *(_components(control) for control in controls or ())):
        if not a.index.equals(other.index):
            raise InputError(
                f"{len(a)} components against {len(other)}; compare models of one shape"
            )
    if controls:
        a, b = a - _components(controls[0]), b - _components(controls[1])
    change = b - a
    spread = 1.96 * change.std(ddof=1) / len(change) ** 0.5
    columns: dict[str, Any] = {
        "base": a.mean(), "tuned": b.mean(), "difference": change.mean(),
        "low": change.mean() - spread, "high": change.mean() + spread,
        "p": change.apply(_sign_test), "n": len(change),
    }  # fmt: skip
    table = pd.DataFrame(columns)
    table["p_holm"] = holm(table["p"].to_numpy())
    if base["run"].nunique() > 1 and not controls:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # runs that all say the same
            test: Any = ttest_ind(_runs(base), _runs(tuned), equal_var=False)
        table["p_runs"] = test.pvalue
    return table.rename_axis("what").reset_index()


def _indicators(annotated: pd.DataFrame) -> pd.DataFrame:
    """0/1 columns of WHAT, a row a row."""
    known = annotated["concept"] != CANNOT_TELL
    columns = {"explained": known}
    columns |= {task: known & (annotated["task"] == task) for task in TASKS}
    columns |= {level: known & (annotated["level"] == level) for level in LEVELS}
    return pd.DataFrame(columns).astype(float)


def _components(annotated: pd.DataFrame) -> pd.DataFrame:
    """Mean over runs of the columns of WHAT for every component."""
    keys = [annotated[name] for name in component_keys(annotated)]
    return _indicators(annotated).groupby(keys).mean()


def _runs(annotated: pd.DataFrame) -> pd.DataFrame:
    """Mean over components of the columns of WHAT for every run."""
    return _indicators(annotated).groupby(annotated["run"]).mean()


def _wilson(share: pd.Series, n: int, z: float = 1.96) -> tuple[pd.Series, pd.Series]:
    """Interval of a share of n (Wilson 1927)."""
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    spread = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return (centre - spread).clip(lower=0), (centre + spread).clip(upper=1)


def _sign_test(change: pd.Series) -> float:
    up, down = int((change > 0).sum()), int((change < 0).sum())
    return float(binomtest(up, up + down).pvalue) if up + down else 1.0


def holm(p: np.ndarray) -> np.ndarray:
    """Correct several p for their number (Holm 1979, step-down)."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, stepped)
    return corrected
