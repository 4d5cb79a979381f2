"""Pictures of what the methods find in models whose neurons are known."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sparcom_nb.view.theme import figure, label

_STYLES = {
    "SPARCOM": ("#0072B2", "o", "-"),
    "LAPE": ("#D55E00", "s", "--"),
    "mean contrast": ("#009E73", "^", "-."),
    "frequency contrast": ("#CC79A7", "D", ":"),
    "random": ("#555555", "x", "-"),
}
_ROLES = {
    "task": ("#0072B2", ""),
    "general": ("#F0E442", "//"),
    "wording": ("#D55E00", "\\\\"),
    "inert": ("#CC79A7", "xx"),
    "background": ("#BBBBBB", ".."),
}


def recovery_curves(curves: pd.DataFrame, span: str) -> Figure:
    """Precision (left) and recall (right) of every method against noise, with intervals."""
    fig, panels = figure(9, 3.6, columns=2)
    part = curves[curves["span"] == span]
    for axes, measure in zip(panels, ("precision", "recall"), strict=True):
        shown = [method for method in _STYLES if method in set(part["method"])]
        for n, method in enumerate(shown):
            colour, marker, line = _STYLES[method]
            one = part[(part["measure"] == measure) & (part["method"] == method)]
            x, y, low, high = one[["noise", "mean", "low", "high"]].to_numpy(float).T
            axes.errorbar(
                x + 0.008 * (n - 2), y, yerr=np.clip([y - low, high - y], 0, None), label=method,
                color=colour, marker=marker, linestyle=line, markersize=5, linewidth=1.2, capsize=2,
            )  # fmt: skip
        axes.set_ylim(-0.04, 1.06)
        label(axes, f"{measure}, {span} span", "noise (0 as planted, 1 nothing left)", measure)
    panels[1].legend(fontsize=8)
    return fig


def decoy_bars(table: pd.DataFrame) -> Figure:
    """What the sets of every method consist of, a panel a world."""
    worlds = list(dict.fromkeys(table["world"]))
    fig, panels = figure(10, 3.2, columns=len(worlds))
    for axes, world in zip(panels, worlds, strict=True):
        part = table[table["world"] == world].iloc[::-1]
        left = part["task"] * 0
        for role, (colour, hatch) in _ROLES.items():
            axes.barh(
                part["method"], part[role], left=left, color=colour, hatch=hatch, label=role,
                edgecolor="white",
            )  # fmt: skip
            left = left + part[role]
        axes.set_xlim(0, 1)
        label(axes, world, "share of the set", "")
        if axes is not panels[0]:
            axes.set_yticklabels([])
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return fig
