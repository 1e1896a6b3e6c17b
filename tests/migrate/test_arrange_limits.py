"""What cannot be arranged says why, and what is only near says so."""

from __future__ import annotations

from typing import Any

import pytest
from mmbridge.compat.schedules import Loop, deviation, legacy_series, modern_series
from mmbridge.migrate.rules.arrange import Arrangement, arrange

LINEAR = {"warmup": "linear", "warmup_iters": 30}
COSINE = {"policy": "CosineAnnealing", "min_lr": 1e-3}
STEP = {"policy": "step", "step": [2, 3]}
RESTARTS = {"policy": "CosineRestart", "periods": [2, 4], "restart_weights": [1, 0.5], "min_lr": 0}


def arranged(
    lr_config: dict[str, Any] | None,
    momentum_config: dict[str, Any] | None = None,
    *,
    loop: Loop = Loop("epoch", 6),  # noqa: B008 - frozen
    **others: Any,
) -> Arrangement:
    known = {"base_lr": 0.1, "base_momentum": 0.9, "equal_bases": True} | others
    return arrange(lr_config, momentum_config, loop=loop, **known)


UNARRANGED: dict[str, tuple[Any, str]] = {
    "library policy": (arranged({"policy": "YOLOX"}), "that library's scheduler must take its place"),
    "policy misspelt": (arranged({"policy": "stepp"}), "did you mean 'Step'"),
    "policy missing": (arranged({"step": [8]}), "lr_config.policy: missing"),
    "warm-up without length": (arranged({**STEP, "warmup": "linear"}), "lr_config.warmup_iters: must be"),
    "by epoch in a run of iterations": (
        arranged({**STEP, "by_epoch": True}, loop=Loop("iter", 6)),
        "never changed anything in MMCV",
    ),
    "momentum by epoch in a run of iterations": (
        arranged(None, STEP, loop=Loop("iter", 6)),
        "momentum_config: policy 'step'",
    ),
    "one cycle under a moving warm-up": (
        arranged({"policy": "OneCycle", "max_lr": 0.1, **LINEAR}),
        "overwrites a warm-up",
    ),
    "cyclic under a moving warm-up": (arranged({"policy": "cyclic", **LINEAR}, epoch_length=20), "rises"),
    "exponential warm-up in epochs": (
        arranged({**STEP, "warmup": "exp", "warmup_iters": 2, "warmup_by_epoch": True}),
        "needs the number of iterations in an epoch",
    ),
    "one-cycle momentum of unknown length": (arranged(None, {"policy": "OneCycle"}), "length of an epoch"),
    "restarts that end before the run": (arranged({**RESTARTS, "periods": [2, 3]}), "MMCV stops there"),
    "inverse that grows": (arranged({"policy": "inv", "gamma": -0.01}), "gamma above 0"),
}


@pytest.mark.parametrize(("arrangement", "reason"), [pytest.param(*case, id=name) for name, case in UNARRANGED.items()])
def test_nothing_is_emitted_where_nothing_is_honest(arrangement: Arrangement, reason: str) -> None:
    assert arrangement.schedulers == ()
    assert reason in str(arrangement.todo)


NOTED: dict[str, tuple[Arrangement, str]] = {
    "floor under a moving warm-up": (arranged({**COSINE, **LINEAR}, epoch_length=2), "overlap"),
    "floor of steps without a base": (
        arranged({**STEP, "min_lr": 0.01}, base_lr=None),
        "initial value is unknown",
    ),
    "floor of steps with several bases": (
        arranged({**STEP, "min_lr": 0.01}, equal_bases=False),
        "base 0.1 only",
    ),
    "floor of steps that others may reach": (
        arranged({**STEP, "min_lr": 1e-4}, equal_bases=False),
        "a group with a smaller base may not",
    ),
    "epoch taken to outlast warm-up": (
        arranged({**COSINE, **LINEAR}),
        "exact if warm-up is over after 1 epochs",
    ),
    "misspelt key": (arranged({**STEP, "warmup_iter": 3}), "did you mean 'warmup_iters'"),
    "stale key": (arranged({**COSINE, "step": [8]}), "MMCV would refuse it"),
    "restart while an epoch is unknown": (arranged({**RESTARTS, **LINEAR}), "at the first restart, 2"),
    "one value per group": (arranged({"policy": "OneCycle", "max_lr": [0.1, 0.2]}), "one value more"),
}


@pytest.mark.parametrize(("arrangement", "words"), [pytest.param(*case, id=name) for name, case in NOTED.items()])
def test_what_is_only_near_is_said(arrangement: Arrangement, words: str) -> None:
    assert arrangement.todo is None
    assert any(words in note for note in arrangement.notes)


def test_no_config_needs_no_scheduler() -> None:
    assert arranged(None) == Arrangement()


def test_one_cycle_gets_a_value_for_the_group_of_the_optimizer_wrapper() -> None:
    (scheduler,) = arranged({"policy": "OneCycle", "max_lr": [0.1, 0.2]}).schedulers

    assert scheduler["eta_max"] == [0.1, 0.2, 0.1]


def test_a_constant_warmup_in_epochs_is_exact_without_their_length() -> None:
    config = {**STEP, "warmup": "constant", "warmup_iters": 2, "warmup_by_epoch": True}
    run: dict[str, Any] = {"loop": Loop("epoch", 6), "epoch_length": 7, "bases": [0.1]}

    schedulers = arranged(config).schedulers

    # the value is multiplied by the ratio and divided by it again
    assert deviation(legacy_series(config, **run), modern_series(schedulers, **run)).relative < 1e-15


def test_closed_form_keeps_the_old_config_and_drops_stale_keys() -> None:
    arrangement = arranged({**COSINE, "step": [8]}, loop=Loop("iter", 50), style="closed-form")

    assert arrangement.schedulers == (
        {"type": "LegacyPolicyLR", "config": COSINE, "by_epoch": False, "begin": 0, "end": 50},
    )
    assert "lr_config.step" in arrangement.notes[0]
