"""The dict level: edits and an old config give the new config.

Both levels go through a *template*: the new config with a `Ref` wherever an old value is taken over.
Filling the references with values is this level; printing them as expressions is ``apply_source``.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from mmbridge.migrate.edit import Drop, Edit, Move, Path, Put, Ref, RuleConflict, dotted


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final[Any] = _Missing()
"""Nothing stands at a path; distinct from None, which configs use as a value."""


def lookup(config: Any, path: Path) -> Any:
    """The value at ``path``, or `MISSING`."""
    for step in path:
        if isinstance(config, dict):
            config = config.get(step, MISSING)
        elif isinstance(config, (list, tuple)) and isinstance(step, int) and step < len(config):
            config = config[step]
        else:
            return MISSING
        if config is MISSING:
            return MISSING
    return config


def plan(config: Mapping[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    """The template of the new config: literals, with a `Ref` for every old value that stays or moves.

    The result does not depend on the order of ``edits``. Raises RuleConflict when an edit writes
    below or over what another one, or an untouched old key, already holds.
    """
    taken = _Taken(
        {edit.src if isinstance(edit, Move) else edit.path for edit in edits if isinstance(edit, (Move, Drop))}
    )
    template = {key: _carry(config, (key,), taken) for key in config if (key,) not in taken.paths}
    writes = [(edit.dst, _template(config, edit, taken)) for edit in edits if isinstance(edit, (Move, Put))]
    for dst, value in sorted(writes, key=lambda write: [str(step) for step in write[0]]):
        _set(template, dst, value, config)
    return template


def materialise(template: Any, config: Mapping[str, Any]) -> Any:
    """``template`` with every reference replaced by the value it names; parts are shared with ``config``."""
    if isinstance(template, Ref):
        return lookup(config, template.path)
    if isinstance(template, dict):
        return {key: materialise(value, config) for key, value in template.items()}
    if isinstance(template, (list, tuple)):
        return type(template)(materialise(value, config) for value in template)
    return template


def apply_dict(config: Mapping[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    """The new config that ``edits`` make of ``config``, which is left as it is and shares no part with it."""
    result: dict[str, Any] = copy.deepcopy(materialise(plan(config, edits), config))
    return result


@dataclass(frozen=True)
class _Taken:
    """What edits take out of the old config."""

    paths: set[Path]

    @cached_property
    def above(self) -> set[Path]:
        """Every path from below which something is taken."""
        return {path[:length] for path in self.paths for length in range(1, len(path))}


def _carry(config: Mapping[str, Any], path: Path, taken: _Taken) -> Any:
    """A reference to ``path``, opened up where edits take something out from below it."""
    if path not in taken.above:
        return Ref(path)
    value = lookup(config, path)
    if isinstance(value, dict):
        return {key: _carry(config, (*path, key), taken) for key in value if (*path, key) not in taken.paths}
    if isinstance(value, (list, tuple)):
        kept = [_carry(config, (*path, i), taken) for i in range(len(value)) if (*path, i) not in taken.paths]
        return kept if isinstance(value, list) else tuple(kept)
    return Ref(path)  # an edit names something below a value that has no parts


def _template(config: Mapping[str, Any], edit: Move | Put, taken: _Taken) -> Any:
    if isinstance(edit, Move):
        return _carry(config, edit.src, taken)
    return _carry_refs(config, edit.value, taken)


def _carry_refs(config: Mapping[str, Any], value: Any, taken: _Taken) -> Any:
    if isinstance(value, Ref):
        return _carry(config, value.path, taken)
    if isinstance(value, dict):
        return {key: _carry_refs(config, item, taken) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_carry_refs(config, item, taken) for item in value)
    return value


def _set(template: dict[Any, Any], dst: Path, value: Any, config: Mapping[str, Any]) -> None:
    here: Any = template
    for depth, step in enumerate(dst[:-1], start=1):
        here[step] = _open(here.get(step, MISSING) if isinstance(here, dict) else here[step], config)
        here = here[step]
        if not isinstance(here, (dict, list)):
            raise RuleConflict(f"{dotted(dst)}: cannot be written, {dotted(dst[:depth])} already holds a plain value.")
    if isinstance(here, dict) and dst[-1] in here:
        raise RuleConflict(f"{dotted(dst)}: is written although it already has a value; drop or move that first.")
    if isinstance(here, list) and dst[-1] == len(here):
        here.append(value)
    else:
        here[dst[-1]] = value


def _open(value: Any, config: Mapping[str, Any]) -> Any:
    """A container that can be written into: a reference is opened by one level."""
    if value is MISSING:
        return {}
    if isinstance(value, Ref):
        return open_ref(value, config)
    return value


def open_ref(ref: Ref, config: Mapping[str, Any]) -> Any:
    """A reference to a container as a container of references; a reference to a plain value as it is."""
    value = lookup(config, ref.path)
    if isinstance(value, dict):
        return {key: Ref((*ref.path, key)) for key in value}
    if isinstance(value, (list, tuple)):
        return type(value)(Ref((*ref.path, i)) for i in range(len(value)))
    return ref
