"""What the heads of one or two models prefer: counts and overlaps of their word pairs.

Pure functions of the tables that :func:`sparcom_nb.shift.attention_word_pairs` makes.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
from scipy.sparse import coo_array

from sparcom_nb.shift.attention import unordered_pairs
from sparcom_nb.stats import mean_interval


def pairs_per_head(
    tables: dict[str, Sequence[pd.DataFrame]], layers: int, heads: int
) -> pd.DataFrame:
    """Number of word pairs of every head: layer, head, then a column for every name in ``tables``.

    tables: name -> tables of word pairs, over which the number is averaged.
    """
    index = pd.MultiIndex.from_product([range(layers), range(heads)], names=["layer", "head"])
    counts = {
        name: sum(
            table.groupby(["layer", "head"]).size().reindex(index, fill_value=0)
            for table in several
        )
        / len(several)
        for name, several in tables.items()
    }
    return pd.DataFrame(counts, index=index).reset_index()


def head_ratio(counts: pd.DataFrame, name: str, control: str) -> dict[str, float]:
    """Mean over heads of the logarithm of two counts' ratio, as a ratio with its 95 % interval.

    One is added to both counts. Returns dict: value, low, high, n (heads).
    """
    logs = np.log((counts[name] + 1) / (counts[control] + 1)).to_numpy()
    value, low, high = np.exp(mean_interval(logs, np.arange(len(logs))))
    return {"value": float(value), "low": float(low), "high": float(high), "n": len(logs)}


def head_words(kept: pd.DataFrame, layer: int, head: int, top: int = 12) -> pd.DataFrame:
    """Return the word pairs that a head holds in more dimensions than other heads do.

    Some words, seldom seen in training, lead in many dimensions of all heads: a pair is ranked by
    its count minus its mean count over all heads.

    Args:
        kept: of all heads, from :func:`unordered_pairs`.
        layer: of the head.
        head: its number.
        top: pairs to return.

    Returns:
        DataFrame: pair, dimensions (of this head), elsewhere (mean over all heads).
    """
    number = len(kept[["layer", "head"]].drop_duplicates())
    mean = kept.groupby(["a", "b"])["count"].sum() / max(number, 1)
    own = kept[(kept["layer"] == layer) & (kept["head"] == head)].join(
        mean.rename("elsewhere"), on=["a", "b"]
    )
    extra = (own["count"] - own["elsewhere"]).sort_values(ascending=False, kind="stable")
    ranked = own.loc[extra.index[:top]]
    named = ranked.assign(pair=ranked["a"] + " · " + ranked["b"], dimensions=ranked["count"])
    return named[["pair", "dimensions", "elsewhere"]].reset_index(drop=True)


def head_changes(
    kept: dict[str, pd.DataFrame], layer: int, head: int, top: int = 12
) -> pd.DataFrame:
    """Pairs of :func:`head_words` side by side for several models, written out.

    kept: name of the model -> its :func:`unordered_pairs`. Returns a column a name.
    """
    columns = {}
    for name, table in kept.items():
        found = head_words(table, layer, head, top)
        columns[name] = [
            f"{row.pair}  {row.dimensions} ({row.elsewhere:.1f})" for row in found.itertuples()
        ]
    return pd.DataFrame(
        {name: pd.Series(texts, dtype=str) for name, texts in columns.items()}
    ).fillna("")


def head_overlap(
    base_pairs: pd.DataFrame, tuned_pairs: pd.DataFrame, layers: int, heads: int
) -> pd.DataFrame:
    """How far a head keeps its word pairs through tuning, and what two heads share anyway.

    Compared are sets of :func:`unordered_pairs`.

    Args:
        base_pairs: before tuning.
        tuned_pairs: after it.
        layers: of the model.
        heads: of a layer.

    Returns:
        DataFrame: layer, head, jaccard (the head before and after), other (the control: mean
        Jaccard of the head before with all other heads after). Two empty sets give NaN.
    """
    kept = [unordered_pairs(pairs) for pairs in (base_pairs, tuned_pairs)]
    both = pd.concat(kept)
    number, names = pd.factorize(both["a"] + " " + both["b"])
    halves = np.split(number, [len(kept[0])])
    sets = [
        coo_array(
            (np.ones(len(part)), (table["layer"] * heads + table["head"], part)),
            shape=(layers * heads, max(len(names), 1)),
        ).tocsr()
        for table, part in zip(kept, halves, strict=True)
    ]
    shared = (sets[0] @ sets[1].T).toarray()
    union = sets[0].sum(axis=1)[:, None] + sets[1].sum(axis=1)[None, :] - shared
    jaccard = np.divide(shared, union, out=np.full(shared.shape, np.nan), where=union > 0)
    table = pd.DataFrame(list(product(range(layers), range(heads))), columns=["layer", "head"])
    own = np.diag(jaccard).copy()
    np.fill_diagonal(jaccard, np.nan)
    return table.assign(jaccard=own, other=_row_means(jaccard))


def mean_overlap(overlap: pd.Series) -> dict[str, float]:
    """Mean over heads with its 95 % interval: value, low, high, n; NaN where no head has a value."""
    values = overlap.dropna().to_numpy(float)
    if not len(values):
        return {"value": np.nan, "low": np.nan, "high": np.nan, "n": 0}
    value, low, high = mean_interval(values, np.arange(len(values)))
    return {"value": value, "low": low, "high": high, "n": len(values)}


def _row_means(values: np.ndarray) -> np.ndarray:
    """Mean of every row's numbers; NaN where it has none."""
    known = ~np.isnan(values)
    sums, counts = np.where(known, values, 0).sum(axis=1), known.sum(axis=1)
    return np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)
