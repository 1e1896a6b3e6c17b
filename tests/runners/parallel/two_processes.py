"""What both processes of ``test_two_processes.py`` run: ``torchrun ... two_processes.py FOLDER``."""

from __future__ import annotations

import sys
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from mmbridge.runners.dist import allreduce_grads, allreduce_params, get_dist_info, init_dist, master_only
from mmbridge.runners.parallel import DataContainer, MMDistributedDataParallel, collate
from torch import nn

STEPS = 4
SAMPLES = 6
LR = 0.1
AVERAGES: dict[str, Any] = {"together": {}, "each": {"coalesce": False}, "buckets": {"bucket_size_mb": 1}}


class Toy(nn.Module):
    """A regression in double precision whose batches are DataContainers."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(3, 2, generator=generator, dtype=torch.float64))
        self.offset = nn.Parameter(torch.randn(2, generator=generator, dtype=torch.float64))
        self.unused = nn.Parameter(torch.ones(1, dtype=torch.float64))
        self.register_buffer("seen", torch.zeros(1, dtype=torch.float64))
        self.calls: list[str] = []
        self.register_forward_pre_hook(lambda module, args: self.calls.append("forward hook"))

    def forward(self, x: torch.Tensor, names: list[Any], return_loss: bool = True) -> torch.Tensor:
        return torch.tanh(x @ self.weight + self.offset)

    def train_step(self, data: dict[str, Any], optimizer: Any, fail: bool = False) -> dict[str, Any]:
        self.calls.append(f"train_step after seeing {self.seen.item():.0f}")
        if fail:
            raise LookupError("on purpose")
        output = self(data["x"], data["names"])
        self.seen += 1 + get_dist_info()[0]
        loss = (output - data["y"]).square().mean()
        return {"loss": loss, "log_vars": {"loss": loss.item()}, "num_samples": len(data["names"])}

    def val_step(self, data: dict[str, Any], optimizer: Any = None) -> dict[str, Any]:
        return {"output": self(data["x"], data["names"]), "names": data["names"]}


def batch(step: int, samples: list[int]) -> dict[str, Any]:
    """The chosen samples of a step, collated; both processes together have samples 0 to SAMPLES - 1."""
    generator = torch.Generator().manual_seed(step)
    x = torch.randn(SAMPLES, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(SAMPLES, 2, generator=generator, dtype=torch.float64)
    data = [
        {
            "x": DataContainer(x[index], stack=True, pad_dims=None),
            "y": DataContainer(y[index], stack=True, pad_dims=None),
            "names": DataContainer(f"{step}-{index}", cpu_only=True),
        }
        for index in samples
    ]
    return collate(data, samples_per_gpu=len(samples))


def train(wrapped: Any, samples: list[int], accumulate: bool = False) -> dict[str, torch.Tensor]:
    """The parameters after a few steps of SGD with momentum."""
    optimizer = torch.optim.SGD([p for p in wrapped.parameters() if p.requires_grad], lr=LR, momentum=0.9)
    for step in range(STEPS):
        if accumulate:
            with getattr(wrapped, "no_sync", nullcontext)():
                wrapped.train_step(batch(step + 100, samples), optimizer)["loss"].backward()
        wrapped.train_step(batch(step, samples), optimizer)["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    return {name: param.detach().clone() for name, param in wrapped.named_parameters()}


def toy(unused: bool = False) -> Toy:
    """A model all of whose parameters get a gradient, or with an unused one."""
    model = Toy()
    model.unused.requires_grad_(unused)
    return model


def averages(rank: int) -> dict[str, Any]:
    """What the two kinds of average give."""
    found: dict[str, Any] = {}
    for name, options in AVERAGES.items():
        tensors = [
            torch.full((3,), float(rank)),
            torch.full((2, 2), 10.0 * rank, dtype=torch.float64),
            torch.tensor(6 + rank),
            torch.full((300_000,), 1.0 + rank),
        ]
        allreduce_params(tensors, **options)
        params = [nn.Parameter(torch.zeros(2)) for _ in range(3)]
        params[0].grad, params[2].grad = torch.full((2,), float(rank)), torch.full((2,), 2.0 + rank)
        allreduce_grads(params, **options)
        grads = [None if param.grad is None else param.grad.tolist() for param in params]
        found[name] = [tensor.unique().tolist() for tensor in tensors], grads
    return found


def main(folder: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        init_dist("torchrun", backend="nccl", timeout=60)
    rank, world_size = get_dist_info()
    mine = list(range(rank, SAMPLES, world_size))
    found: dict[str, Any] = {
        "warnings": [str(warning.message) for warning in caught],
        "backend": torch.distributed.get_backend(),
        "info": (rank, world_size),
        "master_only": master_only(lambda: "ran")(),
        "averages": averages(rank),
        "trained": train(MMDistributedDataParallel(toy()), mine),
        "accumulated": train(MMDistributedDataParallel(toy()), mine, accumulate=True),
        "with_unused": train(MMDistributedDataParallel(toy(unused=True), find_unused_parameters=True), mine),
    }
    wrapped = MMDistributedDataParallel(toy(), broadcast_buffers=True)
    train(wrapped, mine)
    found["calls"] = list(wrapped.module.calls)
    found["keys"] = list(wrapped.state_dict())
    found["val_step"] = wrapped.val_step(batch(0, mine))["names"]
    found["forward"] = wrapped(**{key: batch(0, mine)[key] for key in ("x", "names")}, return_loss=False).shape
    silent = MMDistributedDataParallel(toy(), broadcast_buffers=False)
    train(silent, mine)
    found["calls_without_broadcast"] = list(silent.module.calls)
    try:
        silent.train_step(batch(0, mine), None, fail=True)
    except LookupError:
        found["module_after_an_error"] = type(silent.module).__name__
    torch.save(found, folder / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
