"""Warm-ups that never let go."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, one_file
from mmbridge.migrate.check.subject import Entry, Schedulers, Subject


@check(
    Scope.RUN,
    examples=[
        one_file(
            "param_scheduler = [\n"
            "    dict(type='LinearLR', start_factor=0.01, by_epoch=True, begin=0, end=1),\n"
            "    dict(type='MultiStepLR', milestones=[8, 11]),\n]\n",
            "param_scheduler = [\n"
            "    dict(type='LinearLR', start_factor=0.01, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),\n"
            "    dict(type='MultiStepLR', milestones=[8, 11]),\n]\n",
        ),
        one_file(
            "param_scheduler = [\n"
            "    dict(type='ConstantLR', factor=0.1, by_epoch=False),\n"
            "    dict(type='MultiStepLR', milestones=[8, 11]),\n]\n",
            "param_scheduler = [\n"
            "    dict(type='ConstantLR', factor=0.1, by_epoch=False, begin=0, end=501),\n"
            "    dict(type='MultiStepLR', milestones=[8, 11]),\n]\n",
        ),
    ],
)
def frozen_warmup(subject: Subject) -> Iterator[Finding]:
    """LinearLR and ConstantLR with ``end - begin == 1`` lower the rate and never restore it.

    Both give it back in the step before ``end``, which such a span does not have. ConstantLR without ``end``
    holds the rate down for the whole run.
    """
    for entries in subject.schedulers:
        for entry in entries:
            problem = "" if _restored_by(entry, entries) else _problem(entry)
            if problem:
                factor = "factor" if entry.rule.stem == "Constant" else "start_factor"
                kept = entry.config.get(factor, 1 / 3)
                sentence = f"{entry.name} {problem}, so the rate stays at {kept:.4g} of what is meant for the whole run"
                fix = "write begin and end of the warm-up" if "end" not in entry.config else _fix(entry)
                yield Finding(subject.origin(*entry.keys), sentence, fix)


def _problem(entry: Entry) -> str:
    own, stem = entry.config, entry.rule.stem
    if stem not in ("Constant", "Linear") or own.get("factor" if stem == "Constant" else "start_factor", 1 / 3) == 1:
        return ""
    if "end" not in own:
        return "has no end" if stem == "Constant" else ""
    converted = entry.converted and entry.by_epoch
    return "has end - begin == 1" if own["end"] - own.get("begin", 0) == 1 and not converted else ""


def _fix(entry: Entry) -> str:
    if entry.by_epoch:
        return "add convert_to_iter_based=True, or give the warm-up in iterations with by_epoch=False"
    return f"write end={entry.config['end'] + 1}"


def _restored_by(entry: Entry, entries: Schedulers) -> bool:
    """Whether another scheduler brings the rate up again: by growth, or by writing it outright."""
    others = [other for other in entries if other is not entry]
    return any(
        other.config.get("gamma", 0) > 1 or other.rule.stem in ("OneCycle", "CosineRestart", "LegacyPolicy")
        for other in others
    )
