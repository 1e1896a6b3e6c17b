"""Mixed precision, on the CPU: against loops of plain torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mmbridge.runners.loop.logging import MessageHub
from mmbridge.runners.loop.optim import AmpOptimWrapper, OptimWrapper
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD

needs_the_scaler = pytest.mark.skipif(not hasattr(torch.amp, "GradScaler"), reason="torch 2.3 has a scaler for CPUs")


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))


def batches(count: int) -> list[Tensor]:
    return list(torch.randn(count, 6, 4, generator=torch.Generator().manual_seed(1)))


def optimizer_of(net: nn.Module) -> SGD:
    return SGD(net.parameters(), lr=0.1, momentum=0.9)


def trained(count: int, **settings: Any) -> tuple[nn.Module, AmpOptimWrapper]:
    net = model()
    wrapper = AmpOptimWrapper(optimizer=optimizer_of(net), **settings)
    wrapper.initialize_count_status(nn.Linear(1, 1), 0, count)
    for batch in batches(count):
        with wrapper.optim_context(net):
            loss = net(batch).square().mean()
        wrapper.update_params(loss)
    return net, wrapper


def by_hand(count: int, steps: dict[int, int], max_norm: float | None = None) -> nn.Module:
    """Plain torch: after the iterations ``steps``, a step for the mean of so many losses."""
    net = model()
    optimizer = optimizer_of(net)
    shares = [size for size in steps.values() for _ in range(size)]
    for number, (batch, share) in enumerate(zip(batches(count), shares, strict=True), 1):
        with torch.autocast("cpu", torch.bfloat16):
            loss = net(batch).square().mean()
        (loss / share).backward()
        if number in steps:
            if max_norm is not None:
                clip_grad_norm_(net.parameters(), max_norm)
            optimizer.step()
            optimizer.zero_grad()
    return net


def same(left: nn.Module, right: nn.Module) -> bool:
    states = left.state_dict(), right.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("dtype", [None, "bfloat16", torch.bfloat16], ids=["default", "by_name", "by_dtype"])
def test_each_loss(dtype: Any) -> None:
    net, _ = trained(5, dtype=dtype)

    assert same(by_hand(5, dict.fromkeys(range(1, 6), 1)), net)


def test_accumulation_with_remainder_and_clipping() -> None:
    net, _ = trained(10, accumulative_counts=4, clip_grad={"max_norm": 0.2})

    assert same(by_hand(10, {4: 4, 8: 4, 10: 2}, max_norm=0.2), net)


@needs_the_scaler
@pytest.mark.parametrize("loss_scale", [128.0, 128, {"init_scale": 128.0}], ids=["float", "int", "arguments"])
def test_a_scale_that_is_asked_for_is_used_and_taken_off_again(loss_scale: Any) -> None:
    net, wrapper = trained(10, accumulative_counts=4, clip_grad={"max_norm": 0.2}, loss_scale=loss_scale)

    # A power of two changes exponents only.
    assert same(by_hand(10, {4: 4, 8: 4, 10: 2}, max_norm=0.2), net)
    assert 128.0 == wrapper.state_dict()["loss_scaler"]["scale"]


def test_the_logged_norm_is_of_the_unscaled_gradients() -> None:
    weight = nn.Parameter(torch.zeros(1))
    wrapper = AmpOptimWrapper(loss_scale=64.0, optimizer=SGD([weight], lr=1.0), clip_grad={"max_norm": 100.0})
    wrapper.message_hub = MessageHub("a hub for amp")

    wrapper.update_params(3 * weight.sum())

    assert 3.0 == wrapper.message_hub.get_scalar("train/grad_norm").current()


def test_bfloat16_does_not_need_the_dynamic_scale() -> None:
    _, wrapper = trained(1)

    assert not wrapper.loss_scaler.is_enabled()
    assert "loss_scaler" not in wrapper.state_dict()


@needs_the_scaler
def test_float16_has_the_dynamic_scale_which_shrinks_when_gradients_overflow() -> None:
    weight = nn.Parameter(torch.zeros(1))
    wrapper = AmpOptimWrapper(dtype="float16", optimizer=SGD([weight], lr=1.0))
    scale = wrapper.loss_scaler.get_scale()

    wrapper.update_params(weight.sum() * float("inf"))

    assert 0.0 == weight.item()
    assert scale / 2 == wrapper.loss_scaler.get_scale()


@needs_the_scaler
def test_a_fixed_scale_stays() -> None:
    weight = nn.Parameter(torch.zeros(1))
    wrapper = AmpOptimWrapper(loss_scale=128.0, dtype="float16", optimizer=SGD([weight], lr=1.0))

    wrapper.update_params(weight.sum() * float("inf"))

    assert 128.0 == wrapper.loss_scaler.get_scale()


@needs_the_scaler
def test_the_scale_is_resumed() -> None:
    _, wrapper = trained(1, loss_scale=64.0)
    other = AmpOptimWrapper(dtype="float16", optimizer=optimizer_of(model()))

    other.load_state_dict(wrapper.state_dict())

    assert 64.0 == other.loss_scaler.get_scale()
    assert str(wrapper.state_dict()) == str(other.state_dict())


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_states_without_a_scale_load_and_those_with_one_load_elsewhere(precision: str) -> None:
    plain = OptimWrapper(optimizer_of(model()))
    wrapper = AmpOptimWrapper(dtype=precision, optimizer=optimizer_of(model()))
    scaled = {**plain.state_dict(), "loss_scaler": {}}

    for state in (plain.state_dict(), scaled):
        wrapper.load_state_dict(state)

    assert str(plain.state_dict()["param_groups"]) == str(wrapper.state_dict()["param_groups"])


def test_lower_precision_ends_with_the_context() -> None:
    net = model()
    wrapper = AmpOptimWrapper(optimizer=optimizer_of(net))

    with wrapper.optim_context(net):
        inside = net(batches(1)[0]).dtype
    outside = net(batches(1)[0]).dtype

    assert (torch.bfloat16, torch.float32) == (inside, outside)


def test_the_scaler_of_fsdp() -> None:
    from torch.distributed.fsdp.sharded_grad_scaler import ShardedGradScaler

    wrapper = AmpOptimWrapper(use_fsdp=True, optimizer=optimizer_of(model()))

    assert isinstance(wrapper.loss_scaler, ShardedGradScaler)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        pytest.param({"dtype": "half"}, ValueError, "dtype must be one of float16, .*found 'half'", id="dtype_name"),
        pytest.param({"dtype": 16}, TypeError, "a name or a torch.dtype, found 16", id="dtype"),
        pytest.param({"loss_scale": "static"}, TypeError, "'dynamic', found 'static'", id="scale"),
        pytest.param({"loss_scale": True}, TypeError, "'dynamic', found True", id="scale_is_a_bool"),
    ],
)
def test_refusals(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        AmpOptimWrapper(optimizer=optimizer_of(model()), **settings)
