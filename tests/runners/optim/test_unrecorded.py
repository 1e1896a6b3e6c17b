"""Steps and clears as torch's optimizers do, and in their profiles, but makes no entry where nobody takes one."""

from __future__ import annotations

import functools
import runpy
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from mmbridge.runners.optim import unrecorded
from mmbridge.runners.optim.unrecorded import clear_grads, take_step
from torch import nn
from torch.optim import optimizer as optimizers
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

OPTIMIZERS = [
    *(torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad, torch.optim.RMSprop),
    *(torch.optim.Adadelta, torch.optim.Adamax, torch.optim.NAdam, torch.optim.RAdam, torch.optim.ASGD),
]
Optimizer = type[torch.optim.Optimizer]


def trained(optimizer: Optimizer) -> tuple[nn.Module, Any]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    made = optimizer([{"params": model[0].parameters()}, {"params": model[1].parameters()}], lr=0.1)
    model(torch.ones(1, 2)).sum().backward()
    return model, made


def entries(work: Callable[[], None]) -> list[str]:
    """What of optimizers a profile of ``work`` shows."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        work()
    return [event.key for event in profile.key_averages() if event.key.startswith("Optimizer.")]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda kind: kind.__name__)
def test_the_step_is_the_optimizers_own_bit_for_bit(optimizer: Optimizer) -> None:
    ours, theirs = trained(optimizer), trained(optimizer)

    for _ in range(3):
        take_step(ours[1])
        theirs[1].step()

    for mine, other in zip(ours[0].parameters(), theirs[0].parameters(), strict=True):
        assert torch.equal(mine, other)
        assert mine.requires_grad


def test_no_entry_is_made_where_no_profiler_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    model, optimizer = trained(torch.optim.SGD)
    before = [param.clone() for param in model.parameters()]
    monkeypatch.setattr(torch.autograd.profiler, "record_function", lambda name: pytest.fail(f"an entry {name}"))

    take_step(optimizer)
    clear_grads(optimizer)

    assert not any(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    assert [None] * 4 == [param.grad for param in model.parameters()]


def test_a_profile_shows_both() -> None:
    _, optimizer = trained(torch.optim.SGD)

    def work() -> None:
        take_step(optimizer)
        clear_grads(optimizer)

    assert sorted(entries(work)) == ["Optimizer.step#SGD.step", "Optimizer.zero_grad#SGD.zero_grad"]


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (torch.autograd, "_profiler_enabled"),
        (optimizers, "_global_optimizer_pre_hooks"),
        (optimizers, "_global_optimizer_post_hooks"),
        (torch.optim.Optimizer, "profile_hook_step"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_torch_without_one_of_its_names_makes_its_entries(
    where: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.delattr(where, name)
        fresh = runpy.run_path(unrecorded.__file__)
    model, optimizer = trained(torch.optim.SGD)
    before = model[0].bias.clone()
    recorded: list[str] = []
    monkeypatch.setattr(torch.autograd.profiler, "record_function", lambda name: recorded.append(name) or nullcontext())

    fresh["take_step"](optimizer)

    assert recorded == ["Optimizer.step#SGD.step"]
    assert not torch.equal(before, model[0].bias)


@pytest.mark.parametrize("name", ["_optimizer_step_pre_hooks", "_optimizer_step_post_hooks"])
def test_where_hooks_lie_elsewhere_torch_itself_looks_for_them(name: str) -> None:
    _, optimizer = trained(torch.optim.SGD)
    delattr(optimizer, name)

    with pytest.raises(AttributeError, match=name) as raised:
        take_step(optimizer)
    assert str(raised.traceback[-1].path) == optimizers.__file__


@pytest.mark.parametrize("of", ["optimizer", "all"])
def test_hooks_around_the_step_are_called(of: str) -> None:
    _, optimizer = trained(torch.optim.SGD)
    calls: list[str] = []
    pre, post = lambda *_: calls.append("before"), lambda *_: calls.append("after")
    if of == "all":
        handles = register_optimizer_step_pre_hook(pre), register_optimizer_step_post_hook(post)
    else:
        handles = optimizer.register_step_pre_hook(pre), optimizer.register_step_post_hook(post)

    take_step(optimizer)
    for handle in handles:
        handle.remove()
    take_step(optimizer)

    assert calls == ["before", "after"]


def test_a_step_that_a_class_overrides_is_taken() -> None:
    calls: list[str] = []

    class Own(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            calls.append("own")
            return super().step(closure)

    take_step(trained(Own)[1])

    assert calls == ["own"]


def test_a_wrapper_that_somebody_put_around_the_step_of_a_class_is_called() -> None:
    class Own(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    _, optimizer = trained(Own)
    recording, calls = Own.step, []

    @functools.wraps(recording)
    def step(*args: Any) -> Any:
        calls.append("wrapped")
        return recording(*args)

    Own.step = step  # type: ignore[method-assign]
    take_step(optimizer)

    assert calls == ["wrapped"]


def test_a_step_that_an_object_was_given_is_called() -> None:
    _, optimizer = trained(torch.optim.SGD)
    torch.optim.lr_scheduler.StepLR(optimizer, 1)  # torch's schedulers do so, to see the order of the calls

    take_step(optimizer)

    assert optimizer._opt_called


def test_what_only_looks_like_an_optimizer_steps_its_way() -> None:
    class Lookalike:
        stepped = False

        def step(self) -> None:
            self.stepped = True

    lookalike = Lookalike()

    take_step(lookalike)

    assert lookalike.stepped


def test_no_gradient_is_left_in_any_group() -> None:
    model, optimizer = trained(torch.optim.SGD)

    clear_grads(optimizer)

    assert [None] * 4 == [param.grad for param in model.parameters()]


def test_a_class_of_ones_own_clears_its_way() -> None:
    class Zeros(torch.optim.SGD):
        def zero_grad(self, set_to_none: bool = False) -> None:
            super().zero_grad(set_to_none)

    model, optimizer = trained(Zeros)

    clear_grads(optimizer)

    assert all(param.grad is not None and not param.grad.any() for param in model.parameters())


def test_a_method_that_an_object_was_given_is_called() -> None:
    _, optimizer = trained(torch.optim.SGD)
    calls: list[str] = []
    method: Callable[[], Any] = lambda: calls.append("cleared")  # noqa: E731
    optimizer.zero_grad = method

    clear_grads(optimizer)

    assert ["cleared"] == calls
