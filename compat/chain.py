"""HookChain: which hooks are called at which point, in which order, with which arguments.

For every point the chain keeps the bound calls of the hooks that override it, in order, so a point nobody
overrides costs one look-up. Calls are made bare: what a hook raises reaches the user with its own traceback.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from mmbridge.compat.errors import BridgeError
from mmbridge.compat.hook import (
    _POINTS,
    FACTS,
    Call,
    Hook,
    HookPoint,
    Priority,
    changes,
    get_priority,
    priority_name,
)

LEGACY_LENDS: Mapping[str, str] = {"batch_idx": "inner_iter", "data_batch": "data_batch", "outputs": "outputs"}
"""Where runners of MMCV 1.x hold what MMEngine's hooks are given."""

_NOT_OFFERED = object()
_ALONE: tuple[str, ...] = ()
_SEVERAL = ""  # no fact has this name


class UnknownPoint(BridgeError, AttributeError):
    """A hook point is spelt almost, but not quite, like a known one."""


class WrongHookSignature(BridgeError, TypeError):
    """A hook's method requires an argument that its point does not offer."""


class Listener(NamedTuple):
    """One bound call; ``wants`` names the facts it takes, _ALONE for none but the runner, None for all."""

    hook: Any
    call: Call
    wants: tuple[str, ...] | None


class Point(NamedTuple):
    """What one point calls. ``calls`` has the same as ``listeners``, ready to be made: the call, and of its facts None
    for none, the name for one, _SEVERAL for others.
    """

    calls: tuple[tuple[Call, str | None, Listener], ...]
    listeners: tuple[Listener, ...]


