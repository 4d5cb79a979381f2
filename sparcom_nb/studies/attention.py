"""Which word pairs heads prefer, and whether tuning turned them to verbs of instructions (notebook 22)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.sparse import coo_array
from scipy.stats import ortho_group
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.evidence import (
    Clusters,
    Estimate,
    Finding,
    against,
    finding,
    jackknife,
    means,
    paired,
)
from sparcom_nb.shift.attention import (
    candidates,
    close_words,
    projections,
    unordered_pairs,
    verb_shares,
    verb_shift,
)
from sparcom_nb.shift.words import INSTRUCTION_VERBS, general_verbs, word_embeddings
from sparcom_nb.studies.results import Results

DRAWS = 999
#: Words of about one frequency, among which the shuffled control exchanges vectors.
_BAND = 50
_HEADS = "Heads of one model are trained together, so that they are not quite independent."
_NO_PLACEBO = "There is no placebo of this pair here."


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
        draws: of the two controls that go through all heads.
        seed: of all draws.

    Returns:
        Findings related_base, related_tuned, directions_base, directions_tuned, kept, changed,
        verbs, half; tables counts, overlap, verb_shift, verbs, pairs_base, pairs_tuned.
    """
    shape = int(models["base"].cfg.n_layers), int(models["base"].cfg.n_heads)
    heads = of_heads(*shape)
    table, findings = heads_table(*shape), {}
    for name in ("base", "tuned"):
        count = per_head(pairs[name], *shape)
        chance = shuffled_counts(models[name], words, vectors, top_k, draws, seed)
        other = turned_counts(models[name], words, vectors, top_k, draws, seed)
        table[name], table[f"{name}, shuffled"] = count, chance.mean(axis=0)
        table[f"{name}, turned"] = other.mean(axis=0)
        findings[f"related_{name}"] = more_pairs(
            f"Words that lead one dimension of a head are related ({name} model)", count, chance, heads,
            control=f"{draws} exchanges of the vectors among words of like frequency (fitted)",
        )  # fmt: skip
        findings[f"directions_{name}"] = more_pairs(
            f"Heads read directions that hold related words ({name} model)", count, other, heads,
            control=f"the heads turned by {draws} random rotations (fitted)",
            reading="Turned heads are as strong; only the directions that they read lost their meaning.",
        )  # fmt: skip
    kept = {name: unordered_pairs(one) for name, one in pairs.items()}
    overlaps = {n: overlap(kept["base"], kept[n], *shape) for n in kept if n != "base"}
    findings |= overlap_findings(overlaps, heads, seed)
    shares = two_kinds(pairs, shape[0])
    findings |= verb_findings(shares[shares["layers"] == "all"], seed)
    for name, one in overlaps.items():
        table[f"{name}: same head"], table[f"{name}: other heads"] = np.diag(one), off_diagonal(one)
    tables = {
        "heads": table,
        "verb_shift": verb_shift(pairs["base"], pairs["tuned"], layers=shape[0]),
        "quarters": quarters(shares),
        "verbs": shares,
    }
    tables |= {f"pairs_{name}": kept[name] for name in ("base", "tuned")}
    spoken = {word.lower() for word in words} & set(INSTRUCTION_VERBS)
    numbers = {"instruction verbs in the vocabulary": {"value": len(spoken), "n": len(words)}}
    return Results.of("Attention patterns", findings, numbers, tables)


# ---------------------------------------------------------------- heads against chance


def heads_table(layers: int, heads: int) -> pd.DataFrame:
    """Layer and head of every head."""
    layer, head = np.divmod(np.arange(layers * heads), heads)
    return pd.DataFrame({"layer": layer, "head": head})


def of_heads(layers: int, heads: int) -> Clusters:
    """Every head a cluster, layers the strata."""
    table = heads_table(layers, heads)
    names = (table["layer"].astype(str) + "/" + table["head"].astype(str)).to_numpy(str)
    strata = [str(n) for n in range(layers)]
    return Clusters(names, np.arange(len(names)), table["layer"].to_numpy(), strata, "head")


def per_head(pairs: pd.DataFrame, layers: int, heads: int) -> np.ndarray:
    """Number of word pairs of every head [head]."""
    return np.bincount(pairs["layer"] * heads + pairs["head"], minlength=layers * heads)


def shuffled_counts(
    model: TransformerBridge, words: Sequence[str], vectors: Mapping[str, np.ndarray], top_k: int,
    draws: int, seed: int,
) -> np.ndarray:  # fmt: skip
    """Pairs [draw, head] when every word has the vector of another of about its frequency."""
    rng, bands = np.random.default_rng(seed), np.arange(len(words)) // _BAND
    table = stacked(vectors, words)
    embedded = torch.from_numpy(word_embeddings(model, words).to_numpy())
    found = list(led(model, embedded, top_k))
    orders = [np.lexsort((rng.random(len(words)), bands)) for _ in range(draws)]
    return np.array([counted(found, close_words(table[order])) for order in orders])


