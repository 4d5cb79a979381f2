"""What the selections of several capabilities share, how stable they are, and other models' directions."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import binom, spearmanr
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.nait.directions import Direction, direction_of
from sparcom_nb.nait.pool import Mixture
from sparcom_nb.nait.precision import activations, capabilities
from sparcom_nb.nait.scores import alignment_scores, select
from sparcom_nb.stats import half

_METHODS = {
    "NAIT": ("pc1", "mean"),
    "NAIT, drift": ("pc1", "drift"),
    "contrast": ("contrast", "mean"),
}


def cosines(directions: dict[str, Direction]) -> xr.DataArray:
    """Cosine of every two directions, layer by layer: [direction, direction_b, layer]."""
    stacked = xr.concat([one.vectors for one in directions.values()], "direction")
    inner = [dim for dim in stacked.dims if dim not in ("direction", "layer")]
    found = xr.dot(stacked, stacked.rename(direction="direction_b"), dim=inner)
    names = list(directions)
    return found.assign_coords(direction=names, direction_b=names).transpose(
        "direction", "direction_b", "layer"
    )


def selections(scores: pd.DataFrame, ratio: float) -> pd.DataFrame:
    """Which candidates every capability selects: bool [id, capability]."""
    return pd.DataFrame(
        {name: scores.index.isin(select(scores[name], ratio)) for name in scores}, scores.index
    )


def composition(scores: pd.DataFrame, mix: Mixture, ratio: float) -> pd.DataFrame:
    """What every capability's selection is made of.

    Returns:
        DataFrame [capability, category]: share of its rows that are clean rows of the category. In a
        random selection every share is that of the pool.
    """
    chosen = selections(scores, ratio)
    pool = mix.pool.set_index("id").loc[chosen.index]
    clean = {c: (pool["category"] == c) & (pool["quality"] == "clean") for c in capabilities(mix)}
    shares = {name: {c: rows[chosen[name]].mean() for c, rows in clean.items()} for name in chosen}
    return pd.DataFrame(shares).T.rename_axis("capability").rename_axis(columns="category")


def core_counts(scores: pd.DataFrame, mix: Mixture, ratio: float) -> pd.DataFrame:
    """By how many capabilities the candidates are selected.

    Returns:
        DataFrame, a row a number of capabilities from 0: rows, expected (were selections
        independent), clean (share of the rows that are clean, whatever their category; NaN: none).
    """
    chosen = selections(scores, ratio)
    votes = chosen.sum(axis=1)
    clean = (mix.pool.set_index("id")["quality"] == "clean").loc[votes.index]
    numbers = np.arange(len(chosen.columns) + 1)
    return pd.DataFrame(
        {
            "number": numbers,
            "rows": [int((votes == n).sum()) for n in numbers],
            "expected": binom.pmf(numbers, len(numbers) - 1, chosen.to_numpy().mean()) * len(votes),
            "clean": [clean[votes == n].mean() for n in numbers],
        }
    )


def core_subset(scores: pd.DataFrame, ratio: float) -> pd.Index:
    """The candidates that most capabilities select, as many as one selects; ties by the mean rank."""
    votes = selections(scores, ratio).sum(axis=1)
    rank = scores.rank(pct=True).mean(axis=1)
    return select(votes + rank, ratio)


def jaccard(a: Sequence[str] | pd.Index, b: Sequence[str] | pd.Index) -> float:
    """Overlap of two sets; NaN when both are empty."""
    first, second = set(a), set(b)
    union = len(first | second)
    return len(first & second) / union if union else float("nan")


def chance_jaccard(a: int, b: int, n: int) -> float:
    """Overlap of random sets of these sizes out of n: expected intersection over expected union."""
    both = a * b / n
    return both / (a + b - both) if a + b else float("nan")


def stability(
    model: TransformerBridge,
    mix: Mixture,
    ratio: float = 0.1,
    draws: int = 10,
    n: int = 64,
    seed: int = 0,
) -> pd.DataFrame:
    """Agreement of what two disjoint halves of the in-domain samples select.

    Each draw cuts every capability's sub-types in two (its rows, where it has one sub-type), makes a
    direction of either half and lets both select.

    Returns:
        DataFrame, a row a score, capability and draw: cosine of the two directions (mean over
        layers), jaccard of the two selections, core (of the two core subsets of all capabilities;
        the same for all capabilities of a draw), chance (of random selections).
    """
    own, pool = activations(model, mix, n, 0)
    made = dict(_halves(own, pool, draws, np.random.default_rng(seed)))
    names = {"/".join(map(str, key)): key for key in made}
    found = alignment_scores(model, mix.pool, {name: made[key] for name, key in names.items()})
    size = len(select(found.iloc[:, 0], ratio))
    rows = []
    for (score, (method, candidate)), draw in itertools.product(_METHODS.items(), range(draws)):
        parts = [
            pd.DataFrame(
                {c: found[f"{method}/{c}/{draw}/{k}", candidate] for c in capabilities(mix)}
            )
            for k in range(2)
        ]
        core = jaccard(*(core_subset(part, ratio) for part in parts))
        for c in capabilities(mix):
            two = [made[method, c, draw, k].vectors for k in range(2)]
            rows.append(
                {
                    "score": score, "capability": c, "draw": draw, "cosine": _mean_cosine(*two),
                    "jaccard": jaccard(*(select(part[c], ratio) for part in parts)),
                    "core": core, "chance": chance_jaccard(size, size, len(found)),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _halves(
    own: xr.DataArray, pool: xr.DataArray, draws: int, rng: np.random.Generator
) -> Iterator[tuple[tuple[str, str, int, int], Direction]]:
    """Directions by (method, capability, draw, half)."""
    category = own["category"].to_numpy()
    for c, draw in itertools.product(np.unique(category), range(draws)):
        rows = own[category == c]
        first = _one_half(rows["subtype"].to_numpy(), rng)
        for k, part in enumerate((rows[first], rows[~first])):
            yield ("pc1", str(c), draw, k), direction_of(part)
            yield ("contrast", str(c), draw, k), direction_of(part, "contrast", pool)


def _one_half(subtypes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows of half of the sub-types; half of the rows where there is one sub-type. bool [row]."""
    names, index = np.unique(subtypes, return_inverse=True)
    if len(names) == 1:
        index = np.arange(len(subtypes))
    return half(np.zeros(index.max() + 1, dtype=int), rng)[index]


