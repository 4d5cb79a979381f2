"""Do the components of a category matter for it? Switch them off and see what is lost.

SPARCOM, Zhang et al. 2025, section 5. Nothing here sees a model: a *loss* is a function
``loss(mask, rows)`` that returns the loss of the rows at these positions while the components in
``mask`` are changed (None: none), such as :func:`sparcom_nb.loss_under` makes.

Every set is defined on one half of the instructions and judged on the other, both ways round, so
that each instruction is judged once by a set that never saw it. The effect of a set on an
instruction is its loss with the set changed minus its loss as it is. An effect is held against

* random sets of the same size, matched by :func:`sparcom_nb.sparcom.matched_sets`, and
* the sets of the other categories, cut to the same size: the effect on the same instructions.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.evidence import known_mean
from sparcom_nb.progress import progress
from sparcom_nb.sparcom.baselines import category_means, lead
from sparcom_nb.sparcom.components import by_category, specific, unique_sets
from sparcom_nb.sparcom.controls import imbalance, matched_sets, pooled_p
from sparcom_nb.stats import Units
from sparcom_nb.stats import half as half_of

SETS = ("all", "unique", "contrast")
STATES = ("as it is", "own set off", "random set off")
#: Random sets with at least this share of the set's frequency count as matched.
MATCHED = 0.95
_AGREEMENT = 0.5
_TEST = ("own", "other", "value", "low", "high", "p")

Loss = Callable[[xr.DataArray | None, np.ndarray], np.ndarray]


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


def halves(data: pd.DataFrame, by: str = "subtype", seed: int = 0) -> np.ndarray:
    """Deal the rows into two halves: int [row], 0 or 1.

    Args:
        data: rows with category and subtype.
        by: ``subtype`` deals whole sub-types of every category at random, so that a set is judged
            on tasks it was not defined on (a category with a single sub-type is dealt by rows);
            ``row`` deals a category's rows in turn, sub-type after sub-type: other instructions of
            the same tasks, where a sub-type has more than one.
        seed: of the dealing.
    """
    names = data["category"] + "/" + data["subtype"]
    rng, dealt = np.random.default_rng(seed), np.zeros(len(data), dtype=int)
    if by == "row":
        order = np.argsort(names.to_numpy(str), kind="stable")
        sorted_rows = data["category"].to_numpy()[order]
        dealt[order] = pd.Series(sorted_rows).groupby(sorted_rows).cumcount() % 2
        return dealt
    for of_category in names.groupby(data["category"]).groups.values():
        labels = names[of_category]
        known = rng.permutation(labels.unique())
        turn = pd.Series(np.arange(len(known)) % 2, known)
        dealt[of_category] = turn[labels] if len(known) > 1 else np.arange(len(labels)) % 2
    return dealt


def sets_of_halves(
    frequency: xr.DataArray, half: np.ndarray, which: str = "all", top: float = 0.1, seed: int = 0
) -> xr.DataArray:
    """Sets of every category, defined on each half: bool [half, category, ...].

    All sets of a half have one size, that of the smallest set of components specific to at least
    half of its category's instructions; each keeps those that most instructions agree on, among
    equals the most frequent. Sets of one size can stand as controls of one another.

    Args:
        frequency: [instruction, ...] of at least two categories.
        half: 0 or 1 [instruction].
        which: ``all`` for these sets; ``unique`` for what of each is in no other, which may be
            nothing; ``contrast`` for as many components with the largest difference between the
            frequency on the category and on the best other one.
        top: share of the components that is specific to an instruction.
        seed: components that tie in everything are drawn at random.
    """
    rng = np.random.default_rng(seed)
    names = [name for name, _ in by_category(frequency)]
    made = []
    for side in (0, 1):
        own = frequency[half == side]
        marked = specific(own, top=top).compute()
        made.append(equal_sets(category_means(marked), category_means(own), which, rng))
    parts = [_all_categories(one, names) for one in made]
    return xr.concat(parts, "half").rename("sets").assign_attrs(sets=which, top=top)


def equal_sets(
    share: xr.DataArray,
    frequency: xr.DataArray,
    which: str = "all",
    seed: int | np.random.Generator = 0,
) -> xr.DataArray:
    """Sets of all categories, of one size: bool [category, ...].

    Args:
        share: [category, ...], of how many of the category's instructions a component is specific.
        frequency: [category, ...], mean over the category's instructions.
        which: as in :func:`sets_of_halves`.
        seed: components that tie in everything are drawn at random.
    """
    rng = np.random.default_rng(seed)
    sets = share >= _AGREEMENT - 1e-9
    sizes = sets.sum(sets.dims[1:]).to_numpy()
    size = int(sizes[sizes > 0].min()) if sizes.any() else 0
    if which == "contrast":
        difference = lead(frequency)
        return _largest([difference], difference > 0, size, rng)
    cut = _largest([share, frequency], sets, size, rng)
    return unique_sets(cut) if which == "unique" else cut


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


@dataclass(frozen=True)
class Variant:
    """One way to define sets and to change them."""

    name: str
    span: str = "response"
    which: str = "all"
    by: str = "row"
    scale: float = 0.0


def variants(amplify: float = 2.0) -> list[Variant]:
    """The ways that notebook 14 compares: the first is the main one.

    Contrast sets leave enough components as frequent as theirs to draw random sets from.
    """
    return [
        Variant("response: all, off"),
        Variant("instruction: all, off", span="instruction"),
        Variant("response: unique, off", which="unique"),
        Variant("response: contrast, off", which="contrast"),
        Variant("response: all, off, other sub-types", by="subtype"),
        Variant(f"response: all, times {amplify:g}", scale=amplify),
    ]


def try_variant(
    variant: Variant,
    loss_at: Callable[[float], Loss],
    data: pd.DataFrame,
    frequencies: Mapping[str, xr.DataArray],
    strength: xr.DataArray | None = None,
    top: float = 0.1,
    draws: int = 20,
    seed: int = 0,
) -> xr.Dataset:
    """Deal the rows, define the sets and run :func:`critical_role` for one variant.

    ``loss_at(scale)`` makes the loss; ``frequencies`` and ``strength`` are those of ``data``, by span.
    """
    half = halves(data, variant.by, seed)
    frequency = frequencies[variant.span]
    sets = sets_of_halves(frequency, half, variant.which, top, seed)
    loss = loss_at(variant.scale)
    return critical_role(loss, sets, half, frequency, strength, draws, seed)


def compare_variants(results: Mapping[str, xr.Dataset], seed: int = 0) -> pd.DataFrame:
    """The main numbers of several results, a row each.

    Returns:
        DataFrame: variant, size (mean of the sets), own, random, others, minus_random with low and
        high, p_random (:func:`effects`, of all categories); match (mean frequency of the random sets
        over that of the sets); specific, low, high, p, above and sets (:func:`specificity`).
    """
    rows = []
    for name, result in results.items():
        together = effects(result, seed=seed).iloc[-1]
        test = specificity(result, seed=seed)
        kept = ["size", "own", "random", "others"]
        kept += [c for c in together.index if c.startswith("minus_random")]
        rows.append(
            {"variant": name}
            | together[kept].to_dict()
            | {"p_random": together["p"], "match": match(result), "specific": test["value"]}
            | {n: test[n] for n in ("low", "high", "p", "above", "sets")}
        )
    return pd.DataFrame(rows)


def match(result: xr.Dataset) -> float:
    """How far the random sets of :func:`critical_role` reach: their frequency over that of the sets."""
    mean = result["balance"].mean(("half", "set")).to_series()
    return float(mean["control_frequency"] / mean["frequency"]) if mean["frequency"] else np.nan


def one_control(
    sets: xr.DataArray,
    half: np.ndarray,
    frequency: xr.DataArray,
    strength: xr.DataArray | None = None,
    side: int = 0,
    seed: int = 0,
) -> xr.DataArray:
    """A matched random set for every category's set of one half: bool [category, ...]."""
    features = _features(frequency, strength)
    category = frequency["category"].to_numpy()
    drawn = sets[side].copy()
    for n, name in enumerate(sets["category"].to_numpy()):
        like = features[:, (half == side) & (category == name)].mean("instruction")
        drawn[n] = matched_sets(sets[side, n], like, 1, seed=seed + n)[0]
    return drawn


