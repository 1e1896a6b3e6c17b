"""Hooks: the one list of points at which they are called, their priorities, and both generations' base class.

The loop that fires the points, in either runtime::

    before_run
      [after_load_checkpoint]  before_train
        before_train_epoch
          before_train_iter -> the step -> after_train_iter
        after_train_epoch  [before_save_checkpoint]
        before_val  before_val_epoch  before_val_iter  after_val_iter  after_val_epoch  after_val
      after_train
    after_run

The iteration-based runner of MMCV 1.x fires ``before_epoch`` and ``after_epoch``, once around the whole
run, in place of the points of train and val epochs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from typing import Any, ClassVar, TypeVar

Call = Callable[..., None]
Method = TypeVar("Method", bound=Callable[..., Any])


class HookPoint(str, Enum):
    """Every point at which the runtimes call hooks; equal to its name as a str."""

    BEFORE_RUN = "before_run"
    AFTER_LOAD_CHECKPOINT = "after_load_checkpoint"
    BEFORE_TRAIN = "before_train"
    BEFORE_EPOCH = "before_epoch"
    BEFORE_ITER = "before_iter"
    BEFORE_TRAIN_EPOCH = "before_train_epoch"
    BEFORE_TRAIN_ITER = "before_train_iter"
    AFTER_TRAIN_ITER = "after_train_iter"
    AFTER_TRAIN_EPOCH = "after_train_epoch"
    BEFORE_VAL = "before_val"
    BEFORE_VAL_EPOCH = "before_val_epoch"
    BEFORE_VAL_ITER = "before_val_iter"
    AFTER_VAL_ITER = "after_val_iter"
    AFTER_VAL_EPOCH = "after_val_epoch"
    AFTER_VAL = "after_val"
    BEFORE_SAVE_CHECKPOINT = "before_save_checkpoint"
    AFTER_ITER = "after_iter"
    AFTER_EPOCH = "after_epoch"
    AFTER_TRAIN = "after_train"
    BEFORE_TEST = "before_test"
    BEFORE_TEST_EPOCH = "before_test_epoch"
    BEFORE_TEST_ITER = "before_test_iter"
    AFTER_TEST_ITER = "after_test_iter"
    AFTER_TEST_EPOCH = "after_test_epoch"
    AFTER_TEST = "after_test"
    AFTER_RUN = "after_run"

    __str__ = str.__str__


_STEP = ("batch_idx", "data_batch")
FACTS: Mapping[str, tuple[str, ...]] = {
    **{f"before_{mode}_iter": _STEP for mode in ("train", "val", "test")},
    **{f"after_{mode}_iter": (*_STEP, "outputs") for mode in ("train", "val", "test")},
    "after_val_epoch": ("metrics",),
    "after_test_epoch": ("metrics",),
    "before_save_checkpoint": ("checkpoint",),
    "after_load_checkpoint": ("checkpoint",),
}
"""What a point offers besides the runner, by the names MMEngine's hooks ask for."""


class Priority(Enum):
    """When a hook is called among those of one point: the lower value first, equal values as registered."""

    HIGHEST = 0
    VERY_HIGH = 10
    HIGH = 30
    ABOVE_NORMAL = 40
    NORMAL = 50
    BELOW_NORMAL = 60
    LOW = 70
    VERY_LOW = 90
    LOWEST = 100


def get_priority(priority: int | str | Priority) -> int:
    """The number, 0 to 100, that a priority's number or name (in any case) stands for.

    Raises ValueError outside 0 to 100, KeyError for an unknown name, TypeError for anything else.
    """
    if isinstance(priority, Priority):
        return priority.value
    if isinstance(priority, int):
        if not 0 <= priority <= 100:
            raise ValueError(f"a hook's priority must be between 0 and 100, found {priority}")
        return priority
    if isinstance(priority, str):
        if priority.upper() not in Priority.__members__:
            raise KeyError(f"no priority {priority!r}; there are {', '.join(Priority.__members__)}")
        return Priority[priority.upper()].value
    raise TypeError(f"a hook's priority must be an int, a name or a Priority, found {type(priority).__name__}")


def priority_name(value: int) -> str:
    """The name of a priority, or its number where it has none."""
    return next((each.name for each in Priority if each.value == value), str(value))


changes = [0]
"""Counts every change that may alter what a chain calls; chains compare it with what they last saw."""

