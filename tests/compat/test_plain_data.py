from __future__ import annotations

from typing import Any

import pytest
import yaml
from mmbridge.compat.plain_data import read_plain


@pytest.mark.parametrize(
    ("text", "suffix", "expected"),
    [
        pytest.param('{"a": [1, null]}', ".json", {"a": [1, None]}, id="json"),
        pytest.param("a: [1, null]", ".yaml", {"a": [1, None]}, id="yaml"),
        pytest.param("- 1", ".yml", [1], id="yml"),
    ],
)
def test_values(text: str, suffix: str, expected: Any) -> None:
    assert expected == read_plain(text, suffix)


@pytest.mark.parametrize(("text", "suffix", "error"), [("{", ".json", ValueError), ("{", ".yaml", yaml.YAMLError)])
def test_broken_text(text: str, suffix: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_plain(text, suffix)


def test_yaml_builds_no_objects() -> None:
    with pytest.raises(yaml.YAMLError):
        read_plain("!!python/object/apply:os.getcwd []", ".yaml")
