"""The names that the real MMEngine's modules offer, and those of them that are not here."""

from __future__ import annotations

from importlib import import_module

import pytest

pytestmark = pytest.mark.oracle
pytest.importorskip("mmengine")

NOT_HERE = {
    "config": {"read_base"},
    "dataset": set(),
    "device": {
        "get_max_musa_memory",
        "is_dipu_available",
        "is_mlu_available",
        "is_musa_available",
        "is_npu_available",
        "is_npu_support_full_precision",
    },
    "dist": set(),
    "evaluator": set(),
    "hooks": {"NPUProfilerHook"},
    "logging": set(),
    "model": {"MMFullyShardedDataParallel"},
    "optim": {"ApexOptimWrapper"},
    "optim.scheduler": set(),
    "registry": {"STRATEGIES", "count_registered_modules", "traverse_registry_tree"},
    "runner": {
        "FlexibleRunner",
        "get_deprecated_model_names",
        "get_external_models",
        "get_mmcls_models",
        "get_torchvision_models",
    },
    "structures": set(),
    "visualization": set(),
}


@pytest.mark.parametrize("module", NOT_HERE)
def test_names_of_a_module(module: str) -> None:
    offered = import_module(f"mmengine.{module}").__all__
    ours = import_module(f"mmbridge.runners.loop.{module}")

    assert NOT_HERE[module] == {name for name in offered if not hasattr(ours, name)}


def test_names_of_the_package_that_come_from_these_modules() -> None:
    real, ours = import_module("mmengine"), import_module("mmbridge.runners.loop")
    offered = {
        name for module in ("config", "logging", "registry") for name in import_module(f"mmengine.{module}").__all__
    }
    missing = NOT_HERE["config"] | NOT_HERE["registry"]

    assert offered - missing == set(ours.__all__)
    assert all(hasattr(real, name) for name in ours.__all__)
