"""Experts as components: which ones an instruction is sent to more than to others.

SPARCOM, Zhang et al. 2025, section 3.2. With q[l,e](I) the routing frequency of expert e of layer l
and k of E experts chosen for a token,

    ISE(I) = { (l,e) : q[l,e](I) >= eps_e },      eps_e relative to the uniform rate k/E

A neuron of an expert can be active only where its expert is chosen, so that its joint frequency p is
at most q: p/q says how active it is on the tokens that the expert is given.
"""

import xarray as xr

from sparcom_nb.errors import InputError
from sparcom_nb.sparcom.sets import specific

#: An expert serves an instruction that uses it this many times as often as uniform routing would.
RELATIVE = 1.5


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
