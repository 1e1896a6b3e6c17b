"""What is known about a sample: annotations and predictions, with the data about them."""

from mmbridge.runners.loop.structures.element import BaseDataElement
from mmbridge.runners.loop.structures.instances import InstanceData
from mmbridge.runners.loop.structures.labels import LabelData
from mmbridge.runners.loop.structures.pixels import PixelData

__all__ = ["BaseDataElement", "InstanceData", "LabelData", "PixelData"]
