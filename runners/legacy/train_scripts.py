"""How the train scripts of the libraries on MMCV 1.x differ from MMDetection's.

Read from the releases named; what is not listed is as in MMDetection 2.28.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class TrainScript:
    """One library's ways.

    ``counts`` is the unit of a run whose config has no ``runner``. ``evaluation_unit``: evaluation goes by the
    runner's unit, as the config says, or by iteration unless it says otherwise. ``fp16``: the key ``fp16`` is merged
    into the optimizer hook, only its ``loss_scale`` is, or it is a mark for other code. ``loaders``: their settings are
    read as MMDetection's, or all of ``data`` but its sections holds for all of them; ``loader_defaults`` go below,
    ``val_loader_defaults`` above those. ``groups``: loaders are MMDetection's, whose batches are of one group each.
    """

    counts: Literal["epochs", "iters"] = "epochs"
    fp16: Literal["merge", "scale", "mark"] = "merge"
    optimizer_hook: bool = True
    custom_hooks_last: bool = False
    evaluation_priority: str = "LOW"
    evaluation_unit: Literal["runner", "config", "iter"] = "config"
    evaluation_defaults: Mapping[str, Any] = field(default_factory=dict)
    sampler_seed: Literal["epochs", "always", "never"] = "epochs"
    find_unused_parameters: bool = False
    auto_resume: bool = True
    loaders: Literal["sections", "flat"] = "sections"
    loader_defaults: Mapping[str, Any] = field(default_factory=dict)
    val_loader_defaults: Mapping[str, Any] = field(default_factory=dict)
    groups: bool = False


SCRIPTS: Mapping[str, TrainScript] = {
    "mmdet": TrainScript(evaluation_unit="runner", groups=True),
    "mmseg": TrainScript("iters", "mark", custom_hooks_last=True, evaluation_unit="iter", loaders="flat",
                         loader_defaults={"drop_last": True}, val_loader_defaults={"samples_per_gpu": 1}),
    "mmcls": TrainScript(fp16="scale", evaluation_unit="runner", auto_resume=False, loaders="flat"),
    "mmpose": TrainScript(evaluation_priority="NORMAL", find_unused_parameters=True, auto_resume=False),
    "mmaction": TrainScript(evaluation_defaults={"save_best": "auto"}, auto_resume=False),
    "mmedit": TrainScript("iters", "mark", optimizer_hook=False, custom_hooks_last=True, evaluation_unit="iter",
                          auto_resume=False),
    "mmselfsup": TrainScript(custom_hooks_last=True),
    "mmocr": TrainScript(evaluation_priority="NORMAL", evaluation_unit="runner", auto_resume=False, groups=True),
    "mmrotate": TrainScript(evaluation_unit="runner", groups=True),
    "mmtrack": TrainScript(custom_hooks_last=True, evaluation_priority="NORMAL", evaluation_unit="runner",
                           auto_resume=False),
    "mmflow": TrainScript("iters", custom_hooks_last=True, sampler_seed="never"),
    "mmhuman3d": TrainScript(evaluation_priority="NORMAL", auto_resume=False),
    "mmrazor": TrainScript(evaluation_unit="runner"),
}  # fmt: skip
"""By the library's import name: mmdet 2.28, mmseg 0.30, mmcls 0.25, mmpose 0.29, mmaction2 0.24, mmedit 0.16, mmselfsup
0.10, mmocr 0.6, mmrotate 0.3, mmtrack 0.14, mmflow 0.5, mmhuman3d 0.11, mmrazor 0.3."""


def told_script(modules: Iterable[str]) -> str:
    """The library whose train script a config is for: the first that a module's name begins with, else mmdet."""
    packages = (module.partition(".")[0] for module in modules)
    return next((package for package in packages if package in SCRIPTS), "mmdet")
