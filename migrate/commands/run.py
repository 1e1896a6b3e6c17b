"""``migrate run``: train as a config of either generation says, without MMCV and MMEngine."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import click
from mmbridge.compat.config import Reader
from mmbridge.compat.errors import BridgeError, ConfigError
from mmbridge.migrate.commands.training_line import training_line
from mmbridge.migrate.commands.warning_lines import warning_lines
from mmbridge.migrate.dialect import LEGACY_KEYS, Dialect, dialect, new_keys
from mmbridge.migrate.reports.names import Names

_OPTIONS: Final = "--cfg-options"
_LAZY: Final = re.compile(r"^with read_base\(\)", re.MULTILINE)  # inheritance in MMEngine's pure Python style


class _Run(click.Command):
    """A command whose ``--cfg-options`` takes any number of values, as those of the old train scripts do."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, list(_one_each(args)))


def _one_each(arguments: Sequence[str]) -> list[str]:
    """``--cfg-options a=1 b=2`` as ``--cfg-options a=1 --cfg-options b=2``."""
    spread: list[str] = []
    taking = False
    for argument in arguments:
        if taking and "=" in argument and not argument.startswith("-"):
            if spread[-1] != _OPTIONS:
                spread.append(_OPTIONS)
        else:
            taking = argument == _OPTIONS
        spread.append(argument)
    return spread


@click.command("run", cls=_Run)
@click.argument("config", type=click.Path(path_type=Path), metavar="CFG")
@click.option(
    "--runtime",
    type=click.Choice(["auto", "legacy", "loop"]),
    default="auto",
    show_default=True,
    help="What trains: legacy is MMCV 1.x's way, loop is MMEngine's; auto chooses by the config.",
)
@click.option(
    "--work-dir", type=click.Path(file_okay=False), help="Where results go, before the config's; else work_dirs/CFG."
)
@click.option(_OPTIONS, "options", multiple=True, metavar="K=V...", help="Values to merge in: optimizer.lr=0.1 ...")
@click.option(
    "--resume",
    is_flag=False,
    flag_value="",
    metavar="[CKPT]",
    help="Go on from this checkpoint; without one, from the latest in the work directory, if there is one.",
)
@click.option("--seed", type=int, help="Of all random numbers; drawn if neither this nor the config gives one.")
@click.option("--diff-seed", "--diff_seed", is_flag=True, help="Add the number of the process to the seed.")
@click.option("--deterministic", is_flag=True, help="Let cuDNN choose the same algorithms each time.")
@click.option(
    "--launcher",
    type=click.Choice(["none", "pytorch", "slurm", "mpi"]),
    default="none",
    show_default=True,
    help="What started this process beside others.",
)
@click.option(
    "--script",
    metavar="NAME",
    help="Whose tools/train.py is followed, for MMCV 1.x: mmdet, mmseg, ...; else told by the config's imports.",
)
@click.option("--no-validate", is_flag=True, help="Do not evaluate while training.")
@click.option("--local_rank", "--local-rank", type=int, hidden=True)  # older launchers append it
def command(**given: Any) -> None:
    """Train as a config for MMCV 1.x or MMEngine says: .py, .json, .yaml, as it is. Unlike converting, this runs it.

    Modules are found as by "python -m": in the current folder, too. Ctrl-C saves the state and says how to go on.
    Exit codes: 0 trained, 1 the config's or the library's own code failed, 2 not started, 130 stopped by Ctrl-C.
    """
    runtime = _runtime(given["config"]) if given["runtime"] == "auto" else given["runtime"]
    if runtime == "loop" and given["script"] is not None:
        raise BridgeError(f"{given['config']}: --script is for configs of MMCV 1.x; new-style configs need none.")
    _need_torch()
    if given["local_rank"] is not None:
        os.environ.setdefault("LOCAL_RANK", str(given["local_rank"]))
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    _train(given, runtime)


def _runtime(path: Path) -> str:
    """The runtime that a config is for, as far as that can be known before running it. Raises for half of each."""
    reader = Reader(dialect="mmengine")
    try:
        values, text = reader.resolved(path), reader.text(path)
    except ConfigError:
        return "legacy"  # running it tells more, or fails with the same sentence
    kind = dialect(values)
    new = ", ".join(sorted(new_keys(values)))
    if kind is Dialect.MIXED:
        old = ", ".join(sorted(values.keys() & LEGACY_KEYS))
        raise BridgeError(
            f"{path}: has keys of MMCV 1.x ({old}) and of MMEngine ({new}); finish its conversion, or say "
            "--runtime legacy or loop to train with the keys of one alone."
        )
    if kind is Dialect.NEUTRAL and _LAZY.search(text):
        raise BridgeError(
            f"{path}: is a config in MMEngine's pure Python style (read_base()), which is not read here; "
            "write it as text with Config.dump() of MMEngine, and run that."
        )
    return "loop" if kind is Dialect.NEW else "legacy"


def _need_torch() -> None:
    try:
        import mmbridge.runners.torch_import  # noqa: F401 - faster than importing torch itself
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise BridgeError('training needs torch, which is not installed; pip install "mmbridge[run]".') from None


def _train(given: dict[str, Any], runtime: str) -> None:
    from mmbridge.compat.config import parse_options
    from mmbridge.runners.legacy.interrupt import Interrupted

    names = Names(Path.cwd())
    train_file, interrupt = _of(runtime)
    with closing(interrupt()) as hook, training_line() as line, warning_lines():
        try:
            runner = train_file(
                given["config"],
                work_dir=given["work_dir"],
                options=parse_options(given["options"]),
                resume_from=given["resume"] or None,
                auto_resume=given["resume"] == "",
                seed=given["seed"],
                diff_seed=given["diff_seed"],
                deterministic=given["deterministic"],
                launcher=given["launcher"],
                validate=not given["no_validate"],
                hooks=[hook, *line],
                **({"script": given["script"]} if runtime == "legacy" else {}),
            )
        except Interrupted as stop:
            saved = names.of(Path(stop.checkpoint))
            click.echo(f"migrate: stopped; the state is in {saved}. To go on, add --resume {saved}", err=True)
            sys.exit(130)
        except KeyboardInterrupt:
            told = "stopped at once; --resume goes on from the latest checkpoint, if there is one."
            click.echo(f"migrate: {told}", err=True)
            sys.exit(130)
    if runner.rank == 0:
        epochs = f"{runner.epoch} epochs, " if runner.epoch and runner.max_epochs is not None else ""
        told = f"Trained {epochs}{runner.iter} iterations; see {names.of(Path(runner.work_dir))}."
        try:
            click.echo(told)
        except BrokenPipeError:  # the training is whole, whether anybody reads this or not
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _leave_group()  # last: without a group every process is the first


def _leave_group() -> None:
    """Leave the process group, if there is one: its threads may abort a program that ends with it (pytorch#190489)."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def _of(runtime: str) -> tuple[Any, Any]:
    """The train entry of a runtime, and its hook for Ctrl-C."""
    if runtime == "loop":
        from mmbridge.runners.loop.entry import train_file as loop_entry
        from mmbridge.runners.loop.interrupt import LoopInterruptHook

        return loop_entry, LoopInterruptHook
    from mmbridge.runners.legacy.entry import train_file
    from mmbridge.runners.legacy.interrupt import InterruptHook

    return train_file, InterruptHook
