"""Showing an image in a window."""

from __future__ import annotations

import warnings
from typing import Any

from mmbridge.runners.loop.visualization.arguments import needed


class Window:
    """A window of matplotlib's, opened by the first image and used again for the next ones."""

    def __init__(self, figure_cfg: Any) -> None:
        self.figure_cfg = figure_cfg
        self.manager: Any = None

    def show(self, image: Any, title: str, seconds: float, key: str) -> Any:
        """Show ``image`` until ``key`` is pressed, the window is closed or the time is over (0: no limit).

        In a notebook the figure is returned instead. Where no window can be opened, a warning says so.
        """
        pyplot = needed("matplotlib.pyplot", "Visualizer.show")
        figure = self._figure(pyplot, title)
        figure.clear()
        figure.subplots_adjust(left=0, right=1, bottom=0, top=1)
        axes = figure.add_subplot()
        axes.axis(False)
        axes.imshow(image)
        figure.canvas.draw()
        if "inline" in pyplot.get_backend():
            return figure
        if figure.canvas.required_interactive_framework is None:
            warnings.warn(
                f"matplotlib's backend {pyplot.get_backend()!r} opens no window, so the image is not shown; "
                "install a GUI toolkit such as PyQt, or write the image with add_image",
                stacklevel=4,
            )
        else:
            figure.show()
            _wait(figure.canvas, seconds, key)
        return None

    def _figure(self, pyplot: Any, title: str) -> Any:
        if self.manager is None or not pyplot.fignum_exists(self.manager.num):
            number = max(pyplot.get_fignums(), default=0) + 1
            self.manager = pyplot.figure(num=number, **self.figure_cfg).canvas.manager
        self.manager.set_window_title(title)
        return self.manager.canvas.figure


def _wait(canvas: Any, seconds: float, key: str) -> None:
    """Run the window's events until one of them, or the time, ends it."""

    def end(event: Any) -> None:
        if event.name == "close_event" or event.key == key:
            canvas.stop_event_loop()

    connections = [canvas.mpl_connect(name, end) for name in ("key_press_event", "close_event")]
    try:
        canvas.start_event_loop(seconds)
    finally:
        for connection in connections:
            canvas.mpl_disconnect(connection)
