"""Pictures of what tuning on selections gives: arms, ratios, transfer, core, stability."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparcom_nb.nait.outcomes import RANDOM
from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.view.plots.capability import GREEN, ORANGE
from sparcom_nb.view.plots.common import whiskers
from sparcom_nb.view.plots.uniqueness import BLUE
from sparcom_nb.view.safe import drawn
from sparcom_nb.view.theme import NEUTRAL, figure, label

_UNIT = "nats per response token"
_VERDICTS = {"lower": BLUE, "higher": ORANGE, "not clearly different": NEUTRAL}


def arms(parts: Mapping[str, pd.DataFrame]) -> Figure:
    """Every arm's loss minus that of random rows; a panel for every table of effects.

    Thick: interval over sub-types; thin grey: smallest to largest of the seeds.
    """
    most = max(len(table) for table in parts.values())
    fig, axes = figure(4.2 + 3.6 * len(parts), 0.4 * most + 1.5, columns=len(parts))
    for panel, (title, table) in zip(axes, parts.items(), strict=True):
        _differences(panel, table[table["arm"] != RANDOM], title)
    handles = [axes[0].plot([], [], "o", color=c, label=v)[0] for v, c in _VERDICTS.items()]
    fig.legend(handles=handles, fontsize=8, ncols=3, loc="outside lower center")
    return fig


def _differences(axes: Axes, table: pd.DataFrame, title: str) -> None:
    rows = np.arange(len(table))[::-1]
    axes.hlines(rows, table["seed_low"], table["seed_high"], color="#bbbbbb", lw=7)
    for row, one in zip(rows, table.to_dict("records"), strict=True):
        spread = [[one["difference"] - one["low"]], [one["high"] - one["difference"]]]
        axes.errorbar(
            one["difference"], row, xerr=spread, fmt="o", capsize=4, color=_VERDICTS[one["verdict"]]
        )
    axes.axvline(0, color=NEUTRAL, lw=0.8)
    axes.set_yticks(rows, [f"{a} ({n:,})" for a, n in zip(table["arm"], table["n"], strict=True)])
    axes.set_ylim(-0.7, len(table) - 0.3)
    label(axes, title, f"loss minus random rows', {_UNIT}", "")


def accuracies(table: pd.DataFrame) -> Figure:
    """Share of right answers of every arm."""
    fig, (axes,) = figure(7, 0.36 * len(table) + 1.2)
    rows = np.arange(len(table))[::-1]
    bars = axes.barh(rows, table["correct"], color="#9ecae1", edgecolor=BLUE)
    axes.bar_label(bars, ["" if np.isnan(x) else f"{x:.0%}" for x in table["correct"]], padding=3)
    axes.set_yticks(rows, table["arm"])
    axes.set_xlim(0, 1)
    label(axes, "Second outcome", "share of answers that are right", "")
    return fig


def sweep(parts: Mapping[str, pd.DataFrame]) -> Figure:
    """Loss by the share of the pool that is tuned on; a panel a table.

    Bars: interval of the difference from random rows of the same number. (That of the loss itself is
    mostly what the sub-types differ in, for all arms alike.)
    """
    fig, axes = figure(1.4 + 3.5 * len(parts), 3.5, columns=len(parts))
    for panel, (title, table) in zip(axes, parts.items(), strict=True):
        names = [RANDOM, *(name for name in table["arm"].unique() if name != RANDOM)]
        for name, colour, marker in zip(
            names, (NEUTRAL, BLUE, ORANGE, GREEN), "^os*", strict=False
        ):
            part = table[table["arm"] == name]
            spread = [part["difference"] - part["low"], part["high"] - part["difference"]]
            panel.errorbar(
                part["ratio"], part["loss"], yerr=spread, color=colour, marker=marker, capsize=3,
                label=name if name == RANDOM else f"{name}: top",
            )  # fmt: skip
        panel.set_xscale("log")
        ticks = sorted(table["ratio"].unique())
        panel.set_xticks(ticks, [f"{ratio:.0%}" for ratio in ticks])
        panel.minorticks_off()
        label(panel, title, "share of the pool", f"loss, {_UNIT}")
    axes[0].legend(fontsize=8)
    return fig


def transfer(parts: Mapping[str, pd.DataFrame]) -> Figure:
    """Loss minus random rows' of every category (columns), by whose selection was tuned on (rows)."""
    fig, axes = figure(0.8 + 5.4 * len(parts), 4.4, columns=len(parts))
    for panel, (title, table) in zip(axes, parts.items(), strict=True):
        mean, mark = _square(table, "difference"), _square(table, "verdict")
        text = [
            [f"{value:+.2f}{'' if sure == 'not clearly different' else ' *'}" for value, sure in
             zip(values, marks, strict=True)]
            for values, marks in zip(mean.to_numpy(float), mark.to_numpy(), strict=True)
        ]  # fmt: skip
        largest = float(np.nanmax(np.abs(mean.to_numpy(float)))) or 1.0
        sns.heatmap(
            mean.astype(float), annot=np.array(text), fmt="", cmap="vlag", center=0, ax=panel,
            vmin=-largest, vmax=largest, annot_kws={"fontsize": 8},
            cbar_kws={"label": f"loss minus random rows', {_UNIT}"},
        )  # fmt: skip
        panel.tick_params(axis="y", rotation=0)
        label(panel, f"{title}; *: clearly different", "loss of", "selected for")
    return fig


