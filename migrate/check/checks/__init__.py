"""One file per check; a new one is listed here."""

from __future__ import annotations

from typing import Final

from mmbridge.migrate.check.checks.bad_scheduler import bad_scheduler
from mmbridge.migrate.check.checks.dead_key import dead_key
from mmbridge.migrate.check.checks.epoch_checkpoint import epoch_checkpoint
from mmbridge.migrate.check.checks.epoch_scheduler import epoch_scheduler
from mmbridge.migrate.check.checks.frozen_warmup import frozen_warmup
from mmbridge.migrate.check.checks.half_triple import half_triple
from mmbridge.migrate.check.checks.hook_without_type import hook_without_type
from mmbridge.migrate.check.checks.implicit_val_interval import implicit_val_interval
from mmbridge.migrate.check.checks.inner_optimizer import inner_optimizer
from mmbridge.migrate.check.checks.leftover_delete import leftover_delete
from mmbridge.migrate.check.checks.loop_arguments import loop_arguments
from mmbridge.migrate.check.checks.lost_milestone import lost_milestone
from mmbridge.migrate.check.checks.no_sampler import no_sampler
from mmbridge.migrate.check.checks.old_name import old_name
from mmbridge.migrate.check.checks.persistent_workers import persistent_workers
from mmbridge.migrate.check.checks.rising_cosine import rising_cosine
from mmbridge.migrate.check.checks.stale_end import stale_end
from mmbridge.migrate.check.checks.train_cfg_mixed import train_cfg_mixed
from mmbridge.migrate.check.rule import Check

CHECKS: Final[tuple[Check, ...]] = (
    dead_key,
    old_name,
    train_cfg_mixed,
    loop_arguments,
    half_triple,
    no_sampler,
    persistent_workers,
    inner_optimizer,
    implicit_val_interval,
    stale_end,
    lost_milestone,
    rising_cosine,
    frozen_warmup,
    epoch_scheduler,
    bad_scheduler,
    epoch_checkpoint,
    hook_without_type,
    leftover_delete,
)
