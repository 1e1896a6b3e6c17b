"""``migrate run`` in processes forked from this one, which has torch and both runtimes already: each starts at once.

For every line of standard input, a JSON list of a folder and arguments, prints one: exit code, standard output,
standard error.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from mmbridge.migrate.cli import main
from mmbridge.migrate.commands import run
from mmbridge.runners.legacy import entry as legacy_entry
from mmbridge.runners.loop import entry as loop_entry

IMPORTED = (run, legacy_entry, loop_entry)  # once, for all
torch.set_num_threads(1)
torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0).zero_grad()  # imports more of torch
print(0, flush=True)  # noqa: T201
with TemporaryDirectory() as place:
    for line in sys.stdin:
        folder, arguments = json.loads(line)
        files = [Path(place, name) for name in ("out", "err")]
        child = os.fork()
        if not child:
            os.chdir(folder)
            for number, file in enumerate(files, 1):
                os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            try:
                main(["run", *arguments])
            except SystemExit as exited:
                code = int(exited.code or 0)
            except BaseException:
                sys.excepthook(*sys.exc_info())
                code = 1
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps([code, *(file.read_text() for file in files)]), flush=True)  # noqa: T201
