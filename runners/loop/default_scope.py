"""The default scope as code written for MMEngine asks for it and sets it.

It is the one that the registries look at (:mod:`mmbridge.compat.scope`): a run sets its own for as long as it lasts,
and :func:`init_default_scope` sets one for the rest of the thread, or of the context (:mod:`contextvars`).
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from mmbridge.compat.scope import current_scope, default_scope, set_scope


class DefaultScope:
    """What the default scope was when this object was asked for. MMEngine 0.10.7, mmengine/registry/default_scope.py.

    Objects are not kept: a name given to one is the scope's own for everybody else.
    """

    def __init__(self, name: str, scope_name: str) -> None:
        if not isinstance(scope_name, str):
            raise TypeError(f"scope_name must be a str, found {scope_name!r}")
        self.instance_name = name
        self.scope_name = scope_name

    @classmethod
    def get_current_instance(cls) -> DefaultScope | None:
        """The default scope; None where there is none."""
        scope = current_scope()
        return None if scope is None else cls(scope, scope)

    @classmethod
    def check_instance_created(cls, name: str) -> bool:
        """Whether ``name`` is the default scope."""
        return name == current_scope()

    @classmethod
    def get_instance(cls, name: str, scope_name: str) -> DefaultScope:
        """Make ``scope_name`` the default scope. Raises TypeError where it is no str."""
        made = cls(name, scope_name)
        set_scope(scope_name)
        return made

    @classmethod
    def overwrite_default_scope(cls, scope_name: str | None) -> AbstractContextManager[None]:
        """Within the block ``scope_name`` is the default scope; None changes nothing."""
        return default_scope(scope_name)


def init_default_scope(scope: str) -> None:
    """Make ``scope`` the default scope: names without scope are looked up from it, outside of runs.

    Raises TypeError for what is no str.
    """
    DefaultScope.get_instance(scope, scope)