def outcomes(
    measure: Loss,
    sets: xr.DataArray,
    controls: xr.DataArray,
    rows: Mapping[str, Sequence[int] | np.ndarray],
) -> pd.DataFrame:
    """Measure anything a row has (right or wrong, the loss of a text) with sets switched off.

    Args:
        measure: like a loss, of the rows at these positions.
        sets: bool [category, ...] and their
        controls: likewise (:func:`one_control`).
        rows: for every category, the positions to measure.

    Returns:
        DataFrame, a row for each category, state (see :data:`STATES`) and row: category, state, row,
        value. A category with an empty set is left out.
    """
    parts = []
    for name, own, random in zip(sets["category"].to_numpy(), sets, controls, strict=True):
        if not own.any():
            continue
        for state, mask in zip(STATES, (None, own, random), strict=True):
            value = measure(mask, np.asarray(rows[name]))
            part = {"category": name, "state": state, "row": rows[name], "value": value}
            parts.append(pd.DataFrame(part))
    columns = ["category", "state", "row", "value"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def effect_matrix(result: xr.Dataset, draws: int = 400, seed: int = 0) -> xr.Dataset:
    """Effect of every category's set on the loss of every category.

    Returns:
        Dataset [set, category]: mean, low, high (95 % over halves of the sub-types).
    """
    parts = [_by_category(result, effect, draws, seed) for effect in result["effect"].to_numpy()]
    categories = parts[0].index[:-1]
    return xr.Dataset(
        {
            name: (("set", "category"), [part[name].iloc[:-1] for part in parts])
            for name in ("mean", "low", "high")
        },
        {"set": result["set"].to_numpy(), "category": categories},
    )


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
    random = known_mean(result["control"].to_numpy())
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


def _all_categories(sets: xr.DataArray, names: list[str]) -> xr.DataArray:
    """Give a category that a half does not hold an empty set."""
    return sets.reindex(category=names).fillna(0).astype(bool).drop_attrs()


def _features(frequency: xr.DataArray, strength: xr.DataArray | None) -> xr.DataArray:
    """What controls are matched on: [feature, instruction, ...]."""
    given = {"frequency": frequency} | ({} if strength is None else {"strength": strength})
    dims = ("feature", *frequency.dims)
    values = np.stack([one.transpose(*frequency.dims).to_numpy() for one in given.values()])
    return xr.DataArray(values, dims=dims, coords={"feature": list(given)})


def _largest(
    scores: list[xr.DataArray], candidates: xr.DataArray, size: int, rng: np.random.Generator
) -> xr.DataArray:
    """The ``size`` candidates with the largest scores, the first score first: bool [category, ...]."""
    taken = candidates.copy(data=np.zeros(candidates.shape, dtype=bool))
    for n, of_category in enumerate(candidates.to_numpy()):
        keys = [rng.random(of_category.size), *(-s.to_numpy()[n].ravel() for s in scores[::-1])]
        order = np.lexsort(keys)
        best = order[of_category.ravel()[order]][:size]
        taken.to_numpy()[n].reshape(-1)[best] = True
    return taken


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
    return known_mean(np.where(own, effect, np.nan)), known_mean(np.where(own, np.nan, effect))


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
    return np.column_stack([means, known_mean(means.T)])


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
