"""Mixed precision for models written for MMCV 1.x, on torch's own automatic mixed precision."""

from mmbridge.runners.fp16.decorators import auto_fp16, force_fp32, low_precision, wrap_fp16_model
from mmbridge.runners.fp16.loss_scaler import LossScaler
from mmbridge.runners.fp16.tensors import cast_tensor_type

__all__ = ["LossScaler", "auto_fp16", "cast_tensor_type", "force_fp32", "low_precision", "wrap_fp16_model"]
