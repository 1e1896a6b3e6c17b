"""A config with its bases: what each file of a tree must say after conversion.

A file that runs gets exactly what its own conversion asks for beyond its converted bases (`Difference`).
Bases that are used side by side need care: MMEngine refuses a key that two of them set, and the old keys that
feed one new key are often spread over them. So each new key has one owner among the bases of a group (the first
in ``layout.PLACES``), the owner holds what most of the project's files need there, and the others override it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from mmbridge.compat.config import Reader, merge
from mmbridge.compat.errors import ConfigError
from mmbridge.migrate.apply_dict import MISSING, materialise, plan
from mmbridge.migrate.dialect import Dialect, dialect
from mmbridge.migrate.difference import Difference, fill, same
from mmbridge.migrate.edit import Drop, Edit, Put, Ref
from mmbridge.migrate.layout import PLACES
from mmbridge.migrate.rule import Decision, Rule, decide
from mmbridge.migrate.skip import skipped_keys
from mmbridge.migrate.view import LrStyle, View

_DEPRECATION: Final = "_deprecation_"

Group = tuple[Path, ...]
"""The direct bases of some file: what is merged side by side."""


@dataclass(frozen=True)
class Target:
    """A merged old config and what the rules make of it."""

    config: Mapping[str, Any]
    decisions: tuple[Decision, ...]

    @cached_property
    def template(self) -> dict[str, Any]:
        """The new config, with references into the old one."""
        return plan(self.config, [decision.edit for decision in self.decisions])

    @cached_property
    def value(self) -> dict[str, Any]:
        """The new config."""
        filled: dict[str, Any] = materialise(self.template, self.config)
        return filled


@dataclass
class Tree:
    """Conversion of files that may share bases. Every file is parsed, and every merge computed, once.

    The files that decide what a base must hold are those of the base's own project (`project_root`), so a
    base converts to the same text whichever of its users are converted.
    """

    rules: Sequence[Rule]
    lr: LrStyle = "builtin"
    reader: Reader = field(default_factory=Reader)
    _targets: dict[Path | Group, Target] = field(default_factory=dict)
    _users: dict[Path, dict[Path, list[Path]]] = field(default_factory=dict)
    _grouped: dict[Path, Counter[Group]] = field(default_factory=dict)
    _own: dict[Path, dict[str, Any]] = field(default_factory=dict)
    _resolved: dict[Path, dict[str, Any]] = field(default_factory=dict)
    _inherited: dict[Path, dict[str, Any]] = field(default_factory=dict)
    _skipped: dict[Path, frozenset[str]] = field(default_factory=dict)

    def target(self, path: Path) -> Target:
        """What the rules make of ``path`` merged with its bases."""
        if path not in self._targets:
            self._targets[path] = self._decide(self.reader.resolved(path), [path])
        return self._targets[path]

    def skipped(self, path: Path) -> frozenset[str]:
        """The keys that ``path`` or one of its bases wants left alone."""
        if path not in self._skipped:
            above = map(self.skipped, self.reader.base_paths(path))
            self._skipped[path] = skipped_keys(self.reader.file(path)).union(*above)
        return self._skipped[path]

    def edits(self, path: Path) -> list[Edit]:
        """The edits of the file's own keys: what `apply_dict` and `apply_source` carry out."""
        own, new = self.reader.file(path).values, self.own(path)
        drops = [Drop((key,), "rewritten") for key in own if new.get(key) != Ref((key,))]
        puts = [Put((key,), template) for key, template in new.items() if template != Ref((key,))]
        return [*drops, *puts]

    def own(self, path: Path) -> dict[str, Any]:
        """What the converted file says itself, as templates over the file's old own keys."""
        if path not in self._own:
            new = self._shared(path) if self.is_part(path) else self._alone(path)
            old = self.reader.file(path).values
            kept = old.keys() & {_DEPRECATION}  # both engines take it out when they load
            kept |= {key for key in old.keys() & new.keys() if same(materialise(new[key], old), old[key])}
            self._own[path] = {**new, **{key: Ref((key,)) for key in kept}}
        return self._own[path]

    def resolved(self, path: Path) -> dict[str, Any]:
        """The converted file merged with its converted bases."""
        if path not in self._resolved:
            own = materialise(self.own(path), self.reader.file(path).values)
            inherited = self.inherited(path)
            own = fill(own, inherited) if self.reader.file(path).has_refs else own
            self._resolved[path] = merge(own, inherited, where=str(path)) if inherited else own
        return self._resolved[path]

    def inherited(self, path: Path) -> dict[str, Any]:
        """The converted bases of ``path``, merged."""
        if path not in self._inherited:
            merged: dict[str, Any] = {}
            for base in self.reader.base_paths(path):
                merged.update(self.resolved(base))
            self._inherited[path] = merged
        return self._inherited[path]

    def is_part(self, path: Path) -> bool:
        """Whether the file is only part of configs: a base that stands beside others in its project."""
        return any(len(group) > 1 for group in self._groups(path))

    # --- a file on its own ------------------------------------------------------------------------------------

    def _alone(self, path: Path) -> dict[str, Any]:
        target, base = self.target(path), self.inherited(path)
        difference = self._difference(path, target)
        new = {key: difference.of(value, base.get(key, MISSING), (key,)) for key, value in target.template.items()}
        new = {key: template for key, template in new.items() if template is not MISSING}
        new.update((key, None) for key in base if key not in target.template and base[key] is not None)
        return new

    def _difference(self, path: Path, target: Target) -> Difference:
        file = self.reader.file(path)
        own = fill(file.values, self.inherited(path)) if file.has_refs else file.values
        return Difference(target.config, own, file.values)

    # --- a base beside others ---------------------------------------------------------------------------------

    def _shared(self, path: Path) -> dict[str, Any]:
        """Of the keys that ``path`` feeds or says itself those that it owns, as most of its groups need them."""
        base, own = self.inherited(path), self.reader.file(path).values
        fed = (key for key, sources in PLACES.items() if any(source in own for source in sources))
        new: dict[str, Any] = {}
        for key in dict.fromkeys([*own, *fed]):
            target = None if self._banned(path, key) else self._vote(path, key)
            if target is not None:
                difference = self._difference(path, target)
                new[key] = difference.of(target.template[key], base.get(key, MISSING), (key,))
        return {key: template for key, template in new.items() if template is not MISSING}

    def _vote(self, path: Path, key: str) -> Target | None:
        """The conversion that gives ``key`` the value most groups need; None where most need it absent."""
        votes: Counter[str] = Counter()
        targets: dict[str, Target | None] = {}
        for group, weight in sorted(self._groups(path).items()):
            target = self._group_target(group)
            if target is None:
                continue
            ballot = repr(target.value[key]) if key in target.value else ""
            votes[ballot] += weight
            targets.setdefault(ballot, target if ballot else None)
        if not votes:
            return self.target(path) if key in self.target(path).template else None
        return targets[max(sorted(votes), key=votes.__getitem__)]

    def _banned(self, path: Path, key: str) -> bool:
        """Whether in some group another base owns ``key``."""
        for group in self._groups(path):
            if len(group) > 1:
                owner = self._owner(group, key)
                if owner is not None and path not in self.reader.closure(owner):
                    return True
        return False

    def _owner(self, group: Group, key: str) -> Path | None:
        for source in PLACES.get(key, ()):
            for base in group:
                if source in self.reader.resolved(base):
                    return base
        return None

    def _group_target(self, group: Group) -> Target | None:
        """What the rules make of bases merged side by side; None if they cannot be."""
        if group not in self._targets:
            merged: dict[str, Any] = {}
            for base in group:
                try:
                    keys = self.reader.resolved(base)
                except ConfigError:
                    return None
                if merged.keys() & keys.keys():
                    return None
                merged.update(keys)
            self._targets[group] = self._decide(merged, group) if len(group) > 1 else self.target(group[0])
        return self._targets[group]

    # --- who uses whom ----------------------------------------------------------------------------------------

    def _groups(self, path: Path) -> Counter[Group]:
        """The groups of bases that hold ``path``, directly or through another part, with their number of users."""
        if path not in self._grouped:
            self._grouped[path] = self._find_groups(path)
        return self._grouped[path]

    def _find_groups(self, path: Path) -> Counter[Group]:
        found: Counter[Group] = Counter()
        users = self._project(project_root(path))
        pending = [path]
        seen = {path}
        while pending:
            for user in users.get(pending.pop(), ()):
                group = self.reader.base_paths(user)
                if self._group_target(group) is None:  # no engine loads that user
                    continue
                if len(group) > 1 or not self._beside_others(user, users):
                    found[group] += 1
                elif user not in seen:  # its own groups speak for it
                    seen.add(user)
                    pending.append(user)
        return found

    def _beside_others(self, path: Path, users: Mapping[Path, list[Path]]) -> bool:
        return any(len(self.reader.base_paths(user)) > 1 for user in users.get(path, ()))

    def _project(self, root: Path) -> dict[Path, list[Path]]:
        """Base -> the files below ``root`` that name it directly; files that cannot be read have no say."""
        if root not in self._users:
            users: dict[Path, list[Path]] = {}
            for path in _with_bases(root):
                try:
                    for base in self.reader.base_paths(path):
                        users.setdefault(base, []).append(path)
                except ConfigError:
                    continue
            self._users[root] = users
        return self._users[root]

    def _decide(self, config: Mapping[str, Any], files: Sequence[Path]) -> Target:
        if dialect(config) in (Dialect.NEW, Dialect.MIXED):  # what is new stays as it is
            return Target(config, ())
        skipped = frozenset().union(*map(self.skipped, files))
        seen = {key: value for key, value in config.items() if key not in skipped} if skipped else config
        return Target(config, tuple(decide(self.rules, View(seen, self.lr))))


