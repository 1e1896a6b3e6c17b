"""The rules. Their order does not matter; a file that is missing here fails a test."""

from __future__ import annotations

from typing import Final

from mmbridge.migrate.rule import Rule
from mmbridge.migrate.rules.checkpoint import checkpoint
from mmbridge.migrate.rules.data import dataloaders
from mmbridge.migrate.rules.environment import env_cfg, randomness
from mmbridge.migrate.rules.evaluation import evaluators
from mmbridge.migrate.rules.hooks import custom_hooks
from mmbridge.migrate.rules.logs import logs
from mmbridge.migrate.rules.loop import loops
from mmbridge.migrate.rules.model_cfg import model_cfg
from mmbridge.migrate.rules.optimizer import optim_wrapper
from mmbridge.migrate.rules.resume import resume
from mmbridge.migrate.rules.schedule import param_scheduler
from mmbridge.migrate.rules.stale_delete import stale_delete
from mmbridge.migrate.rules.workflow import workflow

RULES: Final[tuple[Rule, ...]] = (
    loops,
    model_cfg,
    dataloaders,
    evaluators,
    optim_wrapper,
    param_scheduler,
    checkpoint,
    logs,
    custom_hooks,
    env_cfg,
    randomness,
    resume,
    workflow,
    stale_delete,
)
