"""Evaluating a model on validation data during training, and keeping the best checkpoint."""

from __future__ import annotations

import os
import warnings
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from mmbridge.compat.hook import LegacyHook
from mmbridge.compat.registry import MissingKey
from mmbridge.runners.hooks.logger import LoggerHook
from mmbridge.runners.hooks.output_dir import output_dir
from mmbridge.runners.hooks.score_rule import GREATER_KEYS, LESS_KEYS, WORST, infer_rule, is_better
from mmbridge.runners.norms import BATCH_NORM
from mmbridge.runners.testing import multi_gpu_test, single_gpu_test
from torch import nn
from torch.utils.data import DataLoader

Keys = str | Sequence[str] | None


class EvalHook(LegacyHook):
    """Evaluates with ``dataset.evaluate`` after every ``interval`` epochs (or iterations) from ``start`` on.

    ``save_best`` names the result by which the best checkpoint is kept (``'auto'``: the first one);
    ``rule`` is 'greater' or 'less', else inferred from the name. ``dynamic_intervals`` are (milestone,
    interval) pairs. Other arguments go to ``dataset.evaluate``. A score of 0 or nan is never the best. The
    model is left in eval mode. MMCV 1.7.2, mmcv/runner/hooks/evaluation.py, and MMDetection 2.28.2,
    mmdet/core/evaluation/eval_hooks.py.
    """

    def __init__(
        self,
        dataloader: Any,
        start: int | None = None,
        interval: int = 1,
        by_epoch: bool = True,
        save_best: str | None = None,
        rule: str | None = None,
        test_fn: Callable[..., Any] | None = None,
        greater_keys: Keys = None,
        less_keys: Keys = None,
        out_dir: str | None = None,
        file_client_args: Mapping[str, Any] | None = None,
        dynamic_intervals: Sequence[tuple[int, int]] | None = None,
        **eval_kwargs: Any,
    ) -> None:
        _check(dataloader, start, interval, by_epoch, save_best)
        self.dataloader = dataloader
        self.interval, self.start, self.by_epoch = interval, start, by_epoch
        self.save_best = save_best
        self.eval_kwargs = eval_kwargs
        self.initial_flag = True
        self.test_fn = test_fn or self.default_test
        self.greater_keys = _as_keys(greater_keys, GREATER_KEYS)
        self.less_keys = _as_keys(less_keys, LESS_KEYS)
        self.rule: str | None = None
        self.key_indicator: str | None = None
        if save_best is not None:
            self.best_ckpt_path: str | None = None
            self._init_rule(rule, save_best)
        self.out_dir = out_dir
        self.file_client_args = file_client_args
        self.latest_results: Any = None
        milestones = [(0, interval), *map(tuple, dynamic_intervals or [])]
        self._milestones = [milestone for milestone, _ in milestones]
        self._intervals = [each for _, each in milestones]

    default_test: ClassVar[Callable[..., Any]] = staticmethod(single_gpu_test)

    def _init_rule(self, rule: str | None, key_indicator: str) -> None:
        self.rule = infer_rule(rule, key_indicator, self.greater_keys, self.less_keys)
        self.key_indicator = key_indicator

    def before_run(self, runner: Any) -> None:
        """Decide where the best checkpoint goes; learn the best one of a resumed run."""
        if self.save_best is None:
            return
        given = self.out_dir
        self.out_dir = output_dir(given, runner.work_dir, type(self).__name__, self.file_client_args)
        if self.out_dir != runner.work_dir:
            runner.logger.info(f"The best checkpoint will be saved to {self.out_dir} by HardDiskBackend.")
        if runner.meta is None:
            warnings.warn("runner.meta is None. Creating an empty one.", stacklevel=2)
            runner.meta = {}
        self.best_ckpt_path = runner.meta.setdefault("hook_msgs", {}).get("best_ckpt")

    def before_train_epoch(self, runner: Any) -> None:
        """By epoch: take the interval that holds now; once, evaluate first if ``start`` is over."""
        if self.by_epoch:
            self._take_interval(runner.epoch)
            if self._first_time() and self.start is not None and runner.epoch >= self.start:
                self.after_train_epoch(runner)

    def before_train_iter(self, runner: Any) -> None:
        """By iteration: take the interval that holds now; once, evaluate first if ``start`` is over."""
        if not self.by_epoch:
            self._take_interval(runner.iter)
            if self._first_time() and self.start is not None and runner.iter >= self.start:
                self.after_train_iter(runner)

    def _first_time(self) -> bool:
        first, self.initial_flag = self.initial_flag, False
        return first

    def _take_interval(self, progress: int) -> None:
        if len(self._milestones) > 1:
            self.interval = self._intervals[bisect_right(self._milestones, progress + 1) - 1]

    def after_train_iter(self, runner: Any) -> None:
        """By iteration: let the loggers log what was trained, then evaluate."""
        if self.by_epoch or not self._should_evaluate(runner):
            return
        for hook in runner.hooks:
            if isinstance(hook, LoggerHook):
                hook.after_train_iter(runner)
        runner.log_buffer.clear()
        self._do_evaluate(runner)

    def after_train_epoch(self, runner: Any) -> None:
        """By epoch: evaluate."""
        if self.by_epoch and self._should_evaluate(runner):
            self._do_evaluate(runner)

    def _should_evaluate(self, runner: Any) -> bool:
        done = (runner.epoch if self.by_epoch else runner.iter) + 1
        since = done - (self.start or 0)
        return since % self.interval == 0 and (self.start is None or since >= 0)

    def _do_evaluate(self, runner: Any) -> None:
        results = self.test_fn(runner.model, self.dataloader)
        self._take_results(runner, results)

    def _take_results(self, runner: Any, results: Any) -> None:
        self.latest_results = results
        runner.log_buffer.output["eval_iter_num"] = len(self.dataloader)
        key_score = self.evaluate(runner, results)
        if self.save_best and key_score:
            self._save_ckpt(runner, key_score)

    def evaluate(self, runner: Any, results: Any) -> Any:
        """Give ``results`` to ``dataset.evaluate``, log what it returns; returns the ``save_best`` score."""
        scores = self.dataloader.dataset.evaluate(results, logger=runner.logger, **self.eval_kwargs)
        runner.log_buffer.output.update(scores)
        runner.log_buffer.ready = True
        if self.save_best is None:
            return None
        if not scores:
            warnings.warn("evaluate() returned no result, so no checkpoint is the best", stacklevel=2)
            return None
        if self.key_indicator == "auto":
            self._init_rule(self.rule, next(iter(scores)))
        if self.key_indicator not in scores:
            found = ", ".join(scores)
            raise MissingKey(f"evaluation: save_best={self.key_indicator!r} is not among the results: {found}")
        return scores[self.key_indicator]

    def _save_ckpt(self, runner: Any, key_score: Any) -> None:
        unit, number = ("epoch", runner.epoch + 1) if self.by_epoch else ("iter", runner.iter + 1)
        messages = runner.meta["hook_msgs"]
        assert self.rule is not None
        if not is_better(self.rule, key_score, messages.get("best_score", WORST[self.rule])):
            return
        messages["best_score"] = key_score
        if self.best_ckpt_path and os.path.isfile(self.best_ckpt_path):
            os.remove(self.best_ckpt_path)
            runner.logger.info(f"The previous best checkpoint {self.best_ckpt_path} was removed")
        assert self.out_dir is not None
        name = f"best_{self.key_indicator}_{unit}_{number}.pth"
        self.best_ckpt_path = messages["best_ckpt"] = os.path.join(self.out_dir, name)
        os.makedirs(os.path.dirname(self.best_ckpt_path), exist_ok=True)
        runner.save_checkpoint(self.out_dir, filename_tmpl=_literal(name), create_symlink=False)
        runner.logger.info(f"Now best checkpoint is saved as {name}.")
        runner.logger.info(f"Best {self.key_indicator} is {key_score:0.4f} at {number} {unit}.")


