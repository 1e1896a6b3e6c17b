"""Wrappers of models: which modules are wrappers, two processes on the CPU, and batch normalisation over them."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.loop.model import (
    MMDistributedDataParallel,
    MMSeparateDistributedDataParallel,
    convert_sync_batchnorm,
    is_model_wrapper,
    revert_sync_batchnorm,
)
from mmbridge.runners.loop.registry import MODEL_WRAPPERS, Registry
from mmbridge.runners.parallel import MODULE_WRAPPERS, MMDataParallel
from torch import nn
from torchrun import in_two_processes

SCRIPT = Path(__file__).with_name("wrapped_models.py")
# Two processes add the same gradients in another order than one: a few roundings of double precision.
ROUNDING = 1e-14


@pytest.fixture(scope="module")
def script() -> Any:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("wrapped_models", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes that torchrun started has found."""
    return in_two_processes(SCRIPT, tmp_path_factory.mktemp("wrapped"))


def everyone(script: Any) -> list[int]:
    return list(range(script.SAMPLES))


@pytest.mark.parametrize(
    ("kind", "counts"), [pytest.param("trained", 1, id="every_step"), pytest.param("accumulated", 3, id="accumulated")]
)
def test_two_processes_train_as_one_does_on_both_their_samples(
    found: list[dict[str, Any]], script: Any, kind: str, counts: int
) -> None:
    expected = script.train(script.Toy(), everyone(script), counts)

    for rank in found:
        weight = rank[kind]["params"]["weight"]
        torch.testing.assert_close(weight, expected["params"]["weight"], rtol=ROUNDING, atol=ROUNDING)
        assert torch.equal(found[0][kind]["params"]["weight"], weight), "the two processes differ"


def test_every_process_logs_its_own_losses(found: list[dict[str, Any]], script: Any) -> None:
    expected = script.train(script.Toy(), everyone(script))["loss"]
    means = [sum(pair) / 2 for pair in zip(*(rank["trained"]["loss"] for rank in found), strict=True)]

    assert found[0]["trained"]["loss"] != found[1]["trained"]["loss"]
    assert expected == pytest.approx(means, rel=ROUNDING)


def test_buffers_stay_apart_unless_they_are_broadcast(found: list[dict[str, Any]], script: Any) -> None:
    """One grows by 1 per step, the other by 2; broadcasting gives all that of the first before every forward."""
    steps = script.STEPS

    assert [steps, 2 * steps] == [rank["trained"]["params"]["seen"].item() for rank in found]
    assert [steps, steps + 1] == [rank["accumulated"]["params"]["seen"].item() for rank in found]


def test_predictions_are_those_of_the_model(found: list[dict[str, Any]]) -> None:
    assert [[3, 3]] * 2 == [rank["predicted"] for rank in found] == [rank["separate"]["predicted"] for rank in found]


def test_the_wrapped_model_keeps_torchs_names(found: list[dict[str, Any]]) -> None:
    assert ["module.weight", "module.unused", "module.seen"] == found[0]["keys"]


def test_parameters_without_influence_are_told_after_every_update(found: list[dict[str, Any]], script: Any) -> None:
    assert ["module.unused"] * script.STEPS == found[0]["anomalies"]


@pytest.mark.parametrize(
    ("kind", "counts"), [pytest.param("trained", 1, id="every_step"), pytest.param("accumulated", 2, id="accumulated")]
)
def test_parts_with_optimizers_of_their_own_train_as_in_one_process(
    found: list[dict[str, Any]], script: Any, kind: str, counts: int
) -> None:
    expected = script.train_pair(script.Pair(), everyone(script), counts)

    for rank in found:
        assert list(expected) == list(rank["separate"][kind])
        torch.testing.assert_close(rank["separate"][kind], expected, rtol=ROUNDING, atol=ROUNDING)


def test_parts_that_learn_are_wrapped_each_once(found: list[dict[str, Any]]) -> None:
    assert ["first", "second"] == found[0]["separate"]["wrapped"]  # `again` is the second of these
    assert found[0]["separate"]["same"]
    assert [False, True, True] == found[0]["separate"]["modes"]


def test_parts_may_keep_their_gradients_to_themselves(found: list[dict[str, Any]]) -> None:
    assert [[False, False], [True, True]] == found[0]["separate"]["synchronised"]


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        pytest.param(nn.DataParallel(nn.ReLU()), True, id="torchs"),
        pytest.param(MMDataParallel(nn.ReLU()), True, id="of_the_legacy_runtime"),
        pytest.param(nn.ReLU(), False, id="a_module"),
        pytest.param(nn.Sequential(nn.ReLU()), False, id="a_container"),
    ],
)
def test_wrappers_are_known(module: nn.Module, expected: bool) -> None:
    assert expected == is_model_wrapper(module)


