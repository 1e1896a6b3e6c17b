"""What both processes of ``test_loop_evaluator.py`` run: ``torchrun ... SCRIPT ENGINE FOLDER``."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from typing import Any

import torch.distributed

WAYS: dict[str, Any] = {"memory": {}, "folder": {"collect_dir": "shared"}, "gpu": {"collect_device": "gpu"}}


def scores(engine: str, round_up: bool, size: int, **options: Any) -> dict[str, Any]:
    """What a metric makes of five samples, dealt to the processes by a DefaultSampler."""
    evaluator = importlib.import_module(f"{engine}.evaluator")
    sampler = importlib.import_module(f"{engine}.dataset").DefaultSampler(range(5), seed=3, round_up=round_up)

    def process(self: Any, data_batch: Any, data_samples: Any) -> None:
        self.results.extend(data_samples)

    functions = {"process": process, "compute_metrics": lambda self, results: {"all": results}}
    metric = type("Toy", (evaluator.BaseMetric,), functions)(prefix="toy", **options)
    both = evaluator.Evaluator([metric])
    for index in sampler:
        both.process([index + 1])
    found: dict[str, Any] = both.evaluate(size)
    return found


def main(name: str, folder: Path) -> None:
    warnings.simplefilter("ignore")  # of the real MMEngine on a torch of today
    torch.distributed.init_process_group("gloo")
    engine = "mmengine" if name == "mmengine" else "mmbridge.runners.loop"
    found = {
        f"{way} {round_up} {size}": scores(engine, round_up, size, **options)
        for way, options in WAYS.items()
        for round_up in (True, False)
        for size in (5, 6, 3)
    }
    torch.save(found, folder / f"{name}{torch.distributed.get_rank()}.pt")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
