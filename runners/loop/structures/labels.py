"""Labels of an image.

MMEngine 0.10.7, mmengine/structures/label_data.py.
"""

from __future__ import annotations

from mmbridge.runners.loop.structures.element import BaseDataElement
from torch import Tensor


class LabelData(BaseDataElement):
    """An element with labels, which may be numbers of classes or one-hot."""

    @staticmethod
    def onehot_to_label(onehot: Tensor) -> Tensor:
        """The numbers of the classes that are not 0 in ``onehot``; ValueError unless it has one dimension of 0 to 1."""
        if onehot.ndim != 1 or onehot.max() > 1 or onehot.min() < 0:
            raise ValueError(f"not one-hot: a tensor of one dimension with values of 0 and 1 is needed, found {onehot}")
        return onehot.nonzero().squeeze(-1)

    @staticmethod
    def label_to_onehot(label: Tensor, num_classes: int) -> Tensor:
        """1 at the numbers in ``label`` and 0 elsewhere, ``num_classes`` values; ValueError for a greater number."""
        if label.numel() and int(label.max()) >= num_classes:
            raise ValueError(f"label {int(label.max())} is not below num_classes={num_classes}")
        onehot = label.new_zeros((num_classes,))
        onehot[label] = 1
        return onehot
