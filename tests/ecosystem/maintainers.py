"""The configs that OpenMMLab's maintainers migrated by hand, paired with the old ones they come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import corpora
import trees
import yaml
from mmbridge.compat.config import Reader


def pairs(name: str) -> dict[str, Path]:
    """Old leaf -> the maintainers' file: the same name, the same name with dashes, or the same published weights.

    Whatever is not unambiguous on both sides is left out.
    """
    old, root = trees.converted(name), trees.configs_of(corpora.listed()[name].successor)
    new = [path.relative_to(root).as_posix() for path in trees.config_files(root) if "_base_" not in path.parts]
    same = {leaf: leaf for leaf in old.leaves.keys() & set(new)}
    dashed = _unambiguous((leaf, _dashed(leaf)) for leaf in old.leaves), _unambiguous((n, _dashed(n)) for n in new)
    by_weights = _unambiguous(_weights(old.root)), _unambiguous(_weights(root))
    found = {**_joined(*by_weights), **_joined(*dashed), **same}
    return {leaf: root / found[leaf] for leaf in sorted(found) if leaf in old.leaves and found[leaf] in new}


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _weights(root: Path) -> Iterator[tuple[str, str]]:
    """(config, weight file) for every model that a metafile lists; the file's name ends in its hash."""
    for metafile in sorted([*root.rglob("*.yml"), *root.rglob("*.yaml")]):
        content = yaml.safe_load(metafile.read_text(encoding="utf-8"))
        models = content.get("Models", []) if isinstance(content, dict) else content
        for model in models:
            if isinstance(model, dict) and "Config" in model and isinstance(model.get("Weights"), str):
                yield model["Config"].removeprefix("configs/"), model["Weights"].rsplit("/", 1)[-1]


def _unambiguous(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Mark -> file, for the marks that one file alone has."""
    files: dict[str, set[str]] = defaultdict(set)
    for file, mark in named:
        files[mark].add(file)
    return {mark: next(iter(having)) for mark, having in files.items() if len(having) == 1}


def _joined(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    return {file: new[mark] for mark, file in old.items() if mark in new}


def differences(name: str) -> dict[str, dict[str, tuple[Any, Any]]]:
    """Old leaf -> fact -> (what the converter writes, what the maintainers wrote), where the two are not equal."""
    old, reader = trees.converted(name), Reader(dialect="mmengine")
    found = {}
    for leaf, path in pairs(name).items():
        ours = facts(old.tree.target(old.leaves[leaf].path).value)
        theirs = facts(reader.resolved(path))
        unequal = {fact: (ours[fact], theirs[fact]) for fact in ours if ours[fact] != theirs[fact]}
        if unequal:
            found[leaf] = unequal
    return found


def facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """What training depends on and a migration must not change."""
    wrapper = config.get("optim_wrapper") or {}
    optimizer = wrapper.get("optimizer") or {}
    loop = config.get("train_cfg") or {}
    return {
        "optimizer": optimizer.get("type"),
        "lr": optimizer.get("lr"),
        "weight_decay": optimizer.get("weight_decay"),
        "clip_grad": {"norm_type": 2, **wrapper["clip_grad"]} if wrapper.get("clip_grad") else None,
        "milestones": _milestones(config.get("param_scheduler")),
        "run_length": {key: loop[key] for key in ("max_epochs", "max_iters") if loop.get(key)},
    }


def _milestones(schedulers: Any) -> list[list[int]]:
    listed = [schedulers] if isinstance(schedulers, dict) else schedulers or []
    return [list(s["milestones"]) for s in listed if s["type"] == "MultiStepLR" and s["milestones"]]
