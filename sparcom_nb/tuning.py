"""Training: one routine for pretraining and tuning, and :func:`tune` for any Hugging Face folder.

A run is a function from step number to batch, so that a resumed run sees the same batches as an
uninterrupted one. Mixture-of-experts models get a load-balancing loss per layer: the library's pools
the layers, which lets single layers starve experts.
"""

import json
import random
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from sparcom_nb.capture import pad
from sparcom_nb.instructions import validate
from sparcom_nb.muon import Muon
from sparcom_nb.prompts import Prompt, chat_template, encode

IGNORED = -100
Batch = dict[str, Tensor]  # input_ids, labels, attention_mask: int64 [rows, tokens]


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to train.

    In each cycle the rate warms up, stays, and falls to zero over the share ``decay``.
    """

    steps: int
    lr: float
    warmup: int = 40
    cycles: int = 1
    decay: float = 1.0  # share of a cycle, at its end, over which the rate falls linearly
    matrix_optimizer: str = "adamw"  # or "muon", for hidden matrices only
    balance: float = 0.01  # weight of the per-layer load-balancing loss (MoE only)
    checkpoint_every: int = 200

    def rate(self, step: int) -> float:
        """Learning rate at a 0-based step."""
        length = self.steps // self.cycles
        at = step % length if step < self.steps else length
        left = (length - at) / max(1, round(length * self.decay))
        return self.lr * min(1.0, (at + 1) / self.warmup, left)


# ---------------------------------------------------------------- the routine


def fit(
    model: Any,
    batch_of: Callable[[int], Batch],
    recipe: Recipe,
    folder: Path,
    compiled: bool = False,
    stop_at: int | None = None,
) -> dict[str, float]:
    """Train ``model`` in place; checkpoints and ``log.jsonl`` go to ``folder``, where a run is resumed.

    Returns steps, tokens (attended) and minutes (over all sittings). ``stop_at`` ends a sitting early.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimizers = _optimizers(model, recipe)
    state = _resume(model, optimizers, folder)
    forward = torch.compile(model) if compiled else model
    model.train()
    began, past = time.time(), state["minutes"]
    for step in range(state["step"], min(recipe.steps, stop_at or recipe.steps)):
        losses = _step(forward, batch_of(step), optimizers, recipe, step)
        state["tokens"] += losses.pop("tokens")
        state["step"], state["minutes"] = step + 1, past + (time.time() - began) / 60
        if (step + 1) % 20 == 0:
            _log(folder, state | losses)
        if (step + 1) % recipe.checkpoint_every == 0 or step + 1 == (stop_at or recipe.steps):
            _save(model, optimizers, state, folder)
    model.eval()
    return {"steps": state["step"], "tokens": state["tokens"], "minutes": state["minutes"]}


def _step(
    forward: Any, batch: Batch, optimizers: list, recipe: Recipe, step: int
) -> dict[str, float]:
    """One update; returns the losses and the number of attended tokens."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(step)
    lm, balance = losses_of(forward, batch)
    (lm + recipe.balance * balance).backward()
    parameters = [p for o in optimizers for g in o.param_groups for p in g["params"]]
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return {
        "loss": lm.item(),
        "balance": balance.item(),
        "tokens": int(batch["attention_mask"].sum()),
    }


def losses_of(forward: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean cross entropy over the labels that count, and the load-balancing loss (0 for dense models)."""
    full = bool(batch["attention_mask"].all())
    sparse = getattr(forward.config, "num_local_experts", 0) > 0
    extra = {"output_router_logits": True} if sparse else {}
    mask = None if full else batch["attention_mask"]
    output = forward(input_ids=batch["input_ids"], attention_mask=mask, use_cache=False, **extra)
    logits, labels = output.logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten()
    lm = F.cross_entropy(logits.float(), labels, ignore_index=IGNORED)
    if not sparse:
        return lm, torch.zeros(())
    keep, k = batch["attention_mask"].flatten().bool(), forward.config.num_experts_per_tok
    return lm, torch.stack([balance_loss(r[keep], k) for r in output.router_logits]).mean()


def balance_loss(router_logits: Tensor, k: int) -> Tensor:
    """Switch-style balance of ONE layer, 1 at a uniform load. ``router_logits``: [tokens, experts]."""
    probabilities = router_logits.float().softmax(-1)
    chosen = F.one_hot(probabilities.topk(k, -1).indices, probabilities.shape[-1]).float()
    load = chosen.sum(1).mean(0) / k
    return probabilities.shape[-1] * (load * probabilities.mean(0)).sum()


def _optimizers(model: Any, recipe: Recipe) -> list[torch.optim.Optimizer]:
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    matrices = [p for n, p in named if recipe.matrix_optimizer == "muon" and _is_matrix(n, p)]
    chosen = {id(p) for p in matrices}
    rest = [p for _, p in named if id(p) not in chosen]
    optimizers: list = [torch.optim.AdamW(rest, lr=recipe.lr, betas=(0.9, 0.98), weight_decay=0.01)]
    if matrices:
        optimizers.append(Muon(matrices, lr=recipe.lr))
    return optimizers


