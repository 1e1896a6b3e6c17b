"""Arguments that code written for MMEngine gives to Config and ConfigDict."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmbridge.compat.config import Config, ConfigDict, ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "c.py"
    path.write_text("b = dict(c=(1, 2))\na = 1\n")
    return path


@pytest.mark.parametrize("lazy_import", [None, False])
def test_reading(file: Path, lazy_import: bool | None) -> None:
    config = Config.fromfile(file, lazy_import=lazy_import, format_python_code=False)

    assert {"b": {"c": (1, 2)}, "a": 1} == config.to_dict(keep_imported=True)


def test_the_pure_python_style_is_refused(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"c\.py: .*lazy_import=True.*pure Python style"):
        Config.fromfile(file, lazy_import=True)


def test_making() -> None:
    assert "a = 1\n" == Config({"a": 1}, format_python_code=False).pretty_text


def test_a_missing_file_is_a_file_not_found_error(tmp_path: Path) -> None:
    (tmp_path / "c.py").write_text("_base_ = 'no.py'\n")

    for name in ("no.py", "c.py"):
        with pytest.raises(FileNotFoundError, match=r"no\.py.*does not exist.*correct the path"):
            Config.fromfile(tmp_path / name)


def test_defaults_by_name() -> None:
    config = Config({"a": {"b": 1}})

    assert (5, 5) == (config.get("x", default=5), config.a.get("x", default=5))
    assert (5, None) == (config.pop("x", default=5), config.a.pop("x", default=None))
    assert 1 == config.a.pop("b", default=5)
    assert ConfigDict() == config.a


def test_popping_what_is_not_there_without_a_default() -> None:
    """MMEngine gives None."""
    with pytest.raises(KeyError, match="'x'"):
        ConfigDict(a=1).pop("x")
