"""What an ``init_cfg`` can name: one class per way to fill a module.

MMCV 1.7.2, mmcv/cnn/utils/weight_init.py.
"""

from __future__ import annotations

from typing import Any

from mmbridge.compat.registry import LegacyRegistry
from mmbridge.runners.modules.functions import (
    bias_init_with_prob,
    constant_init,
    kaiming_init,
    normal_init,
    trunc_normal_init,
    uniform_init,
    xavier_init,
)
from mmbridge.runners.modules.provenance import ATTRIBUTE, update_init_info
from torch import nn

INITIALIZERS = LegacyRegistry("initializer", scope="mmcv")
"""The types of ``init_cfg``."""


class BaseInit:
    """Fills every submodule whose class, or a direct base of it, is called as one of ``layer``.

    Without ``layer`` nothing matches; ``wholemodule=True`` (set for an ``override``) fills all. ``bias`` is
    the value of the biases, or ``bias_prob`` the probability they shall stand for. Raises TypeError for
    wrong types.
    """

    def __init__(
        self, *, bias: float = 0, bias_prob: float | None = None, layer: str | list[str] | None = None
    ) -> None:
        self.wholemodule = False
        if not isinstance(bias, (int, float)):
            raise TypeError(f"bias must be a number, found {type(bias).__name__}")
        if bias_prob is not None and not isinstance(bias_prob, float):
            raise TypeError(f"bias_prob must be a float, found {type(bias_prob).__name__}")
        if layer is not None and not isinstance(layer, (str, list)):
            raise TypeError(f"layer must be a str or a list of str, found {type(layer).__name__}")
        self.bias = bias if bias_prob is None else bias_init_with_prob(bias_prob)
        self.layer = [layer] if isinstance(layer, str) else layer or []

    def __call__(self, module: nn.Module) -> None:
        """Fill what matches in ``module``, children before parents."""
        module.apply(self._visit)
        if hasattr(module, ATTRIBUTE):
            update_init_info(module, init_info=self._get_init_info())

    def fill(self, module: nn.Module) -> None:
        """Set the weight and bias of one module."""
        raise NotImplementedError(f"{type(self).__name__} must define fill(module)")

    def _visit(self, module: nn.Module) -> None:
        names = {kind.__name__ for kind in (type(module), *type(module).__bases__)}
        if self.wholemodule or not names.isdisjoint(self.layer):
            self.fill(module)

    def _get_init_info(self) -> str:
        own = {key: value for key, value in vars(self).items() if key not in ("wholemodule", "layer", "bias")}
        arguments = ", ".join(f"{key}={value}" for key, value in {**own, "bias": self.bias}.items())
        return f"{type(self).__name__}: {arguments}"


@INITIALIZERS.register_module(name="Constant")
class ConstantInit(BaseInit):
    """Fills weights with ``val``."""

    def __init__(self, val: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.val = val

    def fill(self, module: nn.Module) -> None:
        """Set the weight and bias of one module."""
        constant_init(module, self.val, self.bias)


@INITIALIZERS.register_module(name="Xavier")
class XavierInit(BaseInit):
    """Fills weights by Glorot and Bengio's rule."""

    def __init__(self, gain: float = 1, distribution: str = "normal", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gain = gain
        self.distribution = distribution

    def fill(self, module: nn.Module) -> None:
        """Set the weight and bias of one module."""
        xavier_init(module, self.gain, self.bias, self.distribution)


@INITIALIZERS.register_module(name="Normal")
class NormalInit(BaseInit):
    """Fills weights from a normal distribution."""

    def __init__(self, mean: float = 0, std: float = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mean = mean
        self.std = std

    def fill(self, module: nn.Module) -> None:
        """Set the weight and bias of one module."""
        normal_init(module, self.mean, self.std, self.bias)


@INITIALIZERS.register_module(name="TruncNormal")
class TruncNormalInit(BaseInit):
    """Fills weights from a normal distribution restricted to ``[a, b]``."""

    def __init__(self, mean: float = 0, std: float = 1, a: float = -2, b: float = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mean = mean
        self.std = std
        self.a = a
        self.b = b

    def fill(self, module: nn.Module) -> None:
        """Set the weight and bias of one module."""
        trunc_normal_init(module, self.mean, self.std, self.a, self.b, self.bias)


@INITIALIZERS.register_module(name="Uniform")
class UniformInit(BaseInit):
    """Fills weights from the uniform distribution over ``[a, b)``."""

    def __init__(self, a: float = 0.0, b: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.a = a
        self.b = b

    def fill(self, module: nn.Module) -> None:
        """Set the weight and bias of one module."""
        uniform_init(module, self.a, self.b, self.bias)


@INITIALIZERS.register_module(name="Kaiming")
class KaimingInit(BaseInit):
    """Fills weights by He et al.'s rule."""

    def __init__(
        self,
        a: float = 0,
        mode: str = "fan_out",
        nonlinearity: str = "relu",
        distribution: str = "normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.a = a
        self.mode = mode
        self.nonlinearity = nonlinearity
        self.distribution = distribution

    def fill(self, module: nn.Module) -> None:
        """Set the weight and bias of one module."""
        kaiming_init(module, self.a, self.mode, self.nonlinearity, self.bias, self.distribution)


@INITIALIZERS.register_module(name="Caffe2Xavier")
class Caffe2XavierInit(KaimingInit):
    """Fills weights as Caffe2's ``XavierFill`` does."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(a=1, mode="fan_in", nonlinearity="leaky_relu", distribution="uniform", **kwargs)
