"""A recorder of training runs: what happened at every hook point, in any engine.

The same recorder hook runs in this project's runtimes, in real MMCV 1.x and in real MMEngine; two runs are
equal where their events are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import torch
from mmbridge.compat.hook import LegacyHook


@dataclass(frozen=True, slots=True)
class Event:
    """One hook point: the counters there and, where the point has them, values.

    ``lr`` and ``momentum`` (absolute, of each parameter group, optimizers in order) before an iteration;
    ``loss`` and ``grad_norm`` (of all gradients there are, after clipping) after it; ``params``, a
    checksum of the bytes of all parameters and buffers, after iterations and epochs.
    """

    point: str
    epoch: int
    iter: int
    inner_iter: int | None = None
    lr: tuple[float, ...] | None = None
    momentum: tuple[float, ...] | None = None
    loss: float | None = None
    grad_norm: float | None = None
    params: str | None = None


class Recorder:
    """Keeps the events of a run; :meth:`hook` gives the hook to register, at the lowest priority."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def hook(self, base: type = LegacyHook) -> Any:
        """A hook that records, a subclass of ``base``: the ``Hook`` class of the engine it is registered in.

        Recorded are the points that the engine's hooks have, and the two that iteration runs of MMCV 1.x fire.
        """
        points = (*base.stages, "before_epoch", "after_epoch")  # type: ignore[attr-defined]
        members: dict[str, Any] = {point: self._method(point) for point in points if hasattr(base, point)}
        return type("TraceHook", (base,), members)()

    def _method(self, point: str) -> Any:
        def method(hook: Any, runner: Any, batch_idx: Any = None, *args: Any, **facts: Any) -> None:
            self.events.append(event(point, runner, batch_idx, facts.get("outputs")))

        return method


def event(point: str, runner: Any, batch_idx: int | None = None, outputs: Any = None) -> Event:
    """What there is to record at ``point`` of ``runner``, an engine's runner of either generation."""
    if hasattr(runner, "batch_processor"):  # a runner of MMCV 1.x, which holds what hooks are not given
        batch_idx, outputs = getattr(runner, "inner_iter", batch_idx), getattr(runner, "outputs", outputs)
    values: dict[str, Any] = {}
    if point.startswith("before_") and point.endswith("_iter"):
        values = {"lr": _groups(runner, _lr), "momentum": _groups(runner, _momentum)}
    elif point.startswith("after_") and point.endswith("_iter"):
        loss = outputs.get("loss") if isinstance(outputs, dict) else None
        values = {
            "loss": None if loss is None else float(torch.as_tensor(loss, dtype=torch.float64).detach()),
            "grad_norm": gradient_norm(runner.model),
            "params": checksum(runner.model),
        }
    elif point.endswith("_epoch") or point == "after_run":
        values = {"params": checksum(runner.model)}
    return Event(point, runner.epoch, runner.iter, batch_idx, **values)


def checksum(model: torch.nn.Module) -> str:
    """Eight hex digits over the bytes of all parameters and buffers, in order."""
    total = 0
    for tensor in (*model.parameters(), *model.buffers()):
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        total = crc32(bytes(flat.view(torch.uint8).tolist()), total)
    return f"{total:08x}"


def gradient_norm(model: torch.nn.Module) -> float | None:
    """The norm of all gradients together, None where there are none; summed in double precision."""
    squares = [
        float(param.grad.detach().double().pow(2).sum()) for param in model.parameters() if param.grad is not None
    ]
    return float(sum(squares)) ** 0.5 if squares else None


def _groups(runner: Any, read: Any) -> tuple[float, ...] | None:
    optimizer: Any = getattr(runner, "optim_wrapper", None) or getattr(runner, "optimizer", None)
    each = list(optimizer.values()) if hasattr(optimizer, "values") else [optimizer]
    if not all(hasattr(one, "param_groups") for one in each):
        return None  # there is none, or only its description
    return tuple(float(read(group)) for one in each for group in one.param_groups)


def _lr(group: dict[str, Any]) -> Any:
    return group["lr"]


def _momentum(group: dict[str, Any]) -> Any:
    return group["momentum"] if "momentum" in group else group.get("betas", (0.0,))[0]


def write_trace(path: str | Path, events: Iterable[Event]) -> None:
    """Write one JSON list per event, fields as in :class:`Event`, absent ones at the end left out."""
    lines = []
    for each in events:
        fields = list(asdict(each).values())
        while fields and fields[-1] is None:
            fields.pop()
        lines.append(json.dumps(fields, separators=(",", ":")))
    Path(path).write_text("\n".join(lines) + "\n", "utf-8")


def read_trace(path: str | Path) -> list[Event]:
    """The events that :func:`write_trace` wrote: equal, to the last bit."""
    events = []
    for line in Path(path).read_text("utf-8").splitlines():
        fields = json.loads(line)
        events.append(Event(*(_tupled(field) for field in fields)))
    return events


def _tupled(field: Any) -> Any:
    return tuple(field) if isinstance(field, Sequence) and not isinstance(field, str) else field
