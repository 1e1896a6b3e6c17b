"""Distributed functions, devices and mixed precision against the real MMEngine."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest
import torch
from mmbridge.runners.loop import device, dist
from mmbridge.runners.loop.runner import amp
from torchrun import found_by, run_processes

pytestmark = pytest.mark.oracle
real = pytest.importorskip("mmengine.dist")

# What only torch's extensions for other makers' devices can answer.
OTHER_DEVICES = {
    "get_max_musa_memory",
    "is_dipu_available",
    "is_mlu_available",
    "is_musa_available",
    "is_npu_available",
    "is_npu_support_full_precision",
}
MODULES = [("dist", dist, set()), ("device", device, OTHER_DEVICES)]


def parameters(function: Callable[..., Any]) -> list[tuple[Any, ...]]:
    """The names, kinds and defaults of what ``function`` takes."""
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize(("name", "ours", "left_out"), MODULES, ids=["dist", "device"])
def test_every_function_has_a_namesake_with_its_parameters(name: str, ours: ModuleType, left_out: set[str]) -> None:
    theirs = import_module(f"mmengine.{name}")
    expected = {each: parameters(getattr(theirs, each)) for each in theirs.__all__ if each not in left_out}

    assert left_out <= set(theirs.__all__)
    assert expected == {each: parameters(getattr(ours, each)) for each in expected}


def test_autocast_has_the_parameters_of_the_real_one() -> None:
    theirs = import_module("mmengine.runner.amp")

    assert parameters(theirs.autocast) == parameters(amp.autocast)


def both(function: Callable[[ModuleType], Any]) -> tuple[Any, Any]:
    """What ``function`` finds with the real module and with ours: a result or the kind of the error."""

    def found(module: ModuleType) -> Any:
        try:
            return function(module)
        except (TypeError, ValueError) as error:
            return type(error)

    return found(real), found(dist)


NESTS = {
    "tensor": torch.ones(2),
    "list": [torch.ones(2), torch.zeros(1)],
    "ordered_dict": OrderedDict(a=torch.ones(2), b=(torch.zeros(1),)),
    "nothing": [],
    "str": "x",
    "numbers": [1],
    "meta": [torch.ones(1, device="meta"), torch.ones(1)],
}


@pytest.mark.parametrize("kind", NESTS)
def test_devices_of_data(kind: str) -> None:
    expected, found = both(lambda module: module.get_data_device(NESTS[kind]))

    assert expected == found


@pytest.mark.parametrize("kind", [each for each in NESTS if each != "meta"])
def test_data_is_cast_alike(kind: str) -> None:
    expected, found = both(lambda module: module.cast_data_device(NESTS[kind], torch.device("cpu")))

    assert type(expected) is type(found)
    assert str(expected) == str(found)


@pytest.mark.parametrize(
    "out",
    [{"a": torch.zeros(2)}, {"a": torch.zeros(2), "b": torch.zeros(1)}, {}, [torch.zeros(2)]],
    ids=["as_data", "more", "nothing", "another_type"],
)
def test_values_are_written_alike(out: Any) -> None:
    def write(module: ModuleType) -> str:
        into = {name: value.clone() for name, value in out.items()} if isinstance(out, dict) else out
        module.cast_data_device({"a": torch.ones(2)}, torch.device("cpu"), into)
        return str(into)

    expected, found = both(write)

    assert expected == found


ALONE: dict[str, Callable[[ModuleType], Any]] = {
    "who": lambda module: [
        module.get_dist_info(),
        module.get_local_rank(),
        module.get_local_size(),
        module.get_backend(),
        module.get_local_group(),
        module.is_main_process(),
        module.is_distributed(),
        module.get_comm_device(),
        module.barrier(),
        module.infer_launcher(),
    ],
    "objects": lambda module: [module.all_gather_object(1), module.gather_object({"a": 2}, dst=3)],
    "tensors": lambda module: str([module.all_gather(torch.ones(1)), module.gather(torch.ones(2), 1)]),
    "results": lambda module: [
        module.collect_results([1, None, 3], 2),
        module.collect_results([1], 2, "gpu"),
        module.collect_results_cpu([1, 2], 1, "unused"),
        module.collect_results_gpu([1, 2], 1),
    ],
}


@pytest.mark.parametrize("what", ALONE)
def test_one_process_alone(what: str) -> None:
    expected, found = both(ALONE[what])

    assert expected == found


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"WORLD_SIZE": "2", "SLURM_NTASKS": "2"},
        {"SLURM_NTASKS": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "0"},
        {"OMPI_COMM_WORLD_LOCAL_RANK": "0"},
    ],
    ids=["nothing", "torchrun", "slurm", "mpi"],
)
def test_launchers_are_told_alike(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "SLURM_NTASKS", "OMPI_COMM_WORLD_LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    expected, found = both(lambda module: module.infer_launcher())

    assert expected == found


def test_a_seeded_generator_gives_the_same_seed() -> None:
    state = numpy.random.get_state()

    def draw(module: ModuleType) -> list[int]:
        numpy.random.seed(7)
        return [module.sync_random_seed(), module.sync_random_seed()]

    expected, found = both(draw)
    numpy.random.set_state(state)

    assert expected == found


@pytest.mark.parametrize("options", [{}, {"dtype": torch.bfloat16}, {"enabled": False}], ids=str)
def test_autocast_computes_in_the_same_precision(options: dict[str, Any]) -> None:
    def product(autocast: Callable[..., Any]) -> torch.Tensor:
        with autocast(**options):
            return torch.full((2, 2), 1.1) @ torch.full((2, 2), 1.3)

    expected = product(import_module("mmengine.runner.amp").autocast)
    found = product(amp.autocast)

    assert expected.dtype == found.dtype
    assert torch.equal(expected, found)


def test_this_machine() -> None:
    theirs = import_module("mmengine.device")

    assert theirs.get_device() == device.get_device()
    assert theirs.is_cuda_available() == device.is_cuda_available()
    assert theirs.is_mps_available() == device.is_mps_available()


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What two processes that gloo connects have found with the functions of each."""
    script = Path(__file__).parents[1] / "runners" / "loop" / "dist_of_two.py"
    found = {}
    for name in ("mmengine.dist", "mmbridge.runners.loop.dist"):
        folder = tmp_path_factory.mktemp("two")
        run_processes(script, str(folder), name, cwd=folder)  # MMEngine leaves a folder there
        found[name] = found_by(2, folder)
    return found


@pytest.mark.parametrize("what", ["reduced", "moved", "collected", "seeds", "master"])
def test_two_processes(of_two: dict[str, list[dict[str, Any]]], what: str) -> None:
    expected, found = ([rank[what] for rank in ranks] for ranks in of_two.values())

    assert str(expected) == str(found)
