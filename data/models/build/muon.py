"""Muon: momentum whose matrix updates are made orthogonal (Jordan et al. 2024).

torch.optim.Muon works in bfloat16, which is slow on CPUs without bf16 units, and takes no stacks of
matrices (fused experts). This one works in float32, on the last two dimensions.
"""

from typing import Any, cast

import torch
from torch import Tensor

from sparcom_nb.model.tune import BETAS, WEIGHT_DECAY
from training import Recipe

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalized(gradient: Tensor, steps: int = 5) -> Tensor:
    """Newton-Schulz: the nearest (semi-)orthogonal matrix, roughly. Shape [..., rows, columns]."""
    tall = gradient.shape[-2] > gradient.shape[-1]
    x = gradient.mT if tall else gradient
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.AdamW):
    """AdamW; parameter groups with a ``momentum`` get orthogonalized updates instead.

    SGD with Nesterov momentum, made orthogonal and of AdamW's size (Liu et al. 2025, eq. 4).
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"] if "momentum" in group else ():
                if parameter.grad is not None:
                    self._update(parameter, group)
                    parameter.grad = None  # AdamW leaves it alone
        super().step()

    def _update(self, parameter: Tensor, group: dict) -> None:
        state, gradient = self.state[parameter], cast(Tensor, parameter.grad)
        state.setdefault("step", torch.zeros(()))  # AdamW looks for one in every state it loads
        buffer = state.setdefault("buffer", torch.zeros_like(parameter))
        buffer.lerp_(gradient, 1 - group["momentum"])
        update = orthogonalized(gradient.lerp(buffer, group["momentum"]))
        size = 0.2 * max(update.shape[-2:]) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(update, alpha=-group["lr"] * size)


def muon(model: Any, recipe: Recipe) -> torch.optim.Optimizer:
    """Optimizer of a training: hidden matrices by Muon, all else by AdamW."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    matrices = [p for name, p in named if _is_hidden_matrix(name, p)]
    others = [p for name, p in named if not _is_hidden_matrix(name, p)]
    groups = [{"params": others}, {"params": matrices, "momentum": 0.95, "weight_decay": 0.05}]
    return Muon(groups, lr=recipe.lr, betas=BETAS, weight_decay=WEIGHT_DECAY)


def _is_hidden_matrix(name: str, parameter: Tensor) -> bool:
    outside = any(part in name for part in ("embed", "lm_head", "mlp.gate.weight"))
    return parameter.ndim >= 2 and not outside
