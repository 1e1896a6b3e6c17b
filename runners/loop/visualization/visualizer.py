"""Visualizer: draws on images, and hands numbers, images and the config to where they are written."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from mmbridge.runners.dist import master_only
from mmbridge.runners.loop.logging.named import Named
from mmbridge.runners.loop.registry import VISBACKENDS, VISUALIZERS
from mmbridge.runners.loop.visualization.arguments import needed
from mmbridge.runners.loop.visualization.drawing import Drawing
from mmbridge.runners.loop.visualization.feature_maps import draw_feature_map
from mmbridge.runners.loop.visualization.vis_backend import BaseVisBackend
from mmbridge.runners.loop.visualization.window import Window

_FRAMELESS = {"frameon": False}


@VISUALIZERS.register_module()
class Visualizer(Named, Drawing):
    """Draws on ``image``, and writes to ``vis_backends``: backends or their configs, by default below
    ``save_dir/vis_data``.

    A backend is known by the ``name`` in its config, else by its class. One that needs a ``save_dir`` and gets none is
    left out, with a warning. matplotlib is imported by the first drawing only. Everything but ``close`` happens in the
    process of rank 0 only. MMEngine 0.10.7, mmengine/visualization/visualizer.py.
    """

    def __init__(
        self,
        name: str = "visualizer",
        image: Any = None,
        vis_backends: Any = None,
        save_dir: str | None = None,
        fig_save_cfg: Mapping[str, Any] = _FRAMELESS,
        fig_show_cfg: Mapping[str, Any] = _FRAMELESS,
    ) -> None:
        super().__init__(name)
        self._dataset_meta: Mapping[str, Any] | None = None
        self._vis_backends: dict[str, BaseVisBackend] = {}
        self.fig_save_cfg = fig_save_cfg
        self.fig_show_cfg = fig_show_cfg
        self._window = Window(fig_show_cfg)
        if vis_backends is None:
            vis_backends = []
        elif isinstance(vis_backends, (Mapping, BaseVisBackend)):
            vis_backends = [vis_backends]
        directory = None if save_dir is None else os.path.join(save_dir, "vis_data")
        for index, backend in enumerate(vis_backends):
            self._add_backend(f"vis_backends[{index}]", backend, directory)
        if image is not None:
            self.set_image(image)

    def _add_backend(self, where: str, backend: Any, directory: str | None) -> None:
        name = None
        if isinstance(backend, Mapping):
            cfg = {"save_dir": directory, **backend}
            name = cfg.pop("name", None)
            backend = VISBACKENDS.build(cfg)
        if not isinstance(backend, BaseVisBackend):
            raise TypeError(f"{where}: must be a backend or a dict with 'type', found {backend!r}")
        kind = type(backend)
        wanted = inspect.signature(kind).parameters.get("save_dir")
        if wanted is not None and wanted.default is wanted.empty and backend._save_dir is None:
            warnings.warn(f"{where}: {kind.__name__} is left out, as it has no save_dir", stacklevel=3)
            return
        name = name or kind.__name__
        if name in self._vis_backends:
            raise RuntimeError(f"{where}: there is a backend {name!r} already; give this one a name of its own")
        self._vis_backends[name] = backend

    @property
    def dataset_meta(self) -> Mapping[str, Any] | None:
        """What the data are about, such as the names of classes; None in other processes."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: Mapping[str, Any] | None) -> None:
        self._keep_meta(dataset_meta)

    @master_only
    def _keep_meta(self, dataset_meta: Mapping[str, Any] | None) -> None:
        self._dataset_meta = dataset_meta

    @master_only
    def get_backend(self, name: str) -> BaseVisBackend | None:
        """The backend of that name, None if there is none."""
        return self._vis_backends.get(name)

    @staticmethod
    @master_only
    def draw_featmap(
        featmap: Any,
        overlaid_image: Any = None,
        channel_reduction: str | None = "squeeze_mean",
        topk: int = 20,
        arrangement: tuple[int, int] = (4, 5),
        resize_shape: tuple[int, int] | None = None,
        alpha: float = 0.5,
    ) -> Any:
        """A feature map as an image: :func:`~mmbridge.runners.loop.visualization.feature_maps.draw_feature_map`."""
        return draw_feature_map(featmap, overlaid_image, channel_reduction, topk, arrangement, resize_shape, alpha)

    @master_only
    def show(
        self,
        drawn_img: Any = None,
        win_name: str = "image",
        wait_time: float = 0.0,
        continue_key: str = " ",
        backend: str = "matplotlib",
    ) -> Any:
        """Show an image, by default what was drawn, for ``wait_time`` seconds (0: until ``continue_key``).

        ``backend`` is 'matplotlib', or 'cv2', which needs OpenCV. Raises ValueError for another.
        """
        if backend not in ("matplotlib", "cv2"):
            raise ValueError(f"backend must be 'matplotlib' or 'cv2', found {backend!r}")
        image = self.get_image() if drawn_img is None else drawn_img
        if backend == "matplotlib":
            return self._window.show(image, win_name, wait_time, continue_key)
        opencv = needed("cv2", "show(backend='cv2')")
        opencv.namedWindow(winname=f"{id(self)}")
        opencv.setWindowTitle(f"{id(self)}", win_name)
        opencv.imshow(f"{id(self)}", image)
        return opencv.waitKey(int(-(-wait_time * 1000 // 1)))

    @master_only
    def add_config(self, config: Any, **kwargs: Any) -> None:
        """Write the config to all backends."""
        for backend in self._vis_backends.values():
            backend.add_config(config, **kwargs)

    @master_only
    def add_graph(self, model: Any, data_batch: Sequence[Mapping[str, Any]], **kwargs: Any) -> None:
        """Write the model's graph to all backends."""
        for backend in self._vis_backends.values():
            backend.add_graph(model, data_batch, **kwargs)

    @master_only
    def add_image(self, name: str, image: Any, step: int = 0) -> None:
        """Write an RGB image to all backends."""
        for backend in self._vis_backends.values():
            backend.add_image(name, image, step)

    @master_only
    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Write a number to all backends."""
        for backend in self._vis_backends.values():
            backend.add_scalar(name, value, step, **kwargs)

    @master_only
    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Write numbers to all backends, and to ``file_path`` where a backend writes files."""
        for backend in self._vis_backends.values():
            backend.add_scalars(scalar_dict, step, file_path, **kwargs)

    @master_only
    def add_datasample(
        self,
        name: str,
        image: Any,
        data_sample: Any = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: int = 0,
        step: int = 0,
    ) -> None:
        """Draw what is known and predicted of an image; subclasses say how, and this one draws nothing."""

    def close(self) -> None:
        """Close all backends."""
        for backend in self._vis_backends.values():
            backend.close()
