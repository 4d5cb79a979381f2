"""Muon: momentum whose matrix updates are made orthogonal (Jordan et al. 2024).

torch.optim.Muon works in bfloat16, which is slow on CPUs without bf16 units, and takes no stacks of
matrices (fused experts). This one works in float32, on the last two dimensions.
"""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor

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


class Muon(torch.optim.Optimizer):
    """SGD with Nesterov momentum and orthogonalized updates of AdamW's size (Liu et al. 2025, eq. 4)."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.05,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: Tensor, group: dict) -> None:
        state, gradient = self.state[parameter], cast(Tensor, parameter.grad)
        buffer = state.setdefault("momentum", torch.zeros_like(parameter))
        buffer.lerp_(gradient, 1 - group["momentum"])
        update = orthogonalized(gradient.lerp(buffer, group["momentum"]))
        size = 0.2 * max(update.shape[-2:]) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(update, alpha=-group["lr"] * size)
