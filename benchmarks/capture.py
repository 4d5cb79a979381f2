"""Cost of the capture pass, as a ratio to a bare forward pass in the same process.

    python benchmarks/capture.py                       SmolLM2 and a random 12-layer Llama, 96 instructions
    python benchmarks/capture.py --model smollm2/instruct --rows 1200 --rounds 1
    python benchmarks/capture.py --memory              peak memory, 100 against 10,000 instructions

The three passes see the same padded batches and take turns; medians over rounds:

* bare      Hugging Face's own forward with logits (eager attention, as the bridge needs it);
* capture   counting active neurons of every layer, without the unembedding;
* cache     TransformerLens ``run_with_cache`` of the gate activations, then the same counts.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from common import Batches, capture, compare, parser, peak_memory
from transformers import LlamaConfig

import sparcom_nb as sn
from sparcom_nb.model import capture as c

RANDOM = {
    "random-llama": LlamaConfig(
        vocab_size=1536,
        hidden_size=768,
        intermediate_size=2048,
        num_hidden_layers=12,
        num_attention_heads=12,
    )
}


def main() -> None:
    """Measure what the command line asks for."""
    options = parser(__doc__, data="hexainst")
    options.add_argument("--memory", action="store_true")
    options.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.peak_of:
        print(_peak(asked.peak_of))
    elif asked.memory:
        _memory()
    else:
        for name in asked.model or ["smollm2/instruct", *RANDOM]:
            compare(name, RANDOM, _passes, asked)


def _passes(model: c.TransformerBridge) -> dict[str, Callable[[Batches], object]]:
    return {
        "capture": lambda b: capture(model, b, [c.PositiveCounts()]),
        "cache": lambda b: _cache(model, b),
    }


@torch.inference_mode()
def _cache(model: c.TransformerBridge, batches: Batches) -> None:
    for batch in batches:
        _, cache = model.run_with_cache(
            batch.ids,
            attention_mask=batch.mask,
            names_filter=lambda name: name.endswith("mlp.gate.hook_out"),
        )
        for value in cache.values():
            ((value > 0) & batch.counted[..., None]).sum(dim=1)


def _memory() -> None:
    few, many = (
        int(subprocess.check_output([sys.executable, __file__, "--peak-of", str(n)]).split()[-1])
        for n in (100, 10_000)
    )
    print(
        f"peak memory: 100 instructions {few} MB, 10,000 instructions {many} MB ({many / few - 1:+.1%})"
    )


def _peak(rows: int) -> int:
    """Peak memory in MB of one process that captures ``rows`` instructions to a store."""
    model = sn.load_model("tiny-dense/instruct")
    data = sn.load_instructions("miniworld")
    data = data.loc[data.index.repeat(-(-rows // len(data)))][:rows]
    data = data.assign(id=[str(n) for n in range(rows)])
    with tempfile.TemporaryDirectory() as folder:
        sn.sparcom.activation_frequency(model, data, store=Path(folder) / "a.zarr")
    return round(peak_memory())


if __name__ == "__main__":
    main()
