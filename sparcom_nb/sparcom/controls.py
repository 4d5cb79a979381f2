"""The ablation engine of before evidence.py: only notebook 41 still runs on it, and then it goes."""

import warnings
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.progress import progress
from sparcom_nb.sparcom.ablation import Loss
from sparcom_nb.stats import Units
from sparcom_nb.stats import half as half_of

#: Random sets with at least this share of the set's frequency count as matched.
MATCHED = 0.95
_TEST = ("own", "other", "value", "low", "high", "p")


def matched_sets(
    mask: xr.DataArray,
    features: xr.DataArray,
    draws: int = 20,
    nearest: int = 5,
    seed: int = 0,
) -> xr.DataArray:
    """Draw control sets of the same size in every layer.

    The members of the set come up in random order, and each takes one of the ``nearest`` free
    components of its layer: Euclidean distance, every feature divided by its standard deviation in
    the layer.

    Args:
        mask: bool [layer, ...].
        features: [feature, layer, ...], such as the frequency and the strength on the category.
        draws: number of sets.
        nearest: to choose among.
        seed: of the draws.

    Returns:
        DataArray bool [draw, layer, ...]. A set that holds more than half of a layer gets what is
        left there: its controls are then smaller.
    """
    rng = np.random.default_rng(seed)
    drawn = np.zeros((draws, *mask.shape), dtype=bool)
    for layer, (members, values) in enumerate(
        zip(mask.to_numpy(), features.to_numpy().swapaxes(0, 1), strict=True)
    ):
        of_layer = np.zeros((draws, members.size), dtype=bool)
        _draw(members.ravel(), values.reshape(len(values), -1), nearest, rng, of_layer)
        drawn[:, layer] = of_layer.reshape(draws, *members.shape)
    return xr.DataArray(
        drawn, dims=("draw", *mask.dims), coords={d: mask[d] for d in mask.dims}, name="control"
    )


def imbalance(
    mask: xr.DataArray, controls: xr.DataArray, features: xr.DataArray
) -> dict[str, float]:
    """How far the controls are from the set, and how many components they fall short.

    Returns:
        dict: size and control_size (mean over draws), and for each feature ``NAME`` (mean over the
        set) and ``control_NAME`` (mean over the components of all draws).
    """
    number = controls.sum("draw")
    draws = max(1, len(controls))
    found = {"size": float(mask.sum()), "control_size": float(number.sum()) / draws}
    for name, values in zip(features["feature"].to_numpy(), features, strict=True):
        found[str(name)] = float(values.where(mask).mean())
        found[f"control_{name}"] = float((values * number).sum() / max(1.0, float(number.sum())))
    return found


def pooled_p(own: np.ndarray, controls: np.ndarray) -> float:
    """Test several sets against their controls at once.

    Were a set no different from its controls, its rank among them would be any with equal chance.
    Twenty controls allow no p below 1/21; the sum of the ranks of six sets does. Its distribution is
    computed exactly. Ranks, because a sum of effects would be that of the largest.

    Args:
        own: effect of every set [set].
        controls: effects of its controls [set, draw].

    Returns:
        One-sided p: the chance of a sum of ranks as large or larger.
    """
    effects = np.column_stack([own, controls])
    ranks = pd.DataFrame(effects).rank(axis=1).to_numpy()
    chance = np.ones(1)
    for of_set in np.rint(2 * ranks).astype(int):  # ranks of ties are halves
        chance = np.convolve(chance, np.bincount(of_set) / len(of_set))
    return float(chance[int(np.rint(2 * ranks[:, 0]).sum()) :].sum())


def _draw(
    members: np.ndarray,
    values: np.ndarray,
    nearest: int,
    rng: np.random.Generator,
    drawn: np.ndarray,
) -> None:
    """Fill ``drawn`` [draw, component] for one layer; ``values`` [feature, component]."""
    scaled = values / np.where(values.std(axis=1) > 0, values.std(axis=1), 1)[:, None]
    inside, outside = np.flatnonzero(members), np.flatnonzero(~members)
    differences = scaled[:, inside, None] - scaled[:, None, outside]
    order = outside[np.argsort((differences**2).sum(axis=0), axis=1, kind="stable")]
    for taken in drawn:
        for turn, member in enumerate(rng.permutation(len(inside))[: len(outside)]):
            near = order[member, : turn + nearest]  # no more than ``turn`` of them are taken
            taken[rng.choice(near[~taken[near]][:nearest])] = True


