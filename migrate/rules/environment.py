"""Process settings: ``env_cfg`` and ``randomness``."""

from __future__ import annotations

from collections.abc import Iterator

from mmbridge.migrate.edit import Drop, Edit, Move
from mmbridge.migrate.rule import Example, rule
from mmbridge.migrate.view import View

_ENV = {
    "dist_params": ("env_cfg", "dist_cfg"),
    "mp_start_method": ("env_cfg", "mp_cfg", "mp_start_method"),
    "opencv_num_threads": ("env_cfg", "mp_cfg", "opencv_num_threads"),
    "cudnn_benchmark": ("env_cfg", "cudnn_benchmark"),
}
_RANDOMNESS = {
    "seed": ("randomness", "seed"),
    "deterministic": ("randomness", "deterministic"),
    "diff_seed": ("randomness", "diff_rank_seed"),
}
_LAUNCHED = {"gpu_ids": "the launcher decides the devices", "gpus": "the launcher decides the devices"}


@rule(
    reads=(*_ENV, *_LAUNCHED),
    writes=("env_cfg",),
    examples=[
        Example(
            old="cudnn_benchmark = True\ndist_params = dict(backend='nccl')\n"
            "opencv_num_threads = 0\nmp_start_method = 'fork'\n",
            new="env_cfg = dict(\n"
            "    cudnn_benchmark=True,\n"
            "    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),\n"
            "    dist_cfg=dict(backend='nccl'))\n",
        ),
        Example(old="log_level = 'INFO'\n", new="log_level = 'INFO'\n"),
    ],
)
def env_cfg(view: View) -> Iterator[Edit]:
    """Backend, process start, OpenCV threads and cuDNN's benchmark flag become one `env_cfg`."""
    for key, dst in _ENV.items():
        if view.has(key):
            yield Move((key,), dst)
    for key, reason in _LAUNCHED.items():
        if view.has(key):
            yield Drop((key,), reason)


@rule(
    reads=_RANDOMNESS,
    writes=("randomness",),
    examples=[
        Example(old="seed = 1\ndeterministic = True\n", new="randomness = dict(seed=1, deterministic=True)\n"),
        Example(old="model = dict(seed=1)\n", new="model = dict(seed=1)\n"),
    ],
)
def randomness(view: View) -> Iterator[Edit]:
    """Seed and determinism become `randomness`, which also asks torch for deterministic algorithms."""
    for key, dst in _RANDOMNESS.items():
        if view.has(key):
            strict = key == "deterministic" and view.get(key) is True
            note = "MMEngine's deterministic=True also calls torch.use_deterministic_algorithms(True)" if strict else ""
            yield Move((key,), dst, note=note)
