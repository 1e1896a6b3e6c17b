from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.compat.chain import HookChain, UnknownPoint, WrongHookSignature
from mmbridge.compat.hook import EngineHook, Hook, HookPoint, LegacyHook, Priority, get_priority, takes

RUNNER = SimpleNamespace(inner_iter=4, data_batch="batch", outputs="outs")


class Recorder(LegacyHook):
    def __init__(self, name: str, log: list[Any]) -> None:
        self.name, self.log = name, log


class Old(Recorder):
    def after_train_iter(self, runner: Any) -> None:
        self.log.append((self.name, runner))


class New(EngineHook):
    def __init__(self, log: list[Any]) -> None:
        self.log = log

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        self.log.append((batch_idx, data_batch, outputs))


def test_points_equal_their_names_as_text() -> None:
    assert HookPoint.BEFORE_RUN == "before_run"
    assert f"{HookPoint.BEFORE_RUN}" == "before_run"
    assert {"before_run": 1}[HookPoint.BEFORE_RUN] == 1


def test_both_generations_share_one_chain() -> None:
    log: list[Any] = []
    chain = HookChain([Old("old", log), New(log)])

    chain.fire("after_train_iter", RUNNER)
    chain.fire("after_train_iter", RUNNER, batch_idx=7, data_batch="b", outputs="o")

    assert log == [("old", RUNNER), (4, "batch", "outs"), ("old", RUNNER), (7, "b", "o")]


@given(st.lists(st.integers(0, 100), max_size=8))
def test_order_is_the_stable_sort_by_priority(priorities: list[int]) -> None:
    log: list[Any] = []
    chain = HookChain()
    for index, priority in enumerate(priorities):
        chain.add(Old(str(index), log), priority)

    chain.fire("after_train_iter", RUNNER)

    expected = [str(index) for _, index in sorted((p, i) for i, p in enumerate(priorities))]
    assert [name for name, _ in log] == expected


def test_a_hook_may_state_its_own_priority() -> None:
    class Early(New):
        priority = Priority.VERY_HIGH

    log: list[Any] = []
    late, early = New(log), Early(log)
    chain = HookChain([late, early])

    assert [early, late] == list(chain.hooks)
    assert (early.priority, late.priority) == (10, 50)


@pytest.mark.parametrize(
    ("given_priority", "number"),
    [
        pytest.param("very_low", 90, id="name in any case"),
        pytest.param(55, 55, id="number"),
        pytest.param(Priority.LOW, 70, id="member"),
    ],
)
def test_get_priority(given_priority: Any, number: int) -> None:
    assert get_priority(given_priority) == number


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        pytest.param(101, ValueError, id="too high"),
        pytest.param("FOO", KeyError, id="unknown"),
        pytest.param(1.5, TypeError, id="type"),
    ],
)
def test_get_priority_rejects(wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="priority"):
        get_priority(wrong)


def test_a_point_nobody_overrides_calls_nothing() -> None:
    chain = HookChain([LegacyHook(), EngineHook(), Hook()])

    assert [()] * len(HookPoint) == [chain.listeners(point) for point in HookPoint]


def test_legacy_umbrella_stands_for_train_and_val() -> None:
    class Umbrella(Recorder):
        def before_epoch(self, runner: Any) -> None:
            self.log.append("before_epoch")

        def after_iter(self, runner: Any) -> None:
            self.log.append("after_iter")

    log: list[Any] = []
    chain = HookChain([Umbrella("u", log)])
    for point in (
        "before_epoch",
        "before_train_epoch",
        "before_val_epoch",
        "after_train_iter",
        "after_val_iter",
    ):
        chain.fire(point, RUNNER)

    assert log == ["before_epoch"] * 3 + ["after_iter"] * 2


def test_an_override_that_calls_super_reaches_the_umbrella() -> None:
    class Both(Recorder):
        def before_epoch(self, runner: Any) -> None:
            self.log.append("umbrella")

        def before_train_epoch(self, runner: Any) -> None:
            super().before_train_epoch(runner)
            self.log.append("own")

    log: list[Any] = []
    HookChain([Both("b", log)]).fire("before_train_epoch", RUNNER)

    assert log == ["umbrella", "own"]


def test_engine_umbrella_is_told_the_mode_and_the_facts() -> None:
    class Umbrella(EngineHook):
        def _after_iter(
            self,
            runner: Any,
            batch_idx: int,
            data_batch: Any = None,
            outputs: Any = None,
            mode: str = "train",
        ) -> None:
            log.append((batch_idx, outputs, mode))

        def _before_epoch(self, runner: Any, mode: str = "train") -> None:
            log.append(mode)

    log: list[Any] = []
    chain = HookChain([Umbrella()])
    chain.fire("after_val_iter", RUNNER, batch_idx=2, outputs="o")
    chain.fire("before_test_epoch", RUNNER)

    assert log == [(2, "o", "val"), "test"]


