"""``python -m mmbridge.migrate``: the command line where no script is on the path."""

from __future__ import annotations

from mmbridge.migrate.cli import main

main()