def turned_counts(
    model: TransformerBridge, words: Sequence[str], vectors: Mapping[str, np.ndarray], top_k: int,
    draws: int, seed: int,
) -> np.ndarray:  # fmt: skip
    """Pairs [draw, head] when the residual stream is turned before the heads at random."""
    cosine, counts = close_words(stacked(vectors, words)), []
    embedded = torch.from_numpy(word_embeddings(model, words).to_numpy())
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        turn = torch.from_numpy(ortho_group.rvs(embedded.shape[1], random_state=rng))
        counts.append(counted(led(model, embedded @ turn.to(embedded), top_k), cosine))
    return np.array(counts)


def stacked(vectors: Mapping[str, np.ndarray], words: Sequence[str]) -> Tensor:
    """Vectors [word, feature] in the order of the words."""
    return torch.from_numpy(np.stack([vectors[word] for word in words]).astype(np.float32))


def led(model: TransformerBridge, embedded: Tensor, top_k: int) -> Iterator[tuple[Tensor, ...]]:
    """Candidates of every head for embeddings [word, feature], on the CPU."""
    on_device = embedded.to(next(model.parameters()).device)
    for _, _, query, key in projections(model, on_device):
        yield tuple(x.cpu() for x in candidates(query, key, min(top_k, len(embedded))))


def counted(heads: Any, cosine: Tensor) -> list[int]:
    """Number of pairs of every head of :func:`led` that are close (:func:`close_words`)."""
    close = cosine > -torch.inf
    return [int((close[a[:, :, None], q[:, None, :]] & up).sum()) for a, q, up in heads]


def more_pairs(
    claim: str, count: np.ndarray, null: np.ndarray, heads: Clusters, **more: Any
) -> Finding:
    """Claim that heads keep more pairs [head] than in the draws [draw, head], as a mean ratio."""
    logs, chance = np.log(count + 1), np.log(null + 1).mean(axis=1)
    value = float(np.exp(logs.mean() - chance.mean()))
    test = against(value, np.exp(chance - chance.mean()), fitted=True)
    return finding(claim, value, test, heads, unit="times", **more)


# ---------------------------------------------------------------- heads before and after


def overlap(before: pd.DataFrame, after: pd.DataFrame, layers: int, heads: int) -> np.ndarray:
    """Jaccard [head before, head after] of sets of unordered pairs; two empty sets give NaN."""
    both = pd.concat([before, after])
    number, names = pd.factorize(both["a"] + " " + both["b"])
    sets = [
        coo_array(
            (np.ones(len(part)), (table["layer"] * heads + table["head"], part)),
            shape=(layers * heads, max(len(names), 1)),
        ).tocsr()
        for table, part in zip((before, after), np.split(number, [len(before)]), strict=True)
    ]
    shared = (sets[0] @ sets[1].T).toarray()
    union = sets[0].sum(axis=1)[:, None] + sets[1].sum(axis=1)[None, :] - shared
    return np.divide(shared, union, out=np.full(shared.shape, np.nan), where=union > 0)


def off_diagonal(matrix: np.ndarray) -> np.ndarray:
    """Mean of every row without its own column; NaN where there is nothing."""
    masked = np.ma.masked_invalid(np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix))
    return masked.mean(axis=1).filled(np.nan)


def overlap_findings(
    overlaps: Mapping[str, np.ndarray], heads: Clusters, seed: int
) -> dict[str, Finding]:
    """Whether heads keep their own pairs, and whether fewer of them than through plain training."""
    own, rng = overlaps["tuned"], np.random.default_rng(seed)
    same, every = np.diag(own), np.arange(len(own))
    known = ~np.isnan(same)
    mixed = [known_mean(own[every, rng.permutation(len(own))]) for _ in range(DRAWS)]
    claim = "A head keeps its own word pairs through tuning"
    more = {"control": "heads before and after matched at random", "unit": "Jaccard"}
    found = _last(means(same, heads)) if known.any() else known_mean(same)
    kept = finding(claim, found, against(known_mean(same), np.array(mixed)), heads, **more)
    claim = "Tuning changed more of a head's word pairs than plain training changed"
    if "placebo" not in overlaps or not known.any():
        return {"kept": kept, "changed": Finding(claim, np.nan, invalid=_NO_PLACEBO)}
    changed = paired(
        claim, same, np.diag(overlaps["placebo"]), heads, DRAWS, seed, unit="Jaccard",
        control="tuned model and placebo exchanged head by head",
        caveat=f"The claim is about these two checkpoints, which moved by different amounts. {_HEADS}",
    )  # fmt: skip
    return {"kept": kept, "changed": changed}


