"""The loss scale of MMCV 1.x, for code that scales its own loss."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_STATE = ("cur_scale", "cur_iter", "mode", "last_overflow_iter", "scale_factor", "scale_window")


class LossScaler:
    """A factor for the loss that keeps float16 gradients in range.

    In mode ``dynamic`` the scale is divided by ``scale_factor`` (never below 1) at every overflow and
    multiplied by it after each ``scale_window`` iterations without one; in mode ``static`` it stays
    ``init_scale``. Raises ValueError for another mode. MMCV 1.7.2, mmcv/runner/fp16_utils.py.
    """

    def __init__(
        self,
        init_scale: float = 2**32,
        mode: str = "dynamic",
        scale_factor: float = 2.0,
        scale_window: int = 1000,
    ) -> None:
        if mode not in ("dynamic", "static"):
            raise ValueError(f"mode of LossScaler must be 'dynamic' or 'static', found {mode!r}")
        self.cur_scale = init_scale
        self.cur_iter = 0
        self.mode = mode
        self.last_overflow_iter = -1
        self.scale_factor = scale_factor
        self.scale_window = scale_window

    @property
    def loss_scale(self) -> float:
        """The factor to multiply the loss by now."""
        return self.cur_scale

    def has_overflow(self, params: Iterable[Tensor]) -> bool:
        """Whether the gradient of any parameter holds, or sums to, infinity or NaN; never if static."""
        if self.mode != "dynamic":
            return False
        return any(not torch.isfinite(param.grad.detach().float().sum()) for param in params if param.grad is not None)

    def update_scale(self, overflow: bool) -> None:
        """Count an iteration, with or without ``overflow``, and adjust the scale; nothing if static."""
        if self.mode != "dynamic":
            return
        if overflow:
            self.cur_scale = max(self.cur_scale / self.scale_factor, 1)
            self.last_overflow_iter = self.cur_iter
        elif (self.cur_iter - self.last_overflow_iter) % self.scale_window == 0:
            self.cur_scale *= self.scale_factor
        self.cur_iter += 1

    def state_dict(self) -> dict[str, Any]:
        """What :meth:`load_state_dict` takes."""
        return {key: getattr(self, key) for key in _STATE}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a saved state."""
        for key in _STATE:
            setattr(self, key, state_dict[key])
