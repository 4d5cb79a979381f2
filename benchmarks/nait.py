"""Cost of scoring a pool along capability directions, as a ratio to a bare forward pass.

    python benchmarks/nait.py               SmolLM2 and tiny-dense, 96 samples
    python benchmarks/nait.py --model tiny-moe/instruct --data miniworld --rows 600

The passes see the same padded batches and take turns; medians over rounds:

* bare    Hugging Face's own forward with logits (eager attention);
* one     the score of the paper: mean activation along one direction;
* many    mean and drift along twelve directions.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr
from common import Batches, capture, compare, parser

from sparcom_nb.model import capture as c
from sparcom_nb.model import taps
from sparcom_nb.nait.directions import Direction
from sparcom_nb.nait.readout import Projections


def main() -> None:
    """Measure what the command line asks for."""
    asked = parser(__doc__, data="hexainst").parse_args()
    for name in asked.model or ["smollm2/instruct", "tiny-dense/instruct"]:
        compare(name, {}, _passes, asked, "sample")


def _passes(model: c.TransformerBridge) -> dict[str, Callable[[Batches], object]]:
    drawn = [_draw(model) for _ in range(12)]
    one = Projections(drawn[:1], ["0"], ("mean",))
    many = Projections(drawn, [str(n) for n in range(12)])
    return {
        "one": lambda b: capture(model, b, [one]),
        "many": lambda b: capture(model, b, [many]),
    }


def _draw(model: c.TransformerBridge) -> Direction:
    """A direction drawn at random: the time does not depend on its values."""
    kind = taps.main_kind(model)
    coords = c.neuron_coords(model, kind)
    values = np.random.default_rng(0).normal(size=[len(v) for v in coords.values()])
    vectors = xr.DataArray(values, coords, tuple(coords))
    return Direction(vectors, "pc1", "post", "sample", 0, kind, 0, "", "")


if __name__ == "__main__":
    main()
