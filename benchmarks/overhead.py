"""What an engine costs per training iteration, above a bare loop: `python benchmarks/overhead.py [ITERATIONS]`.

Two tables: with a model that does nothing, so that what is left is the engine with its default hooks (learning rate,
checkpoint, timer, log); and with a small regression, where the engine also prepares the batch, sums and logs losses
and steps the optimizer. Engines that are not installed are left out. Measured are blocks of fifty iterations, in
which five lines are logged, against fifty iterations of the bare loop just before; shown is the median of all such
pairs. So neither a machine that is faster now and slower then nor what a run costs only once counts. An engine that
leaves out something of what the bare loop does may be below it.
The row "by hand" is the least of the second table: the loop with MMEngine's records and log lines written into it, with
no hook, scheduler or anything else that could be exchanged.
"""

from __future__ import annotations

import copy
import importlib
import json
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

ROUNDS = 5
BLOCK = 50
RATE = {"lr": 0.1, "momentum": 0.9}
LEGACY_HOOKS: dict[str, Any] = {
    "lr_config": {"policy": "step", "step": [1], "warmup": "linear", "warmup_iters": 500},
    "checkpoint_config": {"interval": 1},
    "log_config": {"interval": 10, "hooks": [{"type": "TextLoggerHook"}]},
}
GENERATOR = torch.Generator().manual_seed(0)
BATCH = {"inputs": torch.randn(8, 4, generator=GENERATOR), "data_samples": torch.randn(8, generator=GENERATOR)}
Pair = tuple[float, float]
Run = Callable[[Any, int], "Loader"]


