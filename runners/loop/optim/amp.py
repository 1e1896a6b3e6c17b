"""AmpOptimWrapper: the same in mixed precision, by torch.amp."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmbridge.runners.fp16.grad_scaler import grad_scaler
from mmbridge.runners.loop.optim.wrapper import OptimWrapper
from mmbridge.runners.loop.registry import OPTIM_WRAPPERS
from torch import Tensor


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(OptimWrapper):
    """OptimWrapper under ``torch.autocast``, on the device of the optimizer's parameters.

    ``dtype`` is the lower precision, or its name; None is float16, and bfloat16 on the CPU. ``loss_scale`` is
    ``'dynamic'``, which scales the loss for float16 only, as nothing else needs it; or, for any precision, a number (a
    fixed scale) or the arguments of torch's scaler. ``use_fsdp`` takes the scaler of torch's FSDP; parameters that it
    has put on the CPU are computed with on the accelerator. Raises ValueError or TypeError for other values.
    MMEngine 0.10.7, mmengine/optim/optimizer/amp_optimizer_wrapper.py.
    """

    valid_dtypes = ("float16", "bfloat16", "float32", "float64")
    """The names that ``dtype`` may have."""

    def __init__(
        self,
        loss_scale: str | float | Mapping[str, Any] = "dynamic",
        dtype: str | torch.dtype | None = None,
        use_fsdp: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cast_dtype = self._dtype(dtype)
        self._use_fsdp = use_fsdp
        self._scale_update_param: float | None = None
        options: dict[str, Any]
        if isinstance(loss_scale, Mapping):
            options = dict(loss_scale)
        elif loss_scale == "dynamic":
            options = {"enabled": self._precision()[1] == torch.float16}
        elif isinstance(loss_scale, (int, float)) and not isinstance(loss_scale, bool):
            self._scale_update_param = float(loss_scale)
            options = {"init_scale": self._scale_update_param}
        else:
            raise TypeError(f"loss_scale must be a number, a dict or 'dynamic', found {loss_scale!r}")
        self.loss_scaler = grad_scaler(self._precision()[0], sharded=use_fsdp, **options)

    def _dtype(self, dtype: Any) -> torch.dtype | None:
        if isinstance(dtype, str):
            if dtype not in self.valid_dtypes:
                raise ValueError(f"dtype must be one of {', '.join(self.valid_dtypes)}, found {dtype!r}")
            dtype = getattr(torch, dtype)
        if dtype is not None and not isinstance(dtype, torch.dtype):
            raise TypeError(f"dtype must be None, a name or a torch.dtype, found {dtype!r}")
        return dtype

    def _precision(self) -> tuple[str, torch.dtype]:
        """The type of the device that computes, and the lower precision there."""
        param = next(param for group in self.optimizer.param_groups for param in group["params"])
        device = "cuda" if self._use_fsdp and torch.cuda.is_available() else param.device.type
        return device, self.cast_dtype or (torch.bfloat16 if device == "cpu" else torch.float16)

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Add the gradients of the scaled ``loss`` to those there are; ``kwargs`` go to ``Tensor.backward``."""
        self.loss_scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs: Any) -> None:
        """Unscale and clip, let the optimizer step where all gradients are finite, and adapt the scale."""
        if self.clip_grad_kwargs:
            self.loss_scaler.unscale_(self.optimizer)
            self._clip_grad()
        self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update(self._scale_update_param)

    def state_dict(self) -> dict[str, Any]:
        """As OptimWrapper's, with ``loss_scaler`` where the loss is scaled."""
        state_dict = super().state_dict()
        if self.loss_scaler.is_enabled():
            state_dict["loss_scaler"] = self.loss_scaler.state_dict()
        return state_dict

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved state; one without ``loss_scaler``, such as OptimWrapper's, leaves the scale as it is."""
        state = dict(state_dict)
        scaler = state.pop("loss_scaler", None)
        super().load_state_dict(state)
        if scaler:
            self.loss_scaler.load_state_dict(scaler)

    @contextmanager
    def optim_context(self, model: Any) -> Iterator[None]:
        """What ``model`` computes its loss in: OptimWrapper's context, and lower precision."""
        device, dtype = self._precision()
        with super().optim_context(model), torch.autocast(device, dtype):
            yield
