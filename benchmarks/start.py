"""What it costs to start a run: ``python benchmarks/start.py [ROUNDS]``.

Two columns: the seconds until a runner with its default hooks is built, and until it has trained one iteration, the
import of torch and the engine included. Every figure comes from a fresh process; the engines take turns, so that a
machine that is faster now and slower then treats all alike, and shown are medians and how often they hold those of the
bare loop, which imports torch and, at its first optimizer, ``torch._dynamo``. Engines that are not installed are left
out.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from typing import Any

ROUNDS = 11
RATE = {"lr": 0.1}
BARE = "torch alone"


def bare(clock: list[float]) -> None:
    """One step of a linear model, without an engine."""
    import torch

    clock.append(time.perf_counter())
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), **RATE)
    model(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    clock.append(time.perf_counter())


def old(package: str, folder: str, clock: list[float]) -> None:
    """One epoch of one iteration in an engine with MMCV 1.x's names."""
    engine = import_module(package)
    import torch

    class Model(torch.nn.Linear):
        def train_step(self, data: Any, optimizer: Any, **kwargs: Any) -> dict[str, Any]:
            return {"loss": self(data).sum(), "log_vars": {}, "num_samples": 1}

    model = Model(1, 1)
    runner = engine.EpochBasedRunner(model, work_dir=folder, logger=logging.getLogger("start"), meta={}, max_epochs=1)
    runner.register_training_hooks(
        lr_config={"policy": "step", "step": [1]},
        optimizer_config={},
        checkpoint_config={"interval": 1},
        log_config={"interval": 10, "hooks": [{"type": "TextLoggerHook"}]},
    )
    clock.append(time.perf_counter())
    runner.optimizer = torch.optim.SGD(model.parameters(), **RATE)
    runner.run([torch.utils.data.DataLoader(torch.ones(1, 1))], [("train", 1)])  # type: ignore[arg-type]
    clock.append(time.perf_counter())


def new(package: str, folder: str, clock: list[float]) -> None:
    """One epoch of one iteration in an engine with MMEngine's names."""
    engine, models = import_module(f"{package}.runner"), import_module(f"{package}.model")
    import torch

    class Model(models.BaseModel):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, inputs: Any, mode: str = "tensor") -> Any:
            return {"loss": self.layer(inputs).sum()}

    runner = engine.Runner(
        Model(),
        folder,
        train_dataloader=torch.utils.data.DataLoader([{"inputs": torch.ones(1)}]),  # type: ignore[arg-type]
        train_cfg={"by_epoch": True, "max_epochs": 1},
        optim_wrapper={"optimizer": {"type": "SGD", **RATE}},
        param_scheduler={"type": "MultiStepLR", "milestones": [1]},
        log_level="ERROR",
    )
    clock.append(time.perf_counter())
    runner.train()
    clock.append(time.perf_counter())


ENGINES = {
    "MMCV 1.7.2": (old, "mmcv.runner"),
    "mmbridge, legacy": (old, "mmbridge.runners.legacy"),
    "MMEngine 0.10.7": (new, "mmengine"),
    "mmbridge, loop": (new, "mmbridge.runners.loop"),
}


def start(name: str) -> None:
    """Train one iteration in this process, and print the seconds it took to build and to train."""
    warnings.simplefilter("ignore")
    time.sleep = lambda seconds: None  # MMCV waits at every epoch; that is not counted here
    with tempfile.TemporaryDirectory() as folder:
        clock = [time.perf_counter()]
        if name == BARE:
            bare(clock)
        else:
            run, package = ENGINES[name]
            run(package, folder, clock)
    print(json.dumps([clock[1] - clock[0], clock[2] - clock[0]]))


def measured(name: str) -> list[float]:
    """What :func:`start` prints in a fresh process that, as for every user, finds its modules compiled."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, __file__, "start", name]
    printed = subprocess.run(command, env=environment, check=True, text=True, stdout=subprocess.PIPE).stdout
    seconds: list[float] = json.loads(printed.splitlines()[-1])
    return seconds


def main(rounds: int) -> None:
    """Print the table."""
    names = [BARE, *(name for name, (_, package) in ENGINES.items() if find_spec(package.split(".")[0]) is not None)]
    for name in names:
        measured(name)  # not counted: it compiles the modules
    taken: dict[str, list[list[float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            taken[name].append(measured(name))
    print(f"{'':20} {'built':>14} {'one iteration':>16}")
    alone = [median(column) for column in zip(*taken[BARE], strict=True)]
    for name, rows in taken.items():
        built, trained = (median(column) for column in zip(*rows, strict=True))
        print(f"{name:20} {built:6.2f} s {built / alone[0]:5.2f} {trained:8.2f} s {trained / alone[1]:5.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["start"]:
        start(sys.argv[2])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
