"""MMEngine's distributed functions in a process that is alone."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
from mmbridge.runners.loop import dist

HERE = torch.device("cpu")
TWO = [torch.ones(1), torch.zeros(2)]


def test_who_is_this() -> None:
    assert (0, 1) == dist.get_dist_info() == (dist.get_rank(), dist.get_world_size())
    assert (0, 1) == (dist.get_local_rank(), dist.get_local_size())
    assert (True, False) == (dist.is_main_process(), dist.is_distributed())
    assert [None] * 3 == [dist.get_backend(), dist.get_default_group(), dist.get_local_group()]
    assert HERE == dist.get_comm_device()
    assert "ran" == dist.master_only(lambda: "ran")()
    dist.barrier()


@pytest.mark.parametrize("change", [dist.all_reduce, dist.broadcast], ids=["all_reduce", "broadcast"])
def test_tensors_stay(change: Callable[..., None]) -> None:
    value = torch.tensor([1.0, 2.0])

    change(value)

    assert [1.0, 2.0] == value.tolist()


def test_everything_else_stays() -> None:
    value, objects, entries = torch.ones(2), [1, "b"], {"a": torch.tensor(1)}
    params = [torch.ones(2)]

    dist.broadcast_object_list(objects)
    dist.all_reduce_dict(entries)
    dist.all_reduce_params(params)

    assert ([1, "b"], {"a": torch.tensor(1)}, [1.0, 1.0]) == (objects, entries, params[0].tolist())
    assert dist.all_gather(value)[0] is value is dist.gather(value)[0]
    assert [["x"], ["x"]] == [dist.all_gather_object("x"), dist.gather_object("x")]


@pytest.mark.parametrize(
    "collect",
    [dist.collect_results, dist.collect_results_cpu, dist.collect_results_gpu],
    ids=["by_device", "cpu", "gpu"],
)
def test_results_are_cut_to_the_size(collect: Callable[..., Any]) -> None:
    assert [1, None] == collect([1, None, 3], 2)


def test_a_seed_is_drawn_from_numpys_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    state = numpy.random.get_state()
    numpy.random.seed(3)
    expected = numpy.random.RandomState(3).randint(2**31)

    assert expected == dist.sync_random_seed()
    numpy.random.set_state(state)


def test_a_seed_is_drawn_from_pythons_generator_without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    state = random.getstate()
    monkeypatch.setattr("mmbridge.runners.loop.dist.objects.find_spec", lambda name: None)
    random.seed(3)
    expected = random.Random(3).randrange(2**31)

    assert expected == dist.sync_random_seed()
    random.setstate(state)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({}, "none", id="nothing"),
        pytest.param({"WORLD_SIZE": "2", "SLURM_NTASKS": "2"}, "pytorch", id="torchrun_within_slurm"),
        pytest.param({"SLURM_NTASKS": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "0"}, "slurm", id="slurm"),
        pytest.param({"OMPI_COMM_WORLD_LOCAL_RANK": "0"}, "mpi", id="mpi"),
    ],
)
def test_the_launcher_is_told_by_the_environment(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WORLD_SIZE", "SLURM_NTASKS", "OMPI_COMM_WORLD_LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert expected == dist.infer_launcher()


def test_tensors_in_a_nest_are_cast() -> None:
    data = OrderedDict(a=(TWO[0], [TWO[1]]), b={"c": TWO[0]})
    out = OrderedDict(a=(torch.full((1,), 9.0), [torch.full((2,), 9.0)]), b={"c": torch.full((1,), 9.0)})

    cast = dist.cast_data_device(data, HERE, out)

    assert data == cast
    assert (OrderedDict, tuple) == (type(cast), type(cast["a"]))
    assert [1.0, 0.0, 0.0, 1.0] == torch.cat([out["a"][0], out["a"][1][0], out["b"]["c"]]).tolist()
    assert HERE == dist.get_data_device(data)
    assert torch.device("meta") == dist.get_data_device(dist.cast_data_device(TWO, torch.device("meta")))


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        pytest.param(lambda: dist.get_data_device([]), ValueError, "found no tensor", id="device_of_nothing"),
        pytest.param(
            lambda: dist.get_data_device([TWO[0], TWO[0].to("meta")]),
            ValueError,
            "found cpu and meta",
            id="several",
        ),
        pytest.param(lambda: dist.get_data_device("x"), TypeError, "found 'x'", id="device_of_a_str"),
        pytest.param(lambda: dist.cast_data_device([1], HERE), TypeError, "found 1", id="a_number_is_cast"),
        pytest.param(lambda: dist.cast_data_device([], HERE), ValueError, "must not be empty", id="nothing_is_cast"),
        pytest.param(lambda: dist.cast_data_device(TWO, HERE, TWO[:1]), ValueError, "found 2 and 1", id="short_out"),
        pytest.param(
            lambda: dist.cast_data_device({"a": TWO[0]}, HERE, {"b": TWO[0]}),
            ValueError,
            "found .'b'.",
            id="keys",
        ),
        pytest.param(lambda: dist.cast_data_device(TWO, HERE, (*TWO,)), TypeError, "found tuple", id="other_out"),
        pytest.param(lambda: dist.all_reduce(TWO[0], "avg"), ValueError, "found 'avg'", id="unknown_op"),
        pytest.param(lambda: dist.all_reduce_dict(TWO), TypeError, "found list", id="no_dict"),
        pytest.param(lambda: dist.broadcast_object_list((1,)), TypeError, "found tuple", id="no_list"),
        pytest.param(lambda: dist.collect_results([], 0, "tpu"), ValueError, "found 'tpu'", id="unknown_device"),
        pytest.param(
            lambda: dist.collect_results([], 0, "gpu", "x"),
            ValueError,
            "tmpdir is for device='cpu'",
            id="a_folder",
        ),
        pytest.param(
            lambda: dist.init_dist("pytorch", init_backend="deepspeed"), ValueError, "found 'deepspeed'", id="deepspeed"
        ),
    ],
)
def test_what_is_refused(call: Callable[[], Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()


@pytest.mark.parametrize(("node", "size"), [(0, 0), (0, 2), (1, 1)], ids=["no_process", "too_many", "another_node"])
def test_a_local_group_that_does_not_fit_is_refused(node: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"node_rank={node}, num_gpus_per_node={size}: does not fit"):
        dist.init_local_group(node, size)
