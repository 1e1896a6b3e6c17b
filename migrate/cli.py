"""The command line: ``migrate COMMAND``. Each command lives in its own module and is loaded when it is used."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Final

import click
from mmbridge.compat.errors import BridgeError

COMMANDS: Final = {
    "convert": "Convert configs and their bases, with proof.",
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

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands)
@click.version_option(package_name="mmbridge")
def cli() -> None:
    """Migrate OpenMMLab 1.x (MMCV-style) configs to MMEngine, with proof."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; an error a person can act on is one sentence and exit code 2."""
    try:
        return cli.main(arguments, prog_name="migrate")
    except BridgeError as error:
        click.echo(f"migrate: {error}", err=True)
        sys.exit(2)
