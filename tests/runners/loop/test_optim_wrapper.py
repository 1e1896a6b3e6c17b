"""Optimizer wrappers: accumulation, clipping, states, several optimizers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmbridge.runners.loop.logging import MessageHub
from mmbridge.runners.loop.optim import BaseOptimWrapper, MultiStepLR, OptimWrapper, OptimWrapperDict
from torch import nn
from torch.optim import SGD, AdamW


def one_weight(value: float = 0.0) -> nn.Parameter:
    return nn.Parameter(torch.tensor([value]))


def unit_steps(count: int, wrapper: OptimWrapper, weight: nn.Parameter) -> list[float]:
    """The weight after each of ``count`` losses whose gradient is 1."""
    values = []
    for _ in range(count):
        wrapper.update_params(weight.sum())
        values.append(weight.item())
    return values


def test_accumulation_steps_at_4_8_and_10_and_the_last_is_scaled_by_the_remainder() -> None:
    weight = one_weight()
    wrapper = OptimWrapper(SGD([weight], lr=1.0), accumulative_counts=4)
    wrapper.initialize_count_status(nn.Linear(1, 1), 0, 10)

    values = unit_steps(10, wrapper, weight)

    assert [0, 0, 0, -1, -1, -1, -1, -2, -2, -3] == values


def test_without_the_number_of_losses_the_last_two_are_lost() -> None:
    weight = one_weight()

    values = unit_steps(10, OptimWrapper(SGD([weight], lr=1.0), accumulative_counts=4), weight)

    assert [0, 0, 0, -1, -1, -1, -1, -2, -2, -2] == values


@given(st.integers(1, 7), st.integers(1, 25))
def test_every_loss_counts_once(counts: int, losses: int) -> None:
    weight = one_weight()
    wrapper = OptimWrapper(SGD([weight], lr=1.0), accumulative_counts=counts)
    wrapper.initialize_count_status(nn.Linear(1, 1), 0, losses)

    final = unit_steps(losses, wrapper, weight)[-1]

    assert -(-losses // counts) == pytest.approx(-final)  # the shares of a step add up to 1 but for rounding
    assert weight.grad is None


def test_losses_after_the_last_announced_are_refused() -> None:
    weight = one_weight()
    wrapper = OptimWrapper(SGD([weight], lr=1.0), accumulative_counts=2)
    wrapper.initialize_count_status(nn.Linear(1, 1), 0, 4)
    unit_steps(4, wrapper, weight)

    with pytest.raises(ValueError, match="for loss 5, but initialize_count_status announced 4"):
        unit_steps(1, wrapper, weight)


def test_going_on_between_two_steps_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    wrapper = OptimWrapper(SGD([one_weight()], lr=1.0), accumulative_counts=4)

    wrapper.initialize_count_status(nn.Linear(1, 1), 6, 10)

    assert 6 == wrapper.inner_count
    assert "going on at iteration 6, between two steps" in capsys.readouterr().out


@pytest.mark.parametrize(("counts", "told"), [(1, False), (2, True)], ids=["each_loss", "accumulating"])
def test_batch_normalization_is_told_where_losses_accumulate(
    counts: int, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapper = OptimWrapper(SGD([one_weight()], lr=1.0), accumulative_counts=counts)

    wrapper.initialize_count_status(nn.Sequential(nn.BatchNorm2d(1)), 0, 10)

    assert told is ("batch normalization" in capsys.readouterr().out)


def test_gradients_from_before_are_kept_and_cleared_after_the_step() -> None:
    weight = one_weight()
    weight.grad = torch.tensor([5.0])

    OptimWrapper(SGD([weight], lr=1.0)).update_params(weight.sum())

    assert -6.0 == weight.item()
    assert weight.grad is None


def test_arguments_of_step_and_zero_grad_arrive() -> None:
    weight = one_weight()
    calls = []
    closure = lambda: calls.append("closure")  # noqa: E731

    OptimWrapper(SGD([weight], lr=1.0)).update_params(weight.sum(), {"closure": closure}, {"set_to_none": False})

    assert ["closure"] == calls
    assert weight.grad is not None
    assert 0.0 == weight.grad.item()


def test_the_norm_before_clipping_is_logged_and_the_setting_is_not_changed() -> None:
    weight = one_weight()
    clip_grad = {"type": "norm", "max_norm": 0.1}
    wrapper = OptimWrapper(SGD([weight], lr=1.0), clip_grad=clip_grad)
    wrapper.message_hub = MessageHub("a hub")

    wrapper.update_params(3 * weight.sum())

    assert 3.0 == wrapper.message_hub.get_scalar("train/grad_norm").current()
    assert pytest.approx(-0.1, rel=1e-5) == weight.item()  # torch divides by the norm plus 1e-6
    assert {"type": "norm", "max_norm": 0.1} == clip_grad
    assert {"max_norm": 0.1} == wrapper.clip_grad_kwargs


def test_clipping_by_value_logs_nothing() -> None:
    weight = one_weight()
    wrapper = OptimWrapper(SGD([weight], lr=1.0), clip_grad={"type": "value", "clip_value": 0.5})
    wrapper.message_hub = MessageHub("another hub")

    wrapper.update_params(3 * weight.sum())

    assert -0.5 == weight.item()
    assert {} == wrapper.message_hub.log_scalars


def test_clipping_passes_over_what_is_frozen_or_has_no_gradient() -> None:
    weight, frozen, unused = one_weight(), one_weight(), one_weight()
    wrapper = OptimWrapper(SGD([weight, frozen, unused], lr=1.0), clip_grad={"max_norm": 4.0})
    frozen.grad = torch.tensor([100.0])
    frozen.requires_grad_(False)
    wrapper.message_hub = MessageHub("a third hub")

    wrapper.update_params(3 * weight.sum())

    assert 3.0 == wrapper.message_hub.get_scalar("train/grad_norm").current()


def test_without_any_gradient_nothing_is_clipped_or_logged() -> None:
    wrapper = OptimWrapper(SGD([one_weight()], lr=1.0), clip_grad={"max_norm": 4.0})
    wrapper.message_hub = MessageHub("a fourth hub")

    wrapper.step()

    assert {} == wrapper.message_hub.log_scalars


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"accumulative_counts": 0}, "must be 1 or more, found 0", id="no_counts"),
        pytest.param({"clip_grad": 35}, r"such as dict\(max_norm=35\), found 35", id="clip_is_no_dict"),
        pytest.param({"clip_grad": {}}, "how far to clip", id="clip_is_empty"),
        pytest.param({"clip_grad": {"type": "norm"}}, "how far to clip", id="clip_has_only_a_type"),
        pytest.param({"clip_grad": {"type": "nrom", "max_norm": 1}}, "'norm' or 'value', found 'nrom'", id="clip_type"),
    ],
)
def test_refusals(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OptimWrapper(SGD([one_weight()], lr=1.0), **settings)


class NoSync(nn.Module):
    """Counts how often gradients are not to be averaged over processes."""

    entered = 0

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        self.entered += 1
        yield


def test_processes_average_gradients_only_where_a_step_is_due() -> None:
    model, weight = NoSync(), one_weight()
    wrapper = OptimWrapper(SGD([weight], lr=1.0), accumulative_counts=3)
    wrapper.initialize_count_status(model, 0, 5)

    entered = []
    for _ in range(5):
        with wrapper.optim_context(model):
            wrapper.update_params(weight.sum())
        entered.append(model.entered)

    assert [1, 2, 2, 3, 3] == entered


def two_groups() -> SGD:
    return SGD([{"params": [one_weight()], "lr": 0.5}, {"params": [one_weight()]}], lr=0.1, momentum=0.9)


def test_several_groups_have_a_base_rate_that_schedulers_drive() -> None:
    wrapper = OptimWrapper(two_groups())
    scheduler = MultiStepLR(wrapper, milestones=[1], gamma=0.1)
    before = wrapper.get_lr()

    wrapper.optimizer.step()
    scheduler.step()

    assert {"base_lr": [0.1], "lr": [0.5, 0.1]} == before
    assert {"base_lr": [0.1 * 0.1], "lr": [0.5 * 0.1, 0.1 * 0.1]} == wrapper.get_lr()
    assert 3 == len(wrapper.param_groups)


def test_one_group_has_none() -> None:
    wrapper = OptimWrapper(SGD([one_weight()], lr=0.1))

    assert {"lr": [0.1]} == wrapper.get_lr()
    assert wrapper.optimizer.param_groups is wrapper.param_groups
    assert wrapper.optimizer.defaults is wrapper.defaults


@pytest.mark.parametrize(
    ("optimizer", "momentum"),
    [
        pytest.param(SGD([one_weight()], lr=0.1, momentum=0.7), 0.7, id="momentum"),
        pytest.param(AdamW([one_weight()], betas=(0.8, 0.9)), 0.8, id="betas"),
        pytest.param(torch.optim.Adagrad([one_weight()]), 0, id="neither"),
    ],
)
def test_momentum(optimizer: Any, momentum: float) -> None:
    assert {"momentum": [momentum]} == OptimWrapper(optimizer).get_momentum()


def test_a_state_goes_through_a_file_that_torch_loads_safely(tmp_path: Path) -> None:
    wrapper, other = OptimWrapper(two_groups()), OptimWrapper(two_groups())
    wrapper.param_groups[-1]["lr"] = 0.07
    for group in wrapper.optimizer.param_groups:
        wrapper.backward(group["params"][0].sum())
    wrapper.step()
    torch.save(wrapper.state_dict(), tmp_path / "state.pth")

    other.load_state_dict(torch.load(tmp_path / "state.pth", weights_only=True))

    assert {"base_lr": [0.07], "lr": [0.5, 0.1]} == other.get_lr()
    assert str(wrapper.state_dict()) == str(other.state_dict())


def test_states_are_snapshots_and_loading_leaves_them_as_they_are() -> None:
    wrapper = OptimWrapper(two_groups())
    state = wrapper.state_dict()
    before = copy.deepcopy(state)

    wrapper.load_state_dict(state)
    wrapper.param_groups[-1]["lr"] = 0.07

    assert str(before) == str(state)


def test_a_state_of_a_plain_optimizer_leaves_the_base_rate() -> None:
    wrapper = OptimWrapper(two_groups())

    wrapper.load_state_dict(two_groups().state_dict())

    assert {"base_lr": [0.1], "lr": [0.5, 0.1]} == wrapper.get_lr()


def gan() -> OptimWrapperDict:
    return OptimWrapperDict(generator=OptimWrapper(two_groups()), critic=OptimWrapper(SGD([one_weight()], lr=0.2)))


def test_several_optimizers_tell_rates_by_name() -> None:
    wrappers = gan()

    assert {"generator.base_lr": [0.1], "generator.lr": [0.5, 0.1], "critic.lr": [0.2]} == wrappers.get_lr()
    assert {"generator.momentum": [0.9, 0.9], "critic.momentum": [0]} == wrappers.get_momentum()
    assert {"generator": 3, "critic": 1} == {name: len(groups) for name, groups in wrappers.param_groups.items()}


def test_several_optimizers_are_read_like_a_dict() -> None:
    wrappers = gan()

    assert ["generator", "critic"] == list(wrappers) == list(wrappers.keys())
    assert list(wrappers.items()) == list(zip(wrappers.keys(), wrappers.values(), strict=True))
    assert wrappers["critic"] is wrappers.optim_wrappers["critic"]
    assert "critic" in wrappers
    assert 2 == len(wrappers)
    with pytest.raises(KeyError, match="no optimizer 'critics'; did you mean 'critic'"):
        wrappers["critics"]


@pytest.mark.parametrize("method", ["update_params", "backward", "step", "optim_context"])
def test_several_optimizers_do_not_guess_which_is_meant(method: str) -> None:
    arguments = [] if method == "step" else [torch.ones(1)]

    with pytest.raises(NotImplementedError, match=rf"optim_wrapper\['name'\]\.{method}"):
        getattr(gan(), method)(*arguments)


def test_several_optimizers_clear_all_gradients() -> None:
    wrappers = gan()
    params = [param for wrapper in wrappers.values() for g in wrapper.optimizer.param_groups for param in g["params"]]
    for param in params:
        param.grad = torch.ones(1)

    wrappers.zero_grad(set_to_none=False)

    assert [0.0, 0.0, 0.0] == [param.grad.item() for param in params]


def test_several_optimizers_count_for_themselves() -> None:
    wrappers = gan()

    wrappers.initialize_count_status(nn.Linear(1, 1), 3, 10)

    assert 0 == wrappers["critic"].inner_count


def test_several_optimizers_log_to_one_hub() -> None:
    wrappers, hub = gan(), MessageHub("one for all")

    wrappers.message_hub = hub

    assert wrappers.message_hub is hub
    assert all(wrapper.message_hub is hub for wrapper in wrappers.values())


def test_states_of_several_optimizers() -> None:
    wrappers, other = gan(), gan()
    wrappers["critic"].param_groups[0]["lr"] = 0.07

    other.load_state_dict(wrappers.state_dict())

    assert 0.07 == other.get_lr()["critic.lr"][0]
    with pytest.raises(KeyError, match="no optimizer 'judge'; there are: generator, critic"):
        other.load_state_dict({"judge": {}})


def test_only_wrappers_go_into_the_dict() -> None:
    with pytest.raises(TypeError, match="'critic' must be an OptimWrapper, found SGD"):
        OptimWrapperDict(critic=SGD([one_weight()], lr=0.2))  # type: ignore[arg-type]


def test_the_interface_cannot_be_built() -> None:
    with pytest.raises(TypeError, match="abstract"):
        BaseOptimWrapper(SGD([one_weight()], lr=0.2))  # type: ignore[abstract]


def test_representations_name_type_counts_and_optimizer() -> None:
    text = repr(OptimWrapperDict(a=OptimWrapper(SGD([one_weight()], lr=0.25), accumulative_counts=3)))

    assert text.startswith("name: a\nType: OptimWrapper\n_accumulative_counts: 3\noptimizer: \nSGD (")
