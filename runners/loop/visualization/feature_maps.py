"""Feature maps as heat maps, alone or upon an image."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import torch
from mmbridge.runners.loop.visualization.arguments import blended, needed
from mmbridge.runners.loop.visualization.drawing import pixels
from torch import Tensor
from torch.nn.functional import interpolate


def heat_map(values: Tensor, image: Any = None, alpha: float = 0.5) -> Any:
    """``values`` of (H, W), (1, H, W) or (3, H, W) as colours from blue (least) to red, blended over ``image``.

    The colours and the grey of three channels are OpenCV's (its JET map), to the bit. What is no number is blue.
    """
    levels = _levels(values)
    if levels.ndim == 3:
        weights = torch.tensor([3735, 19235, 9798] if len(levels) == 3 else [1 << 15])  # of 1 << 15; blue comes first
        levels = ((levels * weights[:, None, None]).sum(0) + (1 << 14)) >> 15
    colours = _jet()[levels].numpy()
    return colours if image is None else blended(image, colours, alpha)


def _levels(values: Tensor) -> Tensor:
    """``values`` on a scale from 0 to 255, rounded where OpenCV's normalize rounds, and nowhere else."""
    numbers = values[~values.isnan()].double()
    least, most = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 0.0)
    scale = 255 / (most - least) if most - least > sys.float_info.epsilon else 0.0
    shift = -least * scale
    if values.dtype is torch.float64:
        levels = values * scale + shift
    else:
        levels = (values.double() * _single(scale) + _single(-least * _single(scale))).float()
    if values.dtype is torch.float16:
        levels = levels.half().float()
    if not values.is_floating_point():
        levels = levels.round()
    return levels.nan_to_num().clamp(0, 255).to(torch.int64)


def _single(value: float) -> float:
    return torch.tensor(value, dtype=torch.float32).item()


def _jet() -> Tensor:
    """Red, green and blue of the 256 levels: three trapezes with a slope of 4, each half the width of the range."""
    level = torch.arange(256)
    red = torch.minimum(4 * level - 382, 1148 - 4 * level)
    green = torch.minimum(4 * level - 128, 892 - 4 * level)
    blue = torch.minimum(4 * level + 128, 638 - 4 * level)
    blue[159] = 1  # where OpenCV's table is rounded down
    return torch.stack([red, green, blue], -1).clamp(0, 255).to(torch.uint8)


def draw_feature_map(
    featmap: Tensor,
    overlaid_image: Any = None,
    channel_reduction: str | None = "squeeze_mean",
    topk: int = 20,
    arrangement: tuple[int, int] = (4, 5),
    resize_shape: tuple[int, int] | None = None,
    alpha: float = 0.5,
) -> Any:
    """The map of (C, H, W) as an RGB array: its mean channel, its greatest one, itself, or a table of channels.

    ``channel_reduction`` is 'squeeze_mean', 'select_max' or None; with None, ``topk`` > 0 shows the channels of the
    greatest sums, in rows and columns by ``arrangement``, and ``topk`` <= 0 a map of one or three channels as it is.
    Raises ValueError for other shapes and names.
    """
    if not isinstance(featmap, Tensor) or featmap.ndim != 3:
        raise ValueError(
            f"featmap must be a tensor of shape (C, H, W), found {getattr(featmap, 'shape', featmap)!r:.80}"
        )
    featmap, image = _resized(featmap.detach().cpu(), overlaid_image, resize_shape)
    if channel_reduction == "squeeze_mean":
        return heat_map(featmap.mean(0), image, alpha)
    if channel_reduction == "select_max":
        return heat_map(featmap[featmap.sum((1, 2)).argmax()], image, alpha)
    if channel_reduction is not None:
        raise ValueError(f"channel_reduction is 'squeeze_mean', 'select_max' or None, found {channel_reduction!r}")
    if topk > 0:
        return _table(featmap, image, topk, arrangement, alpha)
    if len(featmap) not in (1, 3):
        raise ValueError(
            f"a map of {len(featmap)} channels is no image; set channel_reduction, or topk to a number above 0"
        )
    return heat_map(featmap, image, alpha)


def _resized(featmap: Tensor, image: Any, shape: tuple[int, int] | None) -> tuple[Tensor, Any]:
    """Both of one size: ``shape``, else that of the image."""
    if image is not None:
        image = image[..., None].repeat(3, axis=-1) if image.ndim == 2 else image
        if image.shape[:2] != featmap.shape[1:]:
            warnings.warn(
                f"the image is of {image.shape[:2]}, the feature map of {tuple(featmap.shape[1:])}; it is stretched, "
                "which may put it in the wrong place",
                stacklevel=3,
            )
            shape = shape or image.shape[:2]
    if shape is None:
        return featmap, image
    featmap = interpolate(featmap[None], shape, mode="bilinear", align_corners=False)[0]
    if image is not None and image.shape[:2] != tuple(shape):
        planes = torch.tensor(image).permute(2, 0, 1)[None].float()
        planes = interpolate(planes, shape, mode="bilinear", align_corners=False)[0]
        image = planes.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    return featmap, image


def _table(featmap: Tensor, image: Any, topk: int, arrangement: tuple[int, int], alpha: float) -> Any:
    rows, columns = arrangement
    if rows * columns < topk:
        raise ValueError(f"arrangement {arrangement} has no room for topk={topk} channels; enlarge it, or lower topk")
    channels, height, width = featmap.shape
    chosen = torch.topk(featmap.sum((1, 2)), min(channels, topk)).indices.tolist()
    figure = needed("matplotlib.figure", "draw_featmap").Figure(frameon=False)
    canvas = needed("matplotlib.backends.backend_agg", "draw_featmap").FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1, wspace=0, hspace=0)
    dpi = figure.get_dpi()
    figure.set_size_inches((width * columns + 1e-2) / dpi, (height * rows + 1e-2) / dpi)
    for place, channel in enumerate(chosen, 1):
        axes = figure.add_subplot(rows, columns, place)
        axes.axis("off")
        axes.text(2, 15, f"channel: {channel}", fontsize=10)
        axes.imshow(heat_map(featmap[channel], image, alpha))
    return pixels(canvas)
