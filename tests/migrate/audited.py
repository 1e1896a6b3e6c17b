"""Run the command line under an audit hook: ``python audited.py WARM_UP ARGUMENTS...``.

Prints, as JSON on standard error's last line, what the interpreter was asked to do while configs were converted.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from mmbridge.migrate.cli import main

STARTED = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.startfile", "pty.", "ctypes.")
NETWORK = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.")
CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link", "os.symlink", "shutil.")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def finding(event: str, arguments: tuple[Any, ...]) -> tuple[str, str] | None:
    """What one audit event means here: a kind and a detail; None for what any program does."""
    if event == "exec":
        return "executed", arguments[0].co_filename
    if event == "compile":
        return "compiled", str(arguments[1])
    if event == "import":
        return "imported", arguments[0]
    if event == "open" and not isinstance(arguments[0], int) and (arguments[2] or 0) & WRITING:
        return "wrote", os.path.abspath(os.fsdecode(arguments[0]))
    if event.startswith(CHANGES):
        return "wrote", os.path.abspath(os.fsdecode(arguments[1 if event == "os.rename" else 0]))
    if event.startswith(STARTED):
        return "started", event
    return ("connected", event) if event.startswith(NETWORK) else None


def run(arguments: list[str]) -> Any:
    try:
        main(arguments)
    except SystemExit as exit:
        return exit.code


def audited(warm_up: str, arguments: list[str]) -> dict[str, list[str]]:
    """The findings while ``arguments`` run, by kind. The warm-up imports what the program itself needs."""
    stdout, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115
    run(["convert", warm_up, "--diff"])
    sys.stdout = stdout
    found: dict[str, list[str]] = {}

    def hook(event: str, given: tuple[Any, ...]) -> None:
        what = finding(event, given) if watching else None
        if what is not None:
            found.setdefault(what[0], []).append(what[1])

    watching = True
    sys.addaudithook(hook)
    code = run(arguments)
    watching = False
    return {**{kind: sorted(set(details)) for kind, details in found.items()}, "code": [str(code)]}


if __name__ == "__main__":
    result = audited(sys.argv[1], sys.argv[2:])
    print(json.dumps(result), file=sys.stderr)  # noqa: T201
