"""``data`` becomes three dataloaders. What is inside a dataset belongs to its library and is left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mmbridge.compat.config import Undecided
from mmbridge.compat.config.merge import DELETE_KEY
from mmbridge.migrate.apply_dict import MISSING
from mmbridge.migrate.edit import Drop, Edit, Path, Put, Ref, Todo, refs
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.rules.undecided import undecided
from mmbridge.migrate.view import View

_BATCH: Final = (
    "samples_per_gpu",
    "videos_per_gpu",
    "imgs_per_gpu",
)  # the last one that is set wins, as in MMDetection
_WORKERS: Final = "workers_per_gpu"
_MODES: Final = ("train", "val", "test")
_RENAMED: Final = {**dict.fromkeys(_BATCH, "batch_size"), _WORKERS: "num_workers"}
_LOADER: Final = ("drop_last", "persistent_workers", "pin_memory", "timeout", "prefetch_factor")
_OWN: Final = tuple(f"{mode}_dataloader" for mode in _MODES)
_LEFT_OUT: Final = "no dataloader takes it; a sampler or a dataset of the library may. It is left out."


@rule(
    reads=("data",),
    writes=_OWN,
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
    if isinstance(data, Undecided):
        yield from undecided(view, ("data",))
        return
    if not isinstance(data, dict):
        yield Drop(("data",), "None holds no data") if data is None else Todo(("data",), "is not a dict; is it data?")
        return
    used: set[Path] = set()
    for mode in _MODES:
        source = _source(data, mode)
        loader = _settings(data, mode)
        if source is not None:
            loader = _complete(loader, data, mode, view.run.unit)
            loader["dataset"] = _dataset(data, source)
        elif mode != "train" and "train" in data:
            continue  # a config with a training set and without this one has none
        if loader:
            yield Put((f"{mode}_dataloader",), loader)
            used |= {ref.path for ref in refs(loader)}
    yield from _several(view, data)
    yield from _leftovers(data, used)
    yield Drop(("data",), "the dataloaders hold it")


def evaluated(view: View) -> tuple[str, ...]:
    """Of ``val`` and ``test`` those that have data, or, where the config names no data set at all, will have it."""
    if not names_data(view):
        return ("val", "test")
    return tuple(mode for mode in ("val", "test") if _source(view.get("data"), mode) is not None)


def names_data(view: View) -> bool:
    """Whether the config names a data set at all."""
    return any(view.has("data", mode) for mode in _MODES)


def _source(data: dict[str, Any], mode: str) -> str | None:
    if mode in data:
        return mode
    return "val" if mode == "test" and "val" in data and "train" in data else None


def _settings(data: dict[str, Any], mode: str) -> dict[str, Any]:
    """The loader's own settings, as references to where the old config has them; later places win."""
    found: dict[str, Any] = {}
    shared = (*_BATCH, _WORKERS, *_LOADER) if mode == "train" else (_WORKERS, "persistent_workers")
    for key in shared:
        if key in data:
            found[_RENAMED.get(key, key)] = Ref(("data", key))
    if mode != "train" and "samples_per_gpu" in _part(data, mode):
        found["batch_size"] = Ref(("data", mode, "samples_per_gpu"))
    own = f"{mode}_dataloader"
    for key in (*_BATCH, _WORKERS, *_LOADER):
        if key in _part(data, own):
            found[_RENAMED.get(key, key)] = Ref(("data", own, key))
    workers = _part(data, own).get(_WORKERS, data.get(_WORKERS, MISSING))
    if isinstance(workers, int) and workers > 0 and "persistent_workers" not in found:
        found["persistent_workers"] = True
    return found


def _part(data: dict[str, Any], key: str) -> dict[str, Any]:
    part = data.get(key)
    return part if isinstance(part, dict) else {}


def _complete(loader: dict[str, Any], data: dict[str, Any], mode: str, unit: str) -> dict[str, Any]:
    """``loader`` with what MMEngine asks for: a sampler, and outside training a batch size."""
    if mode != "train":
        loader.setdefault("batch_size", 1)
    sampler: dict[str, Any] = {"type": "InfiniteSampler" if (mode, unit) == ("train", "iter") else "DefaultSampler"}
    sampler["shuffle"] = mode == "train"
    if "shuffle" in _part(data, f"{mode}_dataloader"):
        sampler["shuffle"] = Ref(("data", f"{mode}_dataloader", "shuffle"))
    return {**loader, "sampler": sampler}


def _dataset(data: dict[str, Any], source: str) -> Any:
    if isinstance(data[source], (list, tuple)):
        return {"type": "ConcatDataset", "datasets": Ref(("data", source))}
    return Ref(("data", source))


def _several(view: View, data: dict[str, Any]) -> Iterator[Edit]:
    """Lists of datasets mean their concatenation, except where they were fed side by side."""
    train = data.get("train")
    if not isinstance(train, (list, tuple)):
        return
    if any(isinstance(part, (list, tuple)) for part in train):
        yield Todo(("data", "train"), "holds lists of datasets; say how they are put together.")
    elif view.has("omnisource"):
        yield Todo(("data", "train"), "several datasets were fed side by side (omnisource); MMEngine has one loader.")


def _leftovers(data: dict[str, Any], used: set[Path]) -> Iterator[Edit]:
    for mode in ("val", "test"):
        if "samples_per_gpu" in _part(data, mode):
            yield Drop(("data", mode, "samples_per_gpu"), f"{mode}_dataloader.batch_size says it")
    for key in data:
        if key in (*_MODES, DELETE_KEY) or ("data", key) in used:
            continue
        if key in (*_BATCH, _WORKERS, *_LOADER):
            yield Drop(("data", key), "no dataloader of this config uses it")
        elif key in _OWN and not data[key]:
            yield Drop(("data", key), "empty")
        elif key in _OWN and isinstance(data[key], dict):
            yield from _own_leftovers(data, key, used)
        else:
            yield Todo(("data", key), _LEFT_OUT)


def _own_leftovers(data: dict[str, Any], own: str, used: set[Path]) -> Iterator[Edit]:
    for key in data[own]:
        path = ("data", own, key)
        if path in used or key == DELETE_KEY:
            continue
        if key in (*_BATCH, _WORKERS, *_LOADER, "shuffle"):
            yield Drop(path, "there is no such dataloader, or a later setting wins")
        else:
            yield Todo(path, _LEFT_OUT)
