from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from mmbridge.compat.config import Config
from mmbridge.compat.registry import (
    LegacyRegistry,
    Registry,
    UnknownName,
    build_from_cfg,
    default_scope,
    obj_from_dict,
)


class Plain:
    def __init__(self, a: int = 0, b: int = 0) -> None:
        self.a, self.b = a, b


class Failing:
    def __init__(self) -> None:
        raise ValueError("inner reason")


@pytest.fixture
def tree() -> Iterator[tuple[Registry, Registry, Registry]]:
    root = Registry("model", scope="mmengine")
    child = Registry("model", parent=root, scope="mmx")
    grandchild = Registry("model", parent=child, scope="sub")
    root.register_module("R0", module=Plain)
    child.register_module("R1", module=Plain)
    grandchild.register_module("R2", module=Plain)
    yield root, child, grandchild


def test_decorator_forms() -> None:
    registry = Registry("thing", scope="s")

    @registry.register_module()
    class A: ...

    @registry.register_module
    class B: ...

    @registry.register_module(name=["c1", "c2"])
    def c() -> None: ...

    assert {"A": A, "B": B, "c1": c, "c2": c} == registry.module_dict


def test_scope_defaults_to_the_calling_package() -> None:
    assert __name__.partition(".")[0] == Registry("thing").scope


