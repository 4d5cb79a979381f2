"""Pictures of general and unique components: a number beside its null, everywhere."""

from dataclasses import fields

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from sparcom_nb.evidence import Finding
from sparcom_nb.view.plots.common import forest
from sparcom_nb.view.theme import figure, label

_KINDS = {"unique": "unique to one", "shared": "shared by some", "general": "general"}


def counts(table: pd.DataFrame) -> Figure:
    """A line a number (columns name and those of a finding) on the band of its null."""
    known = {one.name for one in fields(Finding)} & set(table)
    rows = [(row["name"], {key: row[key] for key in known}) for _, row in table.iterrows()]
    return forest({name: Finding("", **row) for name, row in rows})


def sweep(table: pd.DataFrame) -> Figure:
    """Components of each kind against the share taken, a line for every agreement, null dashed."""
    fig, axes = figure(10.5, 3.5, columns=len(_KINDS))
    colours = sns.color_palette("colorblind")
    for panel, (kind, title) in zip(axes, _KINDS.items(), strict=True):
        for n, (agreement, part) in enumerate(table[table["kind"] == kind].groupby("agreement")):
            style = {"color": colours[n], "marker": "osD^v"[n % 5], "ms": 4}
            panel.plot(part["top"], part["value"], label=f"{agreement:.0%}", **style)
            panel.plot(part["top"], part["null_mean"], "--", color=colours[n], lw=1)
        panel.set_xscale("log")
        panel.set_yscale("symlog", linthresh=10)
        panel.set_xticks(table["top"].unique(), [f"{t:.1%}" for t in table["top"].unique()])
        panel.tick_params(axis="x", labelsize=7)
        panel.minorticks_off()
        panel.set_ylim(0, None)
        label(panel, title, "share to take", "neurons" if panel is axes[0] else "")
    axes[0].legend(fontsize=8, title="agreement", title_fontsize=8)
    return fig
