"""The batch size that learning rates are scaled by, however the loader came to it."""

from __future__ import annotations

from typing import Any

import pytest
from loop_cases import EPOCHS
from mmbridge.compat.errors import ConfigError
from mmbridge.runners.loop.registry import DATA_SAMPLERS
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

DATA = EPOCHS["train_dataloader"]
POINTS = list(range(8))


@DATA_SAMPLERS.register_module()
class SameShapes(BatchSampler):
    """Stands for MMDetection's AspectRatioBatchSampler, which every detector of it is trained with."""

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool = False) -> None:
        super().__init__(sampler, batch_size, drop_last)


@DATA_SAMPLERS.register_module()
class Pairs:
    """Batches that do not tell their size."""

    def __init__(self, sampler: Any, batch_size: int) -> None:
        assert batch_size == 4
        self.sampler = sampler

    def __len__(self) -> int:
        return len(self.sampler) // 2


def rate(make: Any, loader: Any) -> float:
    runner = make(**EPOCHS, auto_scale_lr={"enable": True, "base_batch_size": 2})
    runner._train_dataloader = loader
    wrapper = runner.build_optim_wrapper({"optimizer": {"type": "SGD", "lr": 0.1}})
    runner.scale_lr(wrapper, runner.auto_scale_lr)
    return wrapper.param_groups[0]["lr"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "loader",
    [
        pytest.param(DATA, id="of the loader"),
        pytest.param({**DATA, "batch_sampler": {"type": "SameShapes"}}, id="of the loader, for its batch sampler"),
        pytest.param({**DATA, "batch_size": 1, "batch_sampler": {"type": "SameShapes", "batch_size": 4}}, id="its own"),
        pytest.param({**DATA, "batch_sampler": {"type": "Pairs"}}, id="of the dict, for batches of any kind"),
        pytest.param(DataLoader(POINTS, batch_size=4), id="of an object"),
        pytest.param(DataLoader(POINTS, batch_sampler=SameShapes(SequentialSampler(POINTS), 4)), id="of its sampler"),
    ],
)
def test_rates_are_scaled_by_the_batch_size(loader: Any, make: Any) -> None:
    assert 0.2 == rate(make, loader)


def test_batches_of_unknown_size_are_told(make: Any) -> None:
    with pytest.raises(ConfigError, match="auto_scale_lr: nothing tells the batch size of train_dataloader"):
        rate(make, DataLoader(POINTS, batch_sampler=[[0, 1], [2]]))
