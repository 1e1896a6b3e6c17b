"""The decorators that put methods of a model into half or full precision.

Half precision is float16 on accelerators and bfloat16 on the CPU: not every torch computes float16 there, and
it would need a scaled loss, which the CPU runs of MMCV do not have.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import torch
from mmbridge.runners.fp16.tensors import cast_tensor_type
from torch import nn

F = TypeVar("F", bound=Callable[..., Any])


def low_precision(owner: object) -> tuple[str, torch.dtype]:
    """The device type ``owner`` computes on and the half precision type to use there.

    A module is where its first parameter is; without one, CUDA is taken where it is available, else the CPU.
    """
    default = "cuda" if torch.cuda.is_available() else "cpu"
    params = owner.parameters() if isinstance(owner, nn.Module) else iter(())
    device = next((param.device.type for param in params), default)
    return device, torch.bfloat16 if device == "cpu" else torch.float16


def auto_fp16(
    apply_to: Iterable[str] | None = None,
    out_fp32: bool = False,
    supported_types: tuple[type, ...] = (nn.Module,),
) -> Callable[[F], F]:
    """Run a method in half precision where its object's ``fp16_enabled`` is true; else change nothing.

    Float32 tensors in the arguments named by ``apply_to`` (None: all but keyword-only ones) are cast to half
    precision, the method runs under autocast, and with ``out_fp32`` its half precision results are cast
    back. Raises TypeError, at the call, where the object is not one of ``supported_types``.
    """
    return functools.partial(
        _decorate, name="auto_fp16", apply_to=apply_to, half=True, cast_back=out_fp32, types=supported_types
    )


def force_fp32(apply_to: Iterable[str] | None = None, out_fp16: bool = False) -> Callable[[F], F]:
    """Run a method of a module in float32 where its ``fp16_enabled`` is true; else change nothing.

    Half precision tensors in the arguments named by ``apply_to`` (None: all but keyword-only ones) are cast
    to float32, autocast is off during the method, and with ``out_fp16`` its float32 results are cast to
    half precision. Raises TypeError, at the call, where the object is not a module.
    """
    return functools.partial(
        _decorate, name="force_fp32", apply_to=apply_to, half=False, cast_back=out_fp16, types=(nn.Module,)
    )


def wrap_fp16_model(model: nn.Module) -> None:
    """Switch ``fp16_enabled`` on in every submodule that has that attribute; the others stay as they are."""
    for module in model.modules():
        if hasattr(module, "fp16_enabled"):
            module.fp16_enabled = True  # type: ignore[assignment]


def _decorate(
    function: F,
    *,
    name: str,
    apply_to: Iterable[str] | None,
    half: bool,
    cast_back: bool,
    types: tuple[type, ...],
) -> F:
    """``function`` with the arguments in ``apply_to`` cast and autocast switched on (``half``) or off."""
    names = _positional_names(function)
    chosen = frozenset(names if apply_to is None else _as_names(apply_to))

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        owner = args[0]
        if not isinstance(owner, types):
            raise TypeError(
                f"@{name} decorates methods of {' or '.join(kind.__name__ for kind in types)}, "
                f"found a method of {type(owner).__name__}: {function.__qualname__}"
            )
        if not getattr(owner, "fp16_enabled", False):
            return function(*args, **kwargs)
        device, low = low_precision(owner)
        source, target = (torch.float32, low) if half else (low, torch.float32)
        head = [
            cast_tensor_type(value, source, target) if key in chosen else value
            for key, value in zip(names, args, strict=False)
        ]
        named = {
            key: cast_tensor_type(value, source, target) if key in chosen else value for key, value in kwargs.items()
        }
        with torch.autocast(device, dtype=low, enabled=half):
            output = function(*head, *args[len(head) :], **named)
        return cast_tensor_type(output, target, source) if cast_back else output

    return call  # type: ignore[return-value]


def _as_names(apply_to: Iterable[str]) -> Iterable[str]:
    return (apply_to,) if isinstance(apply_to, str) else apply_to


def _positional_names(function: Callable[..., Any]) -> Sequence[str]:
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [key for key, each in inspect.signature(function).parameters.items() if each.kind in positional]
