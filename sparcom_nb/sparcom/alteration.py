"""Before and after fine-tuning: which components of a category are kept, gained and lost.

SPARCOM, Zhang et al. 2025, section 5. A component is a neuron, a neuron of an expert or an expert:
whatever dimensions follow the layer.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb import paired
from sparcom_nb.errors import InputError
from sparcom_nb.paired import Statistic, Yardstick
from sparcom_nb.sparcom.sets import category_sets


def alteration(base: xr.DataArray, tuned: xr.DataArray, agreement: float = 0.5) -> pd.DataFrame:
    """Count the components that a category keeps, gains and loses from ``base`` to ``tuned``.

    Args:
        base: bool [instruction, layer, ...] as :func:`specific` returns it, or [category, layer,
            ...] as :func:`category_sets` does.
        tuned: the same of the tuned model.
        agreement: of the category sets, where ``base`` and ``tuned`` are given by instruction.

    Returns:
        DataFrame, a row a category and layer: category, layer, kept, gained, lost (components),
        jaccard (kept over all three, NaN where there are none).

    Raises:
        InputError: sets of different categories or components.
    """
    before, after = (_by_category(sets, agreement) for sets in (base, tuned))
    if before.shape != after.shape or list(before["category"]) != list(after["category"]):
        raise InputError(
            f"sets {dict(before.sizes)} and {dict(after.sizes)} differ in kind; "
            "give base and tuned model the same instructions"
        )
    a, b = (x.to_numpy().reshape(*x.shape[:2], -1) for x in (before, after))
    index = pd.MultiIndex.from_product(
        [before["category"].to_numpy(), before["layer"].to_numpy()], names=["category", "layer"]
    )
    counts = {"kept": a & b, "gained": ~a & b, "lost": a & ~b}
    table = pd.DataFrame({k: v.sum(-1).ravel() for k, v in counts.items()}, index=index)
    return _with_jaccard(table).reset_index()


def over_layers(table: pd.DataFrame) -> pd.DataFrame:
    """All layers of an :func:`alteration` together: category, kept, gained, lost, jaccard."""
    counts = table.groupby("category", sort=False)[["kept", "gained", "lost"]].sum()
    return _with_jaccard(counts).reset_index()


def instruction_jaccard(base: xr.DataArray, tuned: xr.DataArray) -> xr.DataArray:
    """Jaccard index of every instruction's own sets in two models.

    Returns:
        DataArray [instruction] with the coordinates of ``base``; NaN where both sets are empty.
    """
    inner, other = base.dims[1:], tuned.reset_coords(drop=True)
    both, either = ((base & other).sum(inner), (base | other).sum(inner))
    return (both / either.where(either > 0)).rename("jaccard").compute()


# ---------------------------------------------------------------- what to compare


def jaccard(agreement: float = 0.5) -> Yardstick:
    """Overlap of category sets, of the share of instructions that mark each component."""

    def compare(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        first, second = (_flat(x) >= agreement - 1e-9 for x in (a, b))
        either = (first | second).sum(-1)
        return np.where(either > 0, (first & second).sum(-1) / np.maximum(either, 1), np.nan)

    return Yardstick("Jaccard index of category sets", compare)


def kept_share(agreement: float = 0.5) -> Yardstick:
    """Share of the first model's category set that the second model's holds too."""

    def compare(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        first, second = (_flat(x) >= agreement - 1e-9 for x in (a, b))
        size = first.sum(-1)
        return np.where(size > 0, (first & second).sum(-1) / np.maximum(size, 1), np.nan)

    return Yardstick("share kept", compare)


def profile_distance() -> Yardstick:
    """Jensen-Shannon distance (base 2, 0 to 1) of where the specific components are, by layer.

    The profile of a model is the share of its specific components in each layer.
    """

    def compare(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        p, q = (_profile(x) for x in (a, b))
        return np.sqrt(np.maximum(0.0, _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2))

    return Yardstick("Jensen-Shannon distance of layer profiles", compare, likeness=False)


def frequency_shift() -> Yardstick:
    """Mean over components of the absolute change of the category's mean frequency."""
    return Yardstick(
        "mean absolute change of frequency",
        lambda a, b: np.abs(_flat(a) - _flat(b)).mean(-1),
        likeness=False,
    )


