"""Old schedules and what becomes of them, one case per kind met in public configs, checked number by number.

``builtin`` is the exact arrangement, ``upstream`` the one OpenMMLab's maintainers write. Behind each stands
the largest relative deviation from the old curve that it may have, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from mmbridge.compat.schedules import Loop, deviation, legacy_series, modern_series
from mmbridge.migrate.rules.arrange import arrange

EPOCHS, ITERATIONS = Loop("epoch", 12), Loop("iter", 1000)
EPOCH_LENGTH = 600
EXACT = 1e-12  # rounding of some hundred multiplications, where the old engine computes every value afresh


def at_last_step(ratio: float, length: float) -> float:
    """The deviation of a line that arrives at 1 one step of ``length`` too early, above rounding."""
    last = ratio + (1 - ratio) * (length - 1) / length
    return (1 - last) / last + EXACT


@dataclass(frozen=True)
class Golden:
    """An old config with its run and both new lists; ``within`` and ``upstream_within`` are relative."""

    old: dict[str, Any] | None
    builtin: list[dict[str, Any]]
    upstream: list[dict[str, Any]] | None = None  # None: the same
    loop: Loop = EPOCHS
    within: float = EXACT
    upstream_within: float = EXACT
    momentum: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()  # a few words of each, in builtin style


def new(type: str, **arguments: Any) -> dict[str, Any]:
    return {"type": type, **arguments}


def epochs(end: float = 12, begin: float = 0) -> dict[str, Any]:
    return {"by_epoch": True, "begin": begin, "end": end}


def iters(end: float = 1000, begin: float = 0) -> dict[str, Any]:
    return {"by_epoch": False, "begin": begin, "end": end}


def converted(end: float, begin: float = 0) -> dict[str, Any]:
    return {**epochs(end, begin), "convert_to_iter_based": True}


STEP = {"policy": "step", "step": [8, 11]}
NEW_STEP = new("MultiStepLR", milestones=[8, 11], gamma=0.1, **epochs())
LINEAR = {"warmup": "linear", "warmup_iters": 500, "warmup_ratio": 0.001}
TWO_EPOCHS = {**LINEAR, "warmup_iters": 2, "warmup_by_epoch": True}
NEW_LINEAR = new("LinearLR", start_factor=0.001, **iters(501))
LINEAR_EARLY = new("LinearLR", start_factor=0.001, **iters(500))
EARLY = at_last_step(0.001, 500)
POLY = {"policy": "poly", "power": 0.9, "min_lr": 1e-4, "by_epoch": False}
POLY_TO_ZERO = {**POLY, "min_lr": 0.0}
COSINE: dict[str, Any] = {"policy": "CosineAnnealing", "min_lr": 0}
RESTART = {"policy": "CosineRestart", "periods": [500, 500], "restart_weights": [1, 1], "min_lr": 1e-7}
ONE_CYCLE = {"policy": "OneCycle", "max_lr": 0.1}
ONE_CYCLE_SHAPE = {"total_steps": 1001, "pct_start": 0.05, "anneal_strategy": "linear"}
CYCLIC = {"policy": "cyclic", "target_ratio": (10, 1e-4), "step_ratio_up": 0.4}
ARRIVES = 1.0 + EXACT  # its last step stands at the end value, which the old curve never reaches
OTHER_CURVE = 1.0  # begins after warm-up: it is not the old curve
CANCELS = 1e-11  # near zero 1 + cos cancels, so rounding grows with the square of the steps
EARLY_WARMUP, OVERLAP = "warm-up in epochs ends one iteration early", "overlap"


def warm(ratio: float, end: float) -> dict[str, Any]:
    return new("LinearLR", start_factor=ratio, **iters(end))


def poly(floor: float, frame: dict[str, Any]) -> dict[str, Any]:
    return new("PolyLR", power=0.9, eta_min=floor, **frame)


def cosine(span: float, frame: dict[str, Any]) -> dict[str, Any]:
    return new("CosineAnnealingLR", T_max=span, eta_min=0, **frame)


CASES: dict[str, Golden] = {
    "15 step list": Golden(STEP, [NEW_STEP]),
    "16 linear warm-up": Golden(
        {**STEP, **LINEAR}, [NEW_LINEAR, NEW_STEP], [LINEAR_EARLY, NEW_STEP], upstream_within=EARLY
    ),
    "17 constant warm-up": Golden(
        {**STEP, "warmup": "constant", "warmup_iters": 500, "warmup_ratio": 1 / 3},
        [new("ConstantLR", factor=1 / 3, **iters(501)), NEW_STEP],
        [new("ConstantLR", factor=1 / 3, **iters(500)), NEW_STEP],
        upstream_within=2.0 + EXACT,  # 1 / ratio - 1: restored one iteration early
    ),
    "18 exponential warm-up": Golden(
        {**STEP, "warmup": "exp", "warmup_iters": 500, "warmup_ratio": 0.1},
        [
            new("LinearLR", start_factor=0.1, end_factor=1.0, **iters(1)),
            new("ExponentialLR", gamma=0.1 ** (-1 / 500), **iters(501)),
            NEW_STEP,
        ],
    ),
    "19 warm-up of two epochs": Golden(
        {**STEP, **TWO_EPOCHS},
        [new("LinearLR", start_factor=0.001, **converted(2)), NEW_STEP],
        within=at_last_step(0.001, 2 * EPOCH_LENGTH),
        upstream_within=at_last_step(0.001, 2 * EPOCH_LENGTH),
        notes=(EARLY_WARMUP,),
    ),
    "20 warm-up of one iteration": Golden({**STEP, **LINEAR, "warmup_iters": 1}, [warm(0.001, 2), NEW_STEP]),
    "21 warm-up of one epoch": Golden(
        {**STEP, **TWO_EPOCHS, "warmup_iters": 1},
        [new("LinearLR", start_factor=0.001, **converted(1)), NEW_STEP],
        within=at_last_step(0.001, EPOCH_LENGTH),
        upstream_within=at_last_step(0.001, EPOCH_LENGTH),
        notes=(EARLY_WARMUP,),
    ),
    "22 warm-up without a ratio": Golden(
        {**STEP, "warmup": "linear", "warmup_iters": 500},
        [warm(0.1, 501), NEW_STEP],
        [warm(0.1, 500), NEW_STEP],
        upstream_within=at_last_step(0.1, 500),
    ),
    "23 warm-up from the full value": Golden({**STEP, **LINEAR, "warmup_ratio": 1.0}, [NEW_STEP]),
    "24 warm-up taken away": Golden({**STEP, **LINEAR, "warmup": None}, [NEW_STEP]),
    "25 step every four": Golden(
        {"policy": "step", "step": 4, "gamma": 0.5}, [new("StepLR", step_size=4, gamma=0.5, **epochs())]
    ),
    "26 step every hundred iterations": Golden(
        {"policy": "step", "step": 100, "by_epoch": False, "gamma": 0.96},
        [new("StepLR", step_size=100, gamma=0.96, by_epoch=False, begin=0)],
    ),
    "27 step list in iterations": Golden(
        {"policy": "step", "step": [300, 700], "by_epoch": False},
        [new("MultiStepLR", milestones=[300, 700], gamma=0.1, by_epoch=False, begin=0)],
    ),
    "28 unit left to the run": Golden(
        {"policy": "step", "step": [300, 700]},
        [new("MultiStepLR", milestones=[300, 700], gamma=0.1, **iters())],
        loop=ITERATIONS,
    ),
    "29 no steps": Golden({"policy": "step", "step": []}, []),
    "30 step with a floor": Golden(
        {**STEP, "min_lr": 1e-3},
        [
            new("MultiStepLR", milestones=[8], gamma=0.1, **epochs()),
            new("MultiStepLR", milestones=[11], gamma=0.5, **epochs()),
        ],
    ),
    "31 poly": Golden(POLY, [poly(1e-4, iters(1001))], [poly(1e-4, iters())], loop=ITERATIONS, upstream_within=ARRIVES),
    "32 poly by epoch": Golden(
        {**POLY, "by_epoch": True},
        [poly(1e-4, epochs(121))],
        [poly(1e-4, epochs(120))],
        loop=Loop("epoch", 120),
        upstream_within=ARRIVES,
    ),
    "33 poly by default": Golden(
        {"policy": "poly"},
        [new("PolyLR", power=1.0, eta_min=0.0, **iters(1001))],
        [new("PolyLR", power=1.0, eta_min=0.0, **iters())],
        loop=ITERATIONS,
        upstream_within=ARRIVES,
    ),
    "34 poly to zero after warm-up": Golden(
        {**POLY_TO_ZERO, "warmup": "linear", "warmup_iters": 100},
        [warm(0.1, 101), poly(0.0, iters(1001))],
        [warm(0.1, 100), poly(0.0, iters(begin=100))],
        loop=ITERATIONS,
        upstream_within=OTHER_CURVE,
    ),
    "34 poly to a floor after warm-up": Golden(
        {**POLY, "warmup": "linear", "warmup_iters": 100},
        [warm(0.1, 101), poly(1e-4, iters(1001))],
        [warm(0.1, 100), poly(1e-4, iters(begin=100))],
        loop=ITERATIONS,
        within=2e-3,  # the floor is pulled towards while warm-up still moves
        upstream_within=OTHER_CURVE,
        notes=(OVERLAP,),
    ),
    "35 poly by iteration in epochs": Golden(
        {**POLY_TO_ZERO, "warmup": "constant", "warmup_iters": 50},
        [new("ConstantLR", factor=0.1, **iters(51)), poly(0.0, {"by_epoch": False, "begin": -1})],
        [new("ConstantLR", factor=0.1, **iters(50)), poly(0.0, converted(30))],
        loop=Loop("epoch", 30),
        upstream_within=9.0,  # 1 / ratio - 1: restored one iteration early
        notes=("begin=-1",),
    ),
    "36 cosine": Golden(COSINE, [cosine(100, epochs(100))], loop=Loop("epoch", 100)),
    "37 cosine by iteration in epochs": Golden(
        {**COSINE, "by_epoch": False},
        [cosine(100, converted(100))],
        loop=Loop("epoch", 100),
        within=1e-6,  # as CANCELS, with 60,000 steps
        upstream_within=1e-6,
    ),
    "38 cosine to a ratio": Golden(
        {"policy": "CosineAnnealing", "min_lr_ratio": 0.01},
        [new("CosineAnnealingLR", T_max=12, eta_min_ratio=0.01, **epochs())],
    ),
    "39 cosine after twenty epochs": Golden(
        {**COSINE, "warmup": "linear", "warmup_iters": 20, "warmup_by_epoch": True},
        [new("LinearLR", start_factor=0.1, **converted(20)), cosine(300, epochs(300))],
        [new("LinearLR", start_factor=0.1, **converted(20)), cosine(280, epochs(300, begin=20))],
        loop=Loop("epoch", 300),
        within=at_last_step(0.1, 20 * EPOCH_LENGTH),
        upstream_within=OTHER_CURVE,
        notes=(EARLY_WARMUP,),
    ),
    "40 cosine in iterations": Golden(
        COSINE, [cosine(1000, iters())], loop=ITERATIONS, within=CANCELS, upstream_within=CANCELS
    ),
    "41 fixed": Golden({"policy": "fixed"}, []),
    "41 fixed after warm-up": Golden(
        {"policy": "fixed", **LINEAR}, [NEW_LINEAR], [LINEAR_EARLY], upstream_within=EARLY
    ),
    "42 exponential": Golden({"policy": "exp", "gamma": 0.975}, [new("ExponentialLR", gamma=0.975, **epochs())]),
    "43 cosine with restarts": Golden(
        RESTART,
        [new("CosineRestartLR", periods=[500, 500], restart_weights=[1, 1], eta_min=1e-7, **iters())],
        loop=ITERATIONS,
        within=CANCELS,
        upstream_within=CANCELS,
    ),
    "44 one cycle": Golden(
        {**ONE_CYCLE, **ONE_CYCLE_SHAPE},
        [new("OneCycleLR", eta_max=0.1, **ONE_CYCLE_SHAPE, **iters())],
        loop=ITERATIONS,
    ),
    "45 one cycle over the run": Golden(ONE_CYCLE, [new("OneCycleLR", eta_max=0.1, **converted(12))]),
    "46 line to a ratio": Golden(
        {"policy": "LinearAnnealing", "min_lr_ratio": 0.01},
        [new("LinearLR", start_factor=1.0, end_factor=0.01, **epochs(13))],
    ),
    "47 line to a value": Golden(
        {"policy": "LinearAnnealing", "min_lr": 2e-4},
        [new("LinearLR", start_factor=1.0, end_factor=0.01, **epochs(13))],
    ),
    "48 flat cosine": Golden(
        {"policy": "FlatCosineAnnealing", "start_percent": 0.75, "min_lr": 1e-4},
        [new("CosineAnnealingLR", T_max=25, eta_min=1e-4, **epochs(100, begin=75))],
        loop=Loop("epoch", 100),
    ),
    "49 cyclic": Golden(
        CYCLIC,
        [
            new("CosineAnnealingLR", T_max=8, eta_min_ratio=10, **converted(8)),
            new("CosineAnnealingLR", T_max=12, eta_min_ratio=1e-4, **converted(20, begin=8)),
        ],
        [
            new("CosineAnnealingLR", T_max=8, eta_min=0.2, **converted(8)),
            new("CosineAnnealingLR", T_max=12, eta_min=2e-6, **converted(20, begin=8)),
        ],
        loop=Loop("epoch", 20),
        within=1e-3,  # turns one iteration early
        upstream_within=1e-3,
        notes=("turning points",),
    ),
    "50 momentum cosine": Golden(
        COSINE,
        [cosine(12, epochs()), new("CosineAnnealingMomentum", T_max=12, eta_min=0.1, **epochs())],
        momentum={"policy": "CosineAnnealing", "min_momentum": 0.1},
    ),
    "51 momentum step without gamma": Golden(
        None,
        [new("MultiStepMomentum", milestones=[8], gamma=0.5, **epochs())],
        momentum={"policy": "step", "step": [8]},
    ),
    "52 inverse": Golden(
        {"policy": "inv", "gamma": 0.1},
        [
            new("ConstantLR", factor=1.0, **epochs()),
            new("PolyLR", power=-1.0, eta_min=0.0, **epochs(14.0, begin=1), last_step=22),
        ],
    ),
    "53 other steps in a longer run": Golden(
        {**STEP, **LINEAR, "step": [16, 22]},
        [NEW_LINEAR, new("MultiStepLR", milestones=[16, 22], gamma=0.1, **epochs(24))],
        [LINEAR_EARLY, new("MultiStepLR", milestones=[16, 22], gamma=0.1, **epochs(24))],
        loop=Loop("epoch", 24),
        upstream_within=EARLY,
    ),
    "54 a longer warm-up": Golden(
        {**STEP, **LINEAR, "warmup_iters": 1000},
        [warm(0.001, 1001), NEW_STEP],
        [warm(0.001, 1000), NEW_STEP],
        upstream_within=at_last_step(0.001, 1000),
    ),
    "55 a policy that replaces another": Golden(
        {"policy": "poly", "power": 0.9},
        [poly(0.0, epochs(13))],
        [poly(0.0, epochs())],
        upstream_within=ARRIVES,
    ),
    "56 a policy merged over another": Golden(
        {**STEP, **LINEAR, **COSINE},
        [NEW_LINEAR, cosine(12, epochs())],
        [LINEAR_EARLY, cosine(12, epochs())],
        upstream_within=EARLY,
        notes=("lr_config.step",),
    ),
}
STYLES = ("builtin", "upstream")
each_case = pytest.mark.parametrize("golden", [pytest.param(golden, id=name) for name, golden in CASES.items()])


def arranged(golden: Golden, style: Any) -> Any:
    return arrange(
        golden.old,
        golden.momentum,
        loop=golden.loop,
        base_lr=0.02,
        base_momentum=0.9,
        equal_bases=True,
        style=style,
    )


@pytest.mark.parametrize("style", STYLES)
@each_case
def test_schedulers(golden: Golden, style: str) -> None:
    expected = golden.builtin if style == "builtin" or golden.upstream is None else golden.upstream

    arrangement = arranged(golden, style)

    assert (expected, None) == (list(arrangement.schedulers), arrangement.todo)
    assert [list(scheduler) for scheduler in expected] == [list(found) for found in arrangement.schedulers]


@each_case
def test_notes(golden: Golden) -> None:
    notes = arranged(golden, "builtin").notes

    assert len(golden.notes) == len(notes)
    assert all(words in note for words, note in zip(golden.notes, notes, strict=True))


@pytest.mark.parametrize("style", [*STYLES, "closed-form"])
@each_case
def test_values(golden: Golden, style: str) -> None:
    allowed = {"builtin": golden.within, "upstream": golden.upstream_within, "closed-form": 0.0}[style]
    run: dict[str, Any] = {"loop": golden.loop, "epoch_length": EPOCH_LENGTH}
    schedulers = arranged(golden, style).schedulers

    lr = deviation(legacy_series(golden.old, bases=[0.02], **run), modern_series(schedulers, bases=[0.02], **run))
    run |= {"bases": [0.9], "parameter": "momentum"}
    momentum = deviation(legacy_series(golden.momentum, **run), modern_series(schedulers, **run))

    assert lr.relative <= allowed
    assert momentum.relative <= allowed
