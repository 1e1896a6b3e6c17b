"""Registry: a table from names to classes, with the scope rules of both generations.

A registry belongs to a scope (``mmdet``); registries of one kind form a tree through ``parent``. A name may
be written with its scope: ``mmdet.ResNet``.

* MMEngine's rule (:class:`Registry`): a name without scope is looked up here, then in every ancestor.
* MMCV 1.x's rule (:class:`LegacyRegistry`): a name without scope is looked up here only.
"""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar
from weakref import WeakSet

from mmbridge.compat.errors import BridgeError
from mmbridge.compat.imports import import_object, import_registries
from mmbridge.compat.scope import current_scope, default_scope

T = TypeVar("T", bound=Callable[..., Any])

_ALL: WeakSet[Registry] = WeakSet()  # only read to tell, in an error, which registry does hold a name


class UnknownName(BridgeError, KeyError):
    """A name is not registered; the sentence carries the nearest names and where the name does exist."""

    def __str__(self) -> str:
        return str(self.args[0])


class MissingKey(BridgeError, KeyError):
    """A dict lacks a key that it must have."""

    def __str__(self) -> str:
        return str(self.args[0])


def split_scope_key(key: str) -> tuple[str | None, str]:
    """Split ``'mmdet.ResNet'`` into ``('mmdet', 'ResNet')``, and ``'ResNet'`` into ``(None, 'ResNet')``."""
    scope, dot, rest = key.partition(".")
    return (scope, rest) if dot else (None, key)


