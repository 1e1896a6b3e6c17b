"""What the drawing methods accept, made uniform."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mmbridge.compat.errors import BridgeError
from torch import Tensor


def needed(module: str, user: str) -> Any:
    """The module ``module``. Raises BridgeError, with what to install for ``user``, where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        raise BridgeError(
            f'{user} needs {module.partition(".")[0]}, which is not installed: pip install "mmbridge[report]" ({error})'
        ) from error


def array(name: str, value: Any) -> Any:
    """``value``, an array or a tensor, as an array. Raises TypeError for anything else."""
    if isinstance(value, Tensor):
        return value.detach().cpu().numpy()
    if not isinstance(value, needed("numpy", "drawing").ndarray):
        raise TypeError(f"{name} must be an array or a tensor, found {type(value).__name__}")
    return value


def listed(name: str, value: Any, single: type | tuple[type, ...], count: int) -> list[Any]:
    """``value`` for each of ``count`` things: itself if it is a list, else one ``single`` for all of them.

    Raises TypeError for another type, ValueError for a list that is too short.
    """
    if isinstance(value, list):
        if len(value) < count:
            raise ValueError(f"{name}: {count} things are drawn, found a list of {len(value)}")
        return value
    if not isinstance(value, single):
        raise TypeError(f"{name}: unexpected type {type(value).__name__}: {value!r:.80}")
    return [value] * count


def colour(value: Any) -> Any:
    """matplotlib's form of a colour: a name as it is, (r, g, b) of 0 to 255 scaled to 1; of a list, each.

    Raises TypeError for another type, ValueError for other numbers.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [colour(each) for each in value]
    return tuple(channel / 255 for channel in _channels(value))


def rgb(value: Any) -> tuple[int, ...]:
    """The red, green and blue, 0 to 255, of a colour's name or of such a triple."""
    if isinstance(value, str):
        named = needed("matplotlib.colors", "drawing").to_rgb(value)
        return tuple(int(channel * 255) for channel in named)
    return _channels(value)


def _channels(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, tuple):
        raise TypeError(f"a colour is a name or a tuple (r, g, b), found {type(value).__name__}: {value!r:.80}")
    if len(value) != 3 or not all(0 <= channel <= 255 for channel in value):
        raise ValueError(f"a colour has three channels of 0 to 255, found {value}")
    return value


def blended(below: Any, above: Any, alpha: float) -> Any:
    """``below * (1 - alpha) + above * alpha`` of two images of uint8, rounded as OpenCV's ``addWeighted`` does it."""
    numpy = needed("numpy", "drawing")
    single, double = numpy.float32, numpy.float64
    mixed = below * double(single(1 - alpha)) + above * single(alpha)  # one product exact, one in single precision
    return numpy.rint(mixed.astype(single)).clip(0, 255).astype(numpy.uint8)
