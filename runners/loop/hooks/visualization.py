"""Drawing what a test predicts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmbridge.compat.errors import ConfigError
from mmbridge.compat.hook import EngineHook
from mmbridge.runners.loop.registry import HOOKS
from torch import Tensor
from torch.nn.functional import interpolate


@HOOKS.register_module()
class NaiveVisualizationHook(EngineHook):
    """Draws the images of every ``interval``-th test batch, with ``draw_gt`` the truth and ``draw_pred`` the
    prediction, and at the beginning of training the model's graph.

    A batch is a sequence of dicts with ``inputs``, an image (C, H, W), and ``data_sample`` with ``ori_width``,
    ``ori_height`` (pixels), ``img_path`` and, of images that were normalised, ``img_norm_cfg`` (``mean``, ``std``,
    ``to_bgr``); of those with a ``pad_shape`` only the part of the size ``scale`` (width, height) is drawn. MMEngine
    0.10.7, mmengine/hooks/naive_visualization_hook.py.
    """

    def __init__(self, interval: int = 1, draw_gt: bool = True, draw_pred: bool = True) -> None:
        self.draw_gt = draw_gt
        self.draw_pred = draw_pred
        self._interval = interval

    def before_train(self, runner: Any) -> None:
        """Draw the graph of the model."""
        runner.visualizer.add_graph(runner.model, None)

    def after_test_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: Any = (),
        outputs: Sequence[Any] = (),
    ) -> None:
        """Draw the batch if it is time. Raises ConfigError for a batch of another shape."""
        if not self.every_n_inner_iters(batch_idx, self._interval):
            return
        if isinstance(data_batch, Mapping):
            raise ConfigError(
                "NaiveVisualizationHook: needs batches that are lists of dicts with 'inputs' and 'data_sample', found "
                f"a dict with {', '.join(map(str, data_batch))}; a hook for its samples belongs to their library"
            )
        for data, output in zip(data_batch, outputs, strict=False):
            sample = data["data_sample"]
            image = original_image(data["inputs"], sample)
            name = os.path.basename(sample.img_path)
            runner.visualizer.add_datasample(name, image, sample, output, self.draw_gt, self.draw_pred)


def original_image(inputs: Tensor, sample: Any) -> Any:
    """The image (H, W, C) as an array of bytes: normalising, padding and resizing undone."""
    image = (inputs if inputs.dim() == 4 else inputs[None]).detach().cpu().float()
    image = _unnormalised(image, **sample.get("img_norm_cfg", {}))
    size = (sample.ori_width, sample.ori_height)
    if "pad_shape" in sample:
        width, height = sample.get("scale", size)
        image = image[..., :height, :width]
    if image.shape[-2:] != size[::-1]:
        image = interpolate(image, size=size[::-1], mode="bilinear", align_corners=False)
    return image[0].permute(1, 2, 0).clamp(0, 255).to(torch.uint8).numpy()


def _unnormalised(
    image: Tensor, mean: Sequence[float] | None = None, std: Sequence[float] | None = None, to_bgr: bool = True
) -> Tensor:
    channels = image.shape[1]
    factor = torch.tensor(std or [1.0] * channels).view(-1, 1, 1)
    image = image * factor + torch.tensor(mean or [0.0] * channels).view(-1, 1, 1)
    return image.flip(1) if to_bgr and channels == 3 else image
