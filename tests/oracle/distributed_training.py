"""What both processes of ``test_parallel_processes.py`` run: ``torchrun ... SCRIPT LIBRARY FOLDER``."""

from __future__ import annotations

import sys
import types
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

STEPS = 3
CASES: dict[str, Any] = {
    "plain": {},
    "no_broadcast": {"broadcast_buffers": False},
    "unused": {"find_unused_parameters": True},
}


def library(name: str) -> Any:
    """The functions under test, MMCV's or ours."""
    if name == "mmbridge":
        from mmbridge.runners import dist, fp16, parallel

        return types.SimpleNamespace(**{**vars(fp16), **vars(parallel), **vars(dist)})
    import mmcv.parallel
    import mmcv.runner

    return types.SimpleNamespace(**{**vars(mmcv.runner), **vars(mmcv.parallel)})


class Model(nn.Module):
    """Convolution and batch normalisation, with a layer that need not be used."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(1, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 2)
        self.rest = nn.Linear(2, 2)

    def train_step(self, data: dict[str, Any], optimizer: Any) -> dict[str, Any]:
        output = self.fc(self.bn(self.conv(data["img"])).relu().mean((2, 3)))
        if data["use_all"]:
            output = self.rest(output)
        loss = (output - 1).square().mean()
        return {"loss": loss, "log_vars": {"loss": loss.item()}, "num_samples": len(output)}


def train(wrapper: Any, rank: int, **options: Any) -> tuple[list[float], dict[str, torch.Tensor]]:
    """The losses of this process, and the weights and buffers after some steps."""
    model = wrapper(Model(), **options)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    generator = torch.Generator().manual_seed(rank)
    losses = []
    for _ in range(STEPS):
        data = {
            "img": torch.randn(2, 1, 5, 5, generator=generator),
            "use_all": not options.get("find_unused_parameters"),
        }
        outputs = model.train_step(data, optimizer)
        optimizer.zero_grad()
        outputs["loss"].backward()
        optimizer.step()
        losses.append(outputs["log_vars"]["loss"])
    return losses, dict(model.state_dict())


def averages(lib: Any, rank: int) -> list[torch.Tensor]:
    """Tensors of two types after averaging, in every way both libraries can."""
    found = []
    for options in ({}, {"coalesce": False}, {"bucket_size_mb": 1}):
        torch.manual_seed(rank)
        params = [nn.Parameter(torch.randn(n, 3, dtype=dtype)) for n in (1, 5) for dtype in (torch.float, torch.double)]
        for param in params[:3]:
            param.grad = torch.randn_like(param)
        lib.allreduce_params(params, **options)
        lib.allreduce_grads(params, **options)
        found += [tensor.detach() for param in params for tensor in (param, param.grad) if tensor is not None]
    return found


def main(name: str, folder: Path) -> None:
    warnings.simplefilter("ignore")  # of the real MMCV on a torch of today
    torch.distributed.init_process_group("gloo")
    lib = library(name)
    rank, _ = lib.get_dist_info()
    found = {case: train(lib.MMDistributedDataParallel, rank, **options) for case, options in CASES.items()}
    torch.save({"averages": averages(lib, rank), **found}, folder / f"{name}{rank}.pt")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