def _is_matrix(name: str, parameter: Tensor) -> bool:
    hidden = not any(part in name for part in ("embed", "lm_head", "mlp.gate.weight"))
    return hidden and parameter.ndim >= 2


# ---------------------------------------------------------------- checkpoints


def _save(model: Any, optimizers: list, state: dict, folder: Path) -> None:
    payload = {
        "model": model.state_dict(),
        "optimizers": [o.state_dict() for o in optimizers],
        "state": state,
    }
    torch.save(payload, folder / "checkpoint.tmp")
    (folder / "checkpoint.tmp").replace(folder / "checkpoint.pt")


def _resume(model: Any, optimizers: list, folder: Path) -> dict:
    path = folder / "checkpoint.pt"
    if not path.exists():
        return {"step": 0, "tokens": 0, "minutes": 0.0}
    payload = torch.load(path, weights_only=True)
    model.load_state_dict(payload["model"])
    for optimizer, saved in zip(optimizers, payload["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return payload["state"]


def _log(folder: Path, record: dict[str, float]) -> None:
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps({k: round(v, 4) for k, v in record.items()}) + "\n")


def save_folder(model: Any, tokenizer: Any, out: Path, dtype: torch.dtype | None = None) -> Path:
    """Write a Hugging Face folder: config, generation config, ``model.safetensors``, tokenizer files."""
    out.mkdir(parents=True, exist_ok=True)
    model.config.use_cache = True
    (model.to(dtype) if dtype else model).save_pretrained(out, safe_serialization=True)
    tokenizer.save_pretrained(out)
    return out


# ---------------------------------------------------------------- tuning on instructions


def examples(tokenizer: Any, data: pd.DataFrame, context: int) -> list[Prompt]:
    """Prompt, response and end of every row; the response and the end count.

    Raises:
        InputError: a row without a response, or longer than the context.
    """
    end = array("i", [tokenizer.eos_token_id])
    return [
        replace(prompt, ids=prompt.ids + end, stop=prompt.stop + 1)
        for prompt in encode(tokenizer, chat_template(tokenizer), data, "response", context - 1)
    ]


def collate(items: list[Prompt], pad_id: int) -> Batch:
    """Right-padded batch whose labels leave out the tokens that do not count."""
    batch = pad(items, pad_id, "right", torch.device("cpu"))
    labels = batch.ids.masked_fill(~batch.counted, IGNORED)
    return {"input_ids": batch.ids, "labels": labels, "attention_mask": batch.mask}


def shuffled_batches(
    items: list[Prompt], size: int, seed: int, pad_id: int
) -> Callable[[int], Batch]:
    """Batches by step number: pass after pass over ``items``, each pass in a new seeded order.

    Items of like length go together (sorted within eight batches), which saves padding.
    """
    per_pass = max(1, len(items) // size)

    @cache
    def order_of(number: int) -> list[list[int]]:
        rng = random.Random(f"{seed}/{number}")
        order = rng.sample(range(len(items)), len(items))
        span = 8 * size
        runs = [
            sorted(order[i : i + span], key=lambda j: len(items[j].ids))
            for i in range(0, len(order), span)
        ]
        batches = [run[i : i + size] for run in runs for i in range(0, len(run), size)][:per_pass]
        return rng.sample(batches, len(batches))

    def batch_of(step: int) -> Batch:
        chosen = order_of(step // per_pass)[step % per_pass]
        return collate([items[i] for i in chosen], pad_id)

    return batch_of


def tune(
    model_path: str | Path,
    data: pd.DataFrame,
    steps: int,
    seed: int,
    out: str | Path,
    lr: float = 1e-3,
    batch: int = 32,
    device: str = "cpu",
) -> Path:
    """Fine-tune a Hugging Face folder on instruction rows; the loss is on the response only.

    ``data`` has the columns instruction, input, response. The prompt is rendered with the tokenizer's
    chat template. Returns ``out``, a Hugging Face folder in the dtype of the original.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if len(data) == 0:
        raise ValueError("no rows to tune on")
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(model_path)
    model: Any = AutoModelForCausalLM.from_pretrained(model_path)
    dtype = model.dtype
    model = model.float().to(device)
    pad_id = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    items = examples(tokenizer, validate(data), model.config.max_position_embeddings)
    batches = shuffled_batches(items, batch, seed, pad_id)

    def batch_of(step: int) -> Batch:
        return {k: v.to(device) for k, v in batches(step).items()}

    recipe = Recipe(
        steps=steps, lr=lr, warmup=max(1, min(40, steps // 10)), checkpoint_every=max(1, steps)
    )
    fit(model, batch_of, recipe, Path(out) / "training")
    (Path(out) / "training" / "checkpoint.pt").unlink(missing_ok=True)
    return save_folder(model, tokenizer, Path(out), dtype)
