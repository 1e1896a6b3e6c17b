"""Registers ``LegacyPolicyLR`` and ``LegacyPolicyMomentum`` in MMEngine, where that is installed.

``migrate convert --lr closed-form`` writes them, and
``custom_imports = dict(imports=['mmbridge.runners.closed_form'])`` is all that such a config needs. This project's own
loop runtime knows them without.
"""

from __future__ import annotations

from importlib import import_module

from mmbridge.runners.loop.scheduler.legacy_policy import LegacyPolicyLR, LegacyPolicyMomentum

__all__ = ["LegacyPolicyLR", "LegacyPolicyMomentum"]


def _register_in_mmengine() -> None:
    """Register both classes with MMEngine, where it is installed.

    Its Runner passes schedulers that are built already only if they are its own: a resumed run needs that.
    """
    try:
        base = import_module("mmengine.optim")._ParamScheduler
    except ImportError:
        return
    registry = import_module("mmengine.registry").PARAM_SCHEDULERS
    for kind in (LegacyPolicyLR, LegacyPolicyMomentum):
        members = {"__doc__": kind.__doc__, "__module__": __name__, "print_value": base.print_value}
        registry.register_module(module=type(kind.__name__, (kind, base), members))


_register_in_mmengine()
