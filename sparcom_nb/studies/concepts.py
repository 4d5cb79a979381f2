"""Whether concepts of feed-forward layers mean something, and how far tuning turned them (notebook 23).

The unit of shares is the component. The paper's p comes from five runs of its annotator and so says
how much the annotator wavers, not how much models differ.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import binomtest, ortho_group
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.evidence import Clusters, Finding, differ, finding, paired
from sparcom_nb.shift.concepts import Networks, component_keys, component_words
from sparcom_nb.shift.rotation import compare, leading, paired_networks, rotation_of
from sparcom_nb.studies.annotators import CANNOT_TELL, LEVELS, TASKS
from sparcom_nb.studies.results import NO_PLACEBO, Results

DRAWS = 999
RANDOM = "random directions"


def study(
    models: Mapping[str, TransformerBridge],
    concepts: Mapping[str, pd.DataFrame],
    named: Mapping[str, pd.DataFrame],
    r: int = 20,
    draws: int = 39,
    seed: int = 0,
) -> Results:
    """Hold concepts against random directions, and their rotation against changes of equal size.

    Args:
        models: ``base``, ``tuned`` and, where there is one, ``placebo``.
        concepts: of :func:`sparcom_nb.shift.ffn_concepts`, for base and tuned.
        named: of :func:`sparcom_nb.studies.annotators.annotate`, for base and tuned and for random
            directions read with the words of each (``base, random directions``).
        r: concepts of a network that are compared between models.
        draws: random changes.
        seed: of all draws.
    """
    base, tuned = paired_networks(models["base"], models["tuned"])
    angles = {"tuned": rotation_of(base, tuned, r)}
    angles["random change"] = random_changes(base, tuned, r, draws, seed)
    if "placebo" in models:
        plain = paired_networks(models["base"], models["placebo"])[1]
        angles["tuned, equal norm"], angles["placebo, equal norm"] = (
            rotation_of(base, one, r) for one in equal_norm(base, tuned, plain)
        )
    angles["random subspaces"] = random_subspaces(base[0][1].shape[1], r, min(draws, 20), seed)
    listed = {name: component_words(table) for name, table in concepts.items()}
    tables = {
        "shares": shares(named),
        "shares_by_layer": shares(named, ["layer"]),
        "rotation": pd.concat(angles, names=["change"]).reset_index("change"),
        "matched": matched(angles["tuned"], listed["base"], listed["tuned"]),
    }
    marks = {name: indicators(table) for name, table in named.items()}
    findings = name_findings(marks, seed) | rotation_findings(angles)
    return Results.of("Concepts of the feed-forward layers", findings, tables=tables)


# ---------------------------------------------------------------- names


def shuffled(networks: Networks, seed: int = 0) -> Networks:
    """Networks whose weights stand in random places: directions that mean nothing.

    Their nearest words still resemble one another as far as the vocabulary comes in clumps.
    """
    dice = torch.Generator().manual_seed(seed)
    return [
        (key, w.reshape(-1)[torch.randperm(w.numel(), generator=dice).to(w.device)].view_as(w))
        for key, w in networks
    ]


def indicators(annotated: pd.DataFrame) -> pd.DataFrame:
    """What most runs of the annotator say of a component: 0 or 1 [component, what].

    ``what`` is explained, every task and every level.
    """
    known = annotated["concept"] != CANNOT_TELL
    columns = {"explained": known}
    columns |= {task: known & (annotated["task"] == task) for task in TASKS}
    columns |= {level: known & (annotated["level"] == level) for level in LEVELS}
    keys = [annotated[name] for name in component_keys(annotated)]
    return (pd.DataFrame(columns).groupby(keys).mean() > 0.5).astype(float)


def shares(named: Mapping[str, pd.DataFrame], by: list[str] | None = None) -> pd.DataFrame:
    """Share of components that are explained, serve a task, or are of a level (Table 5, Figure 3).

    Returns model, the columns of ``by``, what, share, low and high (95 % over components, Wilson), n.
    """
    rows = []
    for name, table in named.items():
        parts: Any = table.groupby(by) if by else [((), table)]
        for key, part in parts:
            for what, column in indicators(part).items():
                found = binomtest(int(column.sum()), len(column))
                ends = found.proportion_ci(method="wilson")
                row = {"model": name} | dict(zip(by or [], key, strict=True))
                row |= {"what": what, "share": column.mean(), "low": ends.low, "high": ends.high}
                rows.append(row | {"n": len(column)})
    return pd.DataFrame(rows)


def name_findings(marks: Mapping[str, pd.DataFrame], seed: int) -> dict[str, Finding]:
    """Whether components have names more often than random directions, and more after tuning."""
    said = {name: table["explained"].to_numpy() for name, table in marks.items()}
    units = Clusters.by(marks["base"].index, "component")
    more = {"unit": "of the components"}
    findings = {
        f"named_{name}": paired(
            f"Components of the {name} model have a name more often than random directions",
            said[f"{name}, {RANDOM}"], said[name], units, DRAWS, seed, **more,
            control="component and random direction exchanged one by one",
            reading="Words come in clumps, so that random directions have names too.",
        )
        for name in ("base", "tuned")
    }  # fmt: skip
    beyond = {name: said[name] - said[f"{name}, {RANDOM}"] for name in ("base", "tuned")}
    findings["named_change"] = paired(
        "Tuning gave names to more components, beyond what it did to random directions",
        beyond["base"], beyond["tuned"], units, DRAWS, seed, **more,
        control="base and tuned model exchanged component by component",
        reading="Names are read with the output embedding, which tuning changes as well.",
    )  # fmt: skip
    return findings


# ---------------------------------------------------------------- rotation


def random_changes(
    base: Networks, tuned: Networks, r: int, draws: int, seed: int = 0
) -> pd.DataFrame:
    """Angles between the base and what random changes of the size of tuning make of it.

    A draw is one random rotation of the change in all networks: it keeps its norm and its singular
    values, and loses its direction. Returns the columns of :func:`rotation_of`, and draw.
    """
    rng, tables = np.random.default_rng(seed), []
    before = [leading(weight, r) for _, weight in base]
    for draw in range(draws):
        turn = ortho_group.rvs(base[0][1].shape[1], random_state=rng)
        for (key, a), (_, b), old in zip(base, tuned, before, strict=True):
            change = (b - a).double() @ torch.from_numpy(turn).to(a.device)
            tables.append(compare({"draw": draw} | key, old, leading(a.double() + change, r)))
    return pd.concat(tables, ignore_index=True)


def random_subspaces(d_model: int, r: int, draws: int, seed: int = 0) -> pd.DataFrame:
    """Angles of pairs of random r-dimensional subspaces, as of :func:`random_changes`, without layer."""
    rng = np.random.default_rng(seed)
    frames = [[ortho_group.rvs(d_model, random_state=rng)[:r] for _ in "ab"] for _ in range(draws)]
    return pd.concat([compare({"draw": n}, *two) for n, two in enumerate(frames)])


def equal_norm(base: Networks, first: Networks, second: Networks) -> tuple[Networks, Networks]:
    """Both changes of every network at the norm of the smaller: the larger one is interpolated."""
    made: tuple[Networks, Networks] = [], []
    for (key, start), (_, a), (_, b) in zip(base, first, second, strict=True):
        changes = (a - start).double(), (b - start).double()
        least = min(float(change.norm()) for change in changes)
        for networks, change in zip(made, changes, strict=True):
            scale = least / float(change.norm()) if least else 0.0
            networks.append((key, start.double() + scale * change))
    return made


def rotation_findings(angles: Mapping[str, pd.DataFrame]) -> dict[str, Finding]:
    """Whether tuning turned the concepts more than a random change, and than the placebo."""
    mean = {name: by_network(table) for name, table in angles.items() if "layer" in table}
    networks = Clusters.by(mean["tuned"].index, "network")
    value = float(angles["tuned"]["angle"].mean())
    null = angles["random change"].groupby("draw")["angle"].mean().to_numpy()
    turned = finding(
        "Tuning turned the concepts further than a random change of its size turns them",
        value, null, networks, fitted=True, unit="degrees",
        control="the same change of the weights in random directions (fitted)",
        reading="Concepts of nearly equal variance change places at the slightest touch.",
    )  # fmt: skip
    claim = "Tuning turned the concepts further than plain training, at equal norm of the change"
    if "placebo, equal norm" not in mean:
        return {"rotation": turned, "placebo": Finding(claim, np.nan, invalid=NO_PLACEBO)}
    more = mean["tuned, equal norm"] - mean["placebo, equal norm"]
    placebo = differ(
        claim, more.to_numpy(), networks, unit="degrees",
        caveat="The claim is about these two checkpoints, whose networks are few and not independent.",
        reading="The larger of the two changes was interpolated, network by network.",
    )  # fmt: skip
    return {"rotation": turned, "placebo": placebo}


def by_network(angles: pd.DataFrame) -> pd.Series:
    """Mean angle of every network."""
    keys = [name for name in ("layer", "expert") if name in angles]
    return angles.groupby(keys)["angle"].mean()


def mean_angles(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Mean angle for every ``by`` (layer or component) and kind of change: change, by, value, low, high.

    Draws become an interval that holds 95 % of them; without draws it is the value.
    """
    once = table.fillna({"draw": 0}).groupby(["change", by, "draw"], sort=False)["angle"].mean()
    drawn = once.groupby(["change", by], sort=False)
    low, high = (drawn.quantile(q) for q in (0.025, 0.975))
    return pd.DataFrame({"value": drawn.mean(), "low": low, "high": high}).reset_index()


def matched(turned: pd.DataFrame, base: pd.DataFrame, tuned: pd.DataFrame) -> pd.DataFrame:
    """Words of every base component beside those of the tuned component it is matched with.

    Returns layer, expert (where there are experts), component, base, partner, tuned, cosine.
    """
    keys = [name for name in ("layer", "expert") if name in turned]
    before = base.rename(columns={"words": "base"})
    after = tuned.rename(columns={"words": "tuned", "component": "partner"})
    both = turned.merge(before, on=[*keys, "component"]).merge(after, on=[*keys, "partner"])
    both = both.sort_values([*keys, "component"], ignore_index=True)
    return both[[*keys, "component", "base", "partner", "tuned", "cosine"]]
