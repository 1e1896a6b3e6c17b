"""JSON and YAML texts that are data, not configs."""

from __future__ import annotations

import json
from typing import Any


def read_plain(text: str, suffix: str) -> Any:
    """What the text holds, ``suffix`` being .json, .yaml or .yml. Only dicts, lists and plain values come out.

    Raises ValueError for a text that is no JSON, yaml.YAMLError for one that is no YAML.
    """
    return json.loads(text) if suffix == ".json" else read_yaml(text)


def read_yaml(text: str) -> Any:
    """What a YAML text holds, by the safe loader. Raises yaml.YAMLError."""
    import yaml  # slow to import, and seldom needed

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
