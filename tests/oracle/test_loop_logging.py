"""Histories, message hub and log lines against the real MMEngine."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmbridge.runners.checkpoint import read_file
from mmbridge.runners.loop.logging import HistoryBuffer, MessageHub, MMLogger
from mmbridge.runners.loop.runner.log_processor import LogProcessor

pytestmark = pytest.mark.oracle

pytest.importorskip("mmengine")

NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.integers(-1000, 1000), st.just(math.nan), st.just(math.inf), st.booleans())


def same(ours: Any, real: Any) -> bool:
    """Equal as numbers, as texts and as what JSON writes."""
    return (ours == real or (ours != ours and real != real)) and isinstance(ours, float) == isinstance(real, float)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=300)
@given(
    start=st.lists(NUMBERS, max_size=3),
    values=st.lists(st.tuples(NUMBERS, st.integers(1, 4)), min_size=1, max_size=200),
    window=st.one_of(st.none(), st.integers(-3, 250)),
    bound=st.integers(1, 150),
)
def test_statistics(start: list[Any], values: list[tuple[Any, int]], window: int | None, bound: int) -> None:
    from mmengine.logging import HistoryBuffer as Real

    start = start[:bound]
    ours, real = (kind(start, [1] * len(start), max_length=bound) for kind in (HistoryBuffer, Real))
    for value, count in values:
        ours.update(value, count)
        real.update(value, count)

    assert same(ours.current(), real.current())
    for name in ("mean", "max", "min"):
        try:
            expected = real.statistics(name, window)
        except ValueError:  # a negative window leaves nothing
            with pytest.raises(ValueError, match="empty"):
                ours.statistics(name, window)
            continue
        assert same(ours.statistics(name, window), expected), name
    assert [repr(each.tolist()) for each in real.data] == [repr(each.tolist()) for each in ours.data]
    assert [each.dtype for each in real.data] == [each.dtype for each in ours.data]


@pytest.mark.parametrize("length", [1, 7, 8, 100, 129, 5000])
def test_means_are_added_in_the_same_order(length: int) -> None:
    from mmengine.logging import HistoryBuffer as Real

    values = torch.rand(length, dtype=torch.float64, generator=torch.Generator().manual_seed(length)).tolist()

    assert Real(values, [1] * length).mean() == HistoryBuffer(values, [1] * length).mean()


def filled(hub: Any) -> Any:
    for step in range(4):
        hub.update_scalar("train/loss", torch.tensor(1.5 + step))
        hub.update_scalars({"train/lr": 0.1, "n": {"value": step, "count": 2}})
    hub.update_scalar("temporary", 1.0, resumed=False)
    hub.update_info("iter", 3)
    hub.update_info_dict({"epoch": 1, "dataset_meta": {"classes": ("a",)}})
    hub.update_info("live", 3, resumed=False)
    return hub


def test_hub_state_has_the_same_parts() -> None:
    from mmengine.logging import MessageHub as Real

    ours, real = filled(MessageHub("o")).state_dict(), filled(Real("r")).state_dict()

    assert {key: history.data[0].tolist() for key, history in real["log_scalars"].items()} == {
        key: history["log_history"].tolist() for key, history in ours["log_scalars"].items()
    }
    assert real["runtime_info"] == ours["runtime_info"]
    assert real["resumed_keys"] == ours["resumed_keys"]


def loaded(state: Any, tmp_path: Path) -> Any:
    torch.save({"message_hub": state}, tmp_path / "real.pth")
    return read_file(str(tmp_path / "real.pth"))["message_hub"]


@pytest.mark.parametrize(
    "carried",
    [lambda state, path: state, loaded, lambda state, path: pickle.loads(pickle.dumps(state))],
    ids=["in memory", "from a checkpoint, by the safe loader", "pickled"],
)
def test_the_state_of_mmengine_is_taken_over(carried: Any, tmp_path: Path) -> None:
    from mmengine.logging import MessageHub as Real

    real = filled(Real("r"))
    ours = MessageHub("o")
    ours.load_state_dict(carried(real.state_dict(), tmp_path))
    real.update_scalar("train/loss", 2.0)
    ours.update_scalar("train/loss", 2.0)

    assert ["train/loss", "train/lr", "n"] == list(ours.log_scalars)
    for key, history in ours.log_scalars.items():
        assert (real.get_scalar(key).mean(3), real.get_scalar(key).current()) == (history.mean(3), history.current())
    assert {"iter": 3, "epoch": 1, "dataset_meta": {"classes": ("a",)}} == ours.runtime_info


def test_statistics_of_ones_own_in_a_checkpoint_are_refused_by_name(tmp_path: Path) -> None:
    """MMEngine stores the functions with each history; the safe loader names the one it does not know."""
    from mmbridge.runners.checkpoint import UnsafeCheckpoint
    from mmengine.logging import HistoryBuffer as Real

    history = Real([1], [1])
    history._statistics_methods = {**Real._statistics_methods, "join": pytest.importorskip("os").path.join}

    with pytest.raises(UnsafeCheckpoint, match=r"posixpath\.join"):
        loaded({"log_scalars": {"a": history}}, tmp_path)


def test_mmengine_resumes_from_our_state_without_the_histories() -> None:
    from mmengine.logging import MessageHub as Real

    real = Real("r")
    real.load_state_dict(filled(MessageHub("o")).state_dict())

    assert {} == real.log_scalars
    assert 3 == real.get_info("iter")


class Loader(list[int]):
    dataset = ()


def runner_of(hub: Any, trains: bool, iteration: int = 6) -> Any:
    data = Loader([0] * 12)
    loops = {f"{mode}_loop": SimpleNamespace(dataloader=data) for mode in ("train", "val", "test")}
    loops |= {f"{mode}_dataloader": data for mode in ("train", "val", "test")}
    return SimpleNamespace(
        message_hub=hub,
        epoch=1,
        iter=iteration,
        max_epochs=100,
        max_iters=1200,
        model=torch.nn.Linear(1, 1),
        _train_loop=loops["train_loop"] if trains else None,
        **loops,
    )


def trained(hub: Any, mode: str, eta: bool) -> Any:
    for step in range(25):
        hub.update_scalar(f"{mode}/lr", 0.1 / (step + 1))
        hub.update_scalar(f"{mode}/a.lr", 0.2)
        hub.update_scalar(f"{mode}/loss", torch.tensor(1 / (step + 3)))
        hub.update_scalar(f"{mode}/time", step / 7)
        hub.update_scalar(f"{mode}/data_time", step / 70)
        hub.update_scalar(f"{mode}/acc", step)
        hub.update_scalar(f"{mode}/{mode}/loss_inner", step / 9)
        hub.update_scalar("other/loss", 1.0)
    hub.update_info(f"{mode}/classes", ["a", "b"])
    hub.update_info(f"{mode}/matrix", torch.eye(2))
    hub.update_info(f"{mode}/array", pytest.importorskip("numpy").eye(2))
    if eta:
        hub.update_info("eta", 3723.7)
    return hub


CONFIGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "by iteration": {"by_epoch": False},
    "hierarchy": {"log_with_hierarchy": True},
    "digits and window": {"num_digits": 2, "window_size": 3},
    "pattern": {"mean_pattern": r"acc"},
    "zoo": {
        "custom_cfg": [
            {"data_src": "loss", "log_name": "loss_max", "method_name": "max", "window_size": 5},
            {"data_src": "loss", "log_name": "loss_all", "method_name": "mean", "window_size": "global"},
            {"data_src": "loss", "method_name": "min"},
            {"data_src": "acc", "method_name": "mean", "window_size": "epoch"},
            {"data_src": "time", "method_name": "max", "window_size": "epoch"},
            {"data_src": "absent", "method_name": "mean"},
            {"data_src": "lr", "log_name": "first_lr", "method_name": "max"},
            {"data_src": "acc", "log_name": "now", "method_name": "current"},
        ]
    },
    "zoo by iteration": {
        "by_epoch": False,
        "log_with_hierarchy": True,
        "custom_cfg": [{"data_src": "loss", "log_name": "loss_max", "method_name": "max", "window_size": "global"}],
    },
}


def comparable(record: dict[str, Any]) -> list[tuple[str, str]]:
    return [(key, f"{value}") for key, value in record.items()]


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
@pytest.mark.parametrize("mode", ["train", "val", "test"])
@pytest.mark.parametrize("trains", [True, False], ids=["with training", "without training"])
@pytest.mark.parametrize("eta", [True, False], ids=["with eta", "without eta"])
def test_lines_and_records(config: dict[str, Any], mode: str, trains: bool, eta: bool) -> None:
    from mmengine.logging import MessageHub as RealHub
    from mmengine.runner import LogProcessor as Real

    ours, real = LogProcessor(**config), Real(**config)
    our_runner = runner_of(trained(MessageHub("o"), mode, eta), trains)
    real_runner = runner_of(trained(RealHub("r"), mode, eta), trains)
    for index in (0, 9):
        our_record, our_line = ours.get_log_after_iter(our_runner, index, mode)
        real_record, real_line = real.get_log_after_iter(real_runner, index, mode)

        assert real_line == our_line
        assert comparable(real_record) == comparable(our_record)
    if mode != "train":
        for facts in (False, True):
            our_record, our_line = ours.get_log_after_epoch(our_runner, 12, mode, facts)
            real_record, real_line = real.get_log_after_epoch(real_runner, 12, mode, facts)

            assert real_line == our_line
            assert comparable(real_record) == comparable(our_record)


def test_lines_of_the_logger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mmengine.logging import MMLogger as Real

    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_123_456_789)
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.123456)
    written = {}
    for name, kind in (("ours", MMLogger), ("real", Real)):
        logger = kind(f"lines {name}", log_file=str(tmp_path / name))
        for _ in range(2):
            for level in ("info", "warning", "error", "debug"):
                getattr(logger, level)("a %s", level)
        written[name] = (capsys.readouterr().out, (tmp_path / name).read_text())
        for handler in logger.handlers:
            handler.close()

    assert written["real"] == written["ours"]
