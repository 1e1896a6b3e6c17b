"""Starting a run costs little more than importing torch: nothing else that is heavy is loaded, and nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TOYS = Path(__file__).parents[3] / "fixtures/toys/loop"
START = """
import gc, json, sys
collections = []
gc.callbacks.append(lambda phase, info: phase == "start" and collections.append(info["generation"]))
def packages():
    return {name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}

import mmbridge.runners
torch_itself = packages()
sys.path.insert(0, sys.argv[1])
from loop_cases import CASES
from loop_engines import ours
from loop_toys import register

engine = ours()
register(engine)
engine.Runner(work_dir=sys.argv[2], experiment_name="start", log_level="ERROR", **CASES["epochs"])
foreign = sorted(packages() - torch_itself - sys.stdlib_module_names - {"loop_cases", "loop_engines", "loop_toys"})
print(json.dumps({"foreign": foreign, "compiler": "torch._dynamo" in sys.modules, "full": collections.count(2)}))
"""


def test_starting_a_runner_loads_torch_and_this_project_and_goes_through_all_objects_not_once(tmp_path: Path) -> None:
    """Importing torch alone goes through all objects a few times: a tenth of the time it takes."""
    process = subprocess.run(
        [sys.executable, "-c", START, str(TOYS), str(tmp_path)], capture_output=True, text=True, check=False
    )

    assert 0 == process.returncode, process.stderr
    assert {"foreign": [], "compiler": False, "full": 0} == json.loads(process.stdout.splitlines()[-1])
