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
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from transformers import AutoModelForCausalLM, LlamaConfig

import sparcom_nb as sn
from sparcom_nb import capture as c
from sparcom_nb import taps
from sparcom_nb.prompts import encode
from sparcom_nb.sources import model_path

Batches = list[c.Batch]
RANDOM = LlamaConfig(
    vocab_size=1536,
    hidden_size=768,
    intermediate_size=2048,
    num_hidden_layers=12,
    num_attention_heads=12,
)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", help="model to measure (repeatable)")
    parser.add_argument("--data", default="hexainst")
    parser.add_argument("--rows", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peak_of:
        print(_peak(asked.peak_of))
    elif asked.memory:
        _memory()
    else:
        for name in asked.model or ["smollm2/instruct", "random-llama"]:
            _compare(name, asked.data, asked.rows, asked.rounds)


def _compare(name: str, data: str, rows: int, rounds: int) -> None:
    path = _random_llama() if name == "random-llama" else model_path(name)
    model = sn.load_model(path)
    bare = _bare(path)
    batches = _batches(model, data, rows)
    tokens = sum(int(b.mask.sum()) for b in batches)
    passes: dict[str, Callable[[Batches], object]] = {
        "bare": lambda b: _forward(bare, b),
        "capture": lambda b: _capture(model, b),
        "cache": lambda b: _cache(model, b),
    }
    for run in passes.values():
        run(batches[:2])
    seconds: dict[str, list[float]] = {key: [] for key in passes}
    for _ in range(rounds):
        for key, run in passes.items():
            began = time.perf_counter()
            run(batches)
            seconds[key].append(time.perf_counter() - began)
    medians = {key: statistics.median(times) for key, times in seconds.items()}
    print(
        f"{name}: {rows} instructions, {tokens:,} tokens, {len(batches)} batches, {rounds} rounds"
    )
    for key, median in medians.items():
        ratio = median / medians["bare"]
        print(f"  {key:8} {median:8.2f} s  {tokens / median:7.0f} tokens/s  {ratio:5.2f} of bare")
    print(f"  peak memory of the process {_maxrss():,.0f} MB")


def _batches(model: c.TransformerBridge, data: str, rows: int) -> Batches:
    """The batches that the capture pass would make."""
    table = sn.limit_rows(sn.load_instructions(data), rows)
    prompts = encode(model.tokenizer, model.template, table, "instruction", model.cfg.n_ctx)
    budget = c.token_budget(prompts, None, model)
    groups = c.batches(prompts, budget)
    return [c.pad([prompts[n] for n in g], 0, "right", taps.device(model)) for g in groups]


def _bare(path: Path) -> torch.nn.Module:
    options = {"gguf_file": path.name} if path.is_file() else {}
    folder = path.parent if path.is_file() else path
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", **options
    )
    return model.eval()


@torch.inference_mode()
def _forward(model: torch.nn.Module, batches: Batches) -> None:
    for batch in batches:
        model(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False)


@torch.inference_mode()
def _capture(model: c.TransformerBridge, batches: Batches) -> None:
    measure = c.PositiveCounts()
    shape = [len(v) for v in measure.coords(model).values()]
    for batch in batches:
        out = torch.zeros(len(batch.ids), *shape)
        with measure.reading(model, batch, out):
            taps.forward(model, batch.ids, batch.mask)


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


def _random_llama() -> Path:
    torch.manual_seed(0)
    folder = Path(tempfile.mkdtemp(prefix="random-llama-"))
    AutoModelForCausalLM.from_config(RANDOM).save_pretrained(folder)
    sn.load_pair("tiny-dense").instruct.tokenizer.save_pretrained(folder)
    return folder


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
    return round(_maxrss())


def _maxrss() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
