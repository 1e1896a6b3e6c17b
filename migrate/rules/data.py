"""``data`` becomes three dataloaders. What is inside a dataset belongs to its library and is left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mmbridge.migrate.apply_dict import MISSING
from mmbridge.migrate.edit import Drop, Edit, Put, Ref, Todo
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.view import View

_BATCH: Final = ("samples_per_gpu", "videos_per_gpu", "imgs_per_gpu")
_WORKERS: Final = "workers_per_gpu"
_MODES: Final = ("train", "val", "test")
_OVERRIDES: Final = tuple(f"{mode}_dataloader" for mode in _MODES)
_TRAIN_ONLY: Final = ("drop_last", "persistent_workers")
_RENAMED: Final = {**dict.fromkeys(_BATCH, "batch_size"), _WORKERS: "num_workers"}


@rule(
    reads=("data",),
    writes=tuple(f"{mode}_dataloader" for mode in _MODES),
    examples=[
        Example(
            old="runner = dict(type='IterBasedRunner', max_iters=100)\n"
            "data = dict(samples_per_gpu=4, workers_per_gpu=0, train=dict(type='ToyDataset'))\n",
            new="train_cfg = dict(type='IterBasedTrainLoop', max_iters=100, val_interval=1)\n"
            "train_dataloader = dict(\n"
            "    batch_size=4,\n"
            "    num_workers=0,\n"
            "    sampler=dict(type='InfiniteSampler', shuffle=True),\n"
            "    dataset=dict(type='ToyDataset'))\n",
        ),
        Example(old="dataset_type = 'ToyDataset'\n", new="dataset_type = 'ToyDataset'\n"),
    ],
)
def dataloaders(view: View) -> Iterator[Edit]:
    """Batch sizes, workers, samplers and datasets become `train_dataloader`, `val_dataloader` and `test_dataloader`.

    Validation and test take one sample at a time unless the config says otherwise. MMEngine needs a sampler
    in each loader: shuffled for training (endless in a run by iteration), in order elsewhere.
    """
    data = view.get("data")
    if not isinstance(data, dict):
        yield Todo(("data",), "is not a dict; write the dataloaders by hand.")
        return
    for mode in _MODES:
        source = _source(data, mode)
        settings = _settings(data, mode, view.run.unit)
        if source is not None or (settings and any(key in data for key in (*_BATCH, _WORKERS))):
            loader = dict(settings)
            if source is not None:
                loader = _complete(loader, mode, view.run.unit)
                loader["dataset"] = _dataset(data, source)
            if loader and (source is not None or mode == "train" or not _absent_in_full(data)):
                yield Put((f"{mode}_dataloader",), loader)
    yield from _leftovers(data)
    yield Drop(("data",), "the dataloaders hold it")


def _absent_in_full(data: dict[str, Any]) -> bool:
    """Whether a config has its training set, so that a missing validation or test set means there is none."""
    return "train" in data


def _source(data: dict[str, Any], mode: str) -> str | None:
    if mode in data:
        return mode
    return "val" if mode == "test" and "val" in data and "train" in data else None


def _settings(data: dict[str, Any], mode: str, unit: str) -> dict[str, Any]:
    """The loader's own settings, as references to where the old config has them."""
    found: dict[str, Any] = {}
    own = f"{mode}_dataloader"
    if mode == "train":
        for key in (*_BATCH, *_TRAIN_ONLY):
            if key in data:
                found[_RENAMED.get(key, key)] = Ref(("data", key))
    if _WORKERS in data:
        found["num_workers"] = Ref(("data", _WORKERS))
    dataset = data.get(mode)
    if mode != "train" and isinstance(dataset, dict) and "samples_per_gpu" in dataset:
        found["batch_size"] = Ref(("data", mode, "samples_per_gpu"))
    override = data.get(own)
    for key in override if isinstance(override, dict) else ():
        if key != "shuffle":
            found[_RENAMED.get(str(key), str(key))] = Ref(("data", own, str(key)))
    workers = _number_of_workers(data, mode)
    if isinstance(workers, int) and workers > 0 and "persistent_workers" not in found:
        found["persistent_workers"] = True
    return found


def _number_of_workers(data: dict[str, Any], mode: str) -> Any:
    override = data.get(f"{mode}_dataloader")
    if isinstance(override, dict) and _WORKERS in override:
        return override[_WORKERS]
    return data.get(_WORKERS, MISSING)


def _complete(loader: dict[str, Any], mode: str, unit: str) -> dict[str, Any]:
    if mode != "train":
        loader.setdefault("batch_size", 1)
        loader["sampler"] = {"type": "DefaultSampler", "shuffle": False}
        return loader
    loader["sampler"] = {"type": "InfiniteSampler" if unit == "iter" else "DefaultSampler", "shuffle": True}
    return loader


def _dataset(data: dict[str, Any], source: str) -> Any:
    if isinstance(data[source], (list, tuple)):
        return {"type": "ConcatDataset", "datasets": Ref(("data", source))}
    return Ref(("data", source))


def _leftovers(data: dict[str, Any]) -> Iterator[Edit]:
    for mode in ("val", "test"):
        if isinstance(data.get(mode), dict) and "samples_per_gpu" in data[mode]:
            yield Drop(("data", mode, "samples_per_gpu"), f"{mode}_dataloader.batch_size says it")
    known = {*_MODES, *_OVERRIDES, *_BATCH, *_TRAIN_ONLY, _WORKERS, "_delete_"}
    for key in data:
        if key not in known:
            yield Todo(
                ("data", key),
                "no dataloader takes it; a sampler or a dataset of the library may. It is left out.",
            )