def test_a_taken_name_needs_force() -> None:
    registry = Registry("thing", scope="s")
    registry.register_module(module=Plain)

    with pytest.raises(KeyError, match="Plain is already registered in thing"):
        registry.register_module(module=Plain)

    registry.register_module("Plain", force=True, module=Failing)

    assert registry.get("Plain") is Failing


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"name": 3, "module": Plain}, "name must be None", id="name"),
        pytest.param({"module": 3}, "only a class or another callable", id="module"),
        pytest.param({"module": Plain, "force": "yes"}, "force must be a boolean", id="force"),
    ],
)
def test_register_rejects_wrong_types(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Registry("thing", scope="s").register_module(**arguments)  # type: ignore[arg-type]


def test_two_children_of_one_scope_are_an_error(tree: tuple[Registry, ...]) -> None:
    with pytest.raises(ValueError, match="already has a child of scope 'mmx'"):
        Registry("model", parent=tree[0], scope="mmx")


@pytest.mark.parametrize(
    ("index", "key"),
    [
        pytest.param(0, "R0", id="own"),
        pytest.param(0, "mmengine.R0", id="own scope"),
        pytest.param(0, "mmx.R1", id="child"),
        pytest.param(0, "mmx.sub.R2", id="grandchild"),
        pytest.param(1, "mmengine.R0", id="parent by scope"),
        pytest.param(1, "R0", id="parent by climbing"),
        pytest.param(2, "R0", id="root by climbing"),
        pytest.param(2, "mmx.R1", id="scope above"),
    ],
)
def test_lookup_finds(tree: tuple[Registry, ...], index: int, key: str) -> None:
    assert tree[index].get(key) is Plain


@pytest.mark.parametrize("key", ["R1", "foo.R0", "mmx.R0x"])
def test_lookup_from_the_root_misses(tree: tuple[Registry, ...], key: str) -> None:
    assert tree[0].get(key) is None
    assert key not in tree[0]


def test_legacy_rule_does_not_climb() -> None:
    root = LegacyRegistry("model", scope="mmcv")
    child = LegacyRegistry("model", parent=root, scope="mmx")
    root.register_module("R0", module=Plain)

    assert child.get("R0") is None
    assert child.get("mmcv.R0") is Plain
    assert child.get("collections.OrderedDict") is None


def test_a_key_may_be_a_python_path() -> None:
    from collections import OrderedDict

    registry = Registry("thing", scope="s")

    assert registry.get("collections.OrderedDict") is OrderedDict
    assert registry.get("no_such_module_anywhere.X") is None


def test_locations_are_imported_at_the_first_lookup(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "late_registration_module.py").write_text("imported = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry("thing", scope="s", locations=["late_registration_module"])

    before = "late_registration_module" in sys.modules
    registry.get("X")

    assert (before, "late_registration_module" in sys.modules) == (False, True)


def test_build_fills_defaults_and_changes_no_dict() -> None:
    registry = Registry("thing", scope="s")
    registry.register_module(module=Plain)
    cfg, defaults = {"type": "Plain", "a": 1}, {"a": 5, "b": 7}

    built = registry.build(cfg, default_args=defaults)

    assert (built.a, built.b) == (1, 7)
    assert (cfg, defaults) == ({"type": "Plain", "a": 1}, {"a": 5, "b": 7})


def test_config_and_defaults_may_be_config_objects() -> None:
    registry = Registry("thing", scope="s")
    registry.register_module(module=Plain)
    config = Config({"type": "Plain", "a": 1})

    built = registry.build(config, default_args=Config({"a": 5, "b": {"c": 7}}))

    assert (built.a, built.b.c, "type" in config) == (1, 7, True)


def test_type_may_come_from_the_defaults_or_be_a_callable() -> None:
    registry = Registry("thing", scope="s")

    assert isinstance(build_from_cfg({}, registry, {"type": Plain}), Plain)


@pytest.mark.parametrize(
    ("cfg", "defaults", "error", "message"),
    [
        pytest.param("X", None, TypeError, "cfg must be a dict", id="cfg"),
        pytest.param({"type": "X"}, 3, TypeError, "default_args must be a dict", id="defaults"),
        pytest.param({"a": 1}, None, KeyError, "must contain the key 'type'", id="no type"),
        pytest.param({"type": 3}, None, TypeError, "registered name or a callable", id="type"),
    ],
)
def test_build_rejects(cfg: object, defaults: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build_from_cfg(cfg, Registry("thing", scope="s"), defaults)  # type: ignore[arg-type]


def test_build_rejects_what_is_no_registry() -> None:
    with pytest.raises(TypeError, match="registry must be a Registry, found dict"):
        build_from_cfg({"type": "X"}, {})  # type: ignore[arg-type]


def test_an_error_of_the_constructor_passes_unchanged() -> None:
    registry = Registry("thing", scope="s")
    registry.register_module(module=Failing)

    with pytest.raises(ValueError, match="inner reason") as caught:
        registry.build({"type": "Failing"})

    assert caught.value.args == ("inner reason",)
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ["while building 'Failing' of registry 'thing'"]


def test_unknown_name_offers_the_nearest() -> None:
    registry = Registry("optimizer-names", scope="s")
    registry.register_module("SGD", module=Plain)

    with pytest.raises(UnknownName) as caught:
        registry.build({"type": "SDG"})

    assert str(caught.value) == "'SDG' is not in registry 'optimizer-names'; did you mean 'SGD'?"


def test_unknown_name_tells_who_holds_it() -> None:
    holder = Registry("holder", scope="s")
    holder.register_module("VerySpecialThing", module=Plain)

    text = str(Registry("asked", scope="s").unknown("VerySpecialThing"))

    assert text == "'VerySpecialThing' is not in registry 'asked'; it is in registry 'holder' (scope 's')"


def test_unknown_name_tells_the_missing_import() -> None:
    registry = Registry("asked", scope="s")

    assert "nothing of scope 'nolib' is loaded" in str(registry.unknown("nolib.Zork"))
    assert "custom_imports" in str(registry.unknown("Zork"))


def test_scope_key_of_a_config_and_the_default_scope(tree: tuple[Registry, ...]) -> None:
    root = tree[0]

    assert isinstance(root.build({"type": "R1", "_scope_": "mmx"}), Plain)
    with default_scope("mmx"):
        assert isinstance(root.build({"type": "R1"}), Plain)
    with pytest.raises(UnknownName):
        root.build({"type": "R1"})


def test_the_child_inherits_the_build_function() -> None:
    root = Registry("thing", build_func=lambda cfg, registry: (cfg, registry.scope), scope="a")
    child = Registry("thing", parent=root, scope="b")

    assert child.build({"x": 1}) == ({"x": 1}, "b")


def test_obj_from_dict_reads_the_class_from_its_parent() -> None:
    class Parent:
        kind = Plain

    assert obj_from_dict({"type": "kind", "a": 3}, Parent).a == 3
    with pytest.raises(KeyError, match="'type'"):
        obj_from_dict({})


def test_two_shared_roots_lend_each_other_what_one_lacks() -> None:
    old, new = LegacyRegistry("hook", scope="old"), Registry("hook", scope="new")
    old.share(new)
    library = Registry("hook", parent=new, scope="library")
    old.register_module("OldHook", module=dict)
    old.register_module("Hook", module=int)
    new.register_module("Hook", module=str)
    new.register_module("NewHook", module=list)

    assert (dict, str, dict) == (new.get("OldHook"), new.get("Hook"), library.get("OldHook"))
    assert (list, int, None) == (old.get("NewHook"), old.get("Hook"), old.get("NoHook"))
