"""LogProcessor: from the histories of the message hub to a log line and a record of numbers."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import torch
from mmbridge.runners.loop.device import get_max_cuda_memory
from mmbridge.runners.loop.registry import LOG_PROCESSORS

_TIMES = ("time", "data_time")
_MODES = ("train", "val", "test")

Record = dict[str, Any]


@LOG_PROCESSORS.register_module()
class LogProcessor:
    """Writes lines such as ``Epoch(train)  [1][ 10/500]  lr: 1.0000e-02  eta: 0:01:00  ... loss: 0.6931``.

    A scalar whose name ``mean_pattern`` finds is averaged over its last ``window_size`` values, any other is the latest
    one; ``custom_cfg`` adds or replaces statistics: dicts of ``data_src``, ``log_name`` (default: data_src),
    ``method_name`` (of :class:`~mmbridge.runners.loop.logging.HistoryBuffer`), ``window_size`` (iterations, ``'epoch'``
    for those of the epoch so far, ``'global'`` for all) and the method's other arguments. With ``log_with_hierarchy``
    the records' keys keep ``train/``, ``val/``, ``test/``. MMEngine 0.10.7, mmengine/runner/log_processor.py.
    """

    def __init__(
        self,
        window_size: int = 10,
        by_epoch: bool = True,
        custom_cfg: Sequence[Mapping[str, Any]] | None = None,
        num_digits: int = 4,
        log_with_hierarchy: bool = False,
        mean_pattern: str = r".*(loss|time|data_time|grad_norm).*",
    ) -> None:
        if not isinstance(window_size, int) or window_size < 1:
            raise ValueError(f"window_size: must be a number of values from 1 on, found {window_size!r}")
        self.window_size = window_size
        self.by_epoch = by_epoch
        self.custom_cfg = [dict(cfg) for cfg in custom_cfg or ()]
        self.num_digits = num_digits
        self.log_with_hierarchy = log_with_hierarchy
        self.mean_pattern = re.compile(mean_pattern)
        self._known: dict[tuple[str, bool, str], tuple[str | None, bool]] = {}
        self._has_cuda = torch.cuda.is_available()
        self._check_custom_cfg()

    def _check_custom_cfg(self) -> None:
        names = set()
        for index, cfg in enumerate(self.custom_cfg):
            where = f"log_processor.custom_cfg[{index}]"
            if "data_src" not in cfg:
                raise ValueError(f"{where}: data_src must name the scalar; found the keys {list(cfg)}")
            name = cfg.get("log_name", cfg["data_src"])
            if name in names:
                raise ValueError(
                    f"{where}: there is an entry {name!r} already, from data_src {cfg['data_src']!r}; "
                    "give each entry a log_name of its own"
                )
            names.add(name)
            window = cfg.get("window_size")
            if window == "epoch" and not self.by_epoch:
                raise ValueError(f"{where}: window_size='epoch' needs by_epoch=True; give a number, or 'global'")
            if not isinstance(window, (int, type(None))) and window not in ("epoch", "global"):
                raise TypeError(f"{where}: window_size must be a number, 'epoch' or 'global', found {window!r}")

    def get_log_after_iter(self, runner: Any, batch_idx: int, mode: str) -> tuple[Record, str]:
        """The record and the line after iteration ``batch_idx`` (from 0) of the current loop of ``mode``."""
        if mode not in _MODES:
            raise ValueError(f"the mode is train, val or test, found {mode!r}")
        custom = self._with_windows(self.custom_cfg, runner, batch_idx)
        shown = self._scalars(runner, mode, custom, with_prefix=False)
        record = self._scalars(runner, mode, custom, with_prefix=True) if self.log_with_hierarchy else dict(shown)
        rates = []
        for key, value in record.items():
            if key.endswith("lr"):
                name = key.removeprefix(f"{mode}/")
                del shown[name]
                rates.append(f"{name}: {value:.{self.num_digits}e}")
        line = f"{self._head(runner, batch_idx, mode, record)}  {' '.join(rates)}  "
        record["iter"] = runner.iter + 1 if _trains(runner) else 0
        if "time" in shown and "data_time" in shown and "eta" in runner.message_hub.runtime_info:
            left = timedelta(seconds=int(runner.message_hub.get_info("eta")))
            line += f"eta: {left}  {self._items((name, shown.pop(name)) for name in _TIMES)}  "
        if self._has_cuda:
            record["memory"] = get_max_cuda_memory(getattr(runner.model, "output_device", None))
            line += f"memory: {record['memory']}  "
        if mode == "train":
            line += self._items(shown.items())
        elif mode == "val":
            line += self._items(item for item in shown.items() if item[0].startswith("val/loss"))
        return record, line

    def _head(self, runner: Any, batch_idx: int, mode: str, record: Record) -> str:
        """What comes before the numbers; the epoch is put into the record."""
        if not self.by_epoch and mode == "train":
            return f"Iter(train) [{_padded(runner.iter + 1, runner.max_iters)}/{runner.max_iters}]"
        total = self._get_dataloader_size(runner, mode)
        progress = f"[{_padded(batch_idx + 1, total)}/{total}]"
        if not self.by_epoch:
            return f"Iter({mode}) {progress}"
        if mode == "test":
            return f"Epoch(test) {progress}"
        record["epoch"] = epoch = _epoch(runner, mode)
        # room for the last epoch's number, its brackets, and the space before them
        width = len(str(runner.max_epochs)) + 3 if _trains(runner) else 0
        return f"Epoch({mode}){f'[{epoch}]'.rjust(width)}{progress}"

    def get_log_after_epoch(
        self, runner: Any, batch_idx: int, mode: str, with_non_scalar: bool = False
    ) -> tuple[Record, str]:
        """The record and the line after the epoch of a val or test loop of ``batch_idx`` iterations.

        The line shows the facts of the hub, too; the record has them ``with_non_scalar`` only.
        """
        if mode not in ("val", "test"):
            raise ValueError(f"the mode is val or test, found {mode!r}")
        total = self._get_dataloader_size(runner, mode)
        epoch = f"[{_epoch(runner, mode)}]" if self.by_epoch and mode == "val" else ""
        head = f"{'Epoch' if self.by_epoch else 'Iter'}({mode}) {epoch}[{total}/{total}]"
        named = {cfg["data_src"].removeprefix(f"{mode}/") for cfg in self.custom_cfg}
        whole = [{"data_src": key, "window_size": "epoch", "method_name": "mean"} for key in _TIMES if key not in named]
        custom = self._with_windows([*self.custom_cfg, *whole], runner, batch_idx)
        scalars = self._scalars(runner, mode, custom, self.log_with_hierarchy)
        times = {key: scalars.pop(key) for key in list(scalars) if key.removeprefix(f"{mode}/") in _TIMES}
        facts = {}
        for key, value in runner.message_hub.runtime_info.items():
            if key.startswith(mode):
                facts[_named(key, mode, self.log_with_hierarchy)] = value
        line = f"{head}    {self._items([*scalars.items(), *facts.items(), *times.items()])}"
        return {**scalars, **(facts if with_non_scalar else {}), **times}, line

    def _get_cur_loop(self, runner: Any, mode: str) -> Any:
        """The loop of ``mode``; methods overridden by MMEngine's libraries ask for it."""
        return getattr(runner, f"{mode}_loop")

    def _get_dataloader_size(self, runner: Any, mode: str) -> int:
        """How many iterations a pass has. Override it where a loop goes through several sets of data."""
        return len(getattr(runner, f"{mode}_dataloader"))

    def _with_windows(self, custom: Iterable[Record], runner: Any, batch_idx: int) -> list[Record]:
        """``custom`` with the windows as numbers."""
        counted = []
        for cfg in custom:
            if cfg.get("window_size") == "epoch":
                cfg = {**cfg, "window_size": batch_idx + 1}
            elif cfg.get("window_size") == "global":
                cfg = {**cfg, "window_size": runner.iter + 1}
            counted.append(cfg)
        return counted

    def _scalars(self, runner: Any, mode: str, custom: Iterable[Record], with_prefix: bool) -> Record:
        histories = {}
        record = {}
        for key, history in runner.message_hub.log_scalars.items():
            name, averaged = self._known.get((mode, with_prefix, key)) or self._know(mode, with_prefix, key)
            if name is not None:
                histories[name] = history
                record[name] = history.mean(self.window_size) if averaged else history.current()
        prefix = f"{mode}/" if with_prefix else ""
        for cfg in custom:
            arguments = dict(cfg)
            source = arguments.pop("data_src")
            name = arguments.pop("log_name", source)
            if prefix + source in histories:  # it may belong to another mode
                record[prefix + name] = histories[prefix + source].statistics(**arguments)
        return record

    def _know(self, mode: str, with_prefix: bool, key: str) -> tuple[str | None, bool]:
        """The name of a scalar in the records of ``mode``, None if it is not of it, and whether it is averaged."""
        name = _named(key, mode, with_prefix) if key.startswith(mode) else None
        known = self._known[mode, with_prefix, key] = name, bool(name and self.mean_pattern.search(name))
        return known

    def _items(self, items: Iterable[tuple[str, Any]]) -> str:
        return "  ".join(f"{name}: {self._text(value)}" for name, value in items)

    def _text(self, value: Any) -> str:
        if isinstance(value, float):
            return f"{value:.{self.num_digits}f}"
        return f"\n{value}\n" if _is_array(value) else f"{value}"


def _named(key: str, mode: str, with_prefix: bool) -> str:
    return key if with_prefix else key.removeprefix(f"{mode}/")


def _trains(runner: Any) -> bool:
    """Whether there is a train loop already; to ask the runner for its counters would build one."""
    return not (runner._train_loop is None or isinstance(runner._train_loop, dict))


def _epoch(runner: Any, mode: str) -> int:
    """The number of the epoch, from 1; in validation that of the training epoch before, 0 without training."""
    if mode == "train":
        return int(runner.epoch + 1)
    return int(runner.epoch) if _trains(runner) else 0


def _padded(number: int, total: int) -> str:
    return str(number).rjust(len(str(total)))


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return isinstance(value, torch.Tensor) or (numpy is not None and isinstance(value, numpy.ndarray))