def _calling_package() -> str:
    """The first part of the name of the module, outside this one, that is constructing a registry."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__") == __name__ and frame.f_back is not None:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "__main__")).partition(".")[0]


class Registry:
    """A table from names to callables; ``build`` makes an object from a dict that names one under ``type``.

    ``build_func(cfg, *args, registry=self, **kwargs)`` defaults to the parent's, else :func:`build_from_cfg`.
    ``scope`` defaults to the package that constructs the registry; for a scope that no registry has yet, the package's
    module ``registry`` is imported. ``locations`` are modules imported at the first lookup, so that what they register
    is there.
    """

    climbs = True
    """Whether a name without scope is also looked up in the ancestors, and packages are imported (MMEngine's rule)."""

    def __init__(
        self,
        name: str,
        build_func: Callable[..., Any] | None = None,
        parent: Registry | None = None,
        scope: str | None = None,
        locations: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.parent = parent
        self.scope = _calling_package() if scope is None else scope
        inherited = build_from_cfg if parent is None else parent.build_func
        self.build_func: Callable[..., Any] = inherited if build_func is None else build_func
        self.children: dict[str, Registry] = {}
        self._table: dict[str, Callable[..., Any]] = {}
        self._locations = list(locations)
        self._shared: list[Registry] = []
        if parent is not None:
            if self.scope in parent.children:
                raise ValueError(f"registry {parent.name!r} already has a child of scope {self.scope!r}")
            parent.children[self.scope] = self
        _ALL.add(self)

    @property
    def module_dict(self) -> dict[str, Callable[..., Any]]:
        """What is registered here, by name."""
        return self._table

    @property
    def root(self) -> Registry:
        """The registry at the top of the tree; itself where there is no parent."""
        return self if self.parent is None else self.parent.root

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name}, scope={self.scope}, items={self._table})"

    @staticmethod
    def split_scope_key(key: str) -> tuple[str | None, str]:
        """See :func:`split_scope_key`."""
        return split_scope_key(key)

    def get(self, key: str) -> Callable[..., Any] | None:
        """The callable registered as ``key`` (``Name`` or ``scope.Name``), or None.

        Where no registry holds the key, MMEngine's rule takes it for a dotted Python path and imports it.
        """
        if not isinstance(key, str):
            raise TypeError(f"a name in registry {self.name!r} must be a str, found {type(key).__name__}: {key!r}")
        found = self._find(key)
        if found is None:
            found = next((other for each in self.root._shared if (other := each._find(key)) is not None), None)
        if found is None and self.climbs:
            self._import_scope(split_scope_key(key)[0])
            found = self._find(key) or import_object(key)
        return found

    def share(self, other: Registry) -> None:
        """From now on a name that one of the two root registries lacks is looked up in the other.

        So what a project registered once is found by both runtimes; where both hold a name, each finds its own.
        """
        self._shared.append(other)
        other._shared.append(self)

    def _find(self, key: str) -> Callable[..., Any] | None:
        self.import_from_location()
        scope, rest = split_scope_key(key)
        if scope is None:
            return self._find_here(rest)
        if scope == self.scope:
            return self._table.get(rest)
        if scope in self.children:
            return self.children[scope]._find(rest)
        return None if self.parent is None else self.root._find(key)

    def _find_here(self, key: str) -> Callable[..., Any] | None:
        self.import_from_location()
        if key in self._table or not self.climbs or self.parent is None:
            return self._table.get(key)
        return self.parent._find_here(key)

    def import_from_location(self) -> None:
        """Import the modules of ``locations``, in their order: once, or, as long as one fails, again."""
        places, self._locations = self._locations, []
        try:
            for place in places:
                import_module(place)
        except BaseException:
            self._locations = places
            raise

    def _import_scope(self, scope: str | None) -> None:
        if scope is not None and all(registry.scope != scope for registry in self.root.walk()):
            import_registries(scope)

    def scoped(self, scope: str | None) -> Registry:
        """The registry of ``scope`` in this tree; this one where there is none or ``scope`` is None."""
        if scope is None or scope == self.scope:
            return self
        if self.climbs:
            self._import_scope(scope)
        return next((registry for registry in self.root.walk() if registry.scope == scope), self)

    def walk(self, shared: bool = False) -> Iterator[Registry]:
        """This registry and all below it, parents first; with ``shared``, then the same of its shared roots."""
        yield self
        for child in self.children.values():
            yield from child.walk()
        for other in self._shared if shared else ():
            yield from other.walk()

    @contextmanager
    def switch_scope_and_registry(self, scope: str | None) -> Iterator[Registry]:
        """Make ``scope`` the default scope within the block; yields the registry of the scope in force."""
        with default_scope(scope):
            yield self.scoped(current_scope())

    def build(self, cfg: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """The object that ``cfg`` describes, made by this registry's build function."""
        return self.build_func(cfg, *args, **{**kwargs, "registry": self})

    def register_module(
        self,
        name: str | Sequence[str] | type | None = None,
        force: bool = False,
        module: Callable[..., Any] | None = None,
    ) -> Any:
        """Register a class or function under its own name or ``name`` (one or several); ``force`` replaces.

        A decorator (``@R.register_module()``, ``@R.register_module``, ``@R.register_module(name="x")``) or a
        call (``R.register_module(module=X)``). Raises KeyError for a taken name, TypeError for wrong types.
        """
        if inspect.isclass(name) or inspect.isfunction(name):
            return self._add(name, None, force)  # the bare decorator
        if module is not None:
            return self._add(module, _names(name), force)
        names = _names(name)
        return lambda decorated: self._add(decorated, names, force)

    register = register_module

    def _add(self, obj: T, names: Sequence[str] | None, force: bool) -> T:
        if not isinstance(force, bool):
            raise TypeError(f"force must be a boolean, found {type(force).__name__}")
        if not callable(obj):
            raise TypeError(f"only a class or another callable can be registered in {self.name!r}, found {obj!r}")
        for name in names or [getattr(obj, "__name__", type(obj).__name__)]:
            if name in self._table and not force:
                holder = getattr(self._table[name], "__module__", "?")
                raise KeyError(f"{name} is already registered in {self.name} (from {holder}); force=True replaces it")
            self._table[name] = obj
        return obj

    def unknown(self, key: str) -> UnknownName:
        """The error for ``key``: the nearest names, the registries that hold it, or the missing import."""
        return UnknownName(f"{key!r} is not in registry {self.name!r}{self._hint(key)}")

    def _hint(self, key: str) -> str:
        scope, bare = split_scope_key(key)
        holders = sorted(
            f"{registry.name!r} (scope {registry.scope!r})"
            for registry in _ALL
            if bare in registry._table and registry is not self
        )
        if holders:
            return f"; it is in registry {', '.join(holders)}"
        known = {name for registry in self.root.walk() for name in registry._table}
        close = nearest(bare, known)
        if close:
            return f"; did you mean {' or '.join(map(repr, close))}?"
        if scope is not None and all(registry.scope != scope for registry in self.root.walk()):
            return f"; nothing of scope {scope!r} is loaded: import that package, or name it in custom_imports"
        return (
            "; if it is your own class, import its module first, for instance with "
            "custom_imports=dict(imports=['your.module'])"
        )


class LegacyRegistry(Registry):
    """MMCV 1.x's rule: a name without scope is looked up here only, and a key is never a Python path."""

    climbs = False


def nearest(name: str, known: Iterator[str] | set[str] | Sequence[str]) -> list[str]:
    """Up to three of ``known`` that are spelt most like ``name``, whatever their case, best first."""
    by_lower = {other.lower(): other for other in sorted(known)}
    return [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, 3, 0.6)]


