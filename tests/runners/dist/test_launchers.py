from __future__ import annotations

import os
import socket
import subprocess
from datetime import timedelta
from typing import Any

import pytest
import torch
from mmbridge.compat.errors import BridgeError
from mmbridge.runners import dist
from torch import nn

VARIABLES = (
    "RANK LOCAL_RANK WORLD_SIZE MASTER_ADDR MASTER_PORT SLURM_PROCID SLURM_NTASKS SLURM_NODELIST "
    "OMPI_COMM_WORLD_SIZE OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_LOCAL_RANK"
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES.split():
        monkeypatch.setenv(name, "")  # so that what the code sets is undone
        monkeypatch.delenv(name)


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ``init_process_group`` was called with; there is no CUDA device, and nothing outside is changed."""
    arguments: dict[str, Any] = {}
    monkeypatch.setattr(torch.multiprocessing, "get_start_method", lambda allow_none: "fork")
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda **given: arguments.update(given))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return arguments


def environment(*names: str) -> tuple[str | None, ...]:
    return tuple(os.environ.get(name) for name in names)


@pytest.mark.parametrize("launcher", ["pytorch", "torchrun"])
def test_torchrun(launcher: str, joined: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")

    dist.init_dist(launcher, backend="gloo", timeout=30, world_size=2)

    assert {"backend": "gloo", "timeout": timedelta(seconds=30), "world_size": 2} == joined


@pytest.mark.parametrize(("before", "expected"), [(None, ["spawn"]), ("fork", [])])
def test_new_processes_are_spawned_unless_something_was_chosen(
    before: str | None, expected: list[str], joined: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[str] = []
    monkeypatch.setattr(torch.multiprocessing, "get_start_method", lambda allow_none: before)
    monkeypatch.setattr(torch.multiprocessing, "set_start_method", chosen.append)
    monkeypatch.setenv("RANK", "0")

    dist.init_dist("pytorch", backend="gloo")

    assert expected == chosen


def test_nccl_needs_cuda(joined: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")

    with pytest.warns(UserWarning, match="'nccl' needs CUDA"):
        dist.init_dist("pytorch")

    assert {"backend": "gloo"} == joined


@pytest.mark.parametrize(
    ("local_rank", "expected"),
    [
        pytest.param(None, 1, id="by_rank"),
        pytest.param("2", 2, id="by_local_rank"),
        pytest.param("6", 2, id="wrapped"),
    ],
)
def test_the_device(
    local_rank: str | None, expected: int, joined: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(dist.sys, "argv", ["train.py"])
    monkeypatch.setenv("RANK", "5")
    if local_rank:
        monkeypatch.setenv("LOCAL_RANK", local_rank)

    dist.init_dist("pytorch")

    assert [expected] == chosen
    assert {"backend": "nccl"} == joined


def test_mpi(joined: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_ADDR", "node0")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "3")
    monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_RANK", "1")

    dist.init_dist("mpi", backend="gloo")

    assert ("4", "3", "1", "29500") == environment("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_PORT")
    assert {"backend": "gloo"} == joined


def slurm(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A job of three tasks on two nodes; returns the commands that are run."""
    commands: list[list[str]] = []

    def run(command: list[str], **kwargs: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, stdout="node7\nnode8\n")

    monkeypatch.setattr(dist.subprocess, "run", run)
    monkeypatch.setenv("SLURM_PROCID", "2")
    monkeypatch.setenv("SLURM_NTASKS", "3")
    monkeypatch.setenv("SLURM_NODELIST", "node[7-8]")
    return commands


@pytest.mark.parametrize(
    ("port", "variable", "expected"),
    [
        pytest.param(1234, "999", "1234", id="given"),
        pytest.param(None, "999", "999", id="in_the_environment"),
        pytest.param(None, None, "29500", id="default"),
    ],
)
def test_slurm(
    port: int | None,
    variable: str | None,
    expected: str,
    joined: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands = slurm(monkeypatch)
    monkeypatch.setattr(dist, "is_free_port", lambda port: True)
    if variable:
        monkeypatch.setenv("MASTER_PORT", variable)

    dist.init_dist("slurm", backend="gloo", **({"port": port} if port else {}))

    assert [["scontrol", "show", "hostnames", "node[7-8]"]] == commands
    assert ("node7", "3", "2", "0") == environment("MASTER_ADDR", "WORLD_SIZE", "RANK", "LOCAL_RANK")
    assert expected == os.environ["MASTER_PORT"]
    assert {"backend": "gloo"} == joined


def test_slurm_with_an_address_asks_nobody(joined: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    commands = slurm(monkeypatch)
    monkeypatch.setenv("MASTER_ADDR", "chosen")

    dist.init_dist("slurm", backend="gloo", port=1)

    assert ([], "chosen") == (commands, os.environ["MASTER_ADDR"])


def test_slurm_avoids_a_port_in_use(joined: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    slurm(monkeypatch)
    monkeypatch.setattr(dist, "is_free_port", lambda port: False)

    dist.init_dist("slurm", backend="gloo")

    assert os.environ["MASTER_PORT"] not in ("", "29500")


def test_slurm_without_scontrol(joined: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    slurm(monkeypatch)

    def absent(*args: Any, **kwargs: Any) -> None:
        raise FileNotFoundError("scontrol")

    monkeypatch.setattr(dist.subprocess, "run", absent)

    with pytest.raises(BridgeError, match=r"`scontrol show hostnames .*` failed .*; set MASTER_ADDR"):
        dist.init_dist("slurm", backend="gloo")


def test_none_joins_nothing(joined: dict[str, Any]) -> None:
    dist.init_dist("none")

    assert {} == joined


def test_an_unknown_launcher() -> None:
    with pytest.raises(ValueError, match=r"unknown launcher 'foo'; choose one of none, pytorch"):
        dist.init_dist("foo")


@pytest.mark.parametrize(
    ("launcher", "variable", "starter"),
    [("pytorch", "RANK", "torchrun"), ("slurm", "SLURM_PROCID", "srun"), ("mpi", "MASTER_ADDR", "mpirun")],
)
def test_missing_variables(launcher: str, variable: str, starter: str, joined: dict[str, Any]) -> None:
    with pytest.raises(BridgeError, match=f"variable {variable} is not set; start .* with {starter}"):
        dist.init_dist(launcher, backend="gloo")


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param(["cfg.py", "--local_rank=3"], 3, id="underscore"),
        pytest.param(["--local-rank=4"], 4, id="hyphen"),
        pytest.param(["--local_rank", "5", "x"], 5, id="two_words"),
        pytest.param(["--local_rank_of_mine=1"], None, id="another_option"),
    ],
)
def test_local_rank_among_the_arguments(argv: list[str], expected: int | None) -> None:
    assert expected == dist.get_local_rank(argv)


def test_local_rank_in_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "2")

    assert 2 == dist.get_local_rank(["--local_rank=7"])


def test_a_process_alone() -> None:
    param = nn.Parameter(torch.ones(2))
    param.grad = torch.ones(2)

    dist.allreduce_params([param])
    dist.allreduce_grads([param])

    assert (0, 1) == dist.get_dist_info()
    assert 3 == dist.master_only(lambda value: value)(3)
    assert [1, 1] == param.tolist() == param.grad.tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, [400_004, 2], id="by_type"),
        pytest.param({"bucket_size_mb": 1}, [200_002, 200_002, 2], id="parts_of_at_most_a_mebibyte"),
        pytest.param({"coalesce": False}, [200_000, 2, 2, 200_000, 2], id="one_by_one"),
        pytest.param({"coalesce": False, "bucket_size_mb": 1}, [200_000, 2, 2, 200_000, 2], id="never_together"),
    ],
)
def test_tensors_travel_together(options: dict[str, Any], expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(dist, "get_dist_info", lambda: (0, 2))
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda tensor: sent.append(tensor.numel()))
    kinds = [(200_000, torch.float), (2, torch.float), (2, torch.double), (200_000, torch.float), (2, torch.float)]
    tensors = [torch.full((size,), 4, dtype=dtype) for size, dtype in kinds]

    dist.allreduce_params(tensors, **options)

    assert expected == sent
    assert {2.0} == {value for tensor in tensors for value in tensor.unique().tolist()}


def test_ports() -> None:
    port = dist.find_free_port()
    free = dist.is_free_port(port)
    with socket.socket() as listener:
        listener.bind(("localhost", port))
        listener.listen()
        taken = dist.is_free_port(port)

    assert (True, False) == (free, taken)
