"""``workflow`` has no counterpart: MMEngine's loops always train and validate in turn."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.edit import Drop, Edit, Todo
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.view import View, first_undecided


@rule(
    reads=("workflow",),
    writes=(),
    examples=[
        Example(old="workflow = [('train', 1)]\nlog_level = 'INFO'\n", new="log_level = 'INFO'\n"),
        Example(old="log_level = 'INFO'\n", new="log_level = 'INFO'\n"),
    ],
)
def workflow(view: View) -> Iterator[Edit]:
    """A workflow that only trains says nothing new and goes; one with `val` computed validation losses.

    MMEngine has no such pass, so they are lost, and the report says so.
    """
    phases = view.get("workflow")
    modes = (
        {phase[0] for phase in phases if isinstance(phase, (list, tuple)) and phase}
        if isinstance(phases, list)
        else set()
    )
    unknown = first_undecided(phases)
    if unknown is not None:
        yield Todo(("workflow",), f"only running the file tells its value ({unknown.reason}); drop it by hand.")
    elif modes <= {"train"}:
        yield Drop(("workflow",), "the train loop says it")
    else:
        others = ", ".join(sorted(str(mode) for mode in modes - {"train"}))
        reason = (
            f"MMEngine has no loss pass over '{others}' data between epochs; it is lost "
            "(the WorkflowTrainLoop of mmbridge's loop runtime has one)"
        )
        yield Drop(("workflow",), reason, warn=True)