def _square(table: pd.DataFrame, value: str) -> pd.DataFrame:
    wide = table.pivot(index="selected_for", columns="category", values=value)
    rows, columns = ([c for c in CATEGORIES if c in names] for names in (wide.index, wide.columns))
    return wide.loc[rows, columns]


def compositions(parts: Mapping[str, pd.DataFrame], chance: float) -> Figure:
    """Share of every selection (rows) that is clean rows of each category (columns)."""
    fig, axes = figure(0.8 + 3.4 * len(parts), 3.8, columns=len(parts))
    for panel, (title, table) in zip(axes, parts.items(), strict=True):
        sns.heatmap(
            table, annot=True, fmt=".2f", cmap="vlag", center=chance, vmin=0, vmax=1, ax=panel,
            annot_kws={"fontsize": 9}, cbar=panel is axes[-1],
            cbar_kws={"label": "share of the selection"},
        )  # fmt: skip
        panel.tick_params(axis="y", rotation=0)
        label(panel, title, "clean rows of", "selected for" if panel is axes[0] else "")
    return fig


def core(parts: Mapping[str, pd.DataFrame]) -> Figure:
    """Rows of the pool by the number of capabilities that select them, beside independence."""
    fig, axes = figure(0.8 + 4 * len(parts), 3.4, columns=len(parts))
    for panel, (title, table) in zip(axes, parts.items(), strict=True):
        panel.bar(table["number"] - 0.2, table["rows"], 0.4, color=BLUE, label="selected")
        panel.bar(
            table["number"] + 0.2, table["expected"], 0.4, color="#bbbbbb", hatch="//",
            label="were they independent",
        )  # fmt: skip
        panel.set_yscale("symlog", linthresh=10)
        panel.set_xticks(table["number"])
        label(panel, title, "by how many capabilities", "rows of the pool")
    axes[0].legend(fontsize=8)
    return fig


def stability(table: pd.DataFrame, in_common: pd.Series) -> Figure:
    """Agreement of two halves of the in-domain samples, for every score, with chance.

    ``in_common``: that of two capabilities' selections, by score.
    """
    titles = {"cosine": "Directions (cosine)", "jaccard": "Selections (Jaccard)",
              "core": "Core subsets (Jaccard)"}  # fmt: skip
    scores = list(table["score"].unique())
    rows = np.arange(len(scores))[::-1]
    fig, axes = figure(11, 0.45 * len(scores) + 1.4, columns=len(titles))
    chance = table[table["measure"] == "chance"]["mean"].mean()
    for panel, (measure, title) in zip(axes, titles.items(), strict=True):
        part = table[table["measure"] == measure].set_index("score").loc[scores]
        whiskers(panel, part[["mean", "low", "high"]].to_numpy(float), rows)
        panel.axvline(0 if measure == "cosine" else chance, color=NEUTRAL, ls=":")
        if measure == "jaccard":
            panel.plot(in_common[scores], rows, "s", color=ORANGE, label="two capabilities")
            panel.legend(fontsize=8, loc="upper right")
        panel.set_yticks(rows, scores if panel is axes[0] else [""] * len(scores))
        panel.set_ylim(-0.6, len(scores) + 0.3)  # room for the legend
        panel.set_xlim(-0.1, 1)
        label(panel, title, "dotted: chance", "")
    return fig


def between_models(table: pd.DataFrame) -> Figure:
    """Moved directions against the model's own: correlation of scores, and precision."""
    keys = list(dict.fromkeys(zip(table["model"], table["method"], strict=True)))
    rows = np.arange(len(keys))[::-1]
    fig, (left, right) = figure(11, 0.5 * len(keys) + 1.6, columns=2)
    parts = [table[(table["model"] == m) & (table["method"] == k)] for m, k in keys]
    for panel, columns in (
        (left, {"spearman": "moved", "control_spearman": "neurons permuted"}),
        (right, {"precision": "moved", "own_precision": "own"}),
    ):
        for (column, name), colour, marker, shift in zip(
            columns.items(), (BLUE, ORANGE), "os", (0.12, -0.12), strict=True
        ):
            values = [part[column].to_numpy() for part in parts]
            mean = np.array([v.mean() for v in values])
            ends = np.array([[v.min(), v.max()] for v in values]).T
            panel.errorbar(
                mean, rows + shift, xerr=np.abs(ends - mean), fmt=marker, color=colour,
                capsize=3, label=name,
            )  # fmt: skip
        panel.set_yticks(
            rows,
            [drawn(f"{m.rpartition('/')[2]}, {k}") for m, k in keys]
            if panel is left
            else [""] * len(keys),
        )
        panel.set_ylim(-0.7, len(keys) + 0.3)  # room for the legend
        panel.legend(fontsize=8, ncols=2, loc="upper left")
    label(left, "Scores: correlation with the own ones", "Spearman; bars: range", "")
    label(right, "Precision of the selection", "bars: range over capabilities", "")
    return fig
