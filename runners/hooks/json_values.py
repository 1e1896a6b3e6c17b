"""What JSON has no word for, in logged records."""

from __future__ import annotations

from typing import Any


def json_value(value: Any) -> Any:
    """``value`` as lists and numbers, for ``json.dumps(default=...)``. Raises TypeError where that cannot be."""
    if isinstance(value, (set, frozenset, range)):
        return list(value)
    if hasattr(value, "tolist"):  # arrays and scalars of numpy, tensors
        return value.tolist()
    raise TypeError(f"{type(value)} is unsupported for json dump")
