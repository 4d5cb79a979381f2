"""Which word pairs heads prefer, and whether tuning turned them to verbs of instructions (notebook 22)."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from scipy.sparse import coo_array
from scipy.stats import ortho_group
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.evidence import (
    Clusters,
    Finding,
    differ,
    finding,
    known_mean,
    mean_table,
    means,
    paired,
    permuted,
)
from sparcom_nb.shift.attention import (
    candidates,
    close_words,
    projections,
    unordered_pairs,
    verb_shares,
)
from sparcom_nb.shift.words import INSTRUCTION_VERBS, general_verbs, word_embeddings
from sparcom_nb.sparcom.sets import jaccard
from sparcom_nb.studies.results import NO_PLACEBO, Results

DRAWS = 999


def study(
    models: Mapping[str, TransformerBridge],
    pairs: Mapping[str, pd.DataFrame],
    words: Sequence[str],
    vectors: Mapping[str, np.ndarray],
    top_k: int = 100,
    draws: int = 39,
    seed: int = 0,
) -> Results:
    """Hold the word pairs of heads against chance, and those of models against each other.

    Args:
        models: ``base``, ``tuned`` and, where there is one, ``placebo``.
        pairs: of :func:`sparcom_nb.shift.attention_word_pairs` for each of them.
        words: the vocabulary, most frequent first.
        vectors: static word vectors.
        top_k: as the pairs were made with.
        draws: of the control that goes through all heads.
        seed: of all draws.
    """
    shape = int(models["base"].cfg.n_layers), int(models["base"].cfg.n_heads)
    layer, head = np.indices(shape).reshape(2, -1)
    table, findings = pd.DataFrame({"layer": layer, "head": head}), {}
    for name in ("base", "tuned"):
        place = pairs[name]["layer"] * shape[1] + pairs[name]["head"]
        count = np.bincount(place, minlength=len(table))
        chance = turned_counts(models[name], words, vectors, top_k, draws, seed)
        table[name], table[f"{name}, turned"] = count, chance.mean(axis=0)
        findings[f"directions_{name}"] = more_pairs(
            f"Heads read directions that hold related words ({name} model)",
            count, chance, Clusters.by(table.index, "head"),
            control=f"the heads turned by {draws} random rotations (fitted)",
            reading="Turned heads are as strong; only the directions that they read lost their meaning.",
        )  # fmt: skip
    kept = {name: unordered_pairs(one) for name, one in pairs.items()}
    overlaps = {name: overlap(kept["base"], kept[name], *shape) for name in kept if name != "base"}
    for name, one in overlaps.items():
        others = known_mean(np.where(np.eye(len(one), dtype=bool), np.nan, one).T)
        table[f"{name}: same head"], table[f"{name}: other heads"] = one.diagonal(), others
    shares = two_kinds(pairs)
    findings |= overlap_findings(overlaps, Clusters.by(layer, "layer"), seed)
    findings |= verb_findings(shares[shares["layers"] == "all"], seed)
    quarters = mean_table(shares, ["layers", "instruction"], "share")
    tables = {"heads": table, "quarters": quarters, "verbs": shares}
    return Results.of("Attention patterns", findings, tables=tables)


# ---------------------------------------------------------------- heads against chance


def turned_counts(
    model: TransformerBridge, words: Sequence[str], vectors: Mapping[str, np.ndarray], top_k: int,
    draws: int, seed: int,
) -> np.ndarray:  # fmt: skip
    """Pairs [draw, head] when the residual stream is turned before the heads at random."""
    static = np.stack([vectors[word] for word in words]).astype(np.float32)
    close = close_words(torch.from_numpy(static)) > -torch.inf
    embedded = torch.from_numpy(word_embeddings(model, words).to_numpy())
    rng, counts = np.random.default_rng(seed), []
    for _ in range(draws):
        turn = torch.from_numpy(ortho_group.rvs(embedded.shape[1], random_state=rng))
        counts.append(list(pair_counts(model, embedded @ turn.to(embedded), close, top_k)))
    return np.array(counts)


def pair_counts(
    model: TransformerBridge, embedded: Tensor, close: Tensor, top_k: int
) -> Iterator[int]:
    """Number of close pairs of every head, for embeddings [word, feature]."""
    on_device = embedded.to(next(model.parameters()).device)
    for _, _, query, key in projections(model, on_device):
        answers, asks, up = (x.cpu() for x in candidates(query, key, min(top_k, len(embedded))))
        yield int((close[answers[:, :, None], asks[:, None, :]] & up).sum())


def more_pairs(
    claim: str, count: np.ndarray, null: np.ndarray, heads: Clusters, control: str, reading: str
) -> Finding:
    """Claim that heads keep more pairs [head] than in the draws [draw, head], as a mean ratio."""
    logs, chance = np.log(count + 1), np.log(null + 1).mean(axis=1)
    value = float(np.exp(logs.mean() - chance.mean()))
    null = np.exp(chance - chance.mean())
    return finding(claim, value, null, heads, True, unit="times", control=control, reading=reading)


# ---------------------------------------------------------------- heads before and after


def overlap(before: pd.DataFrame, after: pd.DataFrame, layers: int, heads: int) -> np.ndarray:
    """Jaccard [head before, head after] of sets of unordered pairs; two empty sets give NaN."""
    number, names = pd.factorize(pd.concat([t["a"] + " " + t["b"] for t in (before, after)]))
    sets = [
        coo_array(
            (np.ones(len(part)), (table["layer"] * heads + table["head"], part)),
            shape=(layers * heads, max(len(names), 1)),
        ).tocsr()
        for table, part in zip((before, after), np.split(number, [len(before)]), strict=True)
    ]
    shared = (sets[0] @ sets[1].T).toarray()
    return jaccard(shared, sets[0].sum(axis=1)[:, None], sets[1].sum(axis=1)[None, :])


def overlap_findings(
    overlaps: Mapping[str, np.ndarray], layers: Clusters, seed: int
) -> dict[str, Finding]:
    """Whether heads keep their own pairs, and whether fewer of them than through plain training."""
    own, layer, rng = overlaps["tuned"], layers.index, np.random.default_rng(seed)
    others = (np.lexsort((rng.random(len(layer)), layer)) for _ in range(DRAWS))  # of its layer
    mixed = np.array([known_mean(own[np.arange(len(layer)), other]) for other in others])
    found = means(own.diagonal(), layers)[-1]
    kept = finding(
        "A head keeps its own word pairs through tuning", found, mixed, layers, unit="Jaccard",
        control="heads of a layer before and after matched at random",
    )  # fmt: skip
    claim = "Tuning changed more of a head's word pairs than plain training changed"
    if "placebo" not in overlaps:
        return {"kept": kept, "changed": Finding(claim, np.nan, invalid=NO_PLACEBO)}
    changed = differ(
        claim, overlaps["placebo"].diagonal() - own.diagonal(), layers, unit="Jaccard",
        caveat="The claim is about these two checkpoints, which moved by different amounts.",
        reading="The unit is the layer, since heads of a layer are trained on one another's work.",
    )  # fmt: skip
    return {"kept": kept, "changed": changed}


# ---------------------------------------------------------------- verbs


def two_kinds(pairs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """:func:`verb_shares` of instruction verbs and others, told apart in the column instruction."""
    verbs = [*INSTRUCTION_VERBS, *general_verbs()]
    shares = verb_shares(pairs["base"], pairs["tuned"], verbs)
    return shares.assign(
        instruction=shares["verb"].isin(INSTRUCTION_VERBS), category="verbs", subtype=shares["verb"]
    )


def verb_findings(shares: pd.DataFrame, seed: int) -> dict[str, Finding]:
    """Whether heads turned to instruction verbs, beyond other verbs and at all.

    shares: verb, share and instruction of every verb that votes.
    """
    claims = {
        "verbs": "Tuning turned heads to instruction verbs more than to other verbs",
        "half": "More heads gained than lost word pairs with instruction verbs",
    }
    own, value = shares["instruction"].to_numpy(bool), shares["share"].to_numpy(float)
    if min(own.sum(), (~own).sum()) < 2:
        return {name: Finding(claim, np.nan) for name, claim in claims.items()}
    verbs = Clusters.by(shares["verb"], "verb", np.where(own, "instruction", "other"))
    mine = np.array(list(permuted(verbs, DRAWS, seed))) == verbs.stratum[own][0]
    null = mine @ value / own.sum() - ~mine @ value / (~own).sum()
    found = means(np.where(own, 2, -2) * value, verbs)[-1]  # difference of the two kinds' means
    turned = finding(
        claims["verbs"], found, null, verbs, unit="of the heads",
        control="the labels of the verbs permuted",
        reading="The unit is the verb, since a verb's heads rise or fall together.",
    )  # fmt: skip
    half = paired(
        claims["half"], np.full(own.sum(), 0.5), value[own], Clusters.by(shares["verb"][own], "verb"),
        DRAWS, seed, control="heads up and heads down exchanged verb by verb",
        unit="of the heads above one half", reading="A rise of all verbs alike would show here too.",
    )  # fmt: skip
    return {"verbs": turned, "half": half}


# ---------------------------------------------------------------- to look at


def head_words(kept: pd.DataFrame, layer: int, head: int, top: int = 12) -> pd.DataFrame:
    """Word pairs that a head holds in more dimensions than other heads do.

    kept: of :func:`unordered_pairs`. Returns pair, dimensions (of this head) and elsewhere (mean
    over all heads); pairs are ranked by the difference, since some words lead in all heads.
    """
    number = max(len(kept[["layer", "head"]].drop_duplicates()), 1)
    mean = (kept.groupby(["a", "b"])["count"].sum() / number).rename("elsewhere")
    own = kept[(kept["layer"] == layer) & (kept["head"] == head)].join(mean, on=["a", "b"])
    own = own.assign(more=own["count"] - own["elsewhere"], pair=own["a"] + " · " + own["b"])
    ranked = own.sort_values("more", ascending=False, kind="stable", ignore_index=True).head(top)
    return ranked[["pair", "count", "elsewhere"]].rename(columns={"count": "dimensions"}).round(1)