@dataclass(frozen=True)
class UnitSums:
    """Sums and numbers of a value over the instructions of every unit of resampling.

    sums, number: [unit]; category: name [unit]; names: the categories. Missing values do not count.
    """

    sums: np.ndarray
    number: np.ndarray
    category: np.ndarray
    names: np.ndarray

    @classmethod
    def of(cls, result: xr.Dataset, values: np.ndarray) -> "UnitSums":
        """Sum up the values [instruction] of a result of :func:`critical_role`."""
        found = Units.of(result["loss"])
        known = ~np.isnan(values)
        sums = np.bincount(found.index, np.where(known, values, 0))
        category = np.array(found.categories)[found.category]
        return cls(sums, np.bincount(found.index, known), category, result["set"].to_numpy())

    def halves(self, draws: int, seed: int) -> np.ndarray:
        """Half of every category's units, many times: 0/1 [draw, unit]."""
        rng = np.random.default_rng(seed)
        return np.array([half_of(self.category, rng) for _ in range(draws)], dtype=float)

    def means(self, keep: np.ndarray | None = None) -> np.ndarray:
        """Mean of every category over the kept units (0/1 [n, unit]; None: all): [n, category]."""
        kept = np.ones((1, len(self.sums))) if keep is None else keep
        member = (self.category[:, None] == self.names).astype(float)
        with np.errstate(invalid="ignore"):
            return ((kept * self.sums) @ member) / ((kept * self.number) @ member)


def critical_role(
    loss: Loss,
    sets: xr.DataArray,
    half: np.ndarray,
    frequency: xr.DataArray,
    strength: xr.DataArray | None = None,
    draws: int = 20,
    seed: int = 0,
    show_progress: bool = True,
) -> xr.Dataset:
    """Measure what every set, and its random controls, do to the instructions of the other half.

    Args:
        loss: see above.
        sets: bool [half, category, ...] of :func:`sets_of_halves`.
        half: 0 or 1 [instruction].
        frequency: [instruction, ...]; controls are matched on its mean over the instructions that
            the set was defined on.
        strength: [instruction, ...] likewise: how much a component writes (experts have none).
        draws: random controls of each set (0: none); they are judged on the set's own category
            only.
        seed: of the draws.
        show_progress: False for silence.

    Returns:
        Dataset with category and subtype on instruction: loss [instruction] with nothing changed,
        effect [set, instruction], control [draw, instruction], and balance [half, set, what] of
        :func:`sparcom_nb.sparcom.imbalance`. NaN where a set is empty.
    """
    names, category = sets["category"].to_numpy(), frequency["category"].to_numpy()
    features = _features(frequency, strength)
    base = loss(None, np.arange(len(half)))
    effect = np.full((len(names), len(half)), np.nan)
    control = np.full((draws, len(half)), np.nan)
    balance = {}
    with progress(2 * len(names) * (draws + 1), "ablate", "sets", show_progress) as shown:
        for side, n in np.ndindex(2, len(names)):
            mask, judged, own = sets[side, n], half != side, category == names[n]
            if mask.any() and (judged & own).any():
                like = features[:, ~judged & own].mean("instruction")
                others = matched_sets(mask, like, draws, seed=seed + 2 * n + side)
                balance[side, n] = imbalance(mask, others, like)
                effect[n, judged] = loss(mask, np.flatnonzero(judged)) - base[judged]
                rows = np.flatnonzero(judged & own)
                for draw, one in enumerate(others):
                    control[draw, rows] = loss(one, rows) - base[rows]
            shown.update(draws + 1)
    return xr.Dataset(
        {
            "loss": ("instruction", base),
            "effect": (("set", "instruction"), effect),
            "control": (("draw", "instruction"), control),
            "balance": _balance(balance, len(names), features["feature"].to_numpy()),
        },
        {"set": names} | {n: frequency[n].variable for n in ("instruction", "category", "subtype")},
        sets.attrs,
    )


def match(result: xr.Dataset) -> float:
    """How far the random sets of :func:`critical_role` reach: their frequency over that of the sets."""
    mean = result["balance"].mean(("half", "set")).to_series()
    return float(mean["control_frequency"] / mean["frequency"]) if mean["frequency"] else np.nan


def effects(result: xr.Dataset, draws: int = 400, seed: int = 0) -> pd.DataFrame:
    """What losing its own set does to every category, against both controls.

    Returns:
        DataFrame, a row a category and one for the mean of ``all``: category, size (of the set),
        loss (nothing changed), own, random (matched sets), others (the other categories' sets, on
        the same instructions), each in units of the loss; own_low ... own_high and, for own minus
        random and own minus others, minus_random and minus_others with ``_low`` and ``_high`` (95 %
        over halves of the sub-types); p (one-sided, of own above random: the rank among the random
        sets, for ``all`` :func:`sparcom_nb.sparcom.pooled_p`).
    """
    own, others = _own_and_others(result)
    random = _mean(result["control"].to_numpy())
    columns = {
        "own": own, "minus_random": own - random, "minus_others": own - others,
        "loss": result["loss"].to_numpy(), "random": random, "others": others,
    }  # fmt: skip
    table = pd.DataFrame({"size": _sizes(result)}, [*result["set"].to_numpy(), "all"])
    for name, values in columns.items():
        found = _by_category(result, values, draws, seed)
        table[name] = found["mean"]
        if name.startswith(("own", "minus")):
            table[f"{name}_low"], table[f"{name}_high"] = found["low"], found["high"]
    table["p"] = _ranks(result, own)
    return table.rename_axis("category").reset_index()


