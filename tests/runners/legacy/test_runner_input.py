"""What a runner refuses, and how it says so."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.compat.chain import UnknownPoint
from mmbridge.compat.registry import UnknownName
from mmbridge.runners.hooks import OptimizerHook
from mmbridge.runners.legacy import EpochBasedRunner, Runner, build_runner
from torch import nn

LOGGER = logging.getLogger("input")


class Model(nn.Linear):
    def __init__(self) -> None:
        super().__init__(1, 1)

    def train_step(self, data: Any, optimizer: Any) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param({"batch_processor": 3}, TypeError, "batch_processor must be callable", id="processor"),
        pytest.param({"optimizer": "SGD"}, TypeError, "Optimizer object or dict or None", id="optimizer"),
        pytest.param({"optimizer": {"a": 1}}, TypeError, r'optimizer\["a"\] is a', id="dict of optimizers"),
        pytest.param({"logger": None}, TypeError, "logger must be a logging.Logger", id="logger"),
        pytest.param({"meta": [1]}, TypeError, "meta must be a dict or None", id="meta"),
        pytest.param({"work_dir": 3}, TypeError, '"work_dir" must be a str', id="work_dir"),
        pytest.param({"max_epochs": 1, "max_iters": 1}, ValueError, "Only one of", id="both limits"),
    ],
)
def test_the_constructor_refuses(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        EpochBasedRunner(Model(), **{"logger": LOGGER, **options})


def test_a_model_needs_a_train_step() -> None:
    with pytest.raises(TypeError, match="the model Linear has no method train_step"):
        EpochBasedRunner(nn.Linear(1, 1), logger=LOGGER)


def test_a_batch_processor_is_for_models_without_steps() -> None:
    with pytest.warns(DeprecationWarning, match="batch_processor"), pytest.raises(RuntimeError, match="both"):
        EpochBasedRunner(Model(), batch_processor=print, logger=LOGGER)


def test_the_old_name_still_works() -> None:
    with pytest.warns(DeprecationWarning, match="EpochBasedRunner"):
        runner = Runner(Model(), logger=LOGGER)

    assert isinstance(runner, EpochBasedRunner)


WORKFLOWS = [
    pytest.param([("val", 1)], ValueError, "never trains", id="without train"),
    pytest.param([("trian", 1)], ValueError, "no method 'trian'", id="unknown mode"),
    pytest.param([(1, 1)], TypeError, "must be a str", id="mode of another type"),
    pytest.param([("train", 0)], ValueError, "1 time or more", id="no times"),
    pytest.param([("train", 1), ("val", 1)], ValueError, "2 flows for 1 data loaders", id="loaders"),
    pytest.param("train", TypeError, "list of", id="no list"),
]


@pytest.mark.parametrize(("workflow", "error", "message"), WORKFLOWS)
@pytest.mark.parametrize("kind", ["epochs", "iters"])
def test_a_workflow_is_checked_before_anything_runs(
    kind: str, workflow: Any, error: type[Exception], message: str, request: pytest.FixtureRequest, data: Any
) -> None:
    runner = request.getfixturevalue(kind)()
    fired: list[str] = []
    runner.call_hook = fired.append

    with pytest.raises(error, match=message):
        runner.run([data(2)], workflow)

    assert fired == []


def test_a_workflow_of_lists_works(epochs: Any, data: Any) -> None:
    runner = epochs()
    runner.run([data(2)], [["train", 1]])

    assert runner.iter == 4


def test_loaders_must_be_a_list(epochs: Any, data: Any) -> None:
    with pytest.raises(TypeError, match="data_loaders must be a list"):
        epochs().run(data(1), [("train", 1)])


@pytest.mark.parametrize(("kind", "limit"), [("epochs", "max_epochs"), ("iters", "max_iters")])
def test_a_limit_is_needed(kind: str, limit: str, request: pytest.FixtureRequest, data: Any) -> None:
    runner = request.getfixturevalue(kind)(**{limit: None})

    with pytest.raises(ValueError, match=f"{limit} must be specified"):
        runner.run([data(1)], [("train", 1)])


@pytest.mark.parametrize(("kind", "limit"), [("epochs", "max_epochs"), ("iters", "max_iters")])
def test_the_limit_of_run_is_deprecated(kind: str, limit: str, request: pytest.FixtureRequest, data: Any) -> None:
    runner = request.getfixturevalue(kind)(**{limit: None})
    with pytest.warns(DeprecationWarning, match=limit):
        runner.run([data(1)], [("train", 1)], **{limit: 3})

    assert runner.iter == 3


@pytest.mark.parametrize(
    ("outputs", "error", "message"),
    [
        pytest.param([1], TypeError, r"must return a dict, found list", id="no dict"),
        pytest.param({"log_vars": {}}, KeyError, "without 'num_samples'", id="no count"),
    ],
)
@pytest.mark.parametrize("kind", ["epochs", "iters"])
def test_outputs_are_checked(
    kind: str, outputs: Any, error: type[Exception], message: str, request: pytest.FixtureRequest, data: Any
) -> None:
    runner = request.getfixturevalue(kind)()
    runner.model.train_step = lambda *args, **kwargs: outputs

    with pytest.raises(error, match=message):
        runner.run([data(1)], [("train", 1)])


@pytest.mark.parametrize(
    ("key", "config", "error", "message"),
    [
        pytest.param(
            "lr_config", {"policy": "stpe"}, UnknownName,
            "lr_config.policy: no policy 'stpe'; did you mean 'Step'", id="lr",
        ),
        pytest.param("lr_config", {"policy": "one_cycle"}, UnknownName, "did you mean 'OneCycle'", id="lr, underscore"),
        pytest.param("lr_config", {"step": [1]}, KeyError, "lr_config has no key 'policy'", id="no policy"),
        pytest.param(
            "momentum_config", {"policy": "fixed"}, UnknownName,
            "momentum_config.policy: no policy 'fixed'", id="momentum",
        ),
        pytest.param(
            "optimizer_config", {"type": "OptimizerHok"}, UnknownName,
            "optimizer_config: 'OptimizerHok' is not in registry 'hook'; did you mean 'OptimizerHook'", id="hook",
        ),
        pytest.param("log_config", {"hooks": []}, KeyError, "log_config has no key 'interval'", id="log"),
        pytest.param("custom_hooks_config", [{"priority": 3}], KeyError, "custom_hooks: .* key 'type'", id="custom"),
        pytest.param("custom_hooks_config", [3], TypeError, "a hook must be a Hook object, found int", id="no hook"),
        pytest.param("checkpoint_config", {"intervals": 3}, None, "", id="other arguments go to saving"),
        pytest.param(
            "lr_config", {"policy": "fixed", "gamma": 3}, TypeError,
            "FixedLrUpdaterHook has no argument 'gamma'", id="argument",
        ),
    ],
)  # fmt: skip
def test_hook_configs_are_checked(
    key: str, config: Any, error: type[Exception] | None, message: str, epochs: Any
) -> None:
    options = {"lr_config": None, key: config}
    if error is None:
        epochs().register_training_hooks(**options)
        return
    with pytest.raises(error, match=message):
        epochs().register_training_hooks(**options)


@pytest.mark.parametrize(
    ("cfg", "error", "message"),
    [
        pytest.param({"type": "EpochBasedRuner"}, UnknownName, "did you mean 'EpochBasedRunner'", id="runner"),
        pytest.param(
            {"type": "Runner", "constructor": "X"}, UnknownName, "registry 'runner builder'", id="constructor"
        ),
        pytest.param({"type": "EpochBasedRunner", "foo": 1}, TypeError, "'foo'", id="argument"),
    ],
)
def test_build_runner_refuses(cfg: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build_runner(cfg, {"model": Model(), "logger": LOGGER})


def test_configs_are_not_changed(epochs: Any) -> None:
    configs = {
        "lr_config": {"policy": "step", "step": [1]},
        "optimizer_config": {},
        "checkpoint_config": {"interval": 1},
        "log_config": {"interval": 1, "hooks": [{"type": "TextLoggerHook"}]},
    }
    kept = {key: dict(value) for key, value in configs.items()}
    for _ in range(2):
        epochs().register_training_hooks(**configs)

    assert configs == kept


def test_a_hook_is_registered_once(epochs: Any) -> None:
    runner, hook = epochs(), OptimizerHook()
    runner.register_hook(hook)

    with pytest.raises(ValueError, match="already registered"):
        runner.register_hook(hook)


def test_a_misspelt_point_is_an_error(epochs: Any) -> None:
    with pytest.raises(UnknownPoint, match="did you mean 'before_train_iter'"):
        epochs().call_hook("before_train_itr")


def test_rates_need_an_optimizer(epochs: Any) -> None:
    runner = epochs()
    runner.optimizer = None

    with pytest.raises(RuntimeError, match="lr is not applicable"):
        runner.current_lr()
    with pytest.raises(RuntimeError, match="momentum is not applicable"):
        runner.current_momentum()


def test_the_optimizer_hook_wants_one_optimizer(epochs: Any, data: Any) -> None:
    runner = epochs()
    runner.optimizer = {"a": torch.optim.SGD(runner.model.parameters(), lr=1.0)}
    runner.register_optimizer_hook({})

    with pytest.raises(Exception, match="set optimizer_config = None"):
        runner.run([data(1)], [("train", 1)])


def test_a_path_is_a_work_dir(tmp_path: Path) -> None:
    runner = EpochBasedRunner(Model(), logger=LOGGER, work_dir=tmp_path / "a" / "b")

    assert runner.work_dir == str(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
