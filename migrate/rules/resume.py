"""``resume_from`` and ``auto_resume`` become ``load_from`` and ``resume``."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.edit import Drop, Edit, Move, Put, Todo
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.rules.undecided import beside, undecided
from mmbridge.migrate.view import View


@rule(
    reads=("resume_from", "auto_resume", "load_from"),
    writes=("load_from", "resume"),
    examples=[
        Example(
            old="load_from = 'pretrained.pth'\nresume_from = 'epoch_3.pth'\n",
            new="load_from = 'epoch_3.pth'\nresume = True\n",
        ),
        Example(old="load_from = None\nresume_from = None\n", new="load_from = None\nresume = False\n"),
        Example(old="load_from = 'pretrained.pth'\n", new="load_from = 'pretrained.pth'\n"),
    ],
)
def resume(view: View) -> Iterator[Edit]:
    """A checkpoint to resume from is loaded by `load_from` with `resume=True`; it wins over `load_from`, as in MMCV."""
    unknown = [*undecided(view, ("resume_from",), ("auto_resume",))]
    if unknown:
        yield from unknown
        yield from beside(view, unknown, ("resume_from", "auto_resume"))
        return
    path, auto, load = view.get("resume_from"), view.get("auto_resume"), view.get("load_from")
    if not (view.has("resume_from") or view.has("auto_resume")):
        return
    if path is not None:
        if view.has("load_from"):
            yield Drop(("load_from",), "resume_from wins over it", warn=load is not None)
        yield Move(("resume_from",), ("load_from",))
        yield Put(("resume",), True)
    else:
        yield Put(("resume",), bool(auto))
        if view.has("resume_from"):
            yield Drop(("resume_from",), "resume says it")
    if view.has("auto_resume"):
        yield Drop(("auto_resume",), "resume says it")
    if auto and path is None and load is not None:
        yield Todo(("load_from",), "with resume=True MMEngine resumes from it instead of the latest checkpoint.")
