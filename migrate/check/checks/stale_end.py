"""Schedules written for another length of the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mmbridge.compat.schedules import Loop
from mmbridge.migrate.check.rule import Finding, Scope, check, one_file, with_base
from mmbridge.migrate.check.subject import Entry, Schedulers, Subject

_SHAPED_BY_LENGTH: Final = ("CosineAnnealing", "Poly", "Linear", "OneCycle")


@check(
    Scope.RUN,
    examples=[
        with_base(
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100)\n"
            "param_scheduler = [dict(type='CosineAnnealingLR', T_max=100, begin=0, end=100)]\n",
            bad="train_cfg = dict(max_epochs=300)\n",
            good="train_cfg = dict(max_epochs=300)\nparam_scheduler = [dict(type='CosineAnnealingLR', T_max=300)]\n",
        ),
        with_base(
            "train_cfg = dict(type='IterBasedTrainLoop', max_iters=80000, val_interval=8000)\n",
            bad="param_scheduler = [dict(type='PolyLR', power=0.9, begin=0, end=40000, by_epoch=False)]\n",
            good="param_scheduler = [dict(type='PolyLR', power=0.9, begin=0, end=80000, by_epoch=False)]\n",
        ),
        one_file(
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=90)\n"
            "param_scheduler = [\n"
            "    dict(type='LinearLR', start_factor=0.1, begin=0, end=5),\n"
            "    dict(type='CosineAnnealingLR', T_max=95, begin=5, end=100),\n]\n",
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=90)\n"
            "param_scheduler = [\n"
            "    dict(type='LinearLR', start_factor=0.1, begin=0, end=5),\n"
            "    dict(type='CosineAnnealingLR', T_max=75, begin=5, end=80),\n"
            "    dict(type='ConstantLR', factor=1, begin=80, end=90),\n]\n",
        ),
    ],
)
def stale_end(subject: Subject) -> Iterator[Finding]:
    """The schedule ends well before the run does, or its curve is stretched beyond the run.

    Mostly a child changed the length of the run and not the ``end`` or ``T_max`` of the base's schedulers, or the
    other way round. A longer run trains on at the last learning rate, a shorter one never gets down to it. Leaving
    ``end`` and ``T_max`` out follows the run by itself. A rate that is meant to stay is written as ConstantLR with
    factor 1 up to the end.
    """
    loop = subject.loop
    for entries in subject.schedulers:
        last = None if loop is None else _last(entries, loop)
        if last is None or loop is None:
            continue
        end = _end(last)
        early = end < loop.length and not (_is_rising(last) or _is_told_elsewhere(last))
        # Exact counterparts of MMCV's curves end one step behind the run.
        if early or (end > loop.length + 1 and last.rule.stem in _SHAPED_BY_LENGTH):
            yield _finding(subject, last, end, loop)


def _finding(subject: Subject, last: Entry, end: Any, loop: Loop) -> Finding:
    key = "end" if "end" in last.config else "T_max" if "T_max" in last.config else "total_steps"
    written, length = subject.origin(*last.keys, key), subject.origin(*subject.length_keys)
    here = subject.last(written, length)
    other = length if here == written else written
    units = "epochs" if loop.unit == "epoch" else "iterations"
    beside = f" ({subject.at(other, here)})" if other != here else ""
    sentence = f"the run has {loop.length} {units}, but {last.name} is written for {end}{beside}"
    return Finding(here, sentence, f"write the schedule for {loop.length}, or leave end and T_max out")


def _last(entries: Schedulers, loop: Loop) -> Entry | None:
    """The scheduler that ends last; None where one runs to the end of training by itself or counts otherwise."""
    if not entries or any(entry.unit != loop.unit and not _is_rising(entry) for entry in entries):
        return None
    timed = [entry for entry in entries if entry.unit == loop.unit]
    if not timed or any(_end(entry) is None for entry in timed):
        return None
    return max(timed, key=_end)


def _end(entry: Entry) -> Any:
    own = entry.config
    if "end" in own:
        return own["end"]
    # Without end the curve goes on, but it is drawn for these steps.
    return next((own.get("begin", 0) + own[key] for key in ("T_max", "total_steps") if own.get(key)), None)


def _is_rising(entry: Entry) -> bool:
    """Whether the scheduler warms up: what comes after it is the rate that is meant."""
    own, stem = entry.config, entry.rule.stem
    if stem == "Linear":
        return bool(own.get("start_factor", 1 / 3) <= own.get("end_factor", 1.0))
    return stem == "Constant" or bool(own.get("gamma", 0) >= 1)


def _is_told_elsewhere(entry: Entry) -> bool:
    """Whether the early end is a fault of another kind: milestones are lost, or a cosine rises again."""
    begin, own = entry.config.get("begin", 0), entry.config
    lost = any(begin + milestone >= _end(entry) for milestone in own.get("milestones", ()))
    return lost or ("T_max" in own and "end" not in own)