def known_mean(values: np.ndarray) -> float:
    """Mean of the values that there are."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _last(found: Estimate) -> Estimate:
    return found[-1]


# ---------------------------------------------------------------- verbs


def two_kinds(pairs: Mapping[str, pd.DataFrame], layers: int) -> pd.DataFrame:
    """:func:`verb_shares` of instruction verbs and others, told apart in the column instruction."""
    verbs = [*INSTRUCTION_VERBS, *general_verbs()]
    shares = verb_shares(pairs["base"], pairs["tuned"], verbs, layers)
    return shares.assign(instruction=shares["verb"].isin(INSTRUCTION_VERBS))


def verb_findings(shares: pd.DataFrame, seed: int) -> dict[str, Finding]:
    """Whether heads turned to instruction verbs, beyond other verbs and at all.

    shares: verb, share and instruction of every verb that votes.
    """
    claims = {
        "verbs": "Tuning turned heads to instruction verbs more than to other verbs",
        "half": "More heads gained than lost word pairs with instruction verbs",
    }
    own, value = shares["instruction"].to_numpy(bool), shares["share"].to_numpy(float)
    if own.sum() < 2 or (~own).sum() < 2:
        return {name: Finding(claim, np.nan) for name, claim in claims.items()}
    rng, verbs = np.random.default_rng(seed), clusters_of(shares)
    null = np.array([_apart(value, rng.permutation(own)) for _ in range(DRAWS)])
    found = jackknife(lambda keep: _apart(value, own, keep), own.astype(int))
    turned = finding(
        claims["verbs"], found, against(_apart(value, own), null), verbs, unit="of the heads",
        control="the labels of the verbs permuted",
        reading="The unit is the verb, since a verb's heads rise or fall together.",
    )  # fmt: skip
    mine = shares[own]
    half = paired(
        claims["half"], np.full(len(mine), 0.5), value[own], clusters_of(mine), DRAWS, seed,
        control="heads up and heads down exchanged verb by verb", unit="of the heads above one half",
        reading="A rise of all verbs alike would show here too.",
    )  # fmt: skip
    return {"verbs": turned, "half": half}


def clusters_of(shares: pd.DataFrame) -> Clusters:
    """Every verb a cluster, in one stratum."""
    names = shares["verb"].to_numpy(str)
    return Clusters(names, np.arange(len(names)), np.zeros(len(names), int), ["verbs"], "verb")


def _apart(value: np.ndarray, own: np.ndarray, keep: np.ndarray | None = None) -> float:
    weight = np.ones(len(value)) if keep is None else keep
    return np.average(value[own], weights=weight[own]) - np.average(
        value[~own], weights=weight[~own]
    )


def quarters(shares: pd.DataFrame) -> pd.DataFrame:
    """Mean share by layers and kind of verb with its interval: layers, instruction, share, low, high, n."""
    rows = []
    for (layers, own), part in shares.groupby(["layers", "instruction"], sort=False):
        mean = _last(means(part["share"].to_numpy(float), clusters_of(part)))
        row = {"layers": layers, "instruction": own, "share": mean.value, "low": mean.low}
        rows.append(row | {"high": mean.high, "n": len(part)})
    return pd.DataFrame(rows, columns=["layers", "instruction", "share", "low", "high", "n"])


# ---------------------------------------------------------------- to look at


def nearest(vectors: Mapping[str, np.ndarray], words: Sequence[str], n: int = 5) -> pd.DataFrame:
    """The closest other words of some words by cosine: word, nearest."""
    spelled = np.array(list(vectors))
    unit = torch.nn.functional.normalize(stacked(vectors, spelled.tolist()), dim=1).numpy()
    place = {word: k for k, word in enumerate(spelled)}
    near = [spelled[np.argsort(-(unit @ unit[place[word]]), kind="stable")] for word in words]
    texts = [", ".join(x for x in y[: n + 1] if x != w) for w, y in zip(words, near, strict=True)]
    return pd.DataFrame({"word": list(words), "nearest": texts})


def head_words(kept: pd.DataFrame, layer: int, head: int, top: int = 12) -> pd.DataFrame:
    """Word pairs that a head holds in more dimensions than other heads do.

    kept: of :func:`unordered_pairs`. Returns pair, dimensions (of this head) and elsewhere (mean
    over all heads); pairs are ranked by the difference, since some words lead in all heads.
    """
    number = max(len(kept[["layer", "head"]].drop_duplicates()), 1)
    mean = kept.groupby(["a", "b"])["count"].sum().rename("elsewhere") / number
    own = kept[(kept["layer"] == layer) & (kept["head"] == head)].join(mean, on=["a", "b"])
    ranked = own.iloc[np.argsort(own["elsewhere"] - own["count"], kind="stable")[:top]]
    columns = {"pair": ranked["a"] + " · " + ranked["b"], "dimensions": ranked["count"]}
    return pd.DataFrame(columns | {"elsewhere": ranked["elsewhere"].round(1)}).reset_index(
        drop=True
    )
