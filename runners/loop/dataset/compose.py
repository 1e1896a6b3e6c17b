"""Compose: transforms one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmbridge.runners.loop.registry import TRANSFORMS


class Compose:
    """Calls ``transforms``, callables or dicts of registered ones, each on what the one before returned.

    One that returns None ends it: the result is None, which tells the dataset to take another sample. Raises
    TypeError for what is neither dict nor callable.
    """

    def __init__(self, transforms: Sequence[Mapping[str, Any] | Callable[..., Any]] | None) -> None:
        self.transforms: list[Callable[..., Any]] = []
        for number, transform in enumerate(transforms or ()):
            built = TRANSFORMS.build(transform) if isinstance(transform, Mapping) else transform
            if not callable(built):
                raise TypeError(
                    f"pipeline[{number}]: a transform must be a callable or a dict of one, found {type(built).__name__}"
                )
            self.transforms.append(built)

    def __call__(self, data: Any) -> Any:
        """``data`` after all transforms, None if one of them gave it up."""
        for transform in self.transforms:
            data = transform(data)
            if data is None:
                return None
        return data

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"{type(self).__name__}({lines}\n)"
