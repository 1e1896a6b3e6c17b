"""Reading runs nothing: no code of the config, no import, no socket, no process, no write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CANARY = """
import os, socket, canary_module
from canary_package import thing
_base_ = 'base.py'
a = __import__('os').system('touch canary-was-here')
b = [x for x in ().__class__.__base__.__subclasses__()]
e = os.popen('touch canary-was-here').read()
f = (lambda: open('canary-was-here', 'w'))()
g = '{0.__class__.__init__.__globals__}'.format(os)
h = socket.create_connection(('localhost', 1))
i = sorted([1], key=open)
j = {{_base_.shared}}
@open
def k(): pass
class l(open('canary-was-here', 'w')):
    open('canary-was-here', 'w')
def m(x=open('canary-was-here', 'w')): pass
with open('canary-was-here', 'w') as n: pass
try:
    open('canary-was-here', 'w')
finally:
    pass
o: open('canary-was-here', 'w') = 1
custom_imports = dict(imports=['canary_module'])
print('canary-was-here')
"""

MORE = """
from canary_module import *
a = exec("open('canary-was-here', 'w')")
globals()['b'] = open('canary-was-here', 'w')
d = eval("__import__('os').system('touch canary-was-here')")
raise SystemExit
"""

WATCH = """
import sys
from pathlib import Path
from mmbridge.compat.config import Config, ConfigError, Reader
import mmbridge.compat.config.printing, encodings.utf_8_sig

folder = Path(sys.argv[1])
seen = []

def watch(event, args):
    if event == 'open':
        if isinstance(args[1], str) and set(args[1]) & set('wax+'):
            seen.append((event, args[0]))
    elif event == 'compile':
        # ast.parse is compile() of a text; running would compile a tree or call exec
        if not isinstance(args[0], (str, bytes, type(None))):
            seen.append((event, str(args[0])))
    elif event in ('exec', 'import', 'os.system') or event.startswith(('socket.', 'subprocess.', 'urllib.')):
        seen.append((event, str(args)))

Reader().resolved(folder / 'plain.py')  # what the interpreter itself loads lazily
sys.addaudithook(watch)
for dialect in ('mmcv', 'mmengine'):
    reader = Reader(dialect=dialect)
    reader.resolved(folder / 'canary.py')
    reader.resolved(folder / 'more.py')
    for name in ('url.py', 'package.py'):
        try:
            reader.resolved(folder / name)
        except ConfigError:
            continue
        raise SystemExit(f'{name} must be refused')
print(seen)
"""


def test_nothing_runs(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("a = 1\n")
    (tmp_path / "base.py").write_text("shared = [1]\nopen('canary-was-here', 'w')\n")
    (tmp_path / "canary.py").write_text(CANARY)
    (tmp_path / "more.py").write_text(MORE)
    (tmp_path / "url.py").write_text("_base_ = 'http://localhost:1/base.py'\n")
    (tmp_path / "package.py").write_text("_base_ = 'canary_package::base.py'\n")
    (tmp_path / "canary_package").mkdir()
    for module in ("canary_module.py", "canary_package/__init__.py"):
        (tmp_path / module).write_text("open('canary-was-here', 'w')\n")

    result = subprocess.run(
        [sys.executable, "-c", WATCH, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("[]\n", "", 0) == (result.stdout, result.stderr[-2000:], result.returncode)
    assert not (tmp_path / "canary-was-here").exists()
