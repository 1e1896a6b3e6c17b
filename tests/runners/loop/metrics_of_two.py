"""What both processes of ``test_metrics_in_two_processes.py`` run: ``torchrun ... metrics_of_two.py FOLDER``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from mmbridge.runners.dist import get_dist_info, init_dist
from mmbridge.runners.loop.dataset import DefaultSampler, InfiniteSampler
from mmbridge.runners.loop.evaluator import BaseMetric, DatasetEvaluator, DumpResults, Evaluator
from mmbridge.runners.loop.legacy_parts import adapt_model
from mmbridge.runners.loop.optim import OptimWrapper
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIZE = 5


class Listing(BaseMetric):
    """Scores are only worked out in the process of rank 0."""

    default_prefix = "toy"

    def process(self, data_batch: Any, data_samples: Any) -> None:
        self.results.extend(data_samples)

    def compute_metrics(self, results: list[Any]) -> dict[str, Any]:
        return {"all": results, "computed_by": get_dist_info()[0]}


class Scored(Dataset):
    """Evaluates by itself."""

    def __len__(self) -> int:
        return SIZE

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"x": torch.tensor([float(index)])}

    def evaluate(self, results: list[Any], logger: Any = None) -> dict[str, Any]:
        return {"all": results, "computed_by": get_dist_info()[0]}


class Old(nn.Module):
    """A model of MMCV 1.x that has only ``forward``."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, x: torch.Tensor, return_loss: bool = True) -> Any:
        return {"loss_x": (self.weight * x).mean(), "acc": x.mean()} if return_loss else list(self.weight * x)


class OldWithStep(Old):
    """The same with ``train_step``."""

    def train_step(self, data: Any, optimizer: Any) -> dict[str, Any]:
        loss = self(**data)["loss_x"]
        return {"loss": loss, "log_vars": {"loss": loss.item()}, "num_samples": len(data["x"])}


def evaluated(evaluator: Any, round_up: bool = True) -> dict[str, Any]:
    dataset = Scored()
    evaluator.use_dataset(dataset)
    sampler = DefaultSampler(dataset, shuffle=False, round_up=round_up)
    for batch in DataLoader(dataset, sampler=sampler, batch_size=2):
        evaluator.process([int(value) for value in batch["x"]], batch)
    found: dict[str, Any] = evaluator.evaluate(SIZE)
    return found


def trained(model: nn.Module) -> dict[str, Any]:
    """Two accumulated steps: the mean gradient of both processes, over x = rank + 1 and rank + 3."""
    adapted: Any = adapt_model(model)
    if isinstance(model, OldWithStep):  # the other one does so by itself
        adapted.distribute(broadcast_buffers=True)
    optim_wrapper = OptimWrapper(torch.optim.SGD(adapted.parameters(), lr=1.0), accumulative_counts=2)
    optim_wrapper.initialize_count_status(adapted, 0, 2)
    rank = get_dist_info()[0]
    logged = [adapted.train_step({"x": torch.full((2,), float(rank + x))}, optim_wrapper) for x in (1, 3)]
    return {
        "logged": [{name: float(value) for name, value in each.items()} for each in logged],
        "weight": model.weight.item(),
        "results": [float(each) for each in adapted.val_step({"x": torch.ones(2)})],
        "keys": list(adapted.module.state_dict()),
    }


def main(folder: Path) -> None:
    init_dist("pytorch", backend="gloo", timeout=60)
    rank, _ = get_dist_info()
    found: dict[str, Any] = {
        "memory": evaluated(Evaluator(Listing())),
        "unequal": evaluated(Evaluator(Listing()), round_up=False),
        "files": evaluated(Evaluator(Listing(collect_dir=str(folder / "shared")))),
        "folder_is_gone": not (folder / "shared").exists(),
        "device": evaluated(Evaluator(Listing(collect_device="gpu"))),
        "dataset": evaluated(DatasetEvaluator()),
        "dump": evaluated(Evaluator(DumpResults(str(folder / "out.pkl")))),
        "seeds": [DefaultSampler(range(3)).seed, InfiniteSampler(range(3)).seed],
        "forward_only": trained(Old()),
        "with_step": trained(OldWithStep()),
    }
    torch.save(found, folder / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()
    time.sleep(0.2)  # a thread of gloo that has not let go of the last tensor when Python ends aborts the process


if __name__ == "__main__":
    main(Path(sys.argv[1]))
