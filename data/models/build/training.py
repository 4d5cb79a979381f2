"""How the embedded models are trained: rates in cycles, and experts kept in balance layer by layer.

The library's loss for the balance of experts pools the layers, which lets single layers starve experts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sparcom_nb.model.tune import IGNORED, Batch, Run
from sparcom_nb.model.tune import adamw as plain_adamw


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
    balance: float = 0.01  # weight of the per-layer load-balancing loss (MoE only)
    checkpoint_every: int = 200

    def share(self, step: int) -> float:
        """Share of the highest learning rate at a 0-based step."""
        length = self.steps // self.cycles
        at = step % length if step < self.steps else length
        left = (length - at) / max(1, round(length * self.decay))
        return min(1.0, (at + 1) / self.warmup, left)


def adamw(model: Any, recipe: Recipe) -> torch.optim.Optimizer:
    """Optimizer of all weights."""
    return plain_adamw(model, recipe.lr)


def fit(
    model: Any,
    batch_of: Callable[[int], Batch],
    recipe: Recipe,
    folder: Path,
    seed: int = 0,
    compiled: bool = False,
    optimizer: Callable[[Any, Recipe], torch.optim.Optimizer] = adamw,
) -> dict[str, float]:
    """Train ``model`` in place, where it is, and return what :meth:`Run.finish` says."""
    run = _Balanced(
        *(model, batch_of, recipe.steps, optimizer(model, recipe), recipe.share, folder, seed),
        save_steps=recipe.checkpoint_every,
        torch_compile=compiled,
    )
    run.balance = recipe.balance
    return run.finish()


class _Balanced(Run):
    """A run whose loss has a part for the balance of experts."""

    loss_is_scaled_for_ga = False
    balance: float

    def compute_loss(
        self,
        model: Any,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Loss on the labels, and the balance of experts."""
        lm, balance = losses_of(model, inputs)
        return lm + self.balance * balance


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
