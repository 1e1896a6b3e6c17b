"""Converting loads neither torch nor numpy nor the runtimes, even where they are installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIXTURE = ROOT / "fixtures/configs/detection/toy_rcnn/toy_rcnn_r50_2x.py"
HEAVY = ("torch", "numpy", "matplotlib", "jinja2", "mmbridge.runners")
CONVERT = """
import json, sys
from mmbridge.migrate.cli import main

sys.argv = ["migrate", "convert", sys.argv[1]]
try:
    main()
except SystemExit as exit:
    code = exit.code or 0
loaded = [name for name in json.loads(sys.stdin.read()) if name in sys.modules]
print(json.dumps({"code": code, "loaded": loaded}), file=sys.stderr)
"""


def test_converting_a_file_loads_nothing_heavy() -> None:
    command = [sys.executable, "-c", CONVERT, str(FIXTURE)]
    process = subprocess.run(command, input=json.dumps(HEAVY), capture_output=True, text=True)

    assert 0 == process.returncode, process.stderr
    assert {"code": 0, "loaded": []} == json.loads(process.stderr.splitlines()[-1])
