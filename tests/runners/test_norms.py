from __future__ import annotations

import pytest
import torch
from mmbridge.runners.norms import BATCH_NORM, INSTANCE_NORM, NORMS, common_base, revert_sync_batchnorm
from torch import nn

BATCH = [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.LazyBatchNorm2d]
INSTANCE = [nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.LazyInstanceNorm1d]
OTHERS = [nn.Module, nn.Linear, nn.Conv2d, nn.Dropout, nn.Sequential]


@pytest.mark.parametrize(
    ("base", "inside", "outside"),
    [
        pytest.param(BATCH_NORM, BATCH, [*INSTANCE, nn.GroupNorm, nn.LayerNorm, *OTHERS], id="batch"),
        pytest.param(INSTANCE_NORM, INSTANCE, [*BATCH, nn.GroupNorm, nn.LayerNorm, *OTHERS], id="instance"),
        pytest.param(NORMS, [*BATCH, *INSTANCE, nn.GroupNorm, nn.LayerNorm], OTHERS, id="any"),
    ],
)
def test_what_is_a_normalisation(base: type, inside: list[type], outside: list[type]) -> None:
    assert [True] * len(inside) == [issubclass(each, base) for each in inside]
    assert [False] * len(outside) == [issubclass(each, base) for each in outside]


def test_layers_of_other_people_are_known_by_the_base() -> None:
    class Own(nn.modules.batchnorm._BatchNorm):
        pass

    assert isinstance(Own(1), BATCH_NORM)


def test_the_nearest_common_base() -> None:
    assert common_base(bool, int) is int
    assert common_base(bool, str) is object


def test_batch_normalisation_over_processes_becomes_plain() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.SyncBatchNorm(2, eps=0.5, momentum=0.25))
    model[1].running_mean += 3
    plain = revert_sync_batchnorm(model.eval())

    assert not any(isinstance(each, nn.SyncBatchNorm) for each in plain.modules())
    assert (plain[1].eps, plain[1].momentum, plain[1].training) == (0.5, 0.25, False)  # type: ignore[index]
    assert plain[1].running_mean.tolist() == [3, 3]  # type: ignore[index]
    assert plain(torch.ones(1, 2)).shape == (1, 2)
