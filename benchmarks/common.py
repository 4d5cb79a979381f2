"""What the benchmarks share: the bare model, the batches of the capture pass, taking turns."""

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from transformers import AutoModelForCausalLM

import sparcom_nb as sn
from sparcom_nb.model import capture as c
from sparcom_nb.model import taps
from sparcom_nb.model.prompts import encode
from sparcom_nb.model.sources import model_path

Batches = list[c.Batch]


def parser(description: str | None, data: str) -> argparse.ArgumentParser:
    """Options of every benchmark."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--model", action="append", help="model to measure (repeatable)")
    made.add_argument("--data", default=data)
    made.add_argument("--rows", type=int, default=96)
    made.add_argument("--rounds", type=int, default=5)
    return made


def compare(
    name: str,
    random: Mapping[str, Any],
    passes: Callable[[c.TransformerBridge], Mapping[str, Callable[[Batches], object]]],
    asked: argparse.Namespace,
    span: str = "instruction",
) -> None:
    """Time the bare forward pass and ``passes(model)`` on the same batches, and print ratios.

    ``random`` holds the configurations of random models by name; ``span`` is what of a row is read.
    """
    path = _random_model(random[name]) if name in random else model_path(name)
    model, bare = sn.load_model(path), bare_model(path)
    batches = _batches(model, asked.data, asked.rows, span)
    seconds = _take_turns({"bare": lambda b: _forward(bare, b), **passes(model)}, batches, asked)
    tokens = sum(int(b.mask.sum()) for b in batches)
    print(
        f"{name}: {asked.rows} instructions, {tokens:,} tokens, {len(batches)} batches, "
        f"{asked.rounds} rounds"
    )
    for key, median in seconds.items():
        ratio = median / seconds["bare"]
        print(f"  {key:8} {median:8.2f} s  {tokens / median:7.0f} tokens/s  {ratio:5.2f} of bare")
    print(f"  peak memory of the process {peak_memory():,.0f} MB")


@torch.inference_mode()
def capture(model: c.TransformerBridge, batches: Batches, measures: Sequence[c.Measure]) -> None:
    """Run the capture pass's inner loop."""
    shapes = [[len(v) for v in measure.coords(model).values()] for measure in measures]
    for batch in batches:
        with ExitStack() as readers:
            for measure, shape in zip(measures, shapes, strict=True):
                out = torch.zeros(len(batch.ids), *shape)
                readers.enter_context(measure.reading(model, batch, out))
            taps.forward(model, batch.ids, batch.mask)


def peak_memory() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _take_turns(
    passes: Mapping[str, Callable[[Batches], object]], batches: Batches, asked: argparse.Namespace
) -> dict[str, float]:
    """Median seconds of every pass; all run once in every round, so that they share its noise."""
    for run in passes.values():
        run(batches[:2])
    seconds: dict[str, list[float]] = {key: [] for key in passes}
    for _ in range(asked.rounds):
        for key, run in passes.items():
            began = time.perf_counter()
            run(batches)
            seconds[key].append(time.perf_counter() - began)
    return {key: statistics.median(times) for key, times in seconds.items()}


def _batches(model: c.TransformerBridge, data: str, rows: int, span: str) -> Batches:
    """The batches that the capture pass would make."""
    table = sn.limit_rows(sn.load_instructions(data), rows)
    prompts = encode(model.tokenizer, model.template, table, span, model.cfg.n_ctx)
    groups = c.batches(model, prompts, c.token_budget(prompts, None, model))
    return [c.pad([prompts[n] for n in g], "right", taps.device(model)) for g in groups]


def bare_model(path: Path) -> torch.nn.Module:
    """Load the model as Hugging Face does, with eager attention."""
    model = AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.float32, attn_implementation="eager", use_safetensors=True
    )
    return model.eval()


@torch.inference_mode()
def _forward(model: torch.nn.Module, batches: Batches) -> None:
    for batch in batches:
        model(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False)


def _random_model(config: Any) -> Path:
    """Save a random model with the tokenizer of an embedded one."""
    torch.manual_seed(0)
    folder = Path(tempfile.mkdtemp(prefix="random-model-"))
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    sn.load_pair("tiny-dense").instruct.tokenizer.save_pretrained(folder)
    return folder