class DistEvalHook(EvalHook):
    """EvalHook for several processes: each runs its share, rank 0 evaluates and saves.

    ``broadcast_bn_buffer`` gives all processes the batch norm statistics of rank 0 first. ``tmpdir`` and
    ``gpu_collect`` go to ``test_fn``.
    """

    def __init__(
        self,
        dataloader: Any,
        *args: Any,
        broadcast_bn_buffer: bool = True,
        tmpdir: str | None = None,
        gpu_collect: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(dataloader, *args, **kwargs)
        self.broadcast_bn_buffer = broadcast_bn_buffer
        self.tmpdir = tmpdir
        self.gpu_collect = gpu_collect

    default_test: ClassVar[Callable[..., Any]] = staticmethod(multi_gpu_test)

    def _do_evaluate(self, runner: Any) -> None:
        if self.broadcast_bn_buffer and runner.world_size > 1:
            _broadcast_norm_statistics(runner.model)
        tmpdir = self.tmpdir
        if tmpdir is None and runner.work_dir is not None:
            tmpdir = os.path.join(runner.work_dir, ".eval_hook")
        results = self.test_fn(runner.model, self.dataloader, tmpdir=tmpdir, gpu_collect=self.gpu_collect)
        if runner.rank == 0:
            self._take_results(runner, results)


def _broadcast_norm_statistics(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, BATCH_NORM) and module.track_running_stats:
            for buffer in (module.running_var, module.running_mean):
                if buffer is not None:
                    torch.distributed.broadcast(buffer, 0)


def _literal(name: str) -> str:
    return name.replace("{", "{{").replace("}", "}}")


def _as_keys(keys: Keys, default: Sequence[str]) -> Sequence[str]:
    if keys is None:
        return default
    return (keys,) if isinstance(keys, str) else tuple(keys)


def _check(dataloader: Any, start: Any, interval: Any, by_epoch: Any, save_best: Any) -> None:
    if not isinstance(dataloader, DataLoader):
        raise TypeError(f"dataloader must be a pytorch DataLoader, but got {type(dataloader)}")
    if interval <= 0:
        raise ValueError(f"interval must be a positive number, but got {interval}")
    if not isinstance(by_epoch, bool):
        raise TypeError(f"by_epoch must be True or False, found {by_epoch!r}")
    if start is not None and start < 0:
        raise ValueError(f"The evaluation start epoch {start} is smaller than 0")
    if save_best is not None and not isinstance(save_best, str):
        raise TypeError(f'"save_best" should be a str or None rather than {type(save_best)}')
