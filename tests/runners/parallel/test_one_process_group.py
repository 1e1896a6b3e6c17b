from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.parallel import DataContainer, MMDistributedDataParallel, is_module_wrapper
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """A process group of this process alone."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


class Model(nn.Module):
    """Returns what it is called with, and a loss."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(1, 1)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return inputs, kwargs

    def train_step(self, data: Any, optimizer: Any, **kwargs: Any) -> dict[str, Any]:
        return {"loss": self.fc(data["x"]).sum(), "optimizer": optimizer, "kwargs": kwargs}


@pytest.mark.usefixtures("group")
def test_a_step_passes_everything_on() -> None:
    wrapped = MMDistributedDataParallel(Model(), broadcast_buffers=False)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.1)
    data = {"x": DataContainer([torch.ones(2, 1)], stack=True), "meta": DataContainer([["a"]], cpu_only=True)}

    outputs = wrapped.train_step(data, optimizer, flag=[1])
    outputs["loss"].backward()

    assert optimizer is outputs["optimizer"]
    assert {"flag": [1]} == outputs["kwargs"]
    assert [[2.0]] == wrapped.module.fc.weight.grad.tolist()
    assert ((), {}) == wrapped()
    assert ((["a"],), {}) == wrapped(data["meta"])
    assert is_module_wrapper(wrapped)


@pytest.mark.usefixtures("group")
def test_the_model_is_in_its_place_after_an_error_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model()
    wrapped = MMDistributedDataParallel(model)

    def fail(self: Any, *inputs: Any, **kwargs: Any) -> None:
        raise LookupError(type(self.module).__name__)

    monkeypatch.setattr(DistributedDataParallel, "forward", fail)

    with pytest.raises(LookupError, match="_StandIn"):
        wrapped.train_step({"x": torch.ones(1, 1)}, None)
    assert wrapped.module is model