def test_all_facts_go_to_keyword_arguments() -> None:
    class All(Hook):
        def after_val_epoch(self, runner: Any, **facts: Any) -> None:
            log.append(facts)

    log: list[Any] = []
    HookChain([All()]).fire("after_val_epoch", RUNNER, metrics={"acc": 1})

    assert log == [{"metrics": {"acc": 1}}]


def test_keyword_arguments_include_what_the_runner_holds() -> None:
    class Own(EngineHook):
        def after_train_iter(self, runner: Any, batch_idx: int, **facts: Any) -> None:
            log.append((batch_idx, facts))

    log: list[Any] = []
    HookChain([Own()]).fire("after_train_iter", RUNNER)
    HookChain([Own()]).fire("after_train_iter", RUNNER, outputs=3, more=1)

    assert log == [
        (4, {"data_batch": "batch", "outputs": "outs"}),
        (4, {"data_batch": "batch", "outputs": 3, "more": 1}),
    ]


def test_a_fact_with_a_default_that_nobody_gives_keeps_its_default() -> None:
    class Metrics(Hook):
        def after_val_epoch(self, runner: Any, metrics: Any = "none given") -> None:
            log.append(metrics)

    log: list[Any] = []
    HookChain([Metrics()]).fire("after_val_epoch", RUNNER)

    assert log == ["none given"]


def test_a_required_argument_the_point_does_not_offer_is_an_error_at_once() -> None:
    class Wrong(Hook):
        def before_train_epoch(self, runner: Any, loader: Any) -> None: ...

    with pytest.raises(WrongHookSignature, match=r"Wrong.before_train_epoch requires an argument 'loader'"):
        HookChain().add(Wrong())


def test_a_misspelt_method_is_an_error_at_once() -> None:
    class Misspelt(LegacyHook):
        def after_train_itr(self, runner: Any) -> None: ...

    with pytest.raises(UnknownPoint, match="did you mean 'after_train_iter'"):
        HookChain().add(Misspelt())


def test_a_misspelt_point_is_an_error_when_fired() -> None:
    with pytest.raises(UnknownPoint, match="did you mean 'before_train_epoch'"):
        HookChain([Hook()]).fire("before_train_epochs", RUNNER)


def test_points_of_ones_own_are_fired() -> None:
    class Own(Hook):
        points = ("before_train_iters",)

        def before_train_iters(self, runner: Any, extra: int) -> None:
            log.append(extra)

    log: list[Any] = []
    chain = HookChain([Own()])
    chain.fire("before_train_iters", RUNNER, extra=3)
    chain.fire("halfway", RUNNER)

    assert log == [3]


def test_one_object_is_registered_once() -> None:
    hook = Hook()

    with pytest.raises(ValueError, match="already registered"):
        HookChain([hook, hook])


def test_a_hook_may_change_its_methods_during_the_run() -> None:
    class Changing(Recorder):
        def before_run(self, runner: Any) -> None:
            self.after_train_iter = lambda runner: self.log.append("new method")

    log: list[Any] = []
    chain = HookChain([Changing("c", log), Old("old", log)])
    for point in ("after_train_iter", "before_run", "after_train_iter"):
        chain.fire(point, RUNNER)

    assert log == [("old", RUNNER), "new method", ("old", RUNNER)]


def test_a_hook_added_while_a_point_is_fired_is_called_if_its_turn_is_still_to_come() -> None:
    class Adding(Recorder):
        def after_train_iter(self, runner: Any) -> None:
            self.log.append("adding")
            chain.add(Old("before", log), 10)
            chain.add(Old("after", log), 60)

    log: list[Any] = []
    chain = HookChain([Adding("a", log), Old("last", log)])
    chain.fire("after_train_iter", RUNNER)

    assert log == ["adding", ("last", RUNNER), ("after", RUNNER)]


def test_a_hook_may_remove_itself() -> None:
    class Once(Recorder):
        def after_train_iter(self, runner: Any) -> None:
            self.log.append("once")
            chain.hooks.remove(self)

    log: list[Any] = []
    chain = HookChain([Once("o", log), Old("old", log)])
    chain.fire("after_train_iter", RUNNER)
    chain.fire("after_train_iter", RUNNER)

    assert log == ["once", ("old", RUNNER), ("old", RUNNER)]


