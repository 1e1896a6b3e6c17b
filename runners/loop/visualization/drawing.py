"""Drawing on an image with matplotlib, which is imported by the first drawing."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeVar

from mmbridge.runners.dist import master_only
from mmbridge.runners.loop.visualization.arguments import array, blended, colour, listed, needed, rgb

Self = TypeVar("Self", bound="Drawing")
Colours = Any
"""A colour for all, or a list of one each: a name that matplotlib knows, or (r, g, b) of 0 to 255."""


class Drawing:
    """Base: an RGB image and what is drawn upon it, in pixels from the upper left corner.

    The methods draw in the process of rank 0 only, and return the object, so that calls can be chained. Widths and
    sizes are matplotlib's. MMEngine 0.10.7, mmengine/visualization/visualizer.py.
    """

    fig_save_cfg: Mapping[str, Any]
    _image: Any = None
    width: int
    height: int
    _default_font_size: float

    @cached_property
    def fig_save(self) -> Any:
        """The figure that is drawn on."""
        figure = needed("matplotlib.figure", "drawing").Figure(**self.fig_save_cfg)
        figure.subplots_adjust(left=0, right=1, bottom=0, top=1)
        return figure

    @cached_property
    def ax_save(self) -> Any:
        """The axes of the figure, which fill it."""
        axes = self.fig_save.add_subplot()
        axes.axis(False)
        return axes

    @cached_property
    def fig_save_canvas(self) -> Any:
        """The canvas that turns the figure into an array."""
        return needed("matplotlib.backends.backend_agg", "drawing").FigureCanvasAgg(self.fig_save)

    @property
    def dpi(self) -> float:
        """The figure's pixels per inch."""
        return float(self.fig_save.get_dpi())

    @master_only
    def set_image(self, image: Any) -> None:
        """Start anew from ``image``, an RGB array of height, width, 3, or a grey one of height, width."""
        image = array("image", image).astype("uint8")
        self._image = image
        self.height, self.width = image.shape[:2]
        self._default_font_size = max((self.height * self.width) ** 0.5 // 90, 10)
        # a little more than the image, as matplotlib rounds the number of pixels down
        self.fig_save.set_size_inches((self.width + 1e-2) / self.dpi, (self.height + 1e-2) / self.dpi)
        self.ax_save.cla()
        self.ax_save.axis(False)
        self.ax_save.imshow(image, extent=(0, self.width, self.height, 0), interpolation="none")

    @master_only
    def get_image(self) -> Any:
        """The image with all that was drawn: an RGB array of uint8. Raises ValueError without an image."""
        self._need_image()
        return pixels(self.fig_save_canvas)

    def _need_image(self) -> None:
        if self._image is None:
            raise ValueError("there is no image to draw on; call set_image(image) first")

    def _warn_outside(self, what: str, positions: Any) -> None:
        self._need_image()
        x, y = positions[..., 0], positions[..., 1]
        if not ((x >= 0) & (x < self.width) & (y >= 0) & (y < self.height)).all():
            warnings.warn(f"a {what} reaches out of the image, where it cannot be seen", stacklevel=4)

    @master_only
    def draw_points(
        self: Self, positions: Any, colors: Colours = "g", marker: str | None = None, sizes: Any = None
    ) -> Self:
        """Draw points at (N, 2) positions x, y."""
        positions = _rows("positions", positions, 2)
        self.ax_save.scatter(positions[:, 0], positions[:, 1], c=colour(colors), s=sizes, marker=marker)
        return self

    @master_only
    def draw_texts(
        self: Self,
        texts: str | list[str],
        positions: Any,
        font_sizes: Any = None,
        colors: Colours = "g",
        vertical_alignments: Any = "top",
        horizontal_alignments: Any = "left",
        font_families: Any = "sans-serif",
        bboxes: Any = None,
        font_properties: Any = None,
    ) -> Self:
        """Write texts at (N, 2) positions x, y; each option is one for all, or a list of one each.

        ``bboxes`` are the properties of a box around the text, ``font_properties`` matplotlib's.
        """
        texts = listed("texts", texts, str, 1)
        count = len(texts)
        positions = _rows("positions", positions, 2)
        if len(positions) != count:
            raise ValueError(f"positions: {count} texts need as many positions, found {len(positions)}")
        self._warn_outside("text", positions)
        if font_sizes is None:
            font_sizes = self._default_font_size
        properties = needed("matplotlib.font_manager", "drawing").FontProperties
        options = {
            "size": listed("font_sizes", font_sizes, (int, float), count),
            "bbox": listed("bboxes", bboxes, (dict, type(None)), count),
            "verticalalignment": listed("vertical_alignments", vertical_alignments, str, count),
            "horizontalalignment": listed("horizontal_alignments", horizontal_alignments, str, count),
            "family": listed("font_families", font_families, str, count),
            "fontproperties": listed("font_properties", font_properties, (properties, type(None)), count),
            "color": colour(listed("colors", colors, (str, tuple), count)),
        }
        for index, (text, (x, y)) in enumerate(zip(texts, positions.tolist(), strict=True)):
            self.ax_save.text(x, y, text, **{name: values[index] for name, values in options.items()})
        return self

    @master_only
    def draw_lines(
        self: Self, x_datas: Any, y_datas: Any, colors: Colours = "g", line_styles: Any = "-", line_widths: Any = 2
    ) -> Self:
        """Draw line segments from their (N, 2) x and their (N, 2) y, of start and end."""
        x, y = _rows("x_datas", x_datas, 2), _rows("y_datas", y_datas, 2)
        if x.shape != y.shape:
            raise ValueError(f"x_datas and y_datas must have one shape, found {x.shape} and {y.shape}")
        lines = needed("numpy", "drawing").stack([x, y], axis=-1)
        self._warn_outside("line", lines)
        collection = needed("matplotlib.collections", "drawing").LineCollection
        self.ax_save.add_collection(
            collection(lines.tolist(), colors=colour(colors), linestyles=line_styles, linewidths=line_widths)
        )
        return self

    @master_only
    def draw_circles(
        self: Self,
        center: Any,
        radius: Any,
        edge_colors: Colours = "g",
        line_styles: Any = "-",
        line_widths: Any = 2,
        face_colors: Colours = "none",
        alpha: float = 0.8,
    ) -> Self:
        """Draw circles around (N, 2) centres x, y, with N radii."""
        center, radius = _rows("center", center, 2), array("radius", radius)
        if radius.shape != (len(center),):
            raise ValueError(f"radius: {len(center)} circles need as many radii, found the shape {radius.shape}")
        self._warn_outside("circle", center - radius[:, None])
        self._warn_outside("circle", center + radius[:, None])
        circle = needed("matplotlib.patches", "drawing").Circle
        circles = [circle(tuple(middle), size) for middle, size in zip(center.tolist(), radius.tolist(), strict=True)]
        self.ax_save.add_collection(
            needed("matplotlib.collections", "drawing").PatchCollection(
                circles,
                alpha=alpha,
                facecolors=colour(face_colors),
                edgecolors=colour(edge_colors),
                linewidths=self._line_widths(line_widths, len(circles)),
                linestyles=line_styles,
            )
        )
        return self

    @master_only
    def draw_bboxes(
        self: Self,
        bboxes: Any,
        edge_colors: Colours = "g",
        line_styles: Any = "-",
        line_widths: Any = 2,
        face_colors: Colours = "none",
        alpha: float = 0.8,
    ) -> Self:
        """Draw boxes (N, 4): x and y of the upper left and of the lower right corner."""
        bboxes = _rows("bboxes", bboxes, 4)
        if (bboxes[:, :2] > bboxes[:, 2:]).any():
            raise ValueError("bboxes: each must be x1, y1, x2, y2 with x1 <= x2 and y1 <= y2")
        self._warn_outside("bbox", bboxes.reshape(-1, 2, 2))
        corners = bboxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        return self._add_polygons(list(corners), edge_colors, line_styles, line_widths, face_colors, alpha)

    @master_only
    def draw_polygons(
        self: Self,
        polygons: Any,
        edge_colors: Colours = "g",
        line_styles: Any = "-",
        line_widths: Any = 2,
        face_colors: Colours = "none",
        alpha: float = 0.8,
    ) -> Self:
        """Draw a polygon of (M, 2) corners x, y, or a list of such."""
        polygons = [_rows("polygons", each, 2) for each in (polygons if isinstance(polygons, list) else [polygons])]
        for polygon in polygons:
            self._warn_outside("polygon", polygon)
        return self._add_polygons(polygons, edge_colors, line_styles, line_widths, face_colors, alpha)

    def _add_polygons(
        self: Self,
        polygons: list[Any],
        edge_colors: Colours,
        line_styles: Any,
        line_widths: Any,
        face_colors: Colours,
        alpha: float,
    ) -> Self:
        self.ax_save.add_collection(
            needed("matplotlib.collections", "drawing").PolyCollection(
                polygons,
                alpha=alpha,
                facecolors=colour(face_colors),
                linestyles=line_styles,
                edgecolors=colour(edge_colors),
                linewidths=self._line_widths(line_widths, len(polygons)),
            )
        )
        return self

    @master_only
    def draw_binary_masks(self: Self, binary_masks: Any, colors: Colours = "g", alphas: Any = 0.8) -> Self:
        """Tint what is true in masks of height, width (or N of them), of the image's size."""
        masks = array("binary_masks", binary_masks)
        if str(masks.dtype) != "bool":
            raise TypeError(f"binary_masks must be of bool, found {masks.dtype}")
        masks = masks[None] if masks.ndim == 2 else masks
        image: Any = self.get_image()
        if masks.shape[1:] != image.shape[:2]:
            raise ValueError(f"binary_masks are of {masks.shape[1:]}, the image is of {image.shape[:2]}")
        tints = [rgb(each) for each in listed("colors", colors, (str, tuple), len(masks))]
        strengths = listed("alphas", alphas, (int, float), len(masks))
        for mask, tint, strength in zip(masks, tints, strengths, strict=False):
            tinted = image.copy()
            tinted[mask] = tint
            image = blended(image, tinted, strength)
        self.ax_save.imshow(image, extent=(0, self.width, self.height, 0), interpolation="nearest")
        return self

    def _line_widths(self, widths: Any, count: int) -> list[float]:
        """At least 1, and in a small image not too much."""
        return [
            min(max(width, 1), self._default_font_size / 4)
            for width in listed("line_widths", widths, (int, float), count)
        ]


def _rows(name: str, value: Any, length: int) -> Any:
    """``value`` as an array of rows of ``length`` numbers; a single row makes one."""
    rows = array(name, value)
    rows = rows[None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[1] != length:
        raise ValueError(f"{name} must have the shape (N, {length}), found {tuple(value.shape)}")
    return rows


def pixels(canvas: Any) -> Any:
    """What the canvas shows, as an RGB array of uint8."""
    numpy = needed("numpy", "drawing")
    buffer, (width, height) = canvas.print_to_buffer()
    return numpy.frombuffer(buffer, dtype=numpy.uint8).reshape(height, width, 4)[..., :3].copy()
