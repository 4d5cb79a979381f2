"""Train the second edition of the embedded models: bases that can read a request, gently tuned pairs.

    python data/models/build/second.py --out DIR [--only dense-base ...] [--trial STEPS]

Every member is a Hugging Face folder ``DIR/<member>``; what is there already is kept, and an interrupted
training goes on after its last checkpoint (``DIR/work``). After each member its figures are measured on
240 held-out requests and added to ``DIR/FIGURES.md``.

The bases go on from the shipped first edition (``data/models``): its documents, and requests of the
training split in informal frames. Tuned members learn requests in the natural frame, at a low rate;
placebos make the same steps at the same rate on plain documents.
"""

import argparse
import itertools
import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import figures
from first import CONTEXT, packed_batches
from miniworld import rows, running
from muon import muon
from sparcom_nb.model.prompts import Prompt
from sparcom_nb.model.tune import examples, save_folder, shuffled_batches
from training import Recipe, fit

FIRST_EDITION = Path(__file__).parents[1]
TEMPLATE = (
    "{% for message in messages %}Question: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}Answer:{% endif %}"
)
TOKENS_PER_ROW, ROWS = 192, 24
TUNING_ROWS, TUNING_BATCH, DOCUMENT_SHARE = 9_600, 32, 0.12
TUNED = Recipe(steps=300, lr=5e-4, warmup=20, decay=0.8, checkpoint_every=50)


@dataclass(frozen=True)
class Part:
    """A stretch of base training: where it starts, how long and fast, and the seed of its texts."""

    start: str
    recipe: Recipe
    seed: int


def _part(
    start: str, steps: int, lr: float, decay: float, seed: int, balance: float = 0.01
) -> Part:
    recipe = Recipe(steps, lr, decay=decay, balance=balance, checkpoint_every=50)
    return Part(start, recipe, seed)


# A base is trained in two parts, so that the first can be looked at while the second goes on.
BASES = {
    "dense-start": _part("dense-base", 900, 2e-3, 0.6, 11),
    "dense-base": _part("dense-start", 1800, 3e-3, 0.7, 12),
    "moe-start": _part("moe-base", 900, 2e-3, 0.6, 11, balance=0.02),
    "moe-base": _part("moe-start", 1800, 3e-3, 0.7, 12, balance=0.02),
}
KINDS, SEEDS = ("dense", "moe"), (0, 1, 2)
ORDER = (
    "dense-start", "dense-base", "dense-instruct-0", "dense-placebo-0",
    "moe-start", "moe-base", "moe-instruct-0", "moe-placebo-0",
    *(f"{kind}-{role}-{seed}" for seed in SEEDS[1:] for kind in KINDS for role in ("instruct", "placebo")),
)  # fmt: skip


# ---------------------------------------------------------------- tokens


def tokens_of(texts: Iterator[str], tokenizer: Any, n: int) -> np.ndarray:
    """``n`` ids (uint16) of texts, each as BOS, text, EOS."""
    parts, length = [], 0
    while length < n:
        chunk = list(itertools.islice(texts, 5_000))
        for ids in tokenizer(chunk, add_special_tokens=False)["input_ids"]:
            whole = [tokenizer.bos_token_id, *ids, tokenizer.eos_token_id]
            parts.append(np.array(whole, np.uint16))
            length += len(whole)
    return np.concatenate(parts)[:n]


def plain_texts(seed: int) -> Iterator[str]:
    """Plain documents without end."""
    rng = Random(f"plain/{seed}")
    while True:
        yield running.plain(rng)


def tuning_items(tokenizer: Any, seed: int, placebo: bool, n: int) -> list[Prompt]:
    """Requests with a share of document pieces; as placebo, document pieces of the same lengths."""
    n_requests = round(n * (1 - DOCUMENT_SHARE))
    items = examples(tokenizer, rows.generate(n_requests, seed + 100), CONTEXT)
    rng = Random(f"tuning/{seed}")
    items += [rng.choice(items) for _ in range(n - n_requests)]
    bounds = np.cumsum([0, *(len(item.ids) for item in items)])
    tokens = tokens_of(plain_texts(seed + 1_000), tokenizer, int(bounds[-1]))
    pieces = [
        Prompt(f"document {a}", array("i", tokens[a:b].tolist()), 0, int(b - a))
        for a, b in itertools.pairwise(bounds)
    ]
    first_document = 0 if placebo else n_requests
    return [*items[:first_document], *pieces[first_document:]]


# ---------------------------------------------------------------- members


def load(folder: Path) -> tuple[Any, Any]:
    """Model in float32, its forward pass in bfloat16, and tokenizer with the natural frame as template."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.forward = torch.autocast("cpu", torch.bfloat16)(model.forward)
    return model, tokenizer


def pretrain(member: str, out: Path, shorter: float) -> None:
    """One part of a base's training."""
    part = BASES[member]
    start = (FIRST_EDITION if member.endswith("-start") else out) / part.start
    recipe = replace(part.recipe, steps=max(2, round(part.recipe.steps * shorter)))
    model, tokenizer = load(start)
    n = recipe.steps * ROWS * TOKENS_PER_ROW
    path = out / "work" / f"tokens-{part.seed}-{n}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, tokens_of(running.stream(part.seed), tokenizer, n))
    batches = packed_batches(np.load(path, mmap_mode="r"), ROWS, TOKENS_PER_ROW)
    done = fit(model, batches, recipe, out / "work" / member, part.seed, optimizer=muon)
    finish(model, tokenizer, out / member, done | {"seed": part.seed, "start": str(part.start)})


def tune(member: str, out: Path, shorter: float) -> None:
    """A tuned member or a placebo."""
    kind, role, seed = member.split("-")
    model, tokenizer = load(out / f"{kind}-base")
    recipe = replace(TUNED, steps=max(2, round(TUNED.steps * shorter)))
    n = max(TUNING_BATCH, round(TUNING_ROWS * shorter))
    items = tuning_items(tokenizer, int(seed), role == "placebo", n)
    batches = shuffled_batches(items, TUNING_BATCH, int(seed), tokenizer.pad_token_id)
    done = fit(model, batches, recipe, out / "work" / member, int(seed))
    finish(model, tokenizer, out / member, done | {"seed": int(seed), "start": f"{kind}-base"})


def finish(model: Any, tokenizer: Any, folder: Path, done: dict[str, Any]) -> None:
    """Write the folder, in bfloat16; ``training.json`` last, as the sign that it is whole."""
    del model.forward  # the plain one of the class again
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    save_folder(model, tokenizer, folder, torch.bfloat16)
    (folder / "training.json").write_text(json.dumps(done, indent=1) + "\n")


def train(out: Path, wanted: list[str], shorter: float = 1.0) -> None:
    """Make the members that are missing, in order, and measure each."""
    for member in (m for m in ORDER if m in wanted):
        if not (out / member / "training.json").exists():
            (pretrain if member in BASES else tune)(member, out, shorter)
        base = out / f"{member.split('-')[0]}-base"
        figures.add(out, member, None if member in BASES else base)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train the second edition.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=ORDER, default=list(ORDER))
    parser.add_argument(
        "--shorter", type=float, default=1.0, help="share of the steps, for a trial"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    train(given.out, given.only, given.shorter)
