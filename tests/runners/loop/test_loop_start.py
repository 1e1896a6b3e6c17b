"""Starting a run costs little more than importing torch: nothing else that is heavy is loaded, and nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOYS = Path(__file__).parents[3] / "fixtures/toys/loop"
TORCH = "import torch"
START = """
from mmbridge.runners.loop.runner import Runner
from loop_cases import CASES
from loop_engines import ours
from loop_toys import register

register(ours())
Runner(work_dir=sys.argv[2], experiment_name="start", log_level="ERROR", **CASES["epochs"])
"""
OBSERVED = """
import gc, json, sys
sys.path.insert(0, sys.argv[1])
full = []
gc.callbacks.append(lambda phase, info: phase == "start" and info["generation"] == 2 and full.append(info))
{code}
packages = {{name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}}
loaded = sorted(packages - sys.stdlib_module_names)
print(json.dumps({{"loaded": loaded, "compiler": "torch._dynamo" in sys.modules, "full": len(full)}}))
"""


@pytest.fixture
def observe(tmp_path: Path) -> Any:
    def run(code: str) -> Any:
        command = [sys.executable, "-c", OBSERVED.format(code=code), str(TOYS), str(tmp_path)]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        assert 0 == process.returncode, process.stderr
        return json.loads(process.stdout.splitlines()[-1])

    return run


def test_starting_a_runner_loads_torch_and_this_project_and_goes_through_all_objects_not_once(observe: Any) -> None:
    torch, start = observe(TORCH), observe(START)

    own = {"mmbridge", "loop_cases", "loop_engines", "loop_toys"}
    assert own == set(start["loaded"]) - set(torch["loaded"])
    assert not start["compiler"]
    assert 0 == start["full"] < torch["full"]