_set = object.__setattr__
_POINTS = frozenset(point.value for point in HookPoint) | {
    f"_{when}_{what}" for when in ("before", "after") for what in ("epoch", "iter")
}


def _inert(meaning: str) -> Call:
    """A point's method that does nothing, and by its mark is never called."""

    def method(self: Hook, runner: Any, *args: Any, **facts: Any) -> None:
        return None

    method.__doc__ = meaning
    method.inert = True  # type: ignore[attr-defined]
    return method


def _umbrella(name: str, **fixed: Any) -> Call:
    """A point's method that stands for the umbrella method ``name``, called with ``fixed``."""

    def method(self: Hook, runner: Any, *args: Any, **facts: Any) -> None:
        getattr(self, name)(runner, *args, **facts, **fixed)

    method.__doc__ = f"Calls :meth:`{name}`, unless overridden."
    method.inert = True  # type: ignore[attr-defined]
    method.umbrella = (name, fixed)  # type: ignore[attr-defined]
    return method


def takes(*facts: str) -> Callable[[Method], Method]:
    """Decorator: of a point's facts, and an umbrella's mode, let a chain give the method only these.

    Its other arguments keep their defaults, which it must not read. So a method may have MMEngine's whole signature
    and cost no more than what it reads.
    """

    def mark(method: Method) -> Method:
        method.takes = facts  # type: ignore[attr-defined]
        return method

    return mark


def is_inert(method: object) -> bool:
    """Whether ``method`` is the base class's own, that nobody overrode."""
    return getattr(method, "inert", False) is True


class Hook:
    """What is called at the points of a run: override the methods of the points you need.

    A method takes the runner and any of the point's facts (:data:`FACTS`) by name. ``priority`` is used
    where the hook is registered without one. ``points`` names points of the hook's own, which some custom
    loop fires.
    """

    priority: int | str | Priority = "NORMAL"
    points: ClassVar[tuple[str, ...]] = ()
    stages: ClassVar[tuple[str, ...]] = tuple(
        point.value
        for point in HookPoint
        if point.value not in ("before_epoch", "after_epoch", "before_iter", "after_iter")
    )

    before_run = _inert("Before anything else of a run.")
    after_load_checkpoint = _inert("After a checkpoint was read; ``checkpoint`` may be changed.")
    before_train = _inert("Before the first training step.")
    before_epoch = _inert("Before each epoch, whatever its mode (MMCV 1.x).")
    before_iter = _inert("Before each iteration, whatever its mode (MMCV 1.x).")
    before_train_epoch = _inert("Before each training epoch.")
    before_train_iter = _inert("Before each training step; the batch is loaded.")
    after_train_iter = _inert("After each training step, before the iteration is counted.")
    after_train_epoch = _inert("After each training epoch, before the epoch is counted.")
    before_val = _inert("Before each validation.")
    before_val_epoch = _inert("Before each pass over the validation data.")
    before_val_iter = _inert("Before each validation step.")
    after_val_iter = _inert("After each validation step.")
    after_val_epoch = _inert("After each pass over the validation data.")
    after_val = _inert("After each validation.")
    before_save_checkpoint = _inert("Before a checkpoint is written; ``checkpoint`` may be changed.")
    after_iter = _inert("After each iteration, whatever its mode (MMCV 1.x).")
    after_epoch = _inert("After each epoch, whatever its mode (MMCV 1.x).")
    after_train = _inert("After the last training step.")
    before_test = _inert("Before a test.")
    before_test_epoch = _inert("Before the pass over the test data.")
    before_test_iter = _inert("Before each test step.")
    after_test_iter = _inert("After each test step.")
    after_test_epoch = _inert("After the pass over the test data.")
    after_test = _inert("After a test.")
    after_run = _inert("After everything else of a run.")

    def __setattr__(self, name: str, value: Any) -> None:
        _set(self, name, value)
        if name in _POINTS:
            changes[0] += 1

    def listener(self, point: str) -> Call | None:
        """What to call at ``point``: the overridden method, else the overridden umbrella, else None."""
        method = getattr(self, point, None)
        if method is None or not is_inert(method):
            return method
        name, fixed = getattr(method, "umbrella", (None, {}))
        if name is None or is_inert(getattr(self, name)):
            return None
        umbrella: Call = getattr(self, name)
        wanted = {key: value for key, value in fixed.items() if key in getattr(umbrella, "takes", fixed)}
        return partial(umbrella, **wanted) if wanted else umbrella

    def get_triggered_stages(self) -> list[str]:
        """The points this hook listens to, in the order of ``stages``."""
        return [stage for stage in self.stages if self.listener(stage) is not None]

    def every_n_epochs(self, runner: Any, n: int, start: int = 0) -> bool:
        """Whether the epoch now ending is the n-th, 2n-th, ... since ``start``; never for n below 1."""
        done = runner.epoch + 1 - start
        return n > 0 and done >= 0 and done % n == 0

    def every_n_iters(self, runner: Any, n: int, start: int = 0) -> bool:
        """Whether the iteration now ending is the n-th, 2n-th, ... since ``start``; never for n below 1."""
        done = runner.iter + 1 - start
        return n > 0 and done >= 0 and done % n == 0

    every_n_train_iters = every_n_iters

    def is_last_epoch(self, runner: Any) -> bool:
        """Whether the epoch now ending is the last one."""
        return bool(runner.epoch + 1 == runner.max_epochs)

    is_last_train_epoch = is_last_epoch

    def is_last_iter(self, runner: Any) -> bool:
        """Whether the iteration now ending is the last one."""
        return bool(runner.iter + 1 == runner.max_iters)

    is_last_train_iter = is_last_iter


