"""What an engine costs per training iteration, above a bare loop: `python benchmarks/overhead.py [ITERATIONS]`.

The model does nothing, so what is left is the engine with its default hooks (learning rate, optimizer's excepted,
checkpoint, timer, log). Processor time, the least of several rounds in turn. Engines that are not installed are left
out.
"""

from __future__ import annotations

import copy
import logging
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import mmbridge.runners.legacy as ours
import torch
from torch import nn

ROUNDS = 7
HOOKS: dict[str, Any] = {
    "lr_config": {"policy": "step", "step": [1], "warmup": "linear", "warmup_iters": 500},
    "checkpoint_config": {"interval": 1},
    "log_config": {"interval": 50, "hooks": [{"type": "TextLoggerHook"}]},
}


class Model(nn.Linear):
    """Reports a loss without computing one."""

    def __init__(self) -> None:
        super().__init__(1, 1)

    def train_step(self, data: Any, optimizer: Any = None, **kwargs: Any) -> dict[str, Any]:
        """What a step reports in MMCV 1.x."""
        return {"loss": 1.0, "log_vars": {"loss": 1.0}, "num_samples": 1}


class EngineModel(nn.Linear):
    """The same for MMEngine, whose outputs are the values to log."""

    def __init__(self) -> None:
        super().__init__(1, 1)

    def train_step(self, data: Any, optim_wrapper: Any) -> dict[str, Any]:
        """What a step reports in MMEngine."""
        return {"loss": 1.0}


class Loader:
    """So many equal batches."""

    dataset = None

    def __init__(self, batches: int) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[int]:
        return iter([0] * self.batches)

    def __len__(self) -> int:
        return self.batches


def bare(iterations: int) -> float:
    """Seconds of the loop alone."""
    model = Model().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    start = time.process_time()
    for batch in Loader(iterations):
        model.train_step(batch, optimizer)
    return time.process_time() - start


def legacy(engine: Any, iterations: int) -> float:
    """Seconds of a run in an engine with MMCV 1.x's names."""
    model = Model()
    with tempfile.TemporaryDirectory() as work_dir:
        parts = {
            "model": model,
            "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
            "work_dir": work_dir,
            "logger": logging.Logger("overhead", logging.INFO),
            "meta": {},
        }
        runner = engine.build_runner({"type": "EpochBasedRunner", "max_epochs": 1}, parts)
        runner.register_training_hooks(**copy.deepcopy(HOOKS))  # MMCV changes its configs
        start = time.process_time()
        runner.run([Loader(iterations)], [("train", 1)])
        return time.process_time() - start


def mmengine_run(iterations: int) -> float:
    """Seconds of a run in MMEngine."""
    from mmengine.runner import Runner

    with tempfile.TemporaryDirectory() as work_dir:
        data = torch.utils.data.DataLoader([0] * iterations)
        runner = Runner(
            EngineModel(),
            work_dir,
            train_dataloader=data,
            train_cfg={"by_epoch": True, "max_epochs": 1},
            optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
            param_scheduler={"type": "LinearLR", "by_epoch": False, "begin": 0, "end": 500, "start_factor": 0.1},
            default_hooks={"logger": {"type": "LoggerHook", "interval": 50}},
            log_level="ERROR",
            experiment_name=f"overhead{time.time_ns()}",
        )
        loop = runner.build_train_loop(runner._train_loop)
        loop.dataloader = Loader(iterations)
        runner._train_loop = loop
        start = time.process_time()
        runner.train()
        return time.process_time() - start


def engines() -> dict[str, Callable[[int], float]]:
    """The engines that are installed."""
    found: dict[str, Callable[[int], float]] = {"bare loop": bare}
    if find_spec("mmcv") is not None:
        if find_spec("torchvision") is None:
            torchvision = types.ModuleType("torchvision")
            torchvision.__version__ = "0"  # type: ignore[attr-defined]
            torchvision.models = types.ModuleType("torchvision.models")  # type: ignore[attr-defined]
            sys.modules.update({"torchvision": torchvision, "torchvision.models": torchvision.models})
        import mmcv.runner

        found["MMCV 1.7.2"] = lambda iterations: legacy(mmcv.runner, iterations)
    if find_spec("mmengine") is not None:
        found["MMEngine"] = mmengine_run
    found["mmbridge, legacy"] = lambda iterations: legacy(ours, iterations)
    return found


def main(iterations: int) -> None:
    """Print the least time of each engine."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    time.sleep = lambda seconds: None  # MMCV waits at every epoch; that is not counted here
    best: dict[str, float] = {}
    installed = engines()
    for _ in range(ROUNDS):
        for name, run in installed.items():
            best[name] = min(best.get(name, float("inf")), run(iterations))
    for name, seconds in best.items():
        above = (seconds - best["bare loop"]) / iterations * 1e6
        print(f"{name:20} {seconds / iterations * 1e6:8.2f} us per iteration, {above:8.2f} us above the bare loop")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
