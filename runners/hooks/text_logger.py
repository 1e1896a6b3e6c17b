"""The log line on the console and the record in ``.log.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import torch
from mmbridge.runners.hooks.json_values import json_value
from mmbridge.runners.hooks.log_files import copy_logs
from mmbridge.runners.hooks.logger import LoggerHook
from mmbridge.runners.hooks.output_dir import output_dir
from mmbridge.runners.hooks.registry import HOOKS

_IN_THE_HEAD = ("mode", "Epoch", "iter", "lr", "time", "data_time", "memory", "epoch")


@HOOKS.register_module()
class TextLoggerHook(LoggerHook):
    """Logs a line to ``runner.logger``, and in rank 0 a JSON record per line to
    ``work_dir/<timestamp>.log.json``.

    Times are seconds per iteration, averaged as the losses are; memory is the most of any process, in MiB.
    The first record is ``runner.meta``. ``out_dir`` receives a copy of the files that end with
    ``out_suffix`` when the run is over; ``keep_local=False`` then removes them here. MMCV 1.7.2,
    mmcv/runner/hooks/logger/text.py.
    """

    def __init__(
        self,
        by_epoch: bool = True,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = False,
        interval_exp_name: int = 1000,
        out_dir: str | None = None,
        out_suffix: str | tuple[str, ...] = (".log.json", ".log", ".py"),
        keep_local: bool = True,
        file_client_args: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        if out_dir is None and file_client_args is not None:
            raise ValueError("file_client_args should be None when `out_dir` is not specified.")
        if out_dir is not None and not isinstance(out_dir, str):
            raise TypeError(f"out_dir should be None or a str, but got {out_dir!r}")
        self.time_sec_tot = 0.0
        self.interval_exp_name = interval_exp_name
        self.out_dir = out_dir
        self.out_suffix = out_suffix
        self.keep_local = keep_local
        self.file_client_args = file_client_args
        self.start_iter = 0
        self.json_log_path: str | None = None

    def before_run(self, runner: Any) -> None:
        """Name the files; write ``meta`` as the first record."""
        super().before_run(runner)
        if self.out_dir is not None:
            self.out_dir = output_dir(self.out_dir, runner.work_dir, type(self).__name__, self.file_client_args)
            runner.logger.info(
                f"Text logs will be saved to {self.out_dir} by HardDiskBackend after the training process."
            )
        self.start_iter = runner.iter
        if runner.work_dir is not None:
            self.json_log_path = os.path.join(runner.work_dir, f"{runner.timestamp}.log.json")
        if runner.meta is not None:
            self._dump_log(runner.meta, runner)

    def log(self, runner: Any) -> dict[str, Any]:
        """Log the line and the record; returns the record."""
        output = runner.log_buffer.output
        shown = output.pop("eval_iter_num", None)
        rates = runner.current_lr()
        record = {
            "mode": self.get_mode(runner),
            "epoch": self.get_epoch(runner),
            "iter": self.get_iter(runner, inner_iter=True) if shown is None else shown,
            "lr": {k: v[0] for k, v in rates.items()} if isinstance(rates, dict) else rates[0],
        }
        if "time" in output and torch.cuda.is_available():
            record["memory"] = self._get_max_memory(runner)
        record.update(output)
        self._log_info(record, runner)
        self._dump_log(record, runner)
        return record

    def _get_max_memory(self, runner: Any) -> int:
        device = getattr(runner.model, "output_device", None)
        used = torch.tensor([torch.cuda.max_memory_allocated(device) // 2**20], dtype=torch.int, device="cuda")
        if runner.world_size > 1:
            torch.distributed.reduce(used, 0, op=torch.distributed.ReduceOp.MAX)
        return int(used.item())

    def _log_info(self, record: dict[str, Any], runner: Any) -> None:
        if runner.meta is not None and "exp_name" in runner.meta:
            at_end = self.by_epoch and self.end_of_epoch(runner)
            if self.every_n_iters(runner, self.interval_exp_name) or at_end:
                runner.logger.info(f"Exp name: {runner.meta['exp_name']}")
        head = self._train_head(record, runner) if record["mode"] == "train" else self._val_head(record)
        items = (
            f"{name}: {f'{value:.4f}' if isinstance(value, float) else value}"
            for name, value in record.items()
            if name not in _IN_THE_HEAD
        )
        runner.logger.info(head + ", ".join(items))

    def _train_head(self, record: dict[str, Any], runner: Any) -> str:
        if self.by_epoch:
            head = f"Epoch [{record['epoch']}][{record['iter']}/{len(runner.data_loader)}]\t"
        else:
            head = f"Iter [{record['iter']}/{runner.max_iters}]\t"
        rate = record["lr"]
        if isinstance(rate, dict):
            head += " ".join(f"lr_{name}: {value:.3e}" for name, value in rate.items()) + ", "
        else:
            head += f"lr: {rate:.3e}, "
        if "time" not in record:
            return head
        self.time_sec_tot += record["time"] * self.interval
        per_iter = self.time_sec_tot / (runner.iter - self.start_iter + 1)
        left = timedelta(seconds=int(per_iter * (runner.max_iters - runner.iter - 1)))
        head += f"eta: {left}, time: {record['time']:.3f}, "
        if "data_time" in record:
            head += f"data_time: {record['data_time']:.3f}, "
        return head + (f"memory: {record['memory']}, " if "memory" in record else "")

    def _val_head(self, record: dict[str, Any]) -> str:
        if self.by_epoch:
            return f"Epoch({record['mode']}) [{record['epoch']}][{record['iter']}]\t"
        return f"Iter({record['mode']}) [{record['iter']}]\t"

    def _dump_log(self, record: Mapping[str, Any], runner: Any) -> None:
        if runner.rank == 0 and self.json_log_path is not None:
            line = json.dumps({key: _rounded(value) for key, value in record.items()}, default=json_value)
            with open(self.json_log_path, "ab", 0) as file:  # the line at once, or not at all
                file.write(f"{line}\n".encode())

    def after_run(self, runner: Any) -> None:
        """Copy the logs to ``out_dir``."""
        if self.out_dir is None or runner.work_dir is None or runner.rank != 0:
            return
        copy_logs(runner.work_dir, self.out_dir, self.out_suffix, self.keep_local, runner.logger)


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return round(value, 5) if isinstance(value, float) else value
