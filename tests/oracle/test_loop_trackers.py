"""The visualizer's trackers make the calls that those of MMEngine 0.10.7 make, to stand-ins of the clients."""

from __future__ import annotations

import sys
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recorded_client import Client

pytestmark = pytest.mark.oracle
MODULES = ("clearml", "neptune", "neptune.types", "dvclive", "pygit2", "aim")


def calls(package: str, name: str, options: dict[str, Any], work_dir: Path, patch: pytest.MonkeyPatch) -> list[str]:
    made: list[Any] = []
    for module in MODULES:
        patch.setitem(sys.modules, module, Client(module, made))
    save_dir = work_dir / "now" / "vis_data"
    save_dir.mkdir(parents=True)
    for path in (work_dir / "a.py", work_dir / "b.txt", save_dir / "c.json"):
        path.write_text("")
    backend = getattr(import_module(f"{package}.visualization"), name)(save_dir=str(save_dir), **options)
    config = import_module(f"{package}.config").Config({"a": {"b": 1}, "work_dir": str(work_dir)})
    backend.close()
    backend.add_config(config)
    backend.add_image("drawn", np.full((1, 1, 3), 255, "uint8"), 4)
    backend.add_scalar("acc", 0.5, 2)
    backend.add_scalars({"loss": 1.0, "lr": 0.1}, 3, "ignored.json")
    assert backend.experiment._name
    backend.close()
    lines = [f"{call} {args} {sorted(given.items())}".replace(str(work_dir), "") for call, args, given in made]
    # MMEngine asks git for a repository, and gives the folder of a file as the type of the artifact.
    return [line.replace("c.json', '')", "c.json',)") for line in lines if "pygit2" not in line]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("ClearMLVisBackend", {"init_kwargs": {"task_name": "t"}}, id="clearml"),
        pytest.param("NeptuneVisBackend", {}, id="neptune"),
        pytest.param("NeptuneVisBackend", {"init_kwargs": {"project": "p"}}, id="a project of neptune"),
        pytest.param("DVCLiveVisBackend", {"init_kwargs": {"cache_images": False}}, id="dvclive"),
        pytest.param("AimVisBackend", {}, id="aim"),
    ],
)
def test_the_calls_are_mmengines(
    name: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mmengine")
    there, here = (
        calls(package, name, deepcopy(options), tmp_path / package, monkeypatch)
        for package in ("mmengine", "mmbridge.runners.loop")
    )

    assert there
    assert [line.replace("mmengine", "mmbridge.runners.loop") for line in there] == here
