"""``lr_config`` and ``momentum_config`` become ``param_scheduler``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mmbridge.compat.config.merge import DELETE_KEY
from mmbridge.compat.errors import BridgeError
from mmbridge.compat.schedules import Loop
from mmbridge.migrate.apply_dict import MISSING
from mmbridge.migrate.edit import Drop, Edit, Path, Put, Ref, Todo
from mmbridge.migrate.layout import LOOP_KEYS
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.rules.arrange import Arrangement, arrange
from mmbridge.migrate.view import View, first_undecided

_SOURCES: Final = ("lr_config", "momentum_config")
_CLOSED_FORM: Final = "mmbridge.runners.closed_form"  # the module that registers this project's scheduler
_STAND_INS: Final = (99_991, 100_003)  # for the run length of a config that does not say it; never printed
_WRITTEN: Final = {
    "milestones": ("step",),
    "step_size": ("step",),
    "gamma": ("gamma",),
    "power": ("power",),
    "eta_min": ("min_lr", "min_momentum"),
    "eta_min_ratio": ("min_lr_ratio", "min_momentum_ratio"),
    "start_factor": ("warmup_ratio",),
    "factor": ("warmup_ratio",),
    "end_factor": ("min_lr_ratio",),
    "periods": ("periods",),
    "restart_weights": ("restart_weights",),
    "eta_max": ("max_lr",),
    "total_steps": ("total_steps",),
    "pct_start": ("pct_start",),
    "div_factor": ("div_factor",),
    "final_div_factor": ("final_div_factor",),
    "anneal_strategy": ("anneal_strategy",),
    "three_phase": ("three_phase",),
    "end": ("warmup_iters",),
}
"""Scheduler argument -> old arguments whose expression it takes over where the value is the same."""


@rule(
    reads=(*_SOURCES, *LOOP_KEYS, "custom_imports"),
    writes=("param_scheduler", "custom_imports"),
    examples=[
        Example(
            old="runner = dict(max_epochs=12)\n"
            "lr_config = dict(\n"
            "    policy='step',\n"
            "    warmup='linear',\n"
            "    warmup_iters=500,\n"
            "    warmup_ratio=0.001,\n"
            "    step=[8, 11])\n",
            new="train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)\n"
            "val_cfg = dict(type='ValLoop')\n"
            "test_cfg = dict(type='TestLoop')\n"
            "param_scheduler = [\n"
            "    dict(\n"
            "        type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=501),\n"
            "    dict(\n"
            "        type='MultiStepLR',\n"
            "        milestones=[8, 11],\n"
            "        gamma=0.1,\n"
            "        by_epoch=True,\n"
            "        begin=0,\n"
            "        end=12)\n"
            "]\n",
        ),
        Example(old="lr = 0.1\n", new="lr = 0.1\n"),
    ],
)
def param_scheduler(view: View) -> Iterator[Edit]:
    """The schedule becomes a list, warm-up first, in the arrangement that gives the same rate at every iteration.

    MMEngine's linear warm-up reaches its end one iteration before `end`, so 500 iterations of warm-up are
    written `end=501`. Where no short list of MMEngine's schedulers is exact, the report says by how much.
    With `--lr closed-form` one scheduler of mmbridge carries the old config, and `custom_imports` names its module.
    """
    present = [key for key in _SOURCES if view.has(key)]
    if not present:
        return
    unknown = first_undecided([view.get(key) for key in present] + [view.run.length])
    if unknown is not None:
        yield from _left(present, f"{unknown.reason} (line {unknown.line}) decides the schedule; write it by hand.")
        return
    wrong = next((key for key in present if not isinstance(view.get(key), (dict, type(None)))), None)
    if wrong is not None:
        yield from _left(present, f"{wrong} must be a dict, not {type(view.get(wrong)).__name__}; write it by hand.")
        return
    lengths = _STAND_INS if view.run.length is MISSING else (view.run.length,)
    try:
        results = [_arranged(view, length) for length in lengths]
    except BridgeError as error:
        yield from _left(present, str(error))
        return
    if results[0].todo is not None:
        yield from _left(present, results[0].todo)
        return
    lists = [
        [_as_written(view, scheduler, length) for scheduler in result.schedulers]
        for result, length in zip(results, lengths, strict=True)
    ]
    if lists[0] != lists[-1]:  # a number in it was computed from the stand-in
        yield from _left(present, "the run length decides this schedule, and neither this file nor a base says it.")
        return
    if lists[0]:
        yield Put(
            ("param_scheduler",),
            lists[0],
            note="; ".join(note.removeprefix(f"{present[0]}: ") for note in results[0].notes),
        )
        if view.lr == "closed-form":
            yield from _imported(view)
    for key in present:
        yield Drop((key,), "param_scheduler says it")


def _imported(view: View) -> Iterator[Edit]:
    """The scheduler's module joins what the config imports already."""
    path: Path = ("custom_imports", "imports")
    present = view.get("custom_imports")
    if not present:
        if view.has("custom_imports"):
            yield Drop(("custom_imports",), "it imports nothing")
        yield Put(("custom_imports",), {"imports": [_CLOSED_FORM], "allow_failed_imports": False})
        return
    imports = view.get(*path) or []
    names = [imports] if isinstance(imports, str) else imports
    readable = isinstance(present, dict) and isinstance(names, (list, tuple))
    if not readable or first_undecided(present) is not None:
        yield Todo(("custom_imports",), f"add {_CLOSED_FORM!r} to its imports, which are unknown.")
    elif _CLOSED_FORM not in names:
        if view.has(*path):
            yield Drop(path, "one more is imported")
        found = [Ref((*path, i)) for i in range(len(names))] if names is imports else [Ref(path)]
        yield Put(path, [*found, _CLOSED_FORM])


