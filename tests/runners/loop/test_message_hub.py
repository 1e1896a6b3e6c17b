"""The message hub: its updates, its state, whose it is."""

from __future__ import annotations

import gc
import io
import threading
import tracemalloc
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.loop.logging import HistoryBuffer, MessageHub, MMLogger
from mmbridge.runners.loop.visualization import Visualizer


def saved(state: Any) -> Any:
    """``state`` written to a file and read by torch's safe loader, with nothing allowed."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(1, 1, id="int"),
        pytest.param(1.5, 1.5, id="float"),
        pytest.param(torch.tensor(2.5), 2.5, id="tensor"),
        pytest.param(torch.tensor([[3]]), 3, id="tensor of one integer"),
        pytest.param((torch.ones(2, requires_grad=True) * 2).sum(), 4.0, id="tensor with a graph"),
    ],
)
def test_one_number_in_any_form(value: Any, expected: float) -> None:
    hub = MessageHub("hub")
    hub.update_scalar("a", value)
    hub.update_scalar("a", value)

    assert (type(expected), expected) == (type(hub.get_scalar("a").current()), hub.get_scalar("a").current())


def test_numbers_of_numpy() -> None:
    numpy = pytest.importorskip("numpy")
    hub = MessageHub("hub")
    hub.update_scalar("a", numpy.array([[2]]))
    hub.update_scalar("b", numpy.float32(0.5))

    assert (2, 0.5) == (hub.get_scalar("a").current(), hub.get_scalar("b").current())


@pytest.mark.parametrize(
    "value", [torch.ones(2), "1", None, [1], torch.tensor(1j), torch.ones(0)], ids=lambda value: repr(value)[:20]
)
def test_what_is_no_single_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="train/a: a scalar is a number, or holds one; found"):
        MessageHub("hub").update_scalar("train/a", value)


def test_several_scalars_with_counts() -> None:
    hub = MessageHub("hub")
    hub.update_scalars({"a": 1, "b": {"value": 4.0, "count": 2}, "c": {"value": torch.tensor(1.0)}})

    assert [1.0, 2.0, 1.0] == [hub.get_scalar(key).mean() for key in "abc"]
    with pytest.raises(ValueError, match="a: a dict of value and count must have 'value', found the keys"):
        hub.update_scalars({"a": {"count": 1}})
    with pytest.raises(TypeError, match="the count must be an int"):
        hub.update_scalar("a", 1, 1.5)  # type: ignore[arg-type]


def test_facts() -> None:
    hub = MessageHub("hub", runtime_info={"epoch": 1})
    hub.update_info_dict({"iter": 3, "epoch": 2})

    assert 2 == hub.get_info("epoch")
    assert "x" == hub.get_info("nothing", "x")
    assert 3 == hub.pop_info("iter")
    assert hub.pop_info("iter") is None


def test_the_flag_of_a_key_stays() -> None:
    hub = MessageHub("hub")
    hub.update_scalar("a", 1)
    hub.update_info("b", 1, resumed=False)

    with pytest.raises(ValueError, match="a: resumed was True at an earlier update and is False now"):
        hub.update_scalar("a", 1, resumed=False)
    with pytest.raises(ValueError, match="b: resumed was False"):
        hub.update_info("b", 1)


def test_an_unknown_scalar_is_told_with_those_there_are() -> None:
    hub = MessageHub("hub", {"train/loss": HistoryBuffer([1], [1])})

    with pytest.raises(KeyError, match="no scalar 'loss'; there are: train/loss"):
        hub.get_scalar("loss")


def test_the_state_is_plain_data_and_comes_back() -> None:
    hub = MessageHub("hub")
    hub.update_scalar("loss", 1.5, 2)
    hub.update_scalar("n", 3)
    hub.update_scalar("not kept", 1, resumed=False)
    hub.update_info("keep_ckpt_ids", [Path("a.pth")])
    hub.update_info("dataset_meta", OrderedDict(classes=("a", "b"), palette={1}))
    again = MessageHub("again")
    again.load_state_dict(saved(hub.state_dict()))

    assert ["loss", "n"] == list(again.log_scalars)
    assert (0.75, int) == (again.get_scalar("loss").mean(), type(again.get_scalar("n").current()))
    expected = {"keep_ckpt_ids": ["a.pth"], "dataset_meta": {"classes": ("a", "b"), "palette": {1}}}
    assert expected == again.runtime_info
    with pytest.raises(ValueError, match="resumed was True"):
        again.update_scalar("loss", 1, resumed=False)


def test_a_fact_that_is_no_data_is_left_out_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    hub = MessageHub("hub")
    hub.update_info("hook", print)

    assert {} == saved(hub.state_dict())["runtime_info"]
    assert "hook: not saved, as builtins.builtin_function_or_method is no plain data" in capsys.readouterr().out


def test_loading_passes_over_what_is_no_history(capsys: pytest.CaptureFixture[str]) -> None:
    hub = MessageHub("hub")
    hub.load_state_dict({"log_scalars": {"a": 1}, "runtime_info": {}, "resumed_keys": {"a": True}})

    assert {} == hub.log_scalars
    assert "a: not resumed, as <class 'int'> is no history" in capsys.readouterr().out
    with pytest.raises(ValueError, match="lacks log_scalars, resumed_keys; it has runtime_info"):
        hub.load_state_dict({"runtime_info": {}})


def test_another_hub_is_copied() -> None:
    one, two = MessageHub("one"), MessageHub("two")
    one.update_scalar("a", 1, resumed=False)
    two.load_state_dict(one)
    one.update_scalar("a", 2, resumed=False)

    assert 1 == two.get_scalar("a").current()


def test_constructor_checks() -> None:
    with pytest.raises(TypeError, match=r"log_scalars\['a'\] must be a HistoryBuffer, found int"):
        MessageHub("hub", {"a": 1})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match=r"resumed_keys\['a'\]: neither"):
        MessageHub("hub", resumed_keys={"a": True})
    with pytest.raises(TypeError, match="runtime_info of a message hub must be a dict or None, found list"):
        MessageHub("hub", runtime_info=[])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the name must be a text that is not empty"):
        MessageHub("")


def test_the_current_hub_is_that_of_the_run_in_progress() -> None:
    hub, inner = MessageHub("run"), MessageHub("inner")
    with hub.current():
        with inner.current():
            assert inner is MessageHub.get_current_instance()
        assert hub is MessageHub.get_current_instance()

    assert MessageHub.get_current_instance() not in (hub, inner)


@pytest.mark.parametrize("kind", [MessageHub, MMLogger, Visualizer])
def test_outside_of_a_run_the_current_object_is_a_new_one_that_nothing_remembers(kind: type[Any]) -> None:
    """So code that is written for a run works without one."""
    first, second = kind.get_current_instance(), kind.get_current_instance()

    assert ("mmengine", None) == (first.instance_name, kind.in_progress())
    assert first is not second
    assert not kind.check_instance_created("mmengine")
    held = kind("mmengine")
    assert held is not kind.get_current_instance()
    assert held is kind.get_instance("mmengine")


@pytest.mark.parametrize("kind", [MessageHub, MMLogger, Visualizer])
def test_two_runs_of_one_name_in_one_second_share_nothing(kind: type[Any]) -> None:
    """In MMEngine both runners get the first one's hub, logger and visualizer."""
    first, second = kind("experiment_20240101_000000"), kind("experiment_20240101_000000")
    first.mark = 1

    assert not hasattr(second, "mark")
    assert second is kind.get_instance("experiment_20240101_000000")


