"""The default scope as code written for MMEngine asks for it and sets it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest
from mmbridge.compat.scope import default_scope
from mmbridge.runners.loop.registry import DefaultScope, Registry, init_default_scope


@pytest.fixture
def roots() -> tuple[Registry, type, type]:
    """A root registry with two children that hold different classes under one name."""
    root = Registry("model", scope="mmengine")
    children = [Registry("model", parent=root, scope=scope) for scope in ("mmdet", "mmpretrain")]
    made = [child.register_module(module=type("Net", (), {})) for child in children]
    return root, made[0], made[1]


def alone(function: Callable[[], Any]) -> Any:
    """Call it in a context of its own, so that no other test finds the scope that it sets."""
    return copy_context().run(function)


def test_there_is_none_at_first() -> None:
    assert DefaultScope.get_current_instance() is None
    assert not DefaultScope.check_instance_created("mmdet")


def test_names_are_looked_up_from_the_scope_that_was_set(roots: tuple[Registry, type, type]) -> None:
    root, of_mmdet, of_mmpretrain = roots

    def build() -> list[type]:
        made = []
        for scope in ("mmdet", "mmpretrain"):
            init_default_scope(scope)
            made.append(type(root.build({"type": "Net"})))
        return made

    assert [of_mmdet, of_mmpretrain] == alone(build)
    with pytest.raises(KeyError, match="'Net' is not in registry 'model'"):
        root.build({"type": "Net"})


def test_a_run_has_its_own_scope_and_leaves_the_one_before() -> None:
    def scopes() -> list[str]:
        init_default_scope("mmdet")
        with default_scope("mmpretrain"):  # as a Runner does
            within = DefaultScope.get_current_instance().scope_name
        return [within, DefaultScope.get_current_instance().scope_name]

    assert ["mmpretrain", "mmdet"] == alone(scopes)


def test_a_scope_for_a_block() -> None:
    with DefaultScope.overwrite_default_scope("mmdet"), DefaultScope.overwrite_default_scope(None):
        assert "mmdet" == DefaultScope.get_current_instance().scope_name
    assert DefaultScope.get_current_instance() is None


def register_all_modules(scope: str) -> None:
    """What libraries do that know nothing of ``init_default_scope``."""
    current = DefaultScope.get_current_instance()
    if current is None or not DefaultScope.check_instance_created(scope):
        DefaultScope.get_instance(scope, scope_name=scope)
    elif current.scope_name != scope:
        DefaultScope.get_instance(f"{scope}-again", scope_name=scope)


def test_libraries_take_turns() -> None:
    def turns() -> list[str]:
        found = []
        for scope in ("mmdet", "mmpretrain", "mmpretrain", "mmdet"):
            register_all_modules(scope)
            found.append(DefaultScope.get_current_instance().scope_name)
        return found

    assert ["mmdet", "mmpretrain", "mmpretrain", "mmdet"] == alone(turns)


def test_a_scope_is_a_str() -> None:
    with pytest.raises(TypeError, match="scope_name must be a str, found 3"):
        init_default_scope(3)
