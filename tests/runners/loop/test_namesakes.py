"""What libraries written for MMEngine take from it can be taken from here; what cannot is known."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
from mmbridge.runners import checkpoint, loop
from mmbridge.runners.loop import optim, scheduler
from torch import nn

HERE = "mmbridge.runners.loop"


def rows() -> list[tuple[str, int, str, str]]:
    """Of the data file: the section, how often, the module, the name."""
    found, section = [], ""
    for line in Path(__file__).with_name("taken_from_mmengine.txt").read_text("utf-8").splitlines():
        content = line.partition("#")[0].split()
        if line.startswith("["):
            section = line[1 : line.index("]")]
        elif content:
            found.append((section, int(content[0]), content[1], content[2] if len(content) > 2 else ""))
    return found


def is_here(module: str, name: str) -> bool:
    try:
        namesake = import_module(module.replace("mmengine", HERE, 1))
    except ModuleNotFoundError:
        return False
    return not name or hasattr(namesake, name)


@pytest.mark.parametrize("section", ["here", "left out"])
def test_what_is_taken_is_where_the_list_says(section: str) -> None:
    expected = [row for row in rows() if row[0] == section]

    assert expected == [row for row in expected if is_here(*row[2:]) == (section == "here")]


def test_how_much_is_left_out() -> None:
    """The numbers that the documentation tells."""
    numbers = {
        section: (len([row for row in rows() if row[0] == section]), sum(row[1] for row in rows() if row[0] == section))
        for section in ("here", "left out")
    }

    assert {"here": (117, 1031), "left out": (50, 244)} == numbers
    assert {"mmengine", "mmengine.fileio", "mmengine.infer", "mmengine.utils", "mmengine.visualization"} == {
        ".".join(module.split(".")[:2]) for section, _, module, _ in rows() if section == "left out"
    }


def test_the_package_offers_its_names() -> None:
    for name in loop.__all__:
        assert getattr(loop, name).__module__.startswith("mmbridge."), name
    with pytest.raises(AttributeError, match="has no attribute 'FileClient'"):
        loop.FileClient  # noqa: B018


def test_importing_the_package_imports_nothing_else() -> None:
    code = f"import sys, {HERE}; from {HERE} import Config; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False\n" == run.stdout


@pytest.mark.parametrize("name", ["lr_scheduler", "momentum_scheduler", "param_scheduler"])
def test_schedulers_are_the_same_classes_in_both_places(name: str) -> None:
    place = vars(import_module(f"{HERE}.optim.scheduler.{name}"))
    classes = {each: place[each] for each in scheduler.__all__ if each in place}

    assert len(classes) >= 10
    assert classes == {each: getattr(scheduler, each) for each in classes}
    assert [getattr(scheduler, each) for each in scheduler.__all__] == [
        getattr(import_module(f"{HERE}.optim.scheduler"), each) for each in scheduler.__all__
    ]
    assert optim.ConstantLR is scheduler.ConstantLR


def test_checkpoints_by_mmengines_names() -> None:
    namesakes = import_module(f"{HERE}.runner.checkpoint")

    assert checkpoint.load_checkpoint is namesakes.load_checkpoint
    assert checkpoint.write_file is namesakes.save_checkpoint is import_module(f"{HERE}.runner").save_checkpoint


def test_weights_go_through_a_file_and_parts_of_a_checkpoint(tmp_path: Path) -> None:
    namesakes = import_module(f"{HERE}.runner.checkpoint")
    file, source, target = str(tmp_path / "weights.pth"), nn.Linear(1, 1), nn.ModuleDict({"head": nn.Linear(1, 1)})
    weights = {f"module.head.{name}": value for name, value in source.state_dict().items()}

    namesakes.save_checkpoint({"state_dict": weights, "meta": {"epoch": 2}}, file)
    read = namesakes._load_checkpoint(file, map_location="cpu")
    found = namesakes._load_checkpoint_to_model(target, read, strict=True)

    assert found is read
    assert {"epoch": 2} == read["meta"]
    assert torch.equal(source.weight, target["head"].weight)
    assert ["weight", "bias"] == list(namesakes._load_checkpoint_with_prefix("module.head", file))
