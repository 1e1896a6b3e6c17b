"""JSON and YAML texts that are data, not configs."""

from __future__ import annotations

import json
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_plain(text: str, suffix: str) -> Any:
    """What the text holds, ``suffix`` being .json, .yaml or .yml. Only dicts, lists and plain values come out.

    Raises ValueError for a text that is no JSON, yaml.YAMLError for one that is no YAML.
    """
    return json.loads(text) if suffix == ".json" else yaml.load(text, Loader=_LOADER)