class HookList(list[Any]):
    """The hooks of a chain, in order; every change of the list reaches the chain before its next call."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"


def _counted(name: str) -> Any:
    plain = getattr(list, name)

    def method(self: HookList, *args: Any, **kwargs: Any) -> Any:
        changes[0] += 1
        return plain(self, *args, **kwargs)

    method.__name__, method.__doc__ = name, plain.__doc__
    return method


_CHANGING = "append extend insert remove pop clear sort reverse __setitem__ __delitem__ __iadd__"
for _name in _CHANGING.split(" "):
    setattr(HookList, _name, _counted(_name))


class HookChain:
    """The hooks of a run in the order of their priorities, and what each point calls.

    Hooks of both generations may share a chain: each method is called with the facts its signature names. A fact that
    a point was fired without is read from the runner's attribute that ``lends`` names for it, if the runner has it.
    """

    def __init__(self, hooks: Iterable[Any] = (), lends: Mapping[str, str] = LEGACY_LENDS) -> None:
        self.hooks = HookList()
        self._lends = lends
        self._table: dict[str, Point] = {}
        self._seen = -1
        for hook in hooks:
            self.add(hook)

    def add(self, hook: Any, priority: int | str | Priority | None = None) -> None:
        """Put ``hook`` after the last one whose priority is not lower; None means the hook's own priority.

        The number is written to ``hook.priority``. Raises ValueError for a hook already in the chain,
        :class:`UnknownPoint` for a method spelt almost like a point, :class:`WrongHookSignature` for one that
        requires what its point does not offer.
        """
        if any(hook is other for other in self.hooks):
            raise ValueError(f"this {type(hook).__name__} is already registered: one object, one place in the chain")
        value = get_priority(getattr(hook, "priority", "NORMAL") if priority is None else priority)
        _check_spelling(hook)
        for point in HookPoint:
            _listener(hook, point.value)
        hook.priority = value
        place = len(self.hooks)
        while place and value < get_priority(self.hooks[place - 1].priority):
            place -= 1
        self.hooks.insert(place, hook)
        self._bind()

    def listeners(self, point: str) -> tuple[Listener, ...]:
        """The calls made at ``point``, in order. Raises :class:`UnknownPoint` for a misspelt one."""
        if self._seen != changes[0]:
            self._bind()
        found = self._table.get(point)
        return (self._own_point(point) if found is None else found).listeners

    def fire(self, point: str, runner: Any, /, **facts: Any) -> None:
        """Call every hook that listens to ``point``, with the facts it asks for.

        A hook that is added, or that changes its methods, while the point is being fired counts at once: of the
        changed chain, whatever stands after the current hook is still called.
        """
        self.fire_with(point, runner, facts)

    def fire_with(self, point: str, runner: Any, facts: dict[str, Any]) -> None:
        """As :meth:`fire`, with the facts in a dict."""
        count = changes
        seen = count[0]
        if self._seen != seen:
            self._bind()
        calls, listeners = self._table.get(point) or self._own_point(point)
        for call, fact, listener in calls:
            if fact is None:
                call(runner)
            elif fact in facts:
                call(runner, **{fact: facts[fact]})
            else:
                call(runner, **self._select(point, listener.wants, facts, runner))
            if count[0] != seen:
                done = listeners[: next(place for place, each in enumerate(listeners) if each is listener) + 1]
                return self._fire_rest(point, done, runner, facts)
        return None

    def explain(self, points: Iterable[str] = tuple(HookPoint)) -> str:
        """A block per point with listeners: the hooks in calling order, each with its priority."""
        blocks = []
        for point in points:
            lines = [
                f"({priority_name(hook.priority):<12}) {type(hook).__name__:<35}"
                for hook, _, _ in self.listeners(point)
            ]
            if lines:
                blocks.append("\n".join([f"{point}:", *lines, " -------------------- "]))
        return "\n".join(blocks)

    def _bind(self) -> None:
        points = [point.value for point in HookPoint]
        self._table = {point: self._bound(point) for point in points}
        self._seen = changes[0]

    def _bound(self, point: str) -> Point:
        bound = (_listener(hook, point) for hook in list(self.hooks))
        listeners = tuple(each for each in bound if each is not None)
        return Point(tuple((each.call, _one_fact(each.wants), each) for each in listeners), listeners)

    def _fire_rest(self, point: str, called: Sequence[Listener], runner: Any, facts: dict[str, Any]) -> None:
        """Go on in the changed chain, after the last of the hooks already called that is still in it."""
        done = {id(each.hook) for each in called}
        while True:
            listeners = {id(each.hook): each for each in self.listeners(point)}
            places = [place for place, hook in enumerate(self.hooks) if id(hook) in done]
            rest = self.hooks[places[-1] + 1 if places else 0 :]
            current = next((listeners[id(hook)] for hook in rest if id(hook) in listeners), None)
            if current is None:
                return
            current.call(runner, **self._select(point, current.wants, facts, runner))
            done.add(id(current.hook))

    def _select(self, point: str, wants: tuple[str, ...] | None, facts: dict[str, Any], runner: Any) -> dict[str, Any]:
        if wants is None:
            return {**self._lent(FACTS.get(point, ()), runner), **facts} if self._lends else facts
        try:
            return {name: facts[name] for name in wants}
        except KeyError:
            given = {name: facts[name] for name in wants if name in facts}
            return {**self._lent(wants, runner), **given}

    def _lent(self, names: Iterable[str], runner: Any) -> dict[str, Any]:
        """Those of the facts ``names`` that the runner holds."""
        held = {name: getattr(runner, self._lends.get(name, ""), _NOT_OFFERED) for name in names}
        return {name: value for name, value in held.items() if value is not _NOT_OFFERED}

    def _own_point(self, point: str) -> Point:
        bound = self._bound(point)
        if not bound.listeners:
            own = {each for hook in self.hooks for each in getattr(hook, "points", ())}
            close = get_close_matches(point, sorted((_POINTS | own) - {point}), 3, 0.8)
            if close and point not in own:
                raise UnknownPoint(f"no hook point {point!r}; did you mean {' or '.join(map(repr, close))}?")
        self._table[point] = bound
        return bound


def _one_fact(wants: tuple[str, ...] | None) -> str | None:
    if wants is None or len(wants) > 1:
        return _SEVERAL
    return wants[0] if wants else None


def _listener(hook: Any, point: str) -> Listener | None:
    call = hook.listener(point) if isinstance(hook, Hook) else getattr(hook, point, None)
    return None if call is None else Listener(hook, call, _wants(hook, point, call))


def _wants(hook: Any, point: str, call: Call) -> tuple[str, ...] | None:
    declared: tuple[str, ...] | None = getattr(getattr(call, "func", call), "takes", None)
    if declared is not None:
        return declared or _ALONE
    try:
        parameters = list(inspect.signature(call).parameters.values())[1:]
    except (TypeError, ValueError):  # no signature to read, as some builtins have none
        return _ALONE
    offered = FACTS.get(point, ()) if point in _POINTS else None
    wants = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD:
            return None
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue
        if offered is None or parameter.name in offered:
            wants.append(parameter.name)
        elif parameter.default is parameter.empty:
            raise WrongHookSignature(
                f"{type(hook).__name__}.{point} requires an argument {parameter.name!r}; this point offers "
                f"{', '.join(('the runner', *offered))}"
            )
    return tuple(wants) or _ALONE


def _check_spelling(hook: Any) -> None:
    known = _POINTS | set(getattr(hook, "points", ()))
    for name in {*dir(type(hook)), *getattr(hook, "__dict__", {})}:
        if name in known or not name.lstrip("_").startswith(("before_", "after_")):
            continue
        close = get_close_matches(name, sorted(known), 1, 0.92)
        if close and callable(getattr(hook, name)):
            raise UnknownPoint(
                f"{type(hook).__name__}.{name}: no hook point of that name; did you mean {close[0]!r}? "
                f"If a loop of your own fires it, declare it: points = ({name!r},)"
            )
