"""Cost of counting experts and their neurons, as a ratio to a bare forward pass in one process.

    python benchmarks/experts.py            tiny-moe and a random 6-layer Mixtral, 96 instructions
    python benchmarks/experts.py --model olmoe/instruct --data hexainst

The passes see the same padded batches and take turns; medians over rounds:

* bare      Hugging Face's own forward with logits, eager attention, default experts implementation;
* routing   counting the tokens that every expert is given, without the unembedding;
* neurons   counting the active neurons of every expert and the routing, in one pass.
"""

from collections.abc import Callable

from common import Batches, capture, compare, parser
from transformers import MixtralConfig

from sparcom_nb.model import capture as c

RANDOM = {
    "random-mixtral": MixtralConfig(
        vocab_size=1536,
        hidden_size=768,
        intermediate_size=1024,
        num_hidden_layers=6,
        num_attention_heads=12,
        num_key_value_heads=4,
        num_local_experts=8,
    )
}


def main() -> None:
    """Measure what the command line asks for."""
    asked = parser(__doc__, data="miniworld").parse_args()
    for name in asked.model or ["tiny-moe/instruct", *RANDOM]:
        compare(name, RANDOM, _passes, asked)


def _passes(model: c.TransformerBridge) -> dict[str, Callable[[Batches], object]]:
    neurons = [c.PositiveCounts(kind="expert"), c.RoutingCounts()]
    return {
        "routing": lambda b: capture(model, b, [c.RoutingCounts()]),
        "neurons": lambda b: capture(model, b, neurons),
    }


if __name__ == "__main__":
    main()
