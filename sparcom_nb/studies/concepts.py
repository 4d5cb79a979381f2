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

from sparcom_nb.evidence import Clusters, Finding, against, finding, means, paired, t_test
from sparcom_nb.shift.concepts import Networks, component_keys, component_words
from sparcom_nb.shift.rotation import compare, leading, paired_networks, rotation_of
from sparcom_nb.studies.annotators import CANNOT_TELL, LEVELS, TASKS
from sparcom_nb.studies.results import Results

DRAWS = 999
#: What is counted: all explainable concepts, those of every task, those of every level.
WHAT = ("explained", *TASKS, *LEVELS)
RANDOM = "random directions"
_PLACEBO = "There is no placebo of this pair here."


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

    Returns:
        Findings named_base, named_tuned, named_change, rotation, placebo; tables shares,
        shares_by_layer, rotation (angles by network and component), matched.
    """
    marks = {name: indicators(table) for name, table in named.items()}
    base, tuned = paired_networks(models["base"], models["tuned"])
    angles = {"tuned": rotation_of(base, tuned, r)}
    angles["random change"] = random_changes(base, tuned, r, draws, seed)
    if "placebo" in models:
        plain = paired_networks(models["base"], models["placebo"])[1]
        angles["tuned, equal norm"], angles["placebo, equal norm"] = (
            rotation_of(base, one, r) for one in equal_norm(base, tuned, plain)
        )
    d_model = base[0][1].shape[1]
    angles["random subspaces"] = random_subspaces(d_model, r, min(draws, 20), seed)
    findings = name_findings(marks, seed) | rotation_findings(angles)
    listed = {name: component_words(table) for name, table in concepts.items()}
    tables = {
        "shares": shares(named),
        "shares_by_layer": shares(named, ["layer"]),
        "rotation": pd.concat(angles, names=["change", "row"]).reset_index("change"),
        "matched": matched(angles["tuned"], listed["base"], listed["tuned"]),
    }
    tables |= {f"concepts_{name}": table for name, table in listed.items()}
    cosine = angles["tuned"]["cosine"]
    numbers = {"cosine of matched components": {"value": float(cosine.mean()), "n": len(cosine)}}
    return Results.of("Concepts of the feed-forward layers", findings, numbers, tables)


# ---------------------------------------------------------------- names


def shuffled(networks: Networks, seed: int = 0) -> Networks:
    """Networks whose weights stand in random places: directions that mean nothing.

    Their nearest words still resemble one another as far as the vocabulary comes in clumps, which is
    what concepts of a model have to be held against.
    """
    dice = torch.Generator().manual_seed(seed)
    return [
        (key, w.reshape(-1)[torch.randperm(w.numel(), generator=dice).to(w.device)].view_as(w))
        for key, w in networks
    ]


def indicators(annotated: pd.DataFrame) -> pd.DataFrame:
    """Whether most runs of the annotator say each of WHAT of a component: 0 or 1 [component, what]."""
    known = annotated["concept"] != CANNOT_TELL
    columns = {"explained": known}
    columns |= {task: known & (annotated["task"] == task) for task in TASKS}
    columns |= {level: known & (annotated["level"] == level) for level in LEVELS}
    keys = [annotated[name] for name in component_keys(annotated)]
    return (pd.DataFrame(columns).groupby(keys).mean() > 0.5).astype(float)


def shares(named: Mapping[str, pd.DataFrame], by: list[str] | None = None) -> pd.DataFrame:
    """Share of components that are explained, serve a task, or are of a level (Table 5, Figure 3).

    Returns:
        DataFrame: model, the columns of ``by``, what, share, low and high (95 % over components,
        Wilson) and n (components).
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


def components(marks: pd.DataFrame) -> Clusters:
    """Every component a cluster, in one stratum."""
    names = np.array([str(key) for key in marks.index])
    return Clusters(
        names, np.arange(len(names)), np.zeros(len(names), int), ["components"], "component"
    )


