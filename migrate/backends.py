"""Logger hooks of MMCV and the visualizer's backends that take their place."""

from __future__ import annotations

import ast
import re
from typing import Final

_WANDB = ("WandbVisBackend", {"init_kwargs": "init_kwargs", "commit": "commit", "log_dir": "save_dir"})
BACKENDS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "TensorboardLoggerHook": ("TensorboardVisBackend", {"log_dir": "save_dir"}),
    "WandbLoggerHook": _WANDB,
    "MMDetWandbHook": _WANDB,
    "MMSegWandbHook": _WANDB,
    "MMClsWandbHook": _WANDB,
    "MlflowLoggerHook": ("MLflowVisBackend", {key: key for key in ("exp_name", "tags", "params")}),
    "ClearMLLoggerHook": ("ClearMLVisBackend", {"init_kwargs": "init_kwargs"}),
    "NeptuneLoggerHook": ("NeptuneVisBackend", {"init_kwargs": "init_kwargs"}),
    "DvcliveLoggerHook": ("DVCLiveVisBackend", {}),
}
"""Logger hook -> visualizer backend, with the arguments both take (MMCV 1.7.2, MMEngine 0.10.7)."""

WITHOUT_COUNTERPART: Final = ("by_epoch", "reset_flag")
"""Arguments of every logger hook that say nothing to a backend: the loop and the log processor decide on both."""

_COMMENT = re.compile(r"#\s*(dict\(.*\))(\s*,?\s*(?:#.*)?)")


def backend_comment(comment: str) -> str:
    """A commented-out logger hook as a commented-out backend; any other comment as it is.

    A hook with an argument that its backend does not take is left as well, so that nothing is lost.
    """
    found = _COMMENT.fullmatch(comment)
    written = _arguments(found[1]) if found else {}
    hook = written.pop("type", "").strip("'\"")
    if found is None or hook not in BACKENDS:
        return comment
    backend, taken = BACKENDS[hook]
    if not written.keys() <= {*taken, *WITHOUT_COUNTERPART}:
        return comment
    kept = [f"{taken[name]}={text}" for name, text in written.items() if name in taken]
    return f"# dict({', '.join([f'type={backend!r}', *kept])}){found[2]}"


def _arguments(call: str) -> dict[str, str]:
    """The keyword arguments of a call as they are written; nothing if it has others, or is no Python."""
    try:
        node = ast.parse(call, mode="eval").body
    except (SyntaxError, ValueError):
        return {}
    if not isinstance(node, ast.Call) or node.args:
        return {}
    return {str(word.arg): ast.get_source_segment(call, word.value) or "" for word in node.keywords}
