"""Where tensors are, and where they have to be to travel. MMEngine 0.10.7, mmengine/dist/utils.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from mmbridge.runners.loop.dist.groups import get_backend
from torch import Tensor

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


def get_comm_device(group: ProcessGroup | None = None) -> torch.device:
    """Where a tensor must be for ``group`` to send it: the current CUDA device for nccl, else the CPU."""
    if get_backend(group) == "nccl":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def get_data_device(data: Tensor | Mapping[Any, Any] | Iterable[Any]) -> torch.device:
    """Where the tensors of ``data``, one or a nest of dicts and sequences of them, are.

    Raises ValueError where there is none, or they are in several places, TypeError for anything else in the nest.
    """
    if isinstance(data, Tensor):
        return data.device
    if isinstance(data, str) or not isinstance(data, Iterable):
        raise TypeError(f"data must be a tensor, or a sequence or dict of them, found {data!r}")
    found = {get_data_device(entry) for entry in (data.values() if isinstance(data, Mapping) else data)}
    if len(found) != 1:
        places = " and ".join(sorted(map(str, found))) or "no tensor"
        raise ValueError(f"the tensors of data must be on one device, found {places}")
    return found.pop()


def cast_data_device(data: Any, device: torch.device, out: Any = None) -> Any:
    """``data``, a tensor or a nest of dicts and sequences of them, on ``device``; ``out`` receives its values, too.

    Raises TypeError where ``out`` is of another type than ``data``, or either holds something else, ValueError where
    their lengths or keys differ.
    """
    if out is not None and (type(out) is not type(data) or isinstance(out, set)):
        raise TypeError(f"out must be a {type(data).__name__} as data is, and no set, found {type(out).__name__}")
    if isinstance(data, Tensor):
        sent = data.to(device)
        if out is not None:
            out.copy_(sent)
        return sent
    kind: Any = type(data)
    if isinstance(data, Mapping):
        if out is not None and out.keys() != data.keys():
            raise ValueError(f"out must have the keys of data, found {list(out)} and {list(data)}")
        values = None if out is None else [out[key] for key in data]
        return kind(zip(data, _cast_all(list(data.values()), device, values), strict=True))
    if isinstance(data, str) or not isinstance(data, Iterable):
        raise TypeError(f"data must be a tensor, or a sequence or dict of them, found {data!r}")
    return kind(_cast_all(list(data), device, out))


def _cast_all(data: list[Any], device: torch.device, out: Sequence[Any] | None) -> list[Any]:
    if not data or (out is not None and len(out) != len(data)):
        found = f"{len(data)} and {len(out or data)} entries"
        raise ValueError(f"data must not be empty, and out must be as long, found {found}")
    return [cast_data_device(each, device, None if out is None else out[number]) for number, each in enumerate(data)]