class Loader:
    """So many equal batches, in whole blocks; before each block it runs the bare loop, and times both."""

    dataset = None

    def __init__(self, batches: int, bare: Callable[[], None]) -> None:
        self.batches = -(-batches // BLOCK) * BLOCK
        self.bare = bare
        self.pairs: list[Pair] = []

    def __iter__(self) -> Iterator[Any]:
        for _ in range(self.batches // BLOCK):
            start = time.perf_counter()
            self.bare()
            between = time.perf_counter()
            yield from [BATCH] * BLOCK
            self.pairs.append((between - start, time.perf_counter() - between))

    def __len__(self) -> int:
        return self.batches


def idle(generation: str, base: type = nn.Module) -> nn.Module:
    """A model whose step reports a loss without computing one, as the engines of a ``generation`` want it."""

    class Idle(nn.Linear):
        def train_step(self, data: Any, optim_wrapper: Any) -> dict[str, Any]:
            return {"loss": 1.0}

    class OldIdle(nn.Linear):
        def train_step(self, data: Any, optimizer: Any, **kwargs: Any) -> dict[str, Any]:
            return {"loss": 1.0, "log_vars": {"loss": 1.0}, "num_samples": 1}

    return OldIdle(1, 1) if generation == "old" else Idle(1, 1)


def regression(generation: str, base: type = nn.Module) -> nn.Module:
    """A linear model with two losses; in MMEngine's generation ``base`` is the engine's BaseModel."""

    class Losses(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 1)

        def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> Any:
            error = self.layer(inputs).squeeze(-1) - data_samples
            return {"loss_l2": error.pow(2).mean(), "loss_l1": error.abs().mean()}

    class OldLosses(Losses):
        def train_step(self, data: Any, optimizer: Any, **kwargs: Any) -> dict[str, Any]:
            losses = self(**data)
            loss = losses["loss_l2"] + losses["loss_l1"]
            log_vars = {name: value.item() for name, value in losses.items()}
            return {"loss": loss, "log_vars": {**log_vars, "loss": loss.item()}, "num_samples": 8}

    return OldLosses() if generation == "old" else Losses()


def bare(make: Any) -> Callable[[], None]:
    """A block of the loop alone."""
    model = make("none").train()
    optimizer = torch.optim.SGD(model.parameters(), **RATE)

    def idle_block() -> None:
        for batch in [BATCH] * BLOCK:
            model.train_step(batch, optimizer)

    def regression_block() -> None:
        for batch in [BATCH] * BLOCK:
            losses = model(**batch, mode="loss")
            (losses["loss_l2"] + losses["loss_l1"]).backward()
            optimizer.step()
            optimizer.zero_grad()

    return idle_block if make is idle else regression_block


def by_hand(make: Any, iterations: int) -> Loader:
    """The loop with what a run of MMEngine records of it, and every tenth time a line in three files."""
    model = regression("none").train()
    optimizer = torch.optim.SGD(model.parameters(), **RATE)
    loader = Loader(iterations, bare(make))
    records: dict[str, list[float]] = {name: [] for name in ("lr", "data_time", "time", "loss", "loss_l2", "loss_l1")}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as files:
        log, *rows = (files.enter_context(open(f"{folder}/{name}", "a", 1)) for name in ("log", "json", "scalars"))
        last, total = time.time(), 0.0
        for done, batch in enumerate(loader, 1):
            records["data_time"].append(time.time() - last)
            records["lr"].append(optimizer.param_groups[0]["lr"])
            losses = model(**batch, mode="loss")
            loss = losses["loss_l2"] + losses["loss_l1"]
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            for name, value in {"loss": loss, **losses}.items():
                records[name].append(value.item())
            now = time.time()
            records["time"].append(now - last)
            total, last = total + now - last, now
            if done % 10 == 0:
                means = {name: sum(values[-10:]) / 10 for name, values in records.items()}
                text = "  ".join(f"{name}: {value:.4f}" for name, value in means.items())
                log.write(f"{time.ctime()} Epoch(train)  [1][{done}/{iterations}]  eta: {total / done:.0f}  {text}\n")
                for file in rows:
                    file.write(json.dumps({**means, "epoch": 1, "iter": done}) + "\n")
    return loader


def old_engine(package: str, make: Any, iterations: int) -> Loader:
    """A run in an engine with MMCV 1.x's names."""
    engine = importlib.import_module(package)
    model = make("old")
    with tempfile.TemporaryDirectory() as work_dir:
        parts = {
            "model": model,
            "optimizer": torch.optim.SGD(model.parameters(), **RATE),
            "work_dir": work_dir,
            "logger": logging.Logger("overhead", logging.INFO),
            "meta": {},
        }
        runner = engine.build_runner({"type": "EpochBasedRunner", "max_epochs": 1}, parts)
        hooks = copy.deepcopy(LEGACY_HOOKS)  # MMCV changes its configs
        runner.register_training_hooks(**hooks, optimizer_config={} if make is regression else None)
        loader = Loader(iterations, bare(make))
        runner.run([loader], [("train", 1)])
    return loader


def new_engine(package: str, make: Any, iterations: int) -> Loader:
    """A run in an engine with MMEngine's names."""
    engine = importlib.import_module(f"{package}.runner")
    with tempfile.TemporaryDirectory() as work_dir:
        runner = engine.Runner(
            make("new", importlib.import_module(f"{package}.model").BaseModel),
            work_dir,
            train_dataloader=DataLoader([0] * iterations),  # type: ignore[arg-type]
            train_cfg={"by_epoch": True, "max_epochs": 1},
            optim_wrapper={"optimizer": {"type": "SGD", **RATE}},
            param_scheduler={"type": "LinearLR", "by_epoch": False, "begin": 0, "end": 500, "start_factor": 0.1},
            log_level="ERROR",
            experiment_name=f"overhead{time.time_ns()}",
        )
        loader = runner.train_loop.dataloader = Loader(iterations, bare(make))
        runner.train()
    return loader


def engines(make: Any) -> dict[str, Run]:
    """The engines that are installed, by their names."""
    found: dict[str, Run] = {"by hand": by_hand} if make is regression else {}
    if find_spec("mmcv") is not None:
        found["MMCV 1.7.2"] = partial(old_engine, "mmcv.runner")
    if find_spec("mmengine") is not None:
        found["MMEngine 0.10.7"] = partial(new_engine, "mmengine")
    found["mmbridge, legacy"] = partial(old_engine, "mmbridge.runners.legacy")
    found["mmbridge, loop"] = partial(new_engine, "mmbridge.runners.loop")
    return found


def table(title: str, make: Any, iterations: int) -> None:
    """Print the medians of all engines."""
    pairs: dict[str, list[Pair]] = {name: [] for name in engines(make)}
    for _ in range(ROUNDS):
        for name, run in engines(make).items():
            pairs[name] += run(make, iterations).pairs
    alone = median(before for each in pairs.values() for before, _ in each)
    print(f"{title}: {alone / BLOCK * 1e6:.1f} us per iteration")
    for name, each in pairs.items():
        above = median(after - before for before, after in each)
        print(f"{name:20} {above / BLOCK * 1e6:8.1f} us above it")


def main(iterations: int) -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    time.sleep = lambda seconds: None  # MMCV waits at every epoch; that is not counted here
    table("a model that does nothing", idle, iterations)
    table("a linear regression with two losses", regression, iterations // 8)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