def _names(name: Any) -> Sequence[str] | None:
    if name is None:
        return None
    names = [name] if isinstance(name, str) else name
    if isinstance(names, Sequence) and all(isinstance(each, str) for each in names):
        return names
    raise TypeError(f"name must be None, a str or a sequence of str, found {type(name).__name__}")


def build_from_cfg(cfg: Mapping[str, Any], registry: Registry, default_args: Mapping[str, Any] | None = None) -> Any:
    """The object that ``cfg`` describes: ``type`` (a name or a callable) called with the other keys.

    ``default_args`` fill keys that ``cfg`` lacks, ``type`` included. ``_scope_`` names the scope to look
    names up in. Neither dict is changed. Raises KeyError without ``type``, :class:`UnknownName` for an unregistered
    one; what the constructor raises passes unchanged, with a note saying what was being built.
    """
    cfg = getattr(cfg, "_cfg_dict", cfg)  # of a Config
    default_args = getattr(default_args, "_cfg_dict", default_args)
    for label, value in (("cfg", cfg), ("default_args", {} if default_args is None else default_args)):
        if not isinstance(value, Mapping):
            raise TypeError(f"{label} must be a dict, found {type(value).__name__}: {value!r}")
    if not isinstance(registry, Registry):
        raise TypeError(f"registry must be a Registry, found {type(registry).__name__}")
    arguments: dict[str, Any] = {**(default_args or {}), **cfg}
    if "type" not in arguments:
        raise MissingKey(
            f"`cfg` or `default_args` must contain the key 'type' to build from registry {registry.name!r}, "
            f"found the keys {sorted(map(str, arguments))}"
        )
    kind, scope = arguments.pop("type"), arguments.pop("_scope_", None)
    with registry.switch_scope_and_registry(scope) as scoped:
        build = _callable(kind, scoped)
        try:
            return build(**arguments)
        except Exception as error:
            _note(error, kind, build, registry)
            raise


def _note(error: Exception, kind: Any, build: Any, registry: Registry) -> None:
    """Tell in ``error`` what was being built, and which argument may be meant by one that there is not."""
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", repr(kind))
    wrong = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    makers = [vars(each).get("__init__") for each in build.__mro__] if inspect.isclass(build) else [build]
    known = {each for maker in makers if inspect.isfunction(maker) for each in inspect.signature(maker).parameters}
    close = nearest(wrong[1], known) if wrong else []
    told = f"while building {name!r} of registry {registry.name!r}{f'; did you mean {close[0]!r}?' if close else ''}"
    vars(error)["__notes__"] = [*getattr(error, "__notes__", []), told]  # add_note, in Python 3.10 too


def _callable(kind: object, registry: Registry) -> Callable[..., Any]:
    if isinstance(kind, str):
        found = registry.get(kind)
        if found is None:
            raise registry.unknown(kind)
        return found
    if callable(kind):
        return kind
    raise TypeError(f"type must be a registered name or a callable, found {kind!r} (registry {registry.name!r})")


def obj_from_dict(info: Mapping[str, Any], parent: Any = None, default_args: Mapping[str, Any] | None = None) -> Any:
    """The object that ``info`` describes, its ``type`` an attribute of ``parent`` or a class.

    MMCV 1.7.2, mmcv/runner/utils.py. Raises KeyError without ``type``, TypeError where it is neither.
    """
    if "type" not in info:
        raise KeyError(f"info must hold the key 'type', found the keys {sorted(info)}")
    arguments: MutableMapping[str, Any] = {**(default_args or {}), **info}
    kind = arguments.pop("type")
    if isinstance(kind, str):
        kind = getattr(parent, kind) if parent is not None else sys.modules[kind]
    if not callable(kind):
        raise TypeError(f"type must be a str or a class, found {type(kind).__name__}")
    return kind(**arguments)
