"""What converting costs, as ratios against public engines: ``python benchmarks/convert.py`` after ``make corpora``.

Every figure comes from a process of its own, started fresh. CPU seconds count its children too; on a machine that
does other things as well they tell more than seconds on the clock. Run it with an interpreter that has MMCV 1.7.2 (the
one of ``make oracle``) to see reading compared as well.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/ecosystem"))

import corpora

TREES = ("mmdet-2.28.2", "mmsegmentation-0.30.0", "mmcls-0.25.0", "mmrotate-0.3.4")
PROCESSES = 2
EVERY = 4  # of the configs that are read by both, so that MMCV is done within a minute


def files_of(tree: str) -> list[Path]:
    """All config files of one tree."""
    return sorted((corpora.folder() / tree / "configs").resolve().rglob("*.py"))


def convert_all() -> int:
    """Convert the four trees at once, everything checked, on two processes."""
    from mmbridge.migrate.workers import convert_in_processes

    return len(convert_in_processes([path for tree in TREES for path in files_of(tree)], jobs=PROCESSES).files)


def parse_and_print(path: Path) -> int:
    """What any tool on LibCST pays for a file at least."""
    import libcst

    return len(libcst.parse_module(path.read_bytes()).code)


def parse_and_print_all() -> int:
    """Every file of the four trees through LibCST once, on two processes."""
    paths = [path for tree in TREES for path in files_of(tree)]
    with multiprocessing.Pool(PROCESSES) as pool:
        return len(pool.map(parse_and_print, paths, chunksize=20))


def read_statically() -> int:
    """Read configs with all their bases; each by a reader of its own, as MMCV keeps nothing either."""
    from mmbridge.compat.config import Reader

    return sum(bool(Reader().resolved(path)) for path in files_of(TREES[0])[::EVERY])


def read_with_mmcv() -> int:
    """The same configs, executed by MMCV."""
    from mmcv import Config

    load: Callable[..., Any] = Config.fromfile
    return sum(bool(load(str(path), import_custom_modules=False)) for path in files_of(TREES[0])[::EVERY])


def convert_copies(copies: int) -> int:
    """Convert the largest tree with ``copies`` of every config in the place of one."""
    from mmbridge.migrate.convert import convert

    source = (corpora.folder() / TREES[0] / "configs").resolve()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(shutil.copytree(source, Path(scratch, "configs")))
        for path in [path for path in root.rglob("*.py") if "_base_" not in path.parts]:
            for copy in range(1, copies):
                shutil.copy(path, path.with_stem(f"{path.stem}_copy{copy}"))
        return len(convert(sorted(root.rglob("*.py"))).files)


MEASURED: dict[str, Callable[[], int]] = {
    "convert": convert_all,
    "libcst": parse_and_print_all,
    "static": read_statically,
    "mmcv": read_with_mmcv,
    "copies1": lambda: convert_copies(1),
    "copies2": lambda: convert_copies(2),
    "copies4": lambda: convert_copies(4),
}


def measure(name: str) -> None:
    """Run one measurement in this process and print it."""
    MEASURED[name]  # a wrong name ends here
    warm_up(name)
    wall, cpu = time.perf_counter(), cpu_seconds()
    files = MEASURED[name]()
    print(json.dumps([files, time.perf_counter() - wall, cpu_seconds() - cpu, peak_megabytes()]))


def warm_up(name: str) -> None:
    """Import what the measurement imports: loading modules is paid once, however many files there are."""
    modules = {"libcst": ["libcst"], "static": ["mmbridge.compat.config"], "mmcv": ["mmcv"]}
    for module in modules.get(name, ["mmbridge.migrate.workers"]):
        __import__(module)


def cpu_seconds() -> float:
    """User and system time of this process and its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def peak_megabytes() -> float:
    """The most memory that this process, or the largest of its children, held at once."""
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)


def measured(name: str, repeats: int = 3) -> tuple[int, float, float, float]:
    """Files, seconds, CPU seconds and peak memory in MB: the best of several fresh processes."""
    results = []
    for _ in range(repeats):
        command = [sys.executable, "-W", "ignore", __file__, name]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        results.append(tuple(json.loads(output.splitlines()[-1])))
    files, _, _, memory = results[0]
    return files, min(r[1] for r in results), min(r[2] for r in results), memory


def show(label: str, result: Sequence[float]) -> None:
    """One line of figures."""
    files, wall, cpu, memory = result
    each = 1000 * cpu / files
    print(f"  {label:<34} {files:>6,} files {wall:7.2f} s {cpu:7.2f} s CPU {each:7.2f} ms/file {memory:6.0f} MB")


def main() -> None:
    """Print everything."""
    print(f"Converting {', '.join(TREES)} on {PROCESSES} processes")
    ours, libcst = measured("convert"), measured("libcst")
    show("convert, everything checked", ours)
    show("LibCST: parse and print", libcst)
    print(f"  ratio: {ours[1] / libcst[1]:.2f} on the clock, {ours[2] / libcst[2]:.2f} in CPU; at most 2 is the aim")
    print("Reading a config with its bases")
    static = measured("static")
    show("static, one reader per config", static)
    if find_spec("mmcv"):
        mmcv = measured("mmcv", repeats=1)
        show("MMCV's Config.fromfile", mmcv)
        print(f"  ratio: {mmcv[2] / static[2]:.1f} times as fast; at least 5 is the aim")
    else:
        print("  MMCV 1.7.2 is not installed here: nothing to compare with")
    print("Growth: one project with more and more configs")
    sizes = [measured(f"copies{copies}", repeats=1) for copies in (1, 2, 4)]
    for size in sizes:
        show("convert, one process", size)
    first, last = (cpu / files for files, _, cpu, _ in (sizes[0], sizes[-1]))
    print(f"  the CPU that one file costs grows by {last / first:.2f}; 1 is linear")


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