def specificity(result: xr.Dataset, draws: int = 400, seed: int = 0) -> dict[str, Any]:
    """Test whether sets hurt their own category more than sets and categories differ anyway.

    Some sets hurt everything and some categories are hurt by everything. So the mean of the matrix's
    diagonal is held against that under every way to give the sets to the categories: each takes one
    value from every row and every column.

    Returns:
        dict: own (mean of the diagonal), other (mean of the rest), value (own minus the mean over
        all ways), low, high (95 % over halves of the sub-types), p (share of the ways whose mean is
        as large), ways, above (categories whose own set hurts them more than the others' sets do on
        average), sets (non-empty ones).
    """
    kept = ~np.isnan(result["effect"].to_numpy()).all(axis=1)
    if not kept.any():
        return {"sets": 0, "above": 0, "ways": 0} | dict.fromkeys(_TEST, np.nan)
    sums = [UnitSums.of(result, effect) for effect in result["effect"].to_numpy()[kept]]
    halves = sums[0].halves(draws, seed)
    full = np.array([one.means()[0, kept] for one in sums])
    spread = np.array([one.means(halves)[:, kept] for one in sums]).transpose(1, 0, 2)
    low, high = np.quantile([_diagonal_excess(matrix) for matrix in spread], [0.025, 0.975])
    diagonal, n = np.diag(full), len(full)
    ways = np.array([full[range(n), list(way)].mean() for way in permutations(range(n))])
    rest = (full.sum(axis=0) - diagonal) / max(1, n - 1)
    return {
        "own": float(diagonal.mean()),
        "other": float(rest.mean()),
        "value": _diagonal_excess(full),
        "low": float(low),
        "high": float(high),
        "p": float((ways >= diagonal.mean() - 1e-12).mean()),
        "ways": len(ways),
        "above": int((diagonal > rest).sum()),
        "sets": n,
    }


def _features(frequency: xr.DataArray, strength: xr.DataArray | None) -> xr.DataArray:
    """What controls are matched on: [feature, instruction, ...]."""
    given = {"frequency": frequency} | ({} if strength is None else {"strength": strength})
    dims = ("feature", *frequency.dims)
    values = np.stack([one.transpose(*frequency.dims).to_numpy() for one in given.values()])
    return xr.DataArray(values, dims=dims, coords={"feature": list(given)})


def _balance(
    found: dict[tuple[int, int], dict[str, float]], n_sets: int, features: np.ndarray
) -> xr.DataArray:
    """Array [half, set, what] of the imbalances."""
    what = [
        "size",
        "control_size",
        *(f"{of}{name}" for name in features for of in ("", "control_")),
    ]
    values = np.full((2, n_sets, len(what)), np.nan)
    for place, one in found.items():
        values[place] = [one[name] for name in what]
    return xr.DataArray(values, dims=("half", "set", "what"), coords={"what": what})


def _own_and_others(result: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Effect on every instruction of its own category's set, and mean over the other sets."""
    own = result["category"].to_numpy() == result["set"].to_numpy()[:, None]
    effect = result["effect"].to_numpy()
    return _mean(np.where(own, effect, np.nan)), _mean(np.where(own, np.nan, effect))


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of the values there are."""
    number = (~np.isnan(values)).sum(axis=0)
    return np.where(number > 0, np.nansum(values, axis=0) / np.maximum(number, 1), np.nan)


def _by_category(result: xr.Dataset, values: np.ndarray, draws: int, seed: int) -> pd.DataFrame:
    """Mean, low, high of every category and, as the last row ``all``, of their mean."""
    sums = UnitSums.of(result, values)
    spread = _with_all(sums.means(sums.halves(draws, seed)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a category without a value
        low, high = np.nanquantile(spread, [0.025, 0.975], axis=0)
    names = [*result["set"].to_numpy(), "all"]
    return pd.DataFrame({"mean": _with_all(sums.means())[0], "low": low, "high": high}, names)


def _with_all(means: np.ndarray) -> np.ndarray:
    """Append the mean over the categories that have a value: [n, category + 1]."""
    return np.column_stack([means, _mean(means.T)])


def _sizes(result: xr.Dataset) -> np.ndarray:
    """Mean size of every category's two sets, and their mean."""
    sizes = result["balance"].sel(what="size").fillna(0).mean("half").to_numpy()
    return _with_all(sizes[None])[0]


def _ranks(result: xr.Dataset, own: np.ndarray) -> np.ndarray:
    """One-sided p of every category's own effect among its random sets', and of all together."""
    control = result["control"].to_numpy()
    if not len(control):
        return np.full(len(result["set"]) + 1, np.nan)
    means = np.vstack([UnitSums.of(result, one).means() for one in (own, *control)])
    known = ~np.isnan(means[0])
    p = np.where(known, (means >= means[0] - 1e-12).mean(axis=0), np.nan)
    return np.append(p, pooled_p(means[0, known], means[1:, known].T))


def _diagonal_excess(matrix: np.ndarray) -> float:
    """Mean of the diagonal minus the mean of all (the mean over all ways to deal sets)."""
    return float(np.nanmean(np.diag(matrix)) - np.nanmean(matrix))
