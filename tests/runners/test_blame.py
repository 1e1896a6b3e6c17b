"""An error about settings begins with the section of the config; other people's errors pass."""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from mmbridge.compat.errors import BridgeError, ConfigError
from mmbridge.compat.registry import MissingKey, Registry
from mmbridge.runners.blame import blaming
from mmbridge.runners.checkpoint import read_file


def ours(code: str) -> Callable[[], object]:
    """``code`` as a function of a module of this project."""
    module = types.ModuleType("mmbridge.somewhere")
    exec(f"import os\ndef run():\n    {code}\n", vars(module))
    run: Callable[[], object] = module.run
    return run


@pytest.fixture
def build() -> Callable[[str, Callable[[], object]], object]:
    """``build(section, what)``: in a module of this project, so that only ``what`` may be somebody else's."""
    module = types.ModuleType("mmbridge.elsewhere")
    vars(module)["blaming"] = blaming
    exec("def build(section, what):\n    with blaming(section):\n        return what()\n", vars(module))
    function: Callable[[str, Callable[[], object]], object] = module.build
    return function


@pytest.mark.parametrize(
    ("code", "kind", "expected"),
    [
        pytest.param("raise ValueError('too many')", ValueError, "hooks: too many", id="value"),
        pytest.param("raise TypeError('no int')", TypeError, "hooks: no int", id="type"),
        pytest.param("raise KeyError('lr')", KeyError, "hooks: lr", id="key"),
        pytest.param("open('/no/such/file')", OSError, "hooks: /no/such/file: No such file or directory", id="file"),
    ],
)
def test_errors_of_this_project_keep_their_kind(
    build: Callable[..., object], code: str, kind: type[Exception], expected: str
) -> None:
    with pytest.raises(kind) as raised:
        build("hooks", ours(code))

    assert isinstance(raised.value, BridgeError)
    assert expected == str(raised.value)


def test_errors_of_other_people_pass(build: Callable[..., object]) -> None:
    def own() -> None:
        raise ValueError("own")

    with pytest.raises(ValueError, match=r"^own$") as raised:
        build("hooks", own)

    assert type(raised.value) is ValueError


def test_an_error_of_this_project_below_other_people_passes(build: Callable[..., object]) -> None:
    def own() -> object:
        return ours("raise ValueError('below')")()

    with pytest.raises(ValueError, match=r"^below$") as raised:
        build("hooks", own)

    assert type(raised.value) is ValueError


def test_the_innermost_section_counts_and_is_told_once() -> None:
    match = r"^train_dataloader: no batch$"
    with pytest.raises(ConfigError, match=match), blaming("train_cfg"), blaming("train_dataloader"):
        raise ConfigError("no batch")

    with pytest.raises(ConfigError, match=r"^train_cfg.max_epochs: too many$"), blaming("train_cfg"):
        raise ConfigError("train_cfg.max_epochs: too many")


def test_a_missing_key_reads_as_a_sentence() -> None:
    with pytest.raises(MissingKey) as raised, blaming("model"):
        raise MissingKey("has no 'type'")

    assert "model: has no 'type'" == str(raised.value)


def test_a_misspelt_argument_gets_the_one_that_is_meant(build: Callable[..., object]) -> None:
    registry = Registry("thing", scope="here")

    class Base:
        def __init__(self, width: int = 1) -> None:
            self.width = width

    @registry.register_module()
    class Narrow(Base):
        pass

    with pytest.raises(TypeError, match=r"'widht' \(while building 'Narrow' of .*; did you mean 'width'\?\)"):
        build("model", partial(registry.build, {"type": "Narrow", "widht": 2}))


@pytest.mark.parametrize("content", [b"", b"hello, no checkpoint", b"PK\x03\x04 cut"], ids=["empty", "text", "cut"])
def test_a_damaged_checkpoint_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(content)

    with pytest.raises(BridgeError, match=r"x\.pth: is damaged or no checkpoint of torch"):
        read_file(str(path))