def name_findings(marks: Mapping[str, pd.DataFrame], seed: int) -> dict[str, Finding]:
    """Whether components have names more often than random directions, and more after tuning."""
    said = {name: table["explained"].to_numpy() for name, table in marks.items()}
    units = components(marks["base"])
    findings = {
        f"named_{name}": paired(
            f"Components of the {name} model have a name more often than random directions",
            said[f"{name}, {RANDOM}"], said[name], units, DRAWS, seed, unit="of the components",
            control="component and random direction exchanged one by one",
            reading="Words come in clumps, so that random directions have names too.",
        )
        for name in ("base", "tuned")
    }  # fmt: skip
    beyond = {name: said[name] - said[f"{name}, {RANDOM}"] for name in ("base", "tuned")}
    findings["named_change"] = paired(
        "Tuning gave names to more components, beyond what it did to random directions",
        beyond["base"], beyond["tuned"], units, DRAWS, seed, unit="of the components",
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
    value, null = angles["tuned"]["angle"].mean(), angles["random change"]
    test = against(float(value), null.groupby("draw")["angle"].mean().to_numpy(), fitted=True)
    places = networks_of(angles["tuned"])
    turned = finding(
        "Tuning turned the concepts further than a random change of its size turns them",
        float(value), test, places, unit="degrees", n=len(angles["tuned"]),
        control="the same change of the weights in random directions (fitted)",
        reading="Concepts of nearly equal variance change places at the slightest touch.",
    )  # fmt: skip
    more = np.full(len(places.names), np.nan)
    if "placebo, equal norm" in angles:
        keys = [name for name in ("layer", "expert") if name in angles["tuned"]]
        both = (angles[f"{name}, equal norm"] for name in ("tuned", "placebo"))
        first, second = (table.groupby(keys, sort=False)["angle"].mean() for table in both)
        more = (first - second).to_numpy()
    return {"rotation": turned, "placebo": beyond_placebo(more, places)}


def beyond_placebo(more: np.ndarray, networks: Clusters) -> Finding:
    """Claim that the degrees [network] by which tuning turned more than the placebo are above zero."""
    claim = "Tuning turned the concepts further than plain training, at equal norm of the change"
    if np.isnan(more).all():
        return Finding(claim, np.nan, invalid=_PLACEBO)
    found = means(more, networks)[-1]
    return finding(
        claim, found, t_test(found), networks, unit="degrees", control="no difference (Student's t)",
        caveat="The claim is about these two checkpoints, whose networks are few and not independent.",
        reading="The larger of the two changes was interpolated, network by network.",
    )  # fmt: skip


def networks_of(angles: pd.DataFrame) -> Clusters:
    """Every network a cluster, in one stratum."""
    keys = [name for name in ("layer", "expert") if name in angles]
    names = angles[keys].drop_duplicates().astype(str).agg("/".join, axis=1).to_numpy(str)
    return Clusters(
        names, np.arange(len(names)), np.zeros(len(names), int), ["networks"], "network"
    )


def mean_angles(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Mean angle for every ``by`` (layer or component) and kind of change: change, by, value, low, high.

    Draws become an interval that holds 95 % of them; without draws it is the value.
    """
    rows: list[dict[str, Any]] = []
    for (change, key), part in table.dropna(subset=[by]).groupby(["change", by], sort=False):
        drawn = part.groupby(part["draw"].fillna(0))["angle"].mean()
        low, high = drawn.quantile([0.025, 0.975])
        rows.append({"change": change, by: key, "value": drawn.mean(), "low": low, "high": high})
    return pd.DataFrame(rows)


def matched(turned: pd.DataFrame, base: pd.DataFrame, tuned: pd.DataFrame) -> pd.DataFrame:
    """Words of every base component beside those of the tuned component it is matched with.

    Returns:
        DataFrame: layer, expert (where there are experts), component, base, partner, tuned, cosine.
    """
    keys = [name for name in ("layer", "expert") if name in turned]
    before = base.rename(columns={"words": "base"})[[*keys, "component", "base"]]
    after = tuned.rename(columns={"words": "tuned", "component": "partner"})
    both = turned.merge(before, on=[*keys, "component"])
    both = both.merge(after[[*keys, "partner", "tuned"]], on=[*keys, "partner"])
    both = both.sort_values([*keys, "component"], ignore_index=True)
    return both[[*keys, "component", "base", "partner", "tuned", "cosine"]]
