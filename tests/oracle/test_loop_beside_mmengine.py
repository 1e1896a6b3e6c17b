"""What has no namesake may be imported from MMEngine itself: its files, lists and counts work beside a run of ours."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.runners.loop import registry
from mmbridge.runners.loop.model import BaseModel
from mmbridge.runners.loop.runner import Runner
from torch import nn
from torch.utils.data import Dataset

pytestmark = pytest.mark.oracle
fileio = pytest.importorskip("mmengine.fileio")


class Stored(Dataset):
    """Its samples are read by MMEngine."""

    def __init__(self, path: str) -> None:
        self.values = fileio.load(path)
        assert import_module("mmengine.utils").is_list_of(self.values, float)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"inputs": torch.tensor([self.values[index]])}


class Line(BaseModel):
    """One weight."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(1, 1)

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> Any:
        scores = self.line(inputs)
        return {"loss": scores.sum()} if mode == "loss" else scores


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_files_lists_and_counts_of_mmengine_beside_a_run(tmp_path: Path) -> None:
    path, model = str(tmp_path / "values.json"), Line()
    fileio.dump([0.5, 1.5, 2.5], path)
    counted = import_module("mmengine.analysis").get_model_complexity_info(model, (2, 1))
    runner = Runner(
        model=model,
        work_dir=str(tmp_path / "work"),
        train_dataloader={"dataset": Stored(path), "batch_size": 1, "collate_fn": {"type": "default_collate"}},
        train_cfg={"by_epoch": True, "max_epochs": 1},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
    )
    runner.train()

    assert (2, 3) == (counted["flops"], runner.iter)
    assert registry.MODELS is not import_module("mmengine.registry").MODELS