def _left(present: list[str], message: str) -> Iterator[Edit]:
    """Both configs make one list, so that they wait for a person together."""
    yield Todo((present[0],), message)
    for other in present[1:]:
        yield Todo((other,), f"belongs into the same list as {present[0]}.")


def _arranged(view: View, length: int) -> Arrangement:
    return arrange(
        *(_without_mark(view.get(key)) for key in _SOURCES),
        loop=Loop(view.run.unit, length),
        base_lr=_number(view.get("optimizer", "lr")),
        base_momentum=_number(view.get("optimizer", "momentum", default=_first(view.get("optimizer", "betas")))),
        equal_bases=not view.get("optimizer", "paramwise_cfg"),
        style=view.lr,
    )


def _without_mark(config: Any) -> Any:
    """``config`` without a ``_delete_`` that found nothing to delete."""
    return {key: config[key] for key in config if key != DELETE_KEY} if isinstance(config, dict) else config


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _first(betas: Any) -> Any:
    return betas[0] if isinstance(betas, (list, tuple)) and betas else None


def _as_written(view: View, scheduler: dict[str, Any], length: int) -> dict[str, Any]:
    """``scheduler`` with the old config's own expressions, and without an end that nobody knows yet."""
    written: dict[str, Any] = {}
    source = "momentum_config" if scheduler["type"].endswith("Momentum") else "lr_config"
    for key, value in scheduler.items():
        if view.run.length is MISSING and value in (length, length + 1) and key in ("end", "T_max", "total_steps"):
            if value == length + 1 and scheduler.get("begin") == 0:
                written["begin"] = -1  # the runner fills in the run length, which is one step less
            continue
        written.setdefault(key, value)
        if key == "config":
            whole = value == view.get(source)
            written[key] = Ref((source,)) if whole else {old: Ref((source, old)) for old in value}
        if key in ("end", "T_max") and value == view.run.length and view.run.path is not None:
            written[key] = Ref(view.run.path)
            continue
        for old in _WRITTEN.get(key, ()):
            found = view.get(source, old, default=MISSING)
            if type(found) is type(value) and found == value:
                written[key] = Ref((source, old))
    return written
