from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy
import pytest
import torch
from mmbridge.compat.errors import ConfigError
from mmbridge.runners.loop.registry import HOOKS
from mmbridge.runners.loop.structures import BaseDataElement


class Drawn:
    """A visualizer that keeps what it is told."""

    def __init__(self) -> None:
        self.samples: list[tuple[Any, ...]] = []
        self.graphs: list[Any] = []

    def add_graph(self, model: Any, data: Any) -> None:
        self.graphs.append(model)

    def add_datasample(self, *args: Any) -> None:
        self.samples.append(args)


@pytest.fixture
def runner() -> Any:
    return SimpleNamespace(visualizer=Drawn(), model="model")


def sample(**info: Any) -> BaseDataElement:
    return BaseDataElement(metainfo={"ori_width": 2, "ori_height": 2, "img_path": "images/a.png", **info})


def test_every_second_batch_is_drawn(runner: Any) -> None:
    hook = HOOKS.build({"type": "NaiveVisualizationHook", "interval": 2, "draw_pred": False})
    hook.before_train(runner)
    for batch_idx in range(4):
        data = sample()
        hook.after_test_iter(runner, batch_idx, [{"inputs": torch.zeros(3, 2, 2), "data_sample": data}], [batch_idx])

    assert ["model"] == runner.visualizer.graphs
    assert [1, 3] == [args[3] for args in runner.visualizer.samples]
    assert ("a.png", True, False) == (runner.visualizer.samples[0][0], *runner.visualizer.samples[0][4:])


def test_the_image_is_what_it_was_before_normalising_and_padding(runner: Any) -> None:
    original = numpy.arange(12, dtype=numpy.uint8).reshape(2, 2, 3)
    mean, std = (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)
    normalised = (torch.tensor(original[..., ::-1].copy()).float() - torch.tensor(mean)) / torch.tensor(std)
    padded = torch.nn.functional.pad(normalised.permute(2, 0, 1), (0, 3, 0, 1), value=7)
    info = {"pad_shape": (3, 5), "scale": (2, 2), "img_norm_cfg": {"mean": mean, "std": std}}
    hook = HOOKS.build({"type": "NaiveVisualizationHook"})
    hook.after_test_iter(runner, 0, [{"inputs": padded, "data_sample": sample(**info)}], [None])

    numpy.testing.assert_array_equal(original, runner.visualizer.samples[0][1])


def test_the_image_has_its_old_size(runner: Any) -> None:
    hook = HOOKS.build({"type": "NaiveVisualizationHook"})
    data = sample(ori_width=6, ori_height=4)
    hook.after_test_iter(runner, 0, [{"inputs": torch.full((1, 1, 2, 3), 9.0), "data_sample": data}], [None])

    numpy.testing.assert_array_equal(numpy.full((4, 6, 1), 9), runner.visualizer.samples[0][1])


def test_a_batch_of_another_shape_is_told(runner: Any) -> None:
    hook = HOOKS.build({"type": "NaiveVisualizationHook"})

    with pytest.raises(ConfigError, match=r"needs batches that are lists of dicts .* found a dict with inputs"):
        hook.after_test_iter(runner, 0, {"inputs": []}, [])
