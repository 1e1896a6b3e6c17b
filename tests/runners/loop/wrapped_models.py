"""What both processes of ``test_model_wrappers.py`` run: ``torchrun ... wrapped_models.py FOLDER``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import torch
from mmbridge.runners.dist import get_dist_info, init_dist
from mmbridge.runners.loop.model import (
    BaseModel,
    MMDistributedDataParallel,
    MMSeparateDistributedDataParallel,
)
from mmbridge.runners.loop.optim import OptimWrapper, OptimWrapperDict
from mmbridge.runners.state_dict import get_state_dict
from torch import Tensor, nn

STEPS = 4
SAMPLES = 6


class Toy(BaseModel):
    """A regression in double precision."""

    def __init__(self, unused: bool = False) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(3, 2, generator=generator, dtype=torch.float64))
        self.unused = nn.Parameter(torch.ones(1, dtype=torch.float64), requires_grad=unused)
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = "tensor") -> Any:
        output = torch.tanh(inputs @ self.weight)
        if mode == "predict":
            return list(output)
        self.seen += 1 + get_dist_info()[0]
        return {"loss_a": (output - data_samples).square().mean(), "loss_b": [output.abs().mean(dim=1)]}


class Pair(BaseModel):
    """Two parts that learn in turn, a part of two names, a frozen one and one without parameters."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first = nn.Linear(3, 2, bias=False, dtype=torch.float64)
        self.second = nn.Linear(2, 2, bias=False, dtype=torch.float64)
        self.again = self.second
        self.frozen = nn.Linear(2, 2, dtype=torch.float64).requires_grad_(False)
        self.activation = nn.Tanh()

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = "tensor") -> Any:
        hidden = self.activation(self.first(inputs))
        if mode == "predict":
            return list(hidden)
        return hidden

    def train_step(self, data: Any, optim_wrapper: Any) -> dict[str, Tensor]:
        data = self.data_preprocessor(data, True)
        with optim_wrapper["first"].optim_context(self.first):
            loss = (self(data["inputs"]) - data["data_samples"]).square().mean()
        optim_wrapper["first"].update_params(loss)
        with optim_wrapper["second"].optim_context(self.second):
            output = self.frozen(self.again(self(data["inputs"]).detach()))
        other = (output - data["data_samples"]).square().mean()
        optim_wrapper["second"].update_params(other)
        return {"first": loss, "second": other}


def batch(step: int, samples: list[int]) -> dict[str, Tensor]:
    """The chosen samples of a step; both processes together have samples 0 to SAMPLES - 1."""
    generator = torch.Generator().manual_seed(step)
    x = torch.randn(SAMPLES, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(SAMPLES, 2, generator=generator, dtype=torch.float64)
    return {"inputs": x[samples], "data_samples": y[samples]}


def train(model: Any, samples: list[int], counts: int = 1) -> dict[str, Any]:
    """The parameters and what was logged after a few steps of SGD with momentum."""
    params = [param for param in model.parameters() if param.requires_grad]
    optimizer = torch.optim.SGD(params, lr=0.1, momentum=0.9)
    optim_wrapper = OptimWrapper(optimizer, accumulative_counts=counts, clip_grad={"max_norm": 0.5})
    optim_wrapper.initialize_count_status(model, 0, STEPS)
    logged = [model.train_step(batch(step, samples), optim_wrapper) for step in range(STEPS)]
    return {"params": get_state_dict(model), "loss": [each["loss"].item() for each in logged]}


def train_pair(model: Any, samples: list[int], counts: int = 1) -> dict[str, Tensor]:
    """The parameters of two parts after a few steps of both optimizers."""
    parts = getattr(model, "module", model)
    wrappers = OptimWrapperDict(
        **{
            name: OptimWrapper(torch.optim.SGD(getattr(parts, name).parameters(), lr=0.1), counts)
            for name in ("first", "second")
        }
    )
    wrappers.initialize_count_status(model, 0, STEPS)
    for step in range(STEPS):
        model.train_step(batch(step, samples), wrappers)
    return dict(get_state_dict(model))


def anomalies(samples: list[int]) -> list[Any]:
    """The parameters that the wrapper says the loss does not depend on."""
    told: list[Any] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.args[0])  # type: ignore[method-assign,index]
    logging.getLogger("mmbridge").addHandler(handler)
    model = MMDistributedDataParallel(Toy(unused=True), detect_anomalous_params=True, find_unused_parameters=True)
    train(model, samples)
    return told


def synchronised(model: MMSeparateDistributedDataParallel) -> list[bool]:
    """Whether the parts average their gradients."""
    return [model.module.first.require_backward_grad_sync, model.module.second.require_backward_grad_sync]


def separate(samples: list[int]) -> dict[str, Any]:
    """What the wrapper of every part finds."""
    model = MMSeparateDistributedDataParallel(Pair())
    with model.no_sync():
        apart = synchronised(model)
    return {
        "synchronised": [apart, synchronised(model)],
        "wrapped": [name for name, child in model.module.named_children() if hasattr(child, "module")],
        "same": model.module.again is model.module.second,
        "trained": train_pair(model, samples),
        "accumulated": train_pair(MMSeparateDistributedDataParallel(Pair()), samples, counts=2),
        "predicted": [len(model.val_step(batch(0, samples))), len(model.test_step(batch(0, samples)))],
        "modes": [model.eval().module.first.training, model.train().module.first.training, model.training],
    }


def main(folder: Path) -> None:
    init_dist("pytorch", backend="gloo", timeout=60)
    rank, world_size = get_dist_info()
    mine = list(range(rank, SAMPLES, world_size))
    wrapped = MMDistributedDataParallel(Toy(), broadcast_buffers=False, device_ids=[0], output_device=0)
    found: dict[str, Any] = {
        "trained": train(wrapped, mine),
        "predicted": [len(wrapped.val_step(batch(0, mine))), len(wrapped.test_step(batch(0, mine)))],
        "accumulated": train(MMDistributedDataParallel(Toy()), mine, counts=3),
        "keys": list(wrapped.state_dict()),
        "anomalies": anomalies(mine),
        "separate": separate(mine),
    }
    torch.save(found, folder / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
