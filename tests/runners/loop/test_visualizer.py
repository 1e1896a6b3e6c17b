"""The visualizer: drawing, backends, processes, missing packages."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.compat.config import Config
from mmbridge.compat.errors import BridgeError
from mmbridge.runners import dist
from mmbridge.runners.loop.registry import VISUALIZERS
from mmbridge.runners.loop.visualization import LocalVisBackend, Visualizer
from mmbridge.runners.loop.visualization import arguments as arguments_module

np: Any = pytest.importorskip("numpy")
pytest.importorskip("matplotlib")


def white(height: int = 40, width: int = 60) -> Any:
    return np.full((height, width, 3), 255, np.uint8)


def test_an_image_comes_back_as_it_was_set() -> None:
    image = np.random.default_rng(0).integers(0, 256, (33, 47, 3)).astype(np.uint8)

    np.testing.assert_array_equal(image, Visualizer(image=image).get_image())


def test_a_box_has_its_colours_and_its_place() -> None:
    drawn = Visualizer(image=white()).draw_bboxes(
        torch.tensor([10.0, 10.0, 30.0, 20.0]), edge_colors="r", face_colors=(0, 0, 255), alpha=1.0
    )
    assert drawn is not None
    image = drawn.get_image()

    assert [0, 0, 255] == image[15, 20].tolist()
    assert [255, 0, 0] == image[15, 10].tolist()
    assert [255, 255, 255] == image[30, 20].tolist()


def test_a_mask_is_tinted_by_its_strength() -> None:
    mask = np.zeros((40, 60), bool)
    mask[:20] = True
    image = Visualizer(image=white()).draw_binary_masks(mask, (0, 100, 0), 0.5).get_image()

    assert [128, 178, 128] == image[10, 10].tolist()
    assert [255, 255, 255] == image[30, 10].tolist()


def test_a_feature_map_goes_from_blue_to_red() -> None:
    features = torch.linspace(0, 1, 100).reshape(1, 1, 100)
    image = Visualizer.draw_featmap(features)

    assert [[0, 0, 128], [128, 0, 0]] == [image[0, 0].tolist(), image[0, -1].tolist()]
    assert (1, 100, 3) == image.shape


def test_a_constant_feature_map_is_blue() -> None:
    image = Visualizer.draw_featmap(torch.ones(2, 3, 4))

    assert {(0, 0, 128)} == {tuple(pixel) for row in image.tolist() for pixel in row}


@pytest.mark.parametrize(
    "values",
    [[float("nan"), 1.0, 2.0], [float("nan")] * 3, [0.0, 1.0, float("inf")], [-float("inf"), 1.0], [0.0, 1e-45]],
    ids=str,
)
def test_a_feature_map_of_anything_can_be_drawn(values: list[float]) -> None:
    """Such a map is why somebody looks. What is no number is blue, as the least."""
    image = Visualizer.draw_featmap(torch.tensor(values)[None, None])

    assert [0, 0, 128] == image[0, 0].tolist()


def test_a_table_of_channels_has_their_size() -> None:
    features = torch.arange(4.0)[:, None, None].expand(4, 20, 30)

    assert (40, 60, 3) == Visualizer.draw_featmap(features, channel_reduction=None, topk=4, arrangement=(2, 2)).shape


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda it: it.draw_points([[1, 2]]), TypeError, "positions must be an array or a tensor, found list"),
        (
            lambda it: it.draw_points(np.ones((2, 3))),
            ValueError,
            r"positions must have the shape \(N, 2\), found \(2, 3\)",
        ),
        (lambda it: it.draw_points(np.ones(2), (0, 0, 300)), ValueError, "three channels of 0 to 255"),
        (lambda it: it.draw_points(np.ones(2), 3), TypeError, "a colour is a name or a tuple"),
        (lambda it: it.draw_texts(["a", "b"], np.ones(2)), ValueError, "2 texts need as many positions, found 1"),
        (lambda it: it.draw_texts(["a", "b"], np.ones((2, 2)), [9]), ValueError, "font_sizes: 2 things are drawn"),
        (lambda it: it.draw_texts("a", np.ones(2), "9"), TypeError, "font_sizes: unexpected type str"),
        (lambda it: it.draw_lines(np.ones((2, 2)), np.ones(2)), ValueError, "must have one shape"),
        (lambda it: it.draw_circles(np.ones(2), np.ones(2)), ValueError, "1 circles need as many radii"),
        (lambda it: it.draw_bboxes(np.array([9, 9, 1, 1])), ValueError, "x1 <= x2 and y1 <= y2"),
        (lambda it: it.draw_binary_masks(np.ones((40, 60))), TypeError, "must be of bool, found float64"),
        (
            lambda it: it.draw_binary_masks(np.ones((4, 6), bool)),
            ValueError,
            r"of \(4, 6\), the image is of \(40, 60\)",
        ),
        (
            lambda it: it.draw_featmap(torch.ones(2, 2)),
            ValueError,
            r"of shape \(C, H, W\), found torch.Size\(\[2, 2\]\)",
        ),
        (lambda it: it.draw_featmap(torch.ones(1, 2, 2), channel_reduction="max"), ValueError, "found 'max'"),
        (lambda it: it.draw_featmap(torch.ones(1, 2, 2), None, None), ValueError, None),
        (lambda it: it.draw_featmap(torch.ones(2, 2, 2), None, None, 0), ValueError, "a map of 2 channels is no image"),
        (lambda it: it.draw_featmap(torch.ones(2, 2, 2), None, None, 21), ValueError, "no room for topk=21"),
        (lambda it: it.show(backend="qt"), ValueError, "must be 'matplotlib' or 'cv2', found 'qt'"),
    ],
)
def test_wrong_arguments_are_told(call: Any, error: type[Exception], message: str | None) -> None:
    if message is None:
        assert call(Visualizer(image=white())) is not None
        return
    with pytest.raises(error, match=message):
        call(Visualizer(image=white()))


def test_without_an_image_nothing_is_drawn() -> None:
    with pytest.raises(ValueError, match="call set_image"):
        Visualizer().draw_bboxes(np.array([1, 1, 2, 2]))
    with pytest.raises(ValueError, match="call set_image"):
        Visualizer().get_image()


def test_what_reaches_out_of_the_image_is_drawn_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="a bbox reaches out of the image"):
        drawn = Visualizer(image=white()).draw_bboxes(np.array([50, 30, 90, 90]), "r")

    assert drawn is not None


def test_showing_without_a_screen_warns_and_goes_on() -> None:
    """MMEngine waits for a key that nobody can press."""
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context({"backend": "agg"}), pytest.warns(UserWarning, match="opens no window"):
        Visualizer(image=white()).show(wait_time=0)


def test_backends_write_below_the_directory(tmp_path: Path) -> None:
    backends = [{"type": "LocalVisBackend"}, {"type": "LocalVisBackend", "name": "b", "save_dir": str(tmp_path / "b")}]
    visualizer = VISUALIZERS.build(
        {"type": "Visualizer", "name": "v", "vis_backends": backends, "save_dir": str(tmp_path)}
    )
    assert [] == list(tmp_path.iterdir())
    visualizer.add_config(Config({"a": 1}))
    visualizer.add_scalar("acc", 0.5, 2)
    visualizer.add_scalars({"loss": 1}, 3, "x.json")
    visualizer.add_image("drawn", white(), 4)
    visualizer.close()

    for directory in (tmp_path / "vis_data", tmp_path / "b"):
        rows = [json.loads(line) for line in (directory / "scalars.json").read_text().splitlines()]
        assert [{"acc": 0.5, "step": 2}, {"loss": 1, "step": 3}] == rows
        assert '{"loss": 1, "step": 3}\n' == (directory / "x.json").read_text()
        assert "a = 1\n" == (directory / "config.py").read_text()
        assert (directory / "vis_image" / "drawn_4.png").exists()
    assert isinstance(visualizer.get_backend("b"), LocalVisBackend)
    assert visualizer.get_backend("c") is None
    assert [
        {"type": "LocalVisBackend"},
        {"type": "LocalVisBackend", "name": "b", "save_dir": str(tmp_path / "b")},
    ] == backends


def test_a_row_is_in_the_file_at_once_and_files_open_again(tmp_path: Path) -> None:
    backend = LocalVisBackend(str(tmp_path))
    for step in range(2):
        backend.add_scalar("a", torch.tensor(1.5), step)
        assert step + 1 == len((tmp_path / "scalars.json").read_text().splitlines())
        backend.close()
    backend.add_scalar("a", 1, 2)
    del backend
    gc.collect()  # the file is closed: an open one would be a warning, which is an error here

    assert 3 == len((tmp_path / "scalars.json").read_text().splitlines())


def test_backends_that_cannot_be(tmp_path: Path) -> None:
    twice = [LocalVisBackend(str(tmp_path)), LocalVisBackend(str(tmp_path))]
    with pytest.raises(RuntimeError, match=r"vis_backends\[1\]: there is a backend 'LocalVisBackend' already"):
        Visualizer(vis_backends=twice)
    with pytest.raises(TypeError, match=r"vis_backends\[0\]: must be a backend or a dict with 'type', found 3"):
        Visualizer(vis_backends=[3])
    with pytest.warns(UserWarning, match="LocalVisBackend is left out, as it has no save_dir"):
        assert Visualizer(vis_backends={"type": "LocalVisBackend"}).get_backend("LocalVisBackend") is None
    with pytest.raises(ValueError, match=r"scalar_save_file must end with .json, found 'a.txt'"):
        LocalVisBackend(str(tmp_path), scalar_save_file="a.txt")
    with pytest.raises(ValueError, match="be another file than"):
        LocalVisBackend(str(tmp_path)).add_scalars({"a": 1}, 0, "scalars.json")
    with pytest.raises(ValueError, match="an image is an array of uint8, found float64"):
        LocalVisBackend(str(tmp_path)).add_image("a", np.ones((2, 2, 3)))


def test_a_relative_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    backend = LocalVisBackend("vis")
    backend.add_scalars({"a": 1}, 0, "own.json")
    backend.close()

    assert ["own.json", "scalars.json"] == sorted(file.name for file in (tmp_path / "vis").iterdir())


def test_other_processes_draw_and_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    visualizer = Visualizer(vis_backends={"type": "LocalVisBackend"}, save_dir=str(tmp_path))
    monkeypatch.setattr(dist, "get_dist_info", lambda: (1, 2))
    visualizer.set_image(white())
    visualizer.add_scalar("a", 1)
    visualizer.dataset_meta = {"classes": ("a",)}

    assert visualizer.dataset_meta is None
    assert visualizer.get_image() is None
    assert [] == list(tmp_path.iterdir())


def test_the_current_visualizer_is_the_same_for_all_its_classes() -> None:
    class Own(Visualizer):
        pass

    own = Own("own")
    with own.current():
        assert own is Visualizer.get_current_instance()
    assert own is Visualizer.get_instance("own")


def test_matplotlib_is_imported_by_drawing_only() -> None:
    code = (
        "import sys; from mmbridge.runners.loop.visualization import Visualizer; "
        "Visualizer().dataset_meta = {}; print([m for m in ('matplotlib', 'PIL', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout


def test_a_missing_package_is_told_with_the_extra_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(arguments_module, "import_module", missing)

    with pytest.raises(BridgeError, match=r'drawing needs matplotlib.* pip install "mmbridge\[report\]"'):
        Visualizer().fig_save  # noqa: B018