@pytest.mark.parametrize("kind", [MessageHub, MMLogger, Visualizer])
def test_another_thread_has_no_run_in_progress(kind: type[Any]) -> None:
    found: list[Any] = []
    with kind("run").current() as instance:
        assert instance is kind.get_current_instance()
        thread = threading.Thread(target=lambda: found.append(kind.in_progress()))
        thread.start()
        thread.join()

    assert [None] == found


def test_an_object_asked_for_by_name_lives_as_long_as_somebody_holds_it() -> None:
    hub = MessageHub.get_instance("held")
    hub.update_info("a", 1)

    assert hub is MessageHub.get_instance("held")
    with pytest.warns(UserWarning, match="MessageHub 'held' exists, so runtime_info will not be used"):
        assert hub is MessageHub.get_instance("held", runtime_info={})
    del hub
    gc.collect()
    assert not MessageHub.check_instance_created("held")


def test_memory_is_flat_over_a_long_run() -> None:
    """Sixteen bytes an update, of the value and its count; no tensor and no float object stays."""
    hub = MessageHub("long")
    loss = torch.ones(())
    for _ in range(1024):
        hub.update_scalar("loss", loss)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(102_400):
        hub.update_scalar("loss", loss)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    # an array grows by an eighth at once; what waits to be moved there is at most 512 values
    assert grown < 102_400 * 16 * 9 / 8 + 512 * 64


def test_updates_wait_for_no_device() -> None:
    """A tensor elsewhere is kept as it is, without its graph, until the history is read."""

    class Elsewhere(torch.Tensor):
        @property
        def is_cpu(self) -> bool:
            return False

        def item(self) -> float:
            raise AssertionError("waited")

    hub = MessageHub("hub")
    hub.update_scalar("a", 1.0)
    value = (torch.ones(1, requires_grad=True) * 2).sum().as_subclass(Elsewhere)
    hub.update_scalar("a", value)

    waiting = hub.get_scalar("a")._pending
    assert [False] == [each.requires_grad for each in waiting]
    assert 2.0 == hub.get_scalar("a").current()
    with pytest.raises(ValueError, match="found Elsewhere of shape"):
        hub.update_scalar("a", torch.ones(2).as_subclass(Elsewhere))