class LegacyHook(Hook):
    """MMCV 1.x's ``Hook``: ``before_epoch``, ``after_iter`` and kin stand for both train and val."""

    stages = (
        "before_run",
        "before_train_epoch",
        "before_train_iter",
        "after_train_iter",
        "after_train_epoch",
        "before_val_epoch",
        "before_val_iter",
        "after_val_iter",
        "after_val_epoch",
        "after_run",
    )

    before_train_epoch = _umbrella("before_epoch")
    before_val_epoch = _umbrella("before_epoch")
    after_train_epoch = _umbrella("after_epoch")
    after_val_epoch = _umbrella("after_epoch")
    before_train_iter = _umbrella("before_iter")
    before_val_iter = _umbrella("before_iter")
    after_train_iter = _umbrella("after_iter")
    after_val_iter = _umbrella("after_iter")

    def every_n_inner_iters(self, runner: Any, n: int) -> bool:
        """Whether the iteration now ending is the n-th, 2n-th, ... of its epoch; never for n below 1."""
        return n > 0 and (runner.inner_iter + 1) % n == 0

    def end_of_epoch(self, runner: Any) -> bool:
        """Whether the iteration now ending is the last of its epoch."""
        return bool(runner.inner_iter + 1 == len(runner.data_loader))


class EngineHook(Hook):
    """MMEngine's ``Hook``: ``_before_epoch``, ``_after_iter`` and kin stand for train, val and test."""

    _before_epoch = _inert("Before each epoch; ``mode`` is 'train', 'val' or 'test'.")
    _after_epoch = _inert("After each epoch; ``mode`` is 'train', 'val' or 'test'.")
    _before_iter = _inert("Before each iteration; ``mode`` is 'train', 'val' or 'test'.")
    _after_iter = _inert("After each iteration; ``mode`` is 'train', 'val' or 'test'.")

    before_train_epoch = _umbrella("_before_epoch", mode="train")
    before_val_epoch = _umbrella("_before_epoch", mode="val")
    before_test_epoch = _umbrella("_before_epoch", mode="test")
    after_train_epoch = _umbrella("_after_epoch", mode="train")
    after_val_epoch = _umbrella("_after_epoch", mode="val")
    after_test_epoch = _umbrella("_after_epoch", mode="test")
    before_train_iter = _umbrella("_before_iter", mode="train")
    before_val_iter = _umbrella("_before_iter", mode="val")
    before_test_iter = _umbrella("_before_iter", mode="test")
    after_train_iter = _umbrella("_after_iter", mode="train")
    after_val_iter = _umbrella("_after_iter", mode="val")
    after_test_iter = _umbrella("_after_iter", mode="test")

    def every_n_inner_iters(self, batch_idx: int, n: int) -> bool:
        """Whether batch ``batch_idx`` (from 0) is the n-th, 2n-th, ... of its epoch; never for n below 1."""
        return n > 0 and (batch_idx + 1) % n == 0

    def end_of_epoch(self, dataloader: Any, batch_idx: int) -> bool:
        """Whether batch ``batch_idx`` (from 0) is the last one of ``dataloader``."""
        return bool(batch_idx + 1 == len(dataloader))
