"""The command line: ``migrate COMMAND``. Each command lives in its own module and is loaded when it is used."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Final, NoReturn

import click
from mmbridge.compat.errors import BridgeError

COMMANDS: Final = {
    "convert": "Convert configs and their bases, with proof.",
    "check": "Find what is wrong with configs that are migrated already.",
    "run": "Train as a config of either generation says, without MMCV and MMEngine.",
}
"""Command name -> the line shown in ``migrate --help``; the module of that name holds the command."""


class _Commands(click.Group):
    """A group that imports a command's module only when the command runs."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"mmbridge.migrate.commands.{name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = arguments[0]
        if name not in COMMANDS and not name.startswith("-"):
            context.fail(f"There is no command {name!r}; {_advice(name)}")
        return super().resolve_command(context, arguments)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands)
@click.version_option(package_name="mmbridge")
def cli() -> None:
    """Migrate OpenMMLab 1.x (MMCV-style) configs to MMEngine, with proof."""


def _advice(name: str) -> str:
    from difflib import get_close_matches  # slow to import, and seldom needed

    if os.path.exists(name):
        return f"did you mean 'migrate convert {name}'?"
    close = get_close_matches(name, COMMANDS, n=1)
    return f"did you mean {close[0]!r}?" if close else f"the commands are {', '.join(COMMANDS)}."


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit; an error a person can act on is one sentence and exit code 2.

    Ctrl-C is 130, as shells have it, and a reader of the output that went away is not an error.
    """
    try:
        code = cli.main(arguments, prog_name="migrate", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("migrate: stopped; every file is whole, as it was or as it was to be.", err=True)
        code = 130
    except BridgeError as error:
        from mmbridge.migrate.reports.names import Names

        click.echo(f"migrate: {Names(Path.cwd()).within(str(error))}", err=True)
        code = 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
