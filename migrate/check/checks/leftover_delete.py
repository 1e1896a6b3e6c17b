"""``_delete_`` where there is nothing to delete."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.check.rule import Finding, Scope, check, with_base
from mmbridge.migrate.check.subject import Subject
from mmbridge.migrate.dialect import LEGACY_KEYS


@check(
    Scope.RUN,
    examples=[
        with_base(
            "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12)\n",
            bad="default_hooks = dict(_delete_=True, logger=dict(type='LoggerHook', interval=50))\n",
            good="default_hooks = dict(logger=dict(type='LoggerHook', interval=50))\n",
        ),
    ],
)
def leftover_delete(subject: Subject) -> Iterator[Finding]:
    """``_delete_`` over a key the base does not have stays in the config as a key of its own.

    Whatever is built from that dict gets an argument ``_delete_`` and refuses it.
    """
    for keys, value in subject.dicts():
        if keys and keys[0] not in LEGACY_KEYS and "_delete_" in value:
            name = ".".join(map(str, keys))
            sentence = f"_delete_ in {name} has nothing to delete and stays there as a key"
            yield Finding(subject.origin(*keys, "_delete_"), sentence, "remove _delete_")
