"""Experts as components: which ones an instruction is sent to more than to others.

SPARCOM, Zhang et al. 2025, section 3.2. With q[l,e](I) the routing frequency of expert e of layer l
and k of E experts chosen for a token,

    ISE(I) = { (l,e) : q[l,e](I) >= eps_e },      eps_e relative to the uniform rate k/E

A neuron of an expert can be active only where its expert is chosen, so that its joint frequency p is
at most q: p/q says how active it is on the tokens that the expert is given.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.profiles import category_profile
from sparcom_nb.sparcom.sets import specific
from sparcom_nb.sparcom.sweep import share_and_gap
from sparcom_nb.stats import grouped_means, unit_labels

#: An expert serves an instruction that uses it this many times as often as uniform routing would.
RELATIVE = 1.5
RELATIVES = (1.1, 1.25, 1.5, 1.75, 2.0, 2.5)


def conditional_frequency(joint: xr.DataArray, routing: xr.DataArray) -> xr.DataArray:
    """Frequency p/q of an expert's neurons on the tokens that the expert is given.

    Args:
        joint: p [instruction, layer, expert, neuron] of ``expert_neuron_frequency``.
        routing: q [instruction, layer, expert]; ``joint["routing"]``, or of ``expert_frequency``.

    Returns:
        DataArray of the dimensions of ``joint``, NaN where the expert is given no token.
    """
    return (joint / routing.where(routing > 0)).rename("conditional_frequency")


def uniform_rate(routing: xr.DataArray) -> float:
    """Frequency k/E of an expert when all are used alike: k experts a token, E in a layer."""
    experts_a_token = round(float(routing[0].isel(layer=0).sum()))
    return experts_a_token / routing.sizes["expert"]


def specific_experts(routing: xr.DataArray, relative: float = RELATIVE) -> xr.DataArray:
    """Mark the experts that an instruction uses clearly more than uniform routing would (ISE).

    For a share of the experts, or an absolute cut, use :func:`specific`.

    Args:
        routing: q [instruction, layer, expert].
        relative: the cut as a multiple of the uniform rate k/E.

    Returns:
        As :func:`specific`: bool of the same dimensions, with ``eps`` and ``share``.

    Raises:
        InputError: a cut of 0 or less, or one above 1, which no expert reaches.
    """
    rate = uniform_rate(routing)
    if not 0 < relative * rate <= 1:
        raise InputError(
            f"relative must be above 0 and at most {1 / rate:g} (always chosen), not {relative}"
        )
    return specific(routing, threshold=relative * rate).assign_attrs(relative=relative)


def expert_usage(routing: xr.DataArray, seed: int = 0) -> pd.DataFrame:
    """Mean routing frequency of every expert by category.

    Returns:
        DataFrame: category, layer, expert, mean, low, high (95 % over halves of the category's
        sub-types), n (instructions).
    """
    return category_profile(routing, seed=seed)


def relative_sweep(
    routing: xr.DataArray, relatives: Sequence[float] = RELATIVES, draws: int = 199, seed: int = 0
) -> pd.DataFrame:
    """Overlap of the experts of instructions, within and across categories, at several cuts.

    Cuts that no expert can reach (above E/k times the uniform rate) are left out.

    Returns:
        DataFrame: relative and the columns of :func:`compare_sets`.
    """
    within_reach = [r for r in relatives if r * uniform_rate(routing) <= 1]
    sets = {f"{r:g}": specific_experts(routing, r) for r in within_reach}
    table = compare_sets(sets, draws, seed)
    return table.assign(relative=within_reach)


def compare_sets(sets: Mapping[str, xr.DataArray], draws: int = 999, seed: int = 0) -> pd.DataFrame:
    """How much instructions share within and across categories, for several kinds of sets.

    Args:
        sets: name -> bool [instruction, ...].
        draws: of :func:`sparcom_nb.stats.separation`.
        seed: of the same.

    Returns:
        DataFrame: sets (the name), share (mean share of the components taken), and within, across,
        difference, low, high, null_mean, p of the separation.
    """
    return pd.DataFrame(
        [{"sets": name} | share_and_gap(marked, draws, seed) for name, marked in sets.items()]
    )


def taken_by_routing(marked: xr.DataArray, routing: xr.DataArray, seed: int = 0) -> pd.DataFrame:
    """Share of an expert's neurons that are specific, by how often the expert is chosen.

    Args:
        marked: bool [instruction, layer, expert, neuron].
        routing: q [instruction, layer, expert].
        seed: of the intervals.

    Returns:
        DataFrame: relative (q over the uniform rate, in steps of one half), mean, low, high (95 %
        over halves of the sub-types), n (pairs of an instruction and an expert).
    """
    q = routing.to_numpy()
    table = pd.DataFrame(
        {
            "relative": np.round(2 * q / uniform_rate(routing)).ravel() / 2,
            "taken": marked.mean("neuron").to_numpy().ravel(),
            "subtype": np.repeat(unit_labels(routing), q[0].size),
        }
    )
    return grouped_means(table.sort_values("relative"), ["relative"], "taken", seed=seed)
