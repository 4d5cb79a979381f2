"""Seconds and peak memory of input attribution against a plain loop, on the same tokens.

    python benchmarks/attribution.py                     SmolLM2, 64 + 64 tokens, 3 rounds
    python benchmarks/attribution.py --chunk 4 --chunk 16
    python benchmarks/attribution.py --memory            each way in a process of its own

The ways take turns; medians over rounds of seconds on the clock, and of processor seconds, which a
busy machine disturbs less:

* unfrozen  one ``backward`` for each response token, weights included (the published way);
* frozen    the same loop over the model without weight gradients;
* chunk N   ``input_attribution`` with N response tokens in one backward pass.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from common import bare_model, peak_memory

import sparcom_nb as sn
from sparcom_nb.model.sources import model_path
from sparcom_nb.shift.attribution import CHUNK, join

LOOPS = ("unfrozen", "frozen")
TEXT = (
    "The river rose in the night and the village moved its boats to the hill before the rain came. "
)


def main() -> None:
    """Measure what the command line asks for."""
    asked = _options()
    if asked.only:
        _ways(asked)[asked.only]()
        print(round(peak_memory()))
    elif asked.memory:
        for name in ["unfrozen", "frozen", *(f"chunk {n}" for n in asked.chunk or [CHUNK])]:
            print(f"{name:10} {_peak(name, asked):6,} MB at most")
    else:
        _compare(_ways(asked), asked)


def _options() -> argparse.Namespace:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--model", default="smollm2/instruct")
    made.add_argument("--tokens", type=int, nargs=2, default=(64, 64), help="prompt, response")
    made.add_argument("--chunk", type=int, action="append")
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--memory", action="store_true")
    made.add_argument("--only", help=argparse.SUPPRESS)
    return made.parse_args()


def _ways(asked: argparse.Namespace) -> dict[str, Callable[[], torch.Tensor]]:
    """Name -> what makes S [input, output]; only the models that are needed are loaded."""
    ours: Any = sn.load_model(asked.model)
    prompt, response = _texts(ours, *asked.tokens)
    joint = join(ours, prompt, response)
    ids, rows = (
        torch.tensor(joint.sequence.ids),
        slice(joint.sequence.start - len(joint.inputs), joint.sequence.start),
    )
    if asked.only in LOOPS:
        ours = None
    bare: Any = (
        None if asked.only and asked.only not in LOOPS else bare_model(model_path(asked.model))
    )

    def attribute(chunk: int) -> torch.Tensor:
        found = sn.shift.input_attribution(ours, prompt, response, chunk=chunk)
        return torch.tensor(found.to_numpy())

    def loop(frozen: bool) -> torch.Tensor:
        return _loop(bare.requires_grad_(not frozen), ids, rows.stop)[rows]

    chunks = {f"chunk {n}": partial(attribute, n) for n in asked.chunk or [CHUNK]}
    return {"unfrozen": partial(loop, False), "frozen": partial(loop, True), **chunks}


def _loop(model: Any, ids: torch.Tensor, start: int) -> torch.Tensor:
    """One forward pass, and one backward pass for each response token."""
    leaf = model.get_input_embeddings()(ids[None]).detach().requires_grad_()
    odds = model(inputs_embeds=leaf, use_cache=False).logits[0].softmax(dim=-1)
    columns = []
    for place in range(start, len(ids)):
        leaf.grad = None
        odds[place - 1, ids[place]].backward(retain_graph=True)
        columns.append((leaf.grad * leaf.detach()).sum(dim=-1)[0])
        model.zero_grad()
    return torch.stack(columns, dim=1)


def _compare(ways: dict[str, Callable[[], torch.Tensor]], asked: argparse.Namespace) -> None:
    """Time the ways in turns, and print ratios and the largest difference to the published way."""
    clocks = {"clock": time.perf_counter, "processor": time.process_time}
    seconds: dict[str, dict[str, list[float]]] = {c: {name: [] for name in ways} for c in clocks}
    found: dict[str, torch.Tensor] = {}
    for _ in range(asked.rounds):
        for name, way in ways.items():
            began = {c: clock() for c, clock in clocks.items()}
            found[name] = way()
            for c, clock in clocks.items():
                seconds[c][name].append(clock() - began[c])
    medians = {
        c: {name: statistics.median(values) for name, values in times.items()}
        for c, times in seconds.items()
    }
    truth = found["unfrozen"]
    print(f"{asked.model}: {truth.shape[0]} x {truth.shape[1]} tokens, {asked.rounds} rounds")
    for name, own in found.items():
        apart = ((own - truth).abs().max() / truth.abs().max()).item()
        print(f"{name}: differs by {apart:.1e} of the maximum")
        for c, median in medians.items():
            print(
                f"  {c:9} {median[name]:7.2f} s  {median['unfrozen'] / median[name]:5.2f} x unfrozen"
                f"  {median['frozen'] / median[name]:5.2f} x frozen"
            )


def _texts(model: sn.taps.TransformerBridge, n_prompt: int, n_response: int) -> tuple[str, str]:
    """Prompt and response of so many tokens."""
    ids = model.tokenizer(" " + TEXT * 20, add_special_tokens=False).input_ids
    parts = ids[1 : n_prompt + 1], ids[n_prompt + 1 : n_prompt + n_response + 1]
    prompt, response = (model.tokenizer.decode(part) for part in parts)
    return prompt, response


def _peak(way: str, asked: argparse.Namespace) -> int:
    """Peak memory in MB of a process that goes one way once."""
    sizes = [str(n) for n in asked.tokens]
    chunks = [part for n in asked.chunk or [] for part in ("--chunk", str(n))]
    command = [sys.executable, __file__, "--model", asked.model, "--tokens", *sizes, *chunks]
    return int(subprocess.check_output([*command, "--only", way]).split()[-1])


if __name__ == "__main__":
    main()