def routing_shift() -> Yardstick:
    """Total variation (0 to 1) between the shares of the assignments that experts take, by layer.

    Mean over layers of half the sum over experts of the absolute change, for means [..., expert].
    """

    def compare(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        p, q = (x / x.sum(-1, keepdims=True) for x in (a, b))
        shift = np.abs(p - q).sum(-1) / 2
        return shift.reshape(len(shift), -1).mean(-1)

    return Yardstick("total variation of routing", compare, likeness=False)


# ---------------------------------------------------------------- tables and tests

ACROSS = "same model minus across"
PLACEBO = "tuned beyond placebo"


def before_after(
    models: Mapping[str, xr.DataArray], yardstick: Yardstick, splits: int = 10, seed: int = 0
) -> pd.DataFrame:
    """Compare base with tuned (and placebo) on the same instructions, and with halves as floors.

    Args:
        models: ``base``, ``tuned`` and, where there is one, ``placebo`` -> [instruction, layer, ...]:
            marks for :func:`jaccard`, :func:`kept_share`, :func:`profile_distance`; frequencies for
            :func:`frequency_shift`; routing frequencies for :func:`routing_shift`.
        yardstick: what to compare.
        splits: random halves of each category's sub-types.
        seed: of the halves.

    Returns:
        DataFrame: category (``all`` is the mean over them), pair, value, low, high (95 % over
        sub-types). Pairs: ``base, tuned`` on the same instructions; ``base A, base B``, ``base A,
        tuned B``, ``tuned A, tuned B`` on halves; ``same model minus across``, how much less alike
        halves of two models are than halves of one; with a placebo the same against it, and
        ``tuned beyond placebo``, how much less alike base and tuned are than base and placebo.
    """
    made, _ = paired.parts(models)
    statistics = _statistics(yardstick, "placebo" in models, splits, seed)
    table = pd.concat(
        [
            paired.estimate(made, statistic).assign(pair=name)
            for name, statistic in statistics.items()
        ],
        ignore_index=True,
    )
    bounded = ~table["pair"].isin([ACROSS, PLACEBO])
    table.loc[bounded, ["low", "high"]] = table.loc[bounded, ["low", "high"]].clip(0, 1)
    return table[["category", "pair", "value", "low", "high"]]


def floor_test(
    models: Mapping[str, xr.DataArray],
    yardstick: Yardstick,
    splits: int = 10,
    draws: int = 199,
    seed: int = 0,
) -> dict[str, float]:
    """Test whether halves of one model are more alike than halves of base and tuned.

    The result is that of :func:`sparcom_nb.paired.swap_test`.
    """
    made, _ = paired.parts(models)
    statistic = _statistics(yardstick, False, splits, seed)[ACROSS]
    return paired.swap_test(made, statistic, "base", "tuned", draws, seed)


def placebo_test(
    models: Mapping[str, xr.DataArray], yardstick: Yardstick, draws: int = 199, seed: int = 0
) -> dict[str, float]:
    """Test whether tuning altered more than training equally long on plain documents did.

    Tuned model and placebo are exchanged in whole sub-types; the result is that of
    :func:`sparcom_nb.paired.swap_test`.
    """
    made, _ = paired.parts(models)
    return paired.swap_test(made, _beyond_placebo(yardstick), "tuned", "placebo", draws, seed)


def before_after_by_layer(
    models: Mapping[str, xr.DataArray], yardstick: Yardstick, splits: int = 10, seed: int = 0
) -> pd.DataFrame:
    """:func:`before_after` of every layer by itself, with the column ``layer``."""
    layers = models["base"]["layer"].to_numpy()
    tables = [
        before_after(
            {name: array.sel(layer=[layer]) for name, array in models.items()},
            yardstick,
            splits,
            seed,
        ).assign(layer=layer)
        for layer in layers
    ]
    return pd.concat(tables, ignore_index=True)


def _statistics(
    yardstick: Yardstick, placebo: bool, splits: int, seed: int
) -> dict[str, Statistic]:
    """Every pair of :func:`before_after` by name."""
    found = {"base, tuned": paired.same(yardstick, "base", "tuned")}
    if placebo:
        found["base, placebo"] = paired.same(yardstick, "base", "placebo")
        found[PLACEBO] = _beyond_placebo(yardstick)
    pairs = [("base", "base"), ("tuned", "tuned"), ("base", "tuned")]
    for first, second in [*pairs, *[("base", "placebo")] * placebo]:
        half = paired.halves(yardstick, first, second, splits, seed)
        found[f"{first} A, {second} B"] = half
    own, tuned, across = (found[f"{a} A, {b} B"] for a, b in pairs)
    found[ACROSS] = lambda part: yardstick.excess((own(part) + tuned(part)) / 2, across(part))
    return found


def _beyond_placebo(yardstick: Yardstick) -> Statistic:
    placebo, tuned = (paired.same(yardstick, "base", name) for name in ("placebo", "tuned"))
    return lambda part: yardstick.excess(placebo(part), tuned(part))


def _by_category(sets: xr.DataArray, agreement: float) -> xr.DataArray:
    return category_sets(sets, agreement) if sets.dims[0] == "instruction" else sets


def _with_jaccard(counts: pd.DataFrame) -> pd.DataFrame:
    either = counts.sum(axis=1)
    return counts.assign(jaccard=counts["kept"] / either.where(either > 0))


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)


def _profile(marked: np.ndarray) -> np.ndarray:
    """Share of the marks in each layer: [n, layer]; NaN where nothing is marked."""
    layers = marked.reshape(*marked.shape[:2], -1).sum(-1)
    total = layers.sum(-1, keepdims=True)
    return np.where(total > 0, layers / np.where(total > 0, total, 1), np.nan)


def _entropy(p: np.ndarray) -> np.ndarray:
    """Bits; 0 log 0 is 0."""
    return -(p * np.log2(np.where(p > 0, p, 1))).sum(-1)