def _mean_cosine(a: xr.DataArray, b: xr.DataArray) -> float:
    """Mean over layers of the product of two directions' unit vectors."""
    return float((a * b).sum().item() / a.sizes["layer"])


def stability_means(table: pd.DataFrame) -> pd.DataFrame:
    """Mean of every column of :func:`stability` by score, its range (95 %) over draws beside it."""
    by_draw = table.groupby(["score", "draw"], sort=False)[["cosine", "jaccard", "core", "chance"]]
    long = by_draw.mean().melt(ignore_index=False, var_name="measure").reset_index()
    groups = long.groupby(["score", "measure"], sort=False)["value"]
    return groups.agg(
        mean="mean", low=lambda x: x.quantile(0.025), high=lambda x: x.quantile(0.975)
    ).reset_index()


def between_models(
    directions: dict[str, Direction],
    own: dict[str, Direction],
    model: TransformerBridge,
    mix: Mixture,
    ratio: float = 0.1,
    seed: int = 0,
) -> pd.DataFrame:
    """Use one model's directions on another, beside the other's own.

    Args:
        directions: ``METHOD/SKIP/CAPABILITY`` -> direction of the first model.
        own: the same of ``model``.
        model: the model that scores.
        mix: rows.
        ratio: share to select.
        seed: of the control, whose neurons are permuted within every layer.

    Returns:
        DataFrame, a row a direction: method, capability, model, cosine (with the own one), spearman
        (of the two scores, candidates' means), jaccard (of the two selections), control_cosine and
        control_spearman (of the permuted direction), precision, own_precision.

    Raises:
        InputError: no transfer is defined, and why (see :meth:`Direction.transfer`).
    """
    moved = {name: one.transfer(model) for name, one in directions.items()}
    rng = np.random.default_rng(seed)
    mixed = {name: _permuted(one, rng) for name, one in moved.items()}
    sources = {"moved": moved, "own": {name: own[name] for name in moved}, "mixed": mixed}
    named = {f"{k}/{name}": one for k, part in sources.items() for name, one in part.items()}
    found = alignment_scores(model, mix.pool, named, ("mean",))
    rows = []
    for name in moved:
        method, _, capability = name.split("/")
        scores = {k: found[f"{k}/{name}", "mean"] for k in sources}
        wanted = mix.wanted(capability)
        chosen = {k: select(values, ratio) for k, values in scores.items()}
        rows.append(
            {
                "model": model.identity.name, "method": method, "capability": capability,
                "cosine": _mean_cosine(moved[name].vectors, own[name].vectors),
                "control_cosine": _mean_cosine(mixed[name].vectors, own[name].vectors),
                "spearman": spearmanr(scores["moved"], scores["own"]).statistic,  # type: ignore[attr-defined]
                "control_spearman": spearmanr(scores["mixed"], scores["own"]).statistic,  # type: ignore[attr-defined]
                "jaccard": jaccard(chosen["moved"], chosen["own"]),
                "precision": float(wanted[chosen["moved"]].mean()),
                "own_precision": float(wanted[chosen["own"]].mean()),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _permuted(direction: Direction, rng: np.random.Generator) -> Direction:
    """The same numbers on other neurons of the same layer."""
    flat = direction.vectors.to_numpy().reshape(direction.vectors.sizes["layer"], -1)
    vectors = rng.permuted(flat, axis=1).reshape(direction.vectors.shape)
    return replace(direction, vectors=direction.vectors.copy(data=vectors))


def why_not(directions: dict[str, Direction], model: TransformerBridge) -> str:
    """Say why no transfer to a model is defined; empty where it is."""
    try:
        for direction in directions.values():
            direction.transfer(model)
    except InputError as error:
        return str(error)
    return ""
