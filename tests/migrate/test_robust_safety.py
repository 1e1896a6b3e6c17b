"""Converting runs nothing, reaches nothing and writes nowhere else; a kill leaves every file old or new."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from mmbridge.migrate.tree import config_files

HERE = Path(__file__).parent
FIXTURES = HERE.parents[1] / "fixtures/configs"
WARM_UP = FIXTURES / "detection/toy_rcnn/toy_rcnn_r50_2x.py"
ROUNDS = 30
EVIL = """\
import os
optimizer = dict(type='SGD', lr=0.1)
runner = dict(type='EpochBasedRunner', max_epochs=12)
custom_imports = dict(imports=['mmbridge_canary', 'os'], allow_failed_imports=False)
import mmbridge_canary
from mmbridge_canary import *
opened = open('{canary}', 'w').write('x')
system = os.system('touch {canary}')
hidden = __import__('os').system('touch {canary}')
run = exec("open('{canary}', 'w')")
value = eval("open('{canary}', 'w')")
made = (lambda: open('{canary}', 'w'))()
formatted = f"{{open('{canary}', 'w')}}"
loop = [open('{canary}', 'w') for _ in range(3)]
deep = ().__class__.__base__.__subclasses__()
@print
class Decorated(metaclass=type(open('{canary}', 'w'))):
    body = open('{canary}', 'w')
def default(argument=open('{canary}', 'w')):
    return argument
"""


def audited(arguments: list[object], environment: dict[str, str]) -> dict[str, list[str]]:
    command = [sys.executable, str(HERE / "audited.py"), str(WARM_UP), *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    found: dict[str, list[str]] = json.loads(process.stderr.splitlines()[-1])
    return found


def harmless(found: dict[str, list[str]], out: Path) -> dict[str, list[str]]:
    """What is left of the findings without what a conversion may do.

    Import what the program or the standard library holds and, for that, run its code; parse text (the audit event of
    ``ast.parse`` is that of ``compile``, with the name ``<unknown>``); write below ``out``.
    """
    own = (str(HERE.parents[1]), sys.prefix, sys.base_prefix, "<frozen", "<string>", "<attrs")
    allowed = {
        "executed": lambda name: name.startswith(own) and not name.startswith(str(FIXTURES)),
        "compiled": lambda name: name == "<unknown>",
        "imported": lambda name: name.split(".")[0] in (*sys.stdlib_module_names, "mmbridge", "libcst", "rich", "yaml"),
        "wrote": lambda name: Path(name).is_relative_to(out),
    }
    left = {
        kind: [name for name in names if not allowed[kind](name)] for kind, names in found.items() if kind in allowed
    }
    return {kind: names for kind, names in {**found, **left}.items() if names and kind != "code"}


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that exists as soon as something of a config was executed."""
    (tmp_path / "modules").mkdir()
    target = tmp_path / "canary"
    (tmp_path / "modules/mmbridge_canary.py").write_text(f"open({str(target)!r}, 'w')\n")
    return target


def test_a_config_that_would_act_does_nothing(tmp_path: Path, canary: Path) -> None:
    config, out = tmp_path / "evil.py", tmp_path / "new"
    config.write_text(EVIL.format(canary=canary))

    found = audited(["convert", config, "-o", out], {"PYTHONPATH": str(tmp_path / "modules")})

    assert ["0"] == found["code"]
    assert {} == harmless(found, out)
    assert not canary.exists()
    assert [out / "evil.py"] == list(out.rglob("*"))


def test_the_whole_fixture_tree_does_nothing(tmp_path: Path, canary: Path) -> None:
    out = tmp_path / "new"

    found = audited(["convert", FIXTURES, "-o", out], {"MMBRIDGE_CANARY": str(canary)})

    assert ["2"] == found["code"]
    assert {} == harmless(found, out)
    assert [] == list(tmp_path.glob("canary*"))


def test_the_audit_sees_what_it_looks_for(tmp_path: Path) -> None:
    """The same harness, where everything forbidden happens: else the tests above prove nothing."""
    sys.path.insert(0, str(HERE))
    try:
        from audited import finding
    finally:
        sys.path.remove(str(HERE))

    code = compile("1", str(FIXTURES / "a.py"), "eval")
    events = [
        ("exec", (code,)),
        ("compile", (b"1", "a.py")),
        ("import", ("mmbridge_canary", None, None, None, None)),
        ("open", (str(tmp_path / "a"), "w", os.O_WRONLY | os.O_CREAT)),
        ("os.remove", (str(tmp_path / "a"), -1)),
        ("os.system", (b"true",)),
        ("subprocess.Popen", ("true", [], None, None)),
        ("socket.connect", (None, "example.org")),
    ]
    found: dict[str, list[str]] = {}
    for event, arguments in events:
        kind, detail = finding(event, arguments) or ("", "")
        found.setdefault(kind, []).append(detail)

    assert {"executed": 1, "compiled": 1, "imported": 1, "wrote": 2, "started": 2, "connected": 1} == {
        kind: len(names) for kind, names in harmless(found, tmp_path / "new").items()
    }


class Converter:
    """Converts trees in place, each in a new process that can be killed."""

    def __init__(self) -> None:
        command = [sys.executable, str(HERE / "forked.py")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._number()

    def start(self, tree: Path) -> int:
        """The id of the process that converts ``tree`` now."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{tree}\n")
        self.process.stdin.flush()
        return self._number()

    def end(self) -> int:
        """The exit code of that process; negative if a signal ended it."""
        return self._number()

    def close(self) -> None:
        self.process.communicate()

    def _number(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())


@pytest.fixture
def converter() -> Iterator[Converter]:
    converter = Converter()
    yield converter
    converter.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL there")
def test_killed_at_any_moment_every_file_is_old_or_new(tmp_path: Path, converter: Converter) -> None:
    for name in ("old", "new"):
        shutil.copytree(FIXTURES / "detection", tmp_path / name)
    start = time.monotonic()
    converter.start(tmp_path / "new")
    codes = [converter.end()]
    took = time.monotonic() - start
    old, new = (contents(tmp_path / name) for name in ("old", "new"))
    moments = random.Random(0)
    torn = []
    for number in range(ROUNDS):
        tree = tmp_path / str(number)
        shutil.copytree(tmp_path / "old", tree)
        process = converter.start(tree)
        time.sleep(took * moments.uniform(0.5, 1.0))  # it writes near its end
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        codes.append(converter.end())
        took *= 1.0 if codes[-1] else 0.95  # it had ended: the first one was slower
        found = contents(tree)
        torn += [] if found.keys() == old.keys() else [f"{number}: other files"]
        torn += [f"{number}/{name}" for name in old if found.get(name) not in (old[name], new[name])]

    assert [] == torn
    assert 0 == codes[0]
    assert {0, -signal.SIGKILL} == {0, *codes[1:]}


def contents(tree: Path) -> dict[str, bytes]:
    """The configs of a tree, as a later run would find them."""
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in config_files(tree)}
