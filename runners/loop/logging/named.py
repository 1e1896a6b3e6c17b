"""Objects of a run that other code may ask for: by their name, or as that of the run in progress."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

Instance = TypeVar("Instance", bound="Named")

OUTSIDE = "mmengine"
"""The name of what is asked for as the current one where no run is in progress."""


class Named:
    """Base: an object with a name, which lives as long as somebody holds it.

    Nothing is kept for a second run: :meth:`get_instance` finds only what is still in use, and
    :meth:`get_current_instance` what a runner has announced with :meth:`current`, or outside of a run a new object at
    every call. All subclasses of a class that derives from this one directly share their names and their current
    object.
    """

    _living: ClassVar[WeakValueDictionary[str, Any]]
    _current: ClassVar[ContextVar[Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if Named in cls.__bases__:
            cls._living = WeakValueDictionary()
            cls._current = ContextVar(cls.__name__)

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"{type(self).__name__}: the name must be a text that is not empty, found {name!r}")
        self._instance_name = name
        self._living[name] = self

    @property
    def instance_name(self) -> str:
        """The name it was made with."""
        return self._instance_name

    @classmethod
    def get_instance(cls: type[Instance], name: str, **kwargs: Any) -> Instance:
        """The living object of that name, made from ``name`` and the other arguments if there is none.

        Arguments for one that exists are left unused, with a warning.
        """
        found: Instance | None = cls._living.get(name)
        if found is None:
            return cls(name=name, **kwargs)
        if kwargs:
            warnings.warn(
                f"{cls.__name__} {name!r} exists, so {', '.join(kwargs)} will not be used; ask for it by name alone",
                stacklevel=2,
            )
        return found

    @classmethod
    def in_progress(cls: type[Instance]) -> Instance | None:
        """The object of the run in progress, None outside of one."""
        found: Instance | None = cls._current.get(None)
        return found

    @classmethod
    def get_current_instance(cls: type[Instance]) -> Instance:
        """The object of the run in progress; outside of one a new one, which nobody else will find."""
        found = cls.in_progress()
        if found is not None:
            return found
        held = cls._living.get(OUTSIDE)
        fresh = cls(name=OUTSIDE)
        if held is None:
            del cls._living[OUTSIDE]
        else:
            cls._living[OUTSIDE] = held
        return fresh

    @classmethod
    def check_instance_created(cls, name: str) -> bool:
        """Whether an object of that name is in use."""
        return name in cls._living

    @contextmanager
    def current(self: Instance) -> Iterator[Instance]:
        """Let this be the current object while the block runs, in its thread and in the tasks it starts."""
        token = self._current.set(self)
        try:
            yield self
        finally:
            self._current.reset(token)
