from __future__ import annotations

import errno
import io
import os
import pathlib
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.blame import NotAccessible
from mmbridge.runners.checkpoint import (
    CheckpointLoader,
    UnsafeCheckpoint,
    find_latest_checkpoint,
    load_checkpoint,
    load_part,
    point_latest,
    read_file,
    save_checkpoint,
    write_file,
)
from mmbridge.runners.state_dict import WeightsMismatch, get_state_dict, load_state_dict
from torch import nn


class Net(nn.Module):
    CLASSES = ("a", "b")

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2))
        self.register_buffer("scratch", torch.ones(1), persistent=False)


def test_a_checkpoint_reads_back_equal(tmp_path: Path) -> None:
    net, other = Net(), Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    meta = {"epoch": 3}
    save_checkpoint(net, str(tmp_path / "a" / "x.pth"), optimizer, meta)
    loaded = load_checkpoint(other, str(tmp_path / "a" / "x.pth"))

    assert all(torch.equal(one, two) for one, two in zip(net.parameters(), other.parameters(), strict=True))
    assert loaded["optimizer"] == optimizer.state_dict()
    assert set(meta) == {"epoch", "time", "mmcv_version", "CLASSES"}  # the caller's dict is filled in
    assert loaded["meta"] == meta


def test_optimizers_by_name(tmp_path: Path) -> None:
    net = Net()
    both = {name: torch.optim.SGD(net.parameters(), lr=1.0) for name in ("g", "d")}
    save_checkpoint(net, str(tmp_path / "x.pth"), both)

    assert sorted(read_file(str(tmp_path / "x.pth"))["optimizer"]) == ["d", "g"]


def test_all_buffers_are_saved_and_wrappers_are_not() -> None:
    wrapped = nn.DataParallel(Net())

    assert list(get_state_dict(wrapped)) == [
        "scratch",
        "backbone.0.weight",
        "backbone.0.bias",
        "backbone.1.weight",
        "backbone.1.bias",
        "backbone.1.running_mean",
        "backbone.1.running_var",
        "backbone.1.num_batches_tracked",
    ]


def test_state_dict_hooks_of_modules_are_called() -> None:
    def without_bias(module: Any, state: dict[str, Any], prefix: str, metadata: Any) -> None:
        del state[f"{prefix}bias"]

    net = nn.Linear(1, 1)
    net.register_state_dict_post_hook(without_bias)

    assert list(get_state_dict(nn.Sequential(net))) == ["0.weight"]


class Versioned(nn.Linear):
    """Says which version of its format it writes, and keeps what it is told when it is loaded."""

    _version = 3

    def _load_from_state_dict(self, state_dict: Any, prefix: str, metadata: Any, *args: Any) -> None:
        self.loaded = metadata.get("version")
        super()._load_from_state_dict(state_dict, prefix, metadata, *args)


def inside_wrappers(*layers: nn.Module) -> Any:
    """Two wrappers within each other, deep inside a model."""
    return nn.Sequential(nn.Linear(1, 1), nn.DataParallel(nn.Sequential(nn.DataParallel(nn.Sequential(*layers)))))


def test_wrappers_within_a_model_leave_no_trace(tmp_path: Path) -> None:
    net = inside_wrappers(Versioned(1, 1), nn.BatchNorm1d(1, affine=False))
    keys = ["0.weight", "0.bias", "1.0.0.weight", "1.0.0.bias", *(f"1.0.1.{name}" for name in STATISTICS)]
    save_checkpoint(net, str(tmp_path / "x.pth"))
    saved = read_file(str(tmp_path / "x.pth"))["state_dict"]
    other = inside_wrappers(Versioned(1, 1), nn.BatchNorm1d(1, affine=False))
    load_state_dict(other, saved, strict=True)
    plain = nn.Sequential(
        nn.Linear(1, 1), nn.Sequential(nn.Sequential(Versioned(1, 1), nn.BatchNorm1d(1, affine=False)))
    )
    load_state_dict(plain, saved, strict=True)

    assert list(saved) == keys
    inner = other[1].module[0].module[0]
    assert torch.equal(inner.weight, net[1].module[0].module[0].weight)
    assert (inner.loaded, plain[1][0][0].loaded) == (3, 3)  # type: ignore[index]


def test_differences_within_wrappers_are_told_without_them() -> None:
    net = inside_wrappers(nn.Linear(1, 1))
    state = {"0.weight": torch.ones(1, 1), "0.bias": torch.ones(1), "1.0.0.weight": torch.ones(2, 2), "1.0.1.x": 1}

    with pytest.raises(WeightsMismatch) as caught:
        load_state_dict(net, state, strict=True)
    text = str(caught.value)
    assert "size mismatch for 1.0.0.weight: copying a param with shape torch.Size([2, 2])" in text
    assert "unexpected key in source state_dict: 1.0.1.x\n" in text
    assert "missing keys in source state_dict: 1.0.0.bias\n" in text


STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def test_a_tensor_of_two_names_is_saved_under_both() -> None:
    net = nn.Linear(1, 1)
    net.again = net.weight

    assert list(get_state_dict(net)) == ["weight", "bias", "again"]


def test_errors_of_a_models_own_code_pass_while_loading() -> None:
    class Failing(nn.Linear):
        def _load_from_state_dict(self, *args: Any) -> None:
            raise RuntimeError("of its own")

    with pytest.raises(RuntimeError, match="of its own"):
        load_state_dict(Failing(1, 1), {})


def test_saving_and_loading_leave_no_hooks_behind() -> None:
    net = nn.Linear(1, 1)
    before = {name: len(value) for name, value in vars(net).items() if name.endswith("_hooks")}
    for _ in range(2):
        load_state_dict(net, get_state_dict(net))

    assert {name: len(value) for name, value in vars(net).items() if name.endswith("_hooks")} == before


def test_extra_state_is_saved() -> None:
    class Counting(nn.Linear):
        seen = 0

        def get_extra_state(self) -> int:
            return self.seen

        def set_extra_state(self, state: int) -> None:
            self.seen = state

    net, other = Counting(1, 1), Counting(1, 1)
    net.seen = 5
    load_state_dict(other, get_state_dict(net), strict=True)

    assert other.seen == 5


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_scripted_parts_are_saved() -> None:
    net = nn.Sequential(torch.jit.script(nn.Linear(1, 1)))

    assert list(get_state_dict(net)) == ["0.weight", "0.bias"]


def test_prefixes_of_wrappers_are_dropped(tmp_path: Path) -> None:
    net = nn.Linear(1, 1)
    torch.save(
        {"state_dict": {"module.weight": torch.full((1, 1), 7.0), "module.bias": torch.zeros(1)}}, tmp_path / "x"
    )
    load_checkpoint(net, str(tmp_path / "x"), strict=True)

    assert net.weight.item() == 7.0


def test_revised_keys(tmp_path: Path) -> None:
    net = nn.Linear(1, 1)
    torch.save({"old.weight": torch.full((1, 1), 7.0), "old.bias": torch.zeros(1)}, tmp_path / "x")
    load_checkpoint(net, str(tmp_path / "x"), strict=True, revise_keys=[(r"^old\.", "")])

    assert net.weight.item() == 7.0


def test_differences_are_told(caplog: pytest.LogCaptureFixture) -> None:
    net = nn.Sequential(OrderedDict(a=nn.Linear(1, 1), b=nn.BatchNorm1d(1)))
    state = {"a.weight": torch.ones(2, 2), "c": torch.ones(1), "b.weight": torch.full((1,), 5.0)}
    load_state_dict(net, state)

    assert net.b.weight.item() == 5.0
    assert "The model and loaded state dict do not match exactly" in caplog.text
    assert "size mismatch for a.weight" in caplog.text
    assert "unexpected key in source state_dict: c" in caplog.text
    assert "missing keys in source state_dict: a.bias, b.bias, b.running_mean, b.running_var" in caplog.text

    with pytest.raises(WeightsMismatch, match="size mismatch"):
        load_state_dict(net, state, strict=True)


def test_a_module_may_translate_its_old_format() -> None:
    class Renamed(nn.Linear):
        def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
            state_dict[f"{prefix}weight"] = state_dict.pop(f"{prefix}kernel")
            super()._load_from_state_dict(state_dict, prefix, *args)

    net = nn.Sequential(Renamed(1, 1, bias=False))
    load_state_dict(net, {"0.kernel": torch.full((1, 1), 3.0)}, strict=True)

    assert net[0].weight.item() == 3.0


def test_values_of_old_checkpoints_are_read(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    meta = {
        "best_score": numpy.float64(0.5),
        "lr": numpy.array([1.0, 2.0]),
        "gpu_ids": range(8),
        "path": pathlib.Path("/a"),
        "name": numpy.str_("x"),
    }
    torch.save({"meta": meta}, tmp_path / "x.pth")
    loaded = read_file(str(tmp_path / "x.pth"))["meta"]

    assert (loaded["best_score"], loaded["lr"].tolist(), loaded["gpu_ids"]) == (0.5, [1.0, 2.0], range(8))
    assert (loaded["path"], loaded["name"]) == (pathlib.Path("/a"), "x")


def test_config_dicts_of_mmcv_are_read_without_mmcv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    module = ModuleType("mmcv.utils.config")
    kind = type("ConfigDict", (dict,), {"__module__": "mmcv.utils.config", "__qualname__": "ConfigDict"})
    module.ConfigDict = kind  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "mmcv", ModuleType("mmcv"))
        patch.setitem(sys.modules, "mmcv.utils", ModuleType("mmcv.utils"))
        patch.setitem(sys.modules, "mmcv.utils.config", module)
        torch.save({"meta": kind(a=kind(b=1))}, tmp_path / "x.pth")
    meta = read_file(str(tmp_path / "x.pth"))["meta"]

    assert meta == {"a": {"b": 1}}