def project_root(path: Path) -> Path:
    """The folder whose files decide what the base ``path`` must hold.

    The innermost folder above it called ``configs`` or ``config``, else the folder that holds its ``_base_``
    folder, else its own folder. It depends on the path alone.
    """
    return _configs_folder(path) or path.parent


def _configs_folder(path: Path) -> Path | None:
    for folder in path.parents:
        if folder.name.lower() in ("configs", "config"):
            return folder
    outermost = next((folder for folder in reversed(path.parents) if folder.name == "_base_"), None)
    return outermost.parent if outermost is not None else None


def _with_bases(root: Path) -> Iterator[Path]:
    """The files of a project that may name a base: all below a folder of configs, in another one only its own."""
    named = _configs_folder(root / "_") is not None or (root / "_base_").is_dir()
    for path in config_files(root, below=named):
        try:
            if b"_base_" in path.read_bytes():
                yield path
        except OSError:
            continue


def config_files(root: Path, *, below: bool = True) -> Iterator[Path]:
    """Every file in ``root``, and ``below`` it, that could be a config, in a fixed order.

    Hidden folders, caches and installed packages are passed over.

    JSON and YAML files are many things: only those that set a config's key at the top count.
    """
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if below and name not in _SKIPPED and name[0] != ".")
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix == ".py" or (path.suffix in (".json", ".yaml", ".yml") and _names_a_config_key(path)):
                yield path


_SKIPPED: Final = ("__pycache__", "site-packages", "node_modules")
_DATA_FILE: Final = re.compile(
    rb"""^[\s{]*["']?(_base_|model|data|runner|optimizer|lr_config|total_epochs|optim_wrapper|train_cfg)["']?\s*:""",
    re.MULTILINE,
)


def _names_a_config_key(path: Path) -> bool:
    try:
        return _DATA_FILE.search(path.read_bytes()) is not None
    except OSError:
        return False
