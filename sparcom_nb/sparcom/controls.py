"""Random sets that resemble a given one: what an ablation is to be held against.

A frequent neuron matters more than a rare one whatever it does, and so does one that writes much. A
control that is not matched on both flatters the method. Sets are drawn layer by layer, without
replacement and disjoint from the given set, among the components nearest to its members. Where the
set took the most frequent of all, there is nobody as frequent left: :func:`imbalance` says how far
the controls fall short.
"""

import numpy as np
import pandas as pd
import xarray as xr


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
