"""What is drawn and what the local backend writes, against the real MMEngine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.compat.config import Config
from mmbridge.runners.loop.visualization import LocalVisBackend, Visualizer

pytestmark = pytest.mark.oracle

pytest.importorskip("mmengine")
np: Any = pytest.importorskip("numpy")


def picture() -> Any:
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)


A = np.array
DRAWINGS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda it: it,
    "points": lambda it: it.draw_points(A([[10, 20], [30, 40]]), ["r", (0, 0, 255)], "x", A([30, 60])),
    "one point": lambda it: it.draw_points(torch.tensor([10, 20])),
    "texts": lambda it: it.draw_texts(
        ["one", "two"], A([[5, 5], [40, 30]]), [8, 12], ["r", (0, 255, 0)], "center", ["left", "right"], "serif"
    ),
    "text in a box": lambda it: it.draw_texts("box", torch.tensor([20, 20]), bboxes={"facecolor": "w", "alpha": 0.5}),
    "lines": lambda it: it.draw_lines(A([[1, 30], [2, 70]]), A([[1, 50], [5, 9]]), ["r", "b"], ["-", ":"], [1, 3]),
    "circles": lambda it: it.draw_circles(
        A([[20, 20], [50, 30]]), A([5, 9]), "r", line_widths=[0.5, 9], face_colors="b"
    ),
    "boxes": lambda it: it.draw_bboxes(A([[5, 5, 30, 40], [20, 10, 70, 50]]), ["r", "y"], alpha=0.5),
    "polygons": lambda it: it.draw_polygons(
        [A([[5, 5], [30, 5], [20, 30]]), torch.tensor([[50, 9], [70, 9], [60, 50]])]
    ),
    "masks": lambda it: it.draw_binary_masks(
        np.arange(2 * 60 * 80).reshape(2, 60, 80) % 3 == 0, ["r", (1, 200, 30)], [0.3, 0.7]
    ),
    "mask of a tensor": lambda it: it.draw_binary_masks(torch.ones(60, 80, dtype=torch.bool)),
    "a chain": lambda it: it.draw_bboxes(A([1, 1, 9, 9])).draw_lines(A([1, 9]), A([9, 1])).draw_points(A([5, 5])),
}


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS.keys())
def test_drawings_are_equal(draw: Callable[[Any], Any]) -> None:
    from mmengine.visualization import Visualizer as Real

    ours, real = Visualizer(image=picture()), Real(image=picture())
    assert draw(ours) is ours
    draw(real)

    np.testing.assert_array_equal(real.get_image(), ours.get_image())


FEATURES: dict[str, dict[str, Any]] = {
    "mean": {},
    "greatest": {"channel_reduction": "select_max"},
    "table": {"channel_reduction": None, "topk": 4, "arrangement": (2, 2)},
    "upon an image": {"overlaid_image": picture(), "alpha": 0.3},
    "upon a grey image": {"overlaid_image": picture()[..., 0], "alpha": 0.7},
    "table upon an image": {
        "channel_reduction": None,
        "topk": 9,
        "arrangement": (3, 2 + 1),
        "overlaid_image": picture(),
    },
    "resized": {"resize_shape": (30, 50)},
}


@pytest.mark.parametrize("options", FEATURES.values(), ids=FEATURES.keys())
def test_feature_maps_are_equal(options: dict[str, Any]) -> None:
    from mmengine.visualization import Visualizer as Real

    features = torch.randn(5, 60, 80, generator=torch.Generator().manual_seed(1))

    np.testing.assert_array_equal(Real.draw_featmap(features, **options), Visualizer.draw_featmap(features, **options))


def spoilt(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """Makes the first value of a map another one."""
    return lambda features: features.index_put((torch.tensor(0),) * 3, torch.tensor(value))


KINDS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "half": torch.Tensor.half,
    "double": torch.Tensor.double,
    "huge": lambda features: features * 1e30,
    "tiny": lambda features: features * 1e-18,
    "tinier": lambda features: features * 1e-40,
    "negative": lambda features: features - 100,
    "nan": lambda features: features * float("nan"),
    "an infinity": spoilt(float("inf")),
    "a negative infinity": spoilt(-float("inf")),
    "integers": lambda features: (features * 100).int(),
    "bytes": lambda features: (features * 50 + 100).byte(),
}


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize("convert", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("reduction", ["squeeze_mean", "select_max"])
def test_feature_maps_of_other_values_are_equal(reduction: str, convert: Callable[..., Any]) -> None:
    from mmengine.visualization import Visualizer as Real

    features = convert(torch.randn(5, 60, 80, generator=torch.Generator().manual_seed(1)))
    if reduction == "squeeze_mean" and not features.is_floating_point():
        pytest.skip("integers have no mean")

    expected = Real.draw_featmap(features, channel_reduction=reduction)

    np.testing.assert_array_equal(expected, Visualizer.draw_featmap(features, channel_reduction=reduction))


@pytest.mark.parametrize("channels", [1, 3])
def test_features_as_an_image_are_equal(channels: int) -> None:
    from mmengine.visualization import Visualizer as Real

    features = torch.randn(channels, 60, 80, generator=torch.Generator().manual_seed(1))
    ours = Visualizer.draw_featmap(features, channel_reduction=None, topk=0)

    np.testing.assert_array_equal(Real.draw_featmap(features, channel_reduction=None, topk=0), ours)


@pytest.mark.filterwarnings("ignore:Since the spatial dimensions", "ignore:the image is of")
@pytest.mark.parametrize("shape", [None, (90, 120)], ids=["to the image", "to a shape"])
def test_stretched_feature_maps_are_nearly_equal(shape: tuple[int, int] | None) -> None:
    """OpenCV rounds its resizing of an image otherwise: by one of 255, so half of that where it is half visible."""
    from mmengine.visualization import Visualizer as Real

    features = torch.randn(2, 20, 20, generator=torch.Generator().manual_seed(1))
    ours, real = (kind.draw_featmap(features, picture(), resize_shape=shape).astype(int) for kind in (Visualizer, Real))

    assert np.abs(ours - real).max() <= (0 if shape is None else 1)


def write(backend: Any, config: Any) -> None:
    backend.add_config(config)
    backend.add_image("drawn", picture(), 3)
    backend.add_scalar("acc", 0.5, 1)
    backend.add_scalar("n", torch.tensor(2), 1)
    backend.add_scalar("x", np.float32(0.1), 1)
    backend.add_scalars({"loss": 0.25, "y": np.int64(3), "z": [1, 2]}, 7, "own.json")
    backend.add_scalars({"loss": 0.5, "step": 9}, 8)
    backend.close()


def test_local_files_are_equal(tmp_path: Path) -> None:
    import cv2
    from mmengine.config import Config as RealConfig
    from mmengine.visualization import LocalVisBackend as Real

    write(LocalVisBackend(str(tmp_path / "ours")), Config({"a": 1, "b": {"c": [1, 2]}}))
    write(Real(str(tmp_path / "real")), RealConfig({"a": 1, "b": {"c": [1, 2]}}))
    files = [sorted(str(file.relative_to(top)) for file in top.rglob("*")) for top in tmp_path.iterdir()]

    assert files[0] == files[1]
    for name in ("scalars.json", "own.json"):
        assert (tmp_path / "real" / name).read_text() == (tmp_path / "ours" / name).read_text()
        assert all(json.loads(line) for line in (tmp_path / "ours" / name).read_text().splitlines())
    images = [cv2.imread(str(tmp_path / name / "vis_image" / "drawn_3.png")) for name in ("ours", "real")]
    np.testing.assert_array_equal(images[1], images[0])
    configs = [RealConfig.fromfile(tmp_path / name / "config.py").to_dict() for name in ("ours", "real")]
    assert configs[1] == configs[0]
