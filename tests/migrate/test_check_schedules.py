"""Schedules at the edge of what is a fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmbridge.compat.config import Reader
from mmbridge.migrate.check import check_files

EPOCHS = "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)\n"
ITERATIONS = "train_cfg = dict(type='IterBasedTrainLoop', max_iters=1000, val_interval=100)\n"
EXP_WARMUP = (
    "dict(type='LinearLR', start_factor=0.1, begin=0, end=1, by_epoch=False),"
    "dict(type='ExponentialLR', gamma=1.0046158, begin=0, end=501, by_epoch=False)"
)


def found(text: str) -> list[str]:
    """The ids of what is found in the schedule of one config, without the missing parts of an excerpt."""
    path = Path("/project/config.py")
    reader = Reader(overlay={path: f"model = dict(type='Net')\n{text}"}, dialect="mmengine")
    [report] = check_files([path], reader=reader)
    return [note.rule for note in report.notes if note.rule != "half-triple"]


@pytest.mark.parametrize(
    ("loop", "schedulers"),
    [
        pytest.param(EPOCHS, "dict(type='MultiStepLR', milestones=[8, 12])", id="milestone at the end of the run"),
        pytest.param(EPOCHS, "dict(type='MultiStepLR', milestones=[4, 8], end=24)", id="steps of a longer run"),
        pytest.param(ITERATIONS, "dict(type='PolyLR', by_epoch=False, end=1001)", id="exact end of a poly curve"),
        pytest.param(EPOCHS, "dict(type='CosineAnnealingLR')", id="curve that follows the run by itself"),
        pytest.param(ITERATIONS, EXP_WARMUP, id="exp warm-up over a fixed rate"),
        pytest.param(ITERATIONS, "dict(type='LinearLR', by_epoch=False, end=500)", id="warm-up alone"),
        pytest.param(EPOCHS, "dict(type='LinearLR', start_factor=1, end_factor=0.1)", id="line down without end"),
        pytest.param(EPOCHS, "dict(type='ConstantLR', factor=1, begin=0, end=1)", id="constant of factor 1"),
        pytest.param(EPOCHS, "dict(type='LinearLR', end=1, convert_to_iter_based=True)", id="one epoch in iterations"),
        pytest.param(
            ITERATIONS,
            "dict(type='MultiStepLR', milestones=[2], end=3, convert_to_iter_based=True)",
            id="epochs turned into iterations",
        ),
        pytest.param(EPOCHS, "dict(type='ReduceOnPlateauLR', monitor='acc')", id="scheduler that follows a metric"),
        pytest.param(EPOCHS, "dict(type='mmdet.QuadraticWarmupLR', whatever=1)", id="scheduler of a library"),
        pytest.param("", "dict(type='CosineAnnealingLR', T_max=3, end=3)", id="unknown run"),
        pytest.param("train_cfg = dict(type='OwnLoop', max_epochs=9)\n", "dict(type='PolyLR', end=3)", id="own loop"),
        pytest.param(EPOCHS, "dict(type='PolyLR', end=unknown())", id="value that only running gives"),
    ],
)
def test_not_a_fault(loop: str, schedulers: str) -> None:
    assert [] == found(f"{loop}param_scheduler = [{schedulers}]\n")


@pytest.mark.parametrize(
    ("loop", "schedulers", "ids"),
    [
        pytest.param(
            EPOCHS, "dict(type='MultiStepLR', milestones=[8, 12], end=10)", ["lost-milestone"], id="end of the run, too"
        ),
        pytest.param(EPOCHS, "dict(type='MultiStepLR', milestones=[8], end=10)", ["stale-end"], id="steps end early"),
        pytest.param(EPOCHS, "dict(type='CosineAnnealingLR', T_max=24)", ["stale-end"], id="half a cosine"),
        pytest.param(EPOCHS, "dict(type='CosineAnnealingLR', T_max=6)", ["rising-cosine"], id="cosine and back"),
        pytest.param(EPOCHS, "dict(type='LinearLR', begin=3, end=4)", ["frozen-warmup"], id="one step, later"),
        pytest.param(EPOCHS, "dict(type='LinearMomentum', begin=0, end=1)", ["frozen-warmup"], id="frozen momentum"),
        pytest.param(EPOCHS, "dict(type='PolyLR', begin=5, end=5)", ["bad-scheduler"], id="end not above begin"),
        pytest.param(
            EPOCHS,
            "dict(type='PolyLR', begin=float('nan'), convert_to_iter_based=True)",
            ["bad-scheduler"],
            id="not a number",
        ),
        pytest.param(EPOCHS, "dict(type='StepLR', step_size='3')", ["bad-scheduler"], id="text for a number"),
    ],
)
def test_fault(loop: str, schedulers: str, ids: list[str]) -> None:
    assert ids == found(f"{loop}param_scheduler = [{schedulers}]\n")


def test_schedulers_of_several_optimizers_are_all_judged() -> None:
    text = "param_scheduler = dict(gen=[dict(type='PolyLR', end=6)], disc=dict(type='MultiStepLR', milestones=[13]))\n"

    assert ["lost-milestone", "stale-end"] == sorted(found(EPOCHS + text))
