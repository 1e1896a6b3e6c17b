"""Every curve, found by its old policy name or by its new scheduler type."""

from __future__ import annotations

from mmbridge.compat.errors import ConfigError

from .arguments import suggest
from .constant import CONSTANT
from .cosine import COSINE, FLAT_COSINE
from .cosine_restart import COSINE_RESTART
from .cyclic import CYCLIC
from .exponential import EXPONENTIAL
from .inverse import INVERSE
from .linear import LINEAR
from .one_cycle import ONE_CYCLE
from .plateau import PLATEAU
from .poly import POLY
from .record import Curve, Parameter, Policy, Scheduler
from .steps import STEPS

CURVES: tuple[Curve, ...] = (
    CONSTANT,
    STEPS,
    EXPONENTIAL,
    POLY,
    INVERSE,
    COSINE,
    FLAT_COSINE,
    COSINE_RESTART,
    CYCLIC,
    ONE_CYCLE,
    LINEAR,
    PLATEAU,
)
POLICIES: dict[tuple[Parameter, str], Policy] = {
    (policy.parameter, policy.name): policy for curve in CURVES for policy in curve.policies
}
SCHEDULERS: dict[str, tuple[Scheduler, Parameter | None]] = {
    scheduler.type_name(parameter): (scheduler, parameter)
    for curve in CURVES
    for scheduler in curve.schedulers
    for parameter in (*scheduler.parameters, None)
}
"""By registered name: the rule and the parameter its class is bound to, None for the generic class."""


def hook_stem(policy: str) -> str:
    """How MMCV spells a policy in the class name: all lower case gets title case, mixed case is kept."""
    return policy.title() if policy == policy.lower() else policy


def policy_named(name: str, parameter: Parameter = "lr", *, where: str = "policy") -> Policy:
    """The policy that MMCV would find under ``name``.

    Raises:
        ConfigError: MMCV 1.7.2 has no such policy for this parameter; close names are offered.
    """
    if not isinstance(name, str):
        raise ConfigError(f"{where}: must be the name of a policy, got {name!r}.")
    policy = POLICIES.get((parameter, hook_stem(name)))
    if policy is None:
        known = [known for kind, known in POLICIES if kind == parameter]
        raise ConfigError(f"{where}: MMCV has no {parameter} policy {name!r}{suggest(name, known)}")
    return policy


def scheduler_named(name: str, *, where: str = "type") -> tuple[Scheduler, Parameter | None]:
    """The rule registered under ``name`` and the parameter it drives; ``mmengine.`` may stand in front.

    Raises:
        ConfigError: MMEngine 0.10.7 has no such scheduler; close names are offered.
    """
    if not isinstance(name, str):
        raise ConfigError(f"{where}: must be the name of a scheduler, got {name!r}.")
    found = SCHEDULERS.get(name.removeprefix("mmengine."))
    if found is None:
        raise ConfigError(f"{where}: MMEngine has no scheduler {name!r}{suggest(name, SCHEDULERS)}")
    return found