class Harmful:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("/nonexistent/must-not-happen",))


def test_nothing_is_run_while_reading(tmp_path: Path) -> None:
    torch.save({"meta": Harmful()}, tmp_path / "x.pth")

    with pytest.raises(UnsafeCheckpoint, match=r"x.pth: not read, .*posix.mkdir.*add_safe_globals"):
        read_file(str(tmp_path / "x.pth"))


def test_plain_pickles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(pickle.dumps({"meta": Harmful()}, protocol=2))

    with pytest.raises(UnsafeCheckpoint, match="not read"):
        read_file(str(tmp_path / "x.pth"))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere.pth cannot be found"):
        read_file("nowhere.pth")


def test_a_file_that_holds_no_dict(tmp_path: Path) -> None:
    torch.save([1], tmp_path / "x.pth")

    with pytest.raises(BridgeError, match="holds no state_dict but a list"):
        load_checkpoint(nn.Linear(1, 1), str(tmp_path / "x.pth"))


class FullDisk(io.BytesIO):
    """A file on a disk with room for nothing."""

    def write(self, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_takes_no_more_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.pth"
    monkeypatch.setattr("builtins.open", lambda *arguments: FullDisk())
    with pytest.raises(NotAccessible, match=f"^{path}: cannot be written: No space left on device$"):
        write_file({"a": torch.ones(3)}, str(path))
    monkeypatch.undo()

    (tmp_path / "file").touch()
    with pytest.raises(NotAccessible, match=r"file/last\.pth: cannot be written: (Not a directory|File exists)$"):
        write_file({}, str(tmp_path / "file/last.pth"))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    write_file({"a": 1}, str(path))

    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        write_file({"a": lambda: None}, str(path))

    assert read_file(str(path)) == {"a": 1}
    assert os.listdir(tmp_path) == ["x.pth"]


def test_latest_is_a_relative_link_that_moves(tmp_path: Path) -> None:
    for name in ("one.pth", "two.pth"):
        (tmp_path / name).write_text(name)
        point_latest(str(tmp_path), name)

    assert os.readlink(tmp_path / "latest.pth") == "two.pth"


def test_latest_is_a_copy_where_links_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, target: str) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "symlink", refuse)
    (tmp_path / "one.pth").write_text("one")
    point_latest(str(tmp_path), "one.pth")

    assert (tmp_path / "latest.pth").read_text() == "one"


def test_find_latest(tmp_path: Path) -> None:
    assert find_latest_checkpoint(str(tmp_path)) is None
    for name in ("epoch_5.pth", "best_mAP_epoch_12.pth", "model.pth"):
        (tmp_path / name).touch()

    assert find_latest_checkpoint(str(tmp_path)) == str(tmp_path / "best_mAP_epoch_12.pth")
    (tmp_path / "latest.pth").touch()
    assert find_latest_checkpoint(str(tmp_path)) == str(tmp_path / "latest.pth")


def test_schemes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CheckpointLoader, "_schemes", dict(CheckpointLoader._schemes))
    CheckpointLoader.register_scheme("zoo://", lambda name, map_location: {"name": name})

    assert CheckpointLoader.load_checkpoint("zoo://r50") == {"name": "zoo://r50"}
    with pytest.raises(KeyError, match="already has a loader"):
        CheckpointLoader.register_scheme("zoo://", print)
    with pytest.raises(BridgeError, match="no loader for this scheme; there are http://, https://, zoo://"):
        CheckpointLoader.load_checkpoint("s3://bucket/x")


def test_part_of_a_checkpoint(tmp_path: Path) -> None:
    torch.save({"state_dict": {"backbone.a": 1, "head.b": 2}}, tmp_path / "x.pth")

    assert load_part("backbone", str(tmp_path / "x.pth")) == {"a": 1}
    with pytest.raises(BridgeError, match=r"no key starts with 'neck.'; the keys start with: backbone, head"):
        load_part("neck", str(tmp_path / "x.pth"))
