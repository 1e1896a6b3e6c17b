"""Convert mutated configs for a while: ``python tests/migrate/fuzz.py --seconds 600 [--seed 1] [--only ROUND]``.

Takes real configs (the fixtures, and the public trees of ``$MMBRIDGE_CORPORA`` if that is set) with their bases,
damages them, and converts the lot in place. Each round must end with a documented exit code and without an internal
error, leave no half-written file behind, and change no file that it calls failed. A round is the same for the same
seed; ``--only`` runs one again and shows what it said.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import faulthandler
import io
import json
import os
import random
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mmbridge.compat.config import Reader
from mmbridge.compat.errors import BridgeError
from mmbridge.migrate.cli import main as migrate
from mmbridge.migrate.tree import config_files

FIXTURES = Path(__file__).parents[2] / "fixtures/configs"
HANGING = 120  # seconds after which a round is taken to hang; the process then ends with its stack
TOKENS = re.compile(r"\w+|\s+|[^\w\s]")
SPICE = (
    *"()[]{}:,='\"#@*\\\n\t\0\x0c\ufeff\u2028\xe9",
    *("None", "True", "-1", "0", "1e999", "1j", "float('nan')", "[]", "{}", "()", "''", "dict()", "lambda: 0", "..."),
    *(
        "_base_",
        "_delete_=True",
        "{{_base_.model}}",
        "{{ fileDirname }}",
        "**",
        "for x in y",
        "if x else",
        "*a",
        "del ",
    ),
    *("import os\n", "_base_ = []\n", "runner = None\n", "lr_config = []\n", "data = 3\n", "evaluation = 'x'\n"),
    *(
        "optimizer = dict(a=dict(), b=dict())\n",
        "train_cfg = dict(max_epochs=1)\n",
        "total_epochs = 1\n",
        "class A: x = 1\n",
    ),
)


def trees() -> list[Path]:
    """Where configs to damage come from."""
    found = [folder for folder in sorted(FIXTURES.iterdir()) if folder.is_dir()]
    corpora = os.environ.get("MMBRIDGE_CORPORA")
    return found + (sorted(Path(corpora).glob("*/configs")) if corpora else [])


def closures(folders: Sequence[Path]) -> list[tuple[Path, tuple[Path, ...]]]:
    """Every config that can be read, as the folder it is copied from and its files."""
    found = []
    for folder in folders:
        reader = Reader()
        for path in config_files(folder):
            with contextlib.suppress(BridgeError):
                files = reader.closure(path)
                found.append((Path(os.path.commonpath([file.parent for file in files])), files))
    return found


def mutate(text: str, other: str, dice: random.Random) -> str:
    """``text`` with one kind of damage."""
    lines, tokens = text.splitlines(keepends=True) or [""], TOKENS.findall(text) or [""]
    line, token, far = (dice.randrange(len(items)) for items in (lines, tokens, tokens))
    kinds: list[Callable[[], str]] = [
        lambda: "".join(lines[:line] + lines[line + 1 :]),
        lambda: "".join([*lines[:line], lines[line], *lines[line:]]),
        lambda: "".join(dice.sample(lines, len(lines))),
        lambda: "".join([*lines[:line], dice.choice(other.splitlines(keepends=True) or [""]), *lines[line:]]),
        lambda: "".join([*tokens[:token], dice.choice(SPICE), *tokens[token + dice.randrange(2) :]]),
        lambda: "".join([*tokens[:token], tokens[far], *tokens[token + 1 :]]),
        lambda: "".join(tokens[: min(token, far)] + tokens[max(token, far) :]),
        lambda: text[: dice.randrange(len(text) + 1)],
        lambda: text.replace("\n", dice.choice(["\r\n", "\r", "\n\n"])),
        lambda: re.sub(r"\d+", lambda n: dice.choice([n[0], "0", "-1", "10**9", "1.5", "None"]), text, count=3),
        lambda: text + other,
    ]
    return dice.choice(kinds)()


def lay_out(configs: Sequence[tuple[Path, tuple[Path, ...]]], dice: random.Random, into: Path) -> None:
    """Copy one config with its bases, some of them damaged."""
    root, files = dice.choice(configs)
    texts = {file: file.read_bytes() for file in files}
    other = dice.choice(dice.choice(configs)[1]).read_text(encoding="utf-8", errors="replace")
    for file in dice.sample(files, min(len(files), dice.randint(1, 2))):
        text = texts[file].decode(errors="replace")
        for _ in range(dice.choice([1, 1, 1, 2, 4])):
            text = mutate(text, other, dice)
        texts[file] = text.encode(errors="replace")
        if dice.random() < 0.03:
            at = dice.randrange(len(texts[file]) + 1)
            texts[file] = texts[file][:at] + dice.randbytes(2) + texts[file][at:]
    for file, raw in texts.items():
        target = into / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(raw)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def complaints(folder: Path) -> Iterator[str]:
    """Convert what lies in ``folder`` in place, and give everything that is not as it must be."""
    before, said = contents(folder), io.StringIO()
    try:
        with contextlib.redirect_stderr(said), warnings.catch_warnings():
            warnings.simplefilter("error")
            migrate(["convert", str(folder), "--in-place", "--format", "json"])
    except SystemExit as exit:
        code = exit.code
    except BaseException:
        yield traceback.format_exc()
        return
    after = contents(folder)
    if code not in (0, 2):
        yield f"exit code {code}"
    if before.keys() != after.keys():
        yield f"other files than before: {sorted(before.keys() ^ after.keys())}"
    if not said.getvalue().startswith("{"):  # one sentence about the whole command
        if code == 0 or said.getvalue().count("\n") != 1 or before != after:
            yield f"exit code {code} and no report: {said.getvalue()}"
        return
    for file in json.loads(said.getvalue())["files"]:
        name = str(Path(file["path"]).absolute())
        yield from (note["message"] for note in file["notes"] if note["rule"] == "internal")
        if file["status"] == "failed" and before.get(name) != after.get(name):
            yield f"{name} failed and was written"
        if before.get(name) != after.get(name) and name.endswith(".py") and not is_python(after[name]):
            yield f"{name} was written and is torn"


def is_python(raw: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(raw)
        except (SyntaxError, ValueError):
            return False
    return True


def run(number: int, seed: int, configs: Sequence[tuple[Path, tuple[Path, ...]]], *, show: bool = False) -> list[str]:
    """One round; gives its complaints."""
    dice = random.Random(f"{seed} {number}")
    faulthandler.dump_traceback_later(HANGING, exit=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        folder = Path(scratch, "configs")
        folder.mkdir()
        lay_out(configs, dice, folder)
        if show:
            for name, raw in contents(folder).items():
                sys.stdout.write(f"--- {name}\n{raw.decode(errors='replace')}\n")
        found = list(complaints(folder))
    faulthandler.cancel_dump_traceback_later()
    return found


def fuzz(seconds: float, seed: int, folders: Sequence[Path]) -> tuple[int, dict[int, list[str]]]:
    """As many rounds as fit; gives their number and the complaints by round."""
    configs, bad = closures(folders), {}
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        found = run(number, seed, configs)
        if found:
            bad[number] = found
        number += 1
    return number, bad


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="run this round alone and show its files")
    options = parser.parse_args()
    if options.only is not None:
        found = run(options.only, options.seed, closures(trees()), show=True)
        bad, rounds = ({options.only: found} if found else {}), 1
    else:
        rounds, bad = fuzz(options.seconds, options.seed, trees())
    for number, found in bad.items():
        sys.stdout.write(f"round {number}: " + "\n  ".join(found) + "\n")
    sys.stdout.write(f"{rounds} rounds, {len(bad)} with something wrong\n")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