def test_what_a_hook_raises_reaches_the_user() -> None:
    class Failing(LegacyHook):
        def before_run(self, runner: Any) -> None:
            raise TypeError("from inside")

    with pytest.raises(TypeError, match="from inside") as caught:
        HookChain([Failing()]).fire("before_run", RUNNER)

    assert caught.traceback[-1].name == "before_run"


def test_any_object_with_point_methods_may_be_a_hook() -> None:
    class Foreign:
        def before_run(self, runner: Any) -> None:
            log.append("foreign")

    log: list[Any] = []
    HookChain([Foreign()]).fire("before_run", RUNNER)

    assert log == ["foreign"]


def test_explain_lists_points_and_priorities_in_order() -> None:
    chain = HookChain()
    chain.add(Old("a", []), "LOW")
    chain.add(New([]), 55)

    assert chain.explain() == (
        f"after_train_iter:\n(55          ) {'New':<35}\n(LOW         ) {'Old':<35}\n -------------------- "
    )


def test_predicates_count_from_one() -> None:
    hook = LegacyHook()
    runner = SimpleNamespace(epoch=3, iter=5, inner_iter=1, data_loader=[0, 0], max_epochs=4, max_iters=9)

    assert [hook.every_n_epochs(runner, n) for n in (-1, 0, 2, 3)] == [False, False, True, False]
    assert hook.every_n_iters(runner, 3)
    assert hook.every_n_inner_iters(runner, 2)
    assert hook.end_of_epoch(runner)
    assert (hook.is_last_epoch(runner), hook.is_last_iter(runner)) == (True, False)
    assert hook.every_n_epochs(runner, 3, start=1)
    assert EngineHook().end_of_epoch([0, 0], 1)
    assert EngineHook().every_n_inner_iters(3, 2)


def test_triggered_stages_follow_the_overrides() -> None:
    assert Old("a", []).get_triggered_stages() == ["after_train_iter"]


@pytest.mark.parametrize("hooks", [0, 1, 100])
def test_a_point_without_listeners_is_one_call_however_many_hooks_there_are(hooks: int) -> None:
    chain = HookChain([Hook() for _ in range(hooks)])
    chain.fire("before_train_iter", RUNNER)  # finds out who listens
    called: list[str] = []

    sys.setprofile(lambda frame, event, argument: called.append(frame.f_code.co_name) if event == "call" else None)
    try:
        chain.fire_with("before_train_iter", RUNNER, {})
    finally:
        sys.setprofile(None)

    assert ["fire_with"] == called


def test_two_hooks_that_share_a_function_are_called_once_each() -> None:
    def shared(runner: Any) -> None:
        log.append("shared")
        if len(log) == 2:
            chain.add(Hook())

    log: list[str] = []
    hooks = [Hook(), Hook()]
    for hook in hooks:
        hook.before_run = shared  # type: ignore[method-assign, assignment]
    chain = HookChain(hooks)
    chain.fire("before_run", RUNNER)

    assert log == ["shared", "shared"]


class Sparing(EngineHook):
    """Has whole signatures and says what it takes of them."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    @takes()
    def before_train_iter(self, runner: Any, batch_idx: int = -1, data_batch: Any = None) -> None:
        self.seen.append(("before", batch_idx, data_batch))

    @takes("outputs")
    def after_train_iter(self, runner: Any, batch_idx: int = -1, data_batch: Any = None, outputs: Any = None) -> None:
        self.seen.append(("after", batch_idx, outputs))

    @takes("batch_idx")
    def _after_iter(
        self, runner: Any, batch_idx: int = -1, data_batch: Any = None, outputs: Any = None, mode: str = "any"
    ) -> None:
        self.seen.append((mode, batch_idx, outputs))

    @takes("mode")
    def _before_epoch(self, runner: Any, mode: str = "any") -> None:
        self.seen.append(mode)


def test_a_method_is_given_what_it_says_it_takes_and_nothing_else() -> None:
    hook = Sparing()
    chain = HookChain([hook])
    facts = {"batch_idx": 3, "data_batch": "data", "outputs": "out"}
    chain.fire("before_val_epoch", None)
    chain.fire("before_train_iter", None, batch_idx=3, data_batch="data")
    chain.fire("after_train_iter", None, **facts)
    chain.fire("after_val_iter", None, **facts)

    assert ["val", ("before", -1, None), ("after", -1, "out"), ("any", 3, None)] == hook.seen


def test_what_it_takes_may_be_missing() -> None:
    hook = Sparing()
    HookChain([hook]).fire("after_train_iter", None)

    assert [("after", -1, None)] == hook.seen
