"""Convert trees in place, each in a process of its own that was forked from this one, so that it starts at once.

Prints 0 when it is ready; then for every line of standard input, a folder, the process's id, and when that ended,
its exit code (negative for the signal that ended it).
"""

from __future__ import annotations

import os
import sys

from mmbridge.migrate.cli import main
from mmbridge.migrate.commands import convert

assert convert  # imported once, for all
print(0, flush=True)  # noqa: T201
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        main(["convert", line.strip(), "--in-place"])
    print(child, flush=True)  # noqa: T201
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201