@pytest.mark.parametrize("registry", [MODEL_WRAPPERS, MODULE_WRAPPERS], ids=["loop", "legacy"])
def test_wrappers_of_the_users_are_known_in_both_runtimes(registry: Registry) -> None:
    class Own(nn.Module):
        pass

    registry.register_module(module=Own)
    try:
        assert is_model_wrapper(Own())
    finally:
        del registry.module_dict["Own"]
    assert not is_model_wrapper(Own())


def test_wrappers_of_a_registry_below_are_known() -> None:
    class Own(nn.Module):
        pass

    root = Registry("wrapper", scope="root")
    Registry("wrapper", scope="below", parent=root).register_module(module=Own)

    assert is_model_wrapper(Own(), root)
    assert not is_model_wrapper(nn.DataParallel(nn.ReLU()), root)


@pytest.mark.parametrize("kind", [MMDistributedDataParallel, MMSeparateDistributedDataParallel])
def test_wrappers_are_built_by_name(kind: type) -> None:
    assert kind is MODEL_WRAPPERS.get(kind.__name__)
    assert issubclass(kind, nn.parallel.DistributedDataParallel)


def network() -> nn.Module:
    """Batch normalisations of three kinds, one of them in two places."""
    model = nn.Sequential(
        nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2, eps=0.1, momentum=None), nn.Sequential(nn.BatchNorm1d(3, affine=False))
    )
    model.add_module("again", model[1])
    model.add_module("stateless", nn.BatchNorm3d(4, track_running_stats=False))
    model[2].eval()
    return model


def test_batch_normalisation_is_made_to_span_processes_and_back() -> None:
    model = network()
    weights = dict(model.state_dict())
    settings = [(m.eps, m.momentum, m.affine, m.track_running_stats, m.training) for m in (model[1], model[2][0])]

    spanning = convert_sync_batchnorm(model)
    kinds = [type(spanning[1]), type(spanning[2][0]), type(spanning.stateless)]
    reverted = revert_sync_batchnorm(spanning)

    assert [nn.SyncBatchNorm] * 3 == kinds
    assert not any(isinstance(module, nn.SyncBatchNorm) for module in reverted.modules())
    assert reverted.again is reverted[1]
    assert settings == [
        (m.eps, m.momentum, m.affine, m.track_running_stats, m.training) for m in (reverted[1], reverted[2][0])
    ]
    assert list(weights) == list(reverted.state_dict())
    for name, value in reverted.state_dict().items():
        assert value.data_ptr() == weights[name].data_ptr(), name


def test_a_reverted_normalisation_takes_any_number_of_dimensions() -> None:
    norm = revert_sync_batchnorm(nn.SyncBatchNorm(2))

    assert [(4, 2), (4, 2, 3), (4, 2, 3, 3)] == [
        tuple(norm(torch.ones(s)).shape) for s in ((4, 2), (4, 2, 3), (4, 2, 3, 3))
    ]


def test_a_model_that_is_a_normalisation_and_one_without_any() -> None:
    plain = nn.Sequential(nn.ReLU())

    assert isinstance(convert_sync_batchnorm(nn.BatchNorm1d(2)), nn.SyncBatchNorm)
    assert plain is convert_sync_batchnorm(plain) is revert_sync_batchnorm(plain)


def test_a_module_that_refuses_new_children_is_left_in_peace_where_nothing_changes() -> None:
    class Strict(nn.Sequential):
        def add_module(self, name: str, module: nn.Module | None) -> None:
            raise LookupError("no")

    model = nn.Sequential(Strict())
    nn.Module.add_module(model[0], "0", nn.Linear(1, 1))

    assert model is revert_sync_batchnorm(model)


def test_the_one_of_mmcv_is_used_if_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ops: Any = types.ModuleType("mmcv.ops")

    class SyncBatchNorm(nn.BatchNorm2d):
        """Stands for the one of ``mmcv.ops``."""

    ops.SyncBatchNorm = SyncBatchNorm
    monkeypatch.setitem(sys.modules, "mmcv.ops", ops)
    model = convert_sync_batchnorm(nn.Sequential(nn.BatchNorm2d(2)), "mmcv")

    assert SyncBatchNorm is type(model[0])
    assert SyncBatchNorm is not type(revert_sync_batchnorm(model)[0])


def test_quantisation_settings_are_kept() -> None:
    norm = nn.BatchNorm2d(1)
    norm.qconfig = "settings"

    assert "settings" == convert_sync_batchnorm(norm).qconfig


def test_another_implementation_is_refused() -> None:
    with pytest.raises(ValueError, match="implementation of sync_bn must be 'torch' or 'mmcv', found 'apex'"):
        convert_sync_batchnorm(nn.BatchNorm2d(1), "apex")
