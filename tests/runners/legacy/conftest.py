from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.legacy import EpochBasedRunner, IterBasedRunner
from torch import nn
from torch.utils.data import DataLoader


class Linear(nn.Linear):
    """One weight, no bias; keeps what its steps were given."""

    def __init__(self) -> None:
        super().__init__(1, 1, bias=False)
        nn.init.ones_(self.weight)
        self.seen: list[tuple[str, Any, dict[str, Any]]] = []

    def train_step(self, data: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self.seen.append(("train", args, kwargs))
        loss = self(data).mean()
        return {"loss": loss, "log_vars": {"loss": float(loss.detach())}, "num_samples": len(data)}

    def val_step(self, data: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self.seen.append(("val", args, kwargs))
        return {"loss": self(data).mean()}

    def forward(self, x: Any, return_loss: bool = True) -> Any:
        return super().forward(x)


def make(kind: Any, work_dir: Path | None = None, **options: Any) -> Any:
    model = options.pop("model", None) or Linear()
    optimizer = options.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=1.0)
    logger = logging.getLogger("legacy-test")
    logger.setLevel(logging.INFO)
    return kind(model, optimizer=optimizer, work_dir=work_dir, logger=logger, **options)


@pytest.fixture
def make_runner() -> Any:
    """Makes a runner of a given class, without a directory."""
    return make


@pytest.fixture
def epochs(tmp_path: Path) -> Any:
    """Makes an epoch runner in a fresh directory."""
    return lambda **options: make(EpochBasedRunner, tmp_path / "work", **{"max_epochs": 2, **options})


@pytest.fixture
def iters(tmp_path: Path) -> Any:
    """Makes an iteration runner in a fresh directory."""
    return lambda **options: make(IterBasedRunner, tmp_path / "work", **{"max_iters": 4, **options})


@pytest.fixture
def data() -> Any:
    """A loader of so many batches."""
    return lambda batches: DataLoader(torch.ones(batches, 1), batch_size=1)
