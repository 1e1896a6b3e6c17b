"""Checkpoints of MMCV's layout: written whole or not at all, read without running what they hold.

A file is a dict: ``meta`` (epoch, iter, time, versions, CLASSES, ...), ``state_dict`` (on the CPU) and,
where it was asked for, ``optimizer`` (one state dict, or one per name).
"""

from __future__ import annotations

import logging
import os
import pickle
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path, PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, TypeAlias

import torch
from mmbridge.compat.errors import BridgeError
from mmbridge.runners.blame import NotAccessible
from mmbridge.runners.dist import get_dist_info
from mmbridge.runners.state_dict import get_state_dict, load_state_dict, revised, unwrapped, weights_to_cpu
from torch import nn
from torch.optim import Optimizer

Checkpoint: TypeAlias = dict[str, Any]
Optimizers: TypeAlias = Optimizer | Mapping[str, Optimizer]
Loader: TypeAlias = Callable[..., Any]

LAYOUT_VERSION = "1.7.2"
"""The release of MMCV whose layout the files have; written as ``meta['mmcv_version']``."""

STRIP_WRAPPER = ((r"^module\.", ""),)
"""The default of ``revise_keys``: drop the prefix that a data-parallel wrapper adds."""


class NoCheckpoint(BridgeError, FileNotFoundError):
    """There is no file of the name of a checkpoint."""


class DamagedCheckpoint(BridgeError, ValueError):
    """A file cannot be read as a checkpoint."""


class UnsafeCheckpoint(BridgeError):
    """A checkpoint holds objects of classes that are not known to be harmless."""


def _allowed() -> list[Any]:
    """Classes that old checkpoints hold besides tensors and plain values, with the names they go by."""
    from mmbridge.runners.loop.pickled_methods import harmless

    allowed: list[Any] = [range, slice, Path, PosixPath, WindowsPath, PurePosixPath, PureWindowsPath, *harmless()]
    for name in ("mmcv.utils.config.ConfigDict", "mmengine.config.config.ConfigDict", "addict.addict.Dict"):
        allowed.append((OrderedDict, name))  # of dicts, torch's safe loader fills these only
    try:
        import numpy
    except ImportError:
        return allowed
    core = getattr(numpy, "_core", None) or numpy.core
    for function in (core.multiarray.scalar, core.multiarray._reconstruct):
        allowed += [(function, f"numpy.{name}.multiarray.{function.__name__}") for name in ("core", "_core")]
    allowed += [numpy.ndarray, numpy.dtype, *{type(numpy.dtype(code)) for code in "?bBhHiIlLqQefdgSUO"}]
    return [*allowed, numpy.str_]


def _allowing() -> AbstractContextManager[Any]:
    context = getattr(torch.serialization, "safe_globals", None)  # torch 2.5
    return nullcontext() if context is None else context(_allowed())


def read_file(filename: str, map_location: Any = None) -> Any:
    """What the file holds, read by torch's safe loader and a list of harmless classes; never by plain pickle.

    Raises :class:`NoCheckpoint`, :class:`DamagedCheckpoint`, or :class:`UnsafeCheckpoint` naming the class that
    stands in the way.
    """
    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise NoCheckpoint(f"checkpoint {filename} cannot be found; correct the path")
    try:
        with _allowing():
            return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # of a damaged file, torch's reader raises whatever it stumbles over
        if not isinstance(error, pickle.UnpicklingError) or "GLOBAL" not in str(error):
            raise DamagedCheckpoint(
                f"{filename}: is damaged or no checkpoint of torch ({type(error).__name__})"
            ) from error
        raise UnsafeCheckpoint(
            f"{filename}: not read, because it holds more than data: {_reason(error)} If you trust the file "
            "and the class, allow it with torch.serialization.add_safe_globals([...]) before loading."
        ) from error


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if "GLOBAL" in line]
    return (lines or str(error).splitlines() or ["unreadable"])[0]


def _from_web(url: str, map_location: Any = None) -> Any:
    """Download into torch's cache, in one process only, then read."""
    directory = os.path.join(torch.hub.get_dir(), "checkpoints")
    cached = os.path.join(directory, url.partition("?")[0].rpartition("/")[2])
    rank, world_size = get_dist_info()
    if rank == 0 and not os.path.exists(cached):
        os.makedirs(directory, exist_ok=True)
        torch.hub.download_url_to_file(url, cached, progress=False)
    if world_size > 1:
        torch.distributed.barrier()
    return read_file(cached, map_location)


class CheckpointLoader:
    """Reads a checkpoint from wherever its name says: a file, or a scheme that someone registered."""

    _schemes: dict[str, Loader] = {"": read_file, "http://": _from_web, "https://": _from_web}  # noqa: RUF012

    @classmethod
    def register_scheme(cls, prefixes: str | Sequence[str], loader: Loader | None = None, force: bool = False) -> Any:
        """Let ``loader(name, map_location)`` read names that start with a prefix; a decorator without
        ``loader``.

        Raises KeyError for a prefix that has a loader, unless ``force``.
        """
        if loader is None:
            return lambda decorated: cls.register_scheme(prefixes, decorated, force) or decorated
        for prefix in [prefixes] if isinstance(prefixes, str) else prefixes:
            if prefix in cls._schemes and not force:
                raise KeyError(f"{prefix} already has a loader; pass force=True to replace it")
            cls._schemes[prefix] = loader
        return None

    @classmethod
    def load_checkpoint(cls, filename: str, map_location: Any = None, logger: logging.Logger | None = None) -> Any:
        """What ``filename`` holds. Raises BridgeError for a scheme nobody registered."""
        scheme = max((prefix for prefix in cls._schemes if filename.startswith(prefix)), key=len)
        if not scheme and "://" in filename:
            known = ", ".join(sorted(filter(None, cls._schemes)))
            raise BridgeError(
                f"checkpoint {filename}: no loader for this scheme; there are {known} and plain files. "
                "Download the file, or register one with CheckpointLoader.register_scheme"
            )
        (logger or logging.getLogger("mmbridge")).info(
            "load checkpoint from %s path: %s", scheme.partition(":")[0] or "local", filename
        )
        return cls._schemes[scheme](filename, map_location)


def load_checkpoint(
    model: nn.Module,
    filename: str,
    map_location: Any = None,
    strict: bool = False,
    logger: logging.Logger | None = None,
    revise_keys: Sequence[tuple[str, str]] = STRIP_WRAPPER,
    after_read: Callable[[Checkpoint], None] | None = None,
) -> Checkpoint:
    """Load the weights of ``filename`` into ``model`` and return all that the file holds.

    ``revise_keys`` are (pattern, replacement) pairs for the keys of the weights; ``after_read`` may change what was
    read. Raises BridgeError where the file holds no dict, :class:`~mmbridge.runners.state_dict.WeightsMismatch`
    where ``strict`` and keys differ.
    """
    checkpoint = CheckpointLoader.load_checkpoint(filename, map_location, logger)
    if not isinstance(checkpoint, dict):
        raise BridgeError(f"{filename}: holds no state_dict but a {type(checkpoint).__name__}")
    if after_read is not None:
        after_read(checkpoint)
    return load_into(model, checkpoint, strict, logger, revise_keys)


def load_into(
    model: nn.Module,
    checkpoint: Checkpoint,
    strict: bool = False,
    logger: logging.Logger | None = None,
    revise_keys: Sequence[tuple[str, str]] = STRIP_WRAPPER,
) -> Checkpoint:
    """Load the weights of ``checkpoint``, or the weights that it is, into ``model``, and return it.

    The arguments are those of :func:`load_checkpoint`.
    """
    load_state_dict(model, revised(checkpoint.get("state_dict", checkpoint), revise_keys), strict, logger)
    return checkpoint


def load_part(
    prefix: str, filename: str, map_location: Any = None, logger: logging.Logger | None = None
) -> OrderedDict[str, Any]:
    """The weights of ``filename`` whose keys start with ``prefix.``, without it; BridgeError if none do."""
    checkpoint = CheckpointLoader.load_checkpoint(filename, map_location, logger)
    weights = checkpoint.get("state_dict", checkpoint)
    start = prefix if prefix.endswith(".") else f"{prefix}."
    part = OrderedDict((key[len(start) :], value) for key, value in weights.items() if key.startswith(start))
    if not part:
        tops = ", ".join(sorted({key.partition(".")[0] for key in weights}))
        raise BridgeError(f"{filename}: no key starts with {start!r}; the keys start with: {tops}")
    return part


def save_checkpoint(
    model: nn.Module,
    filename: str,
    optimizer: Optimizers | None = None,
    meta: MutableMapping[str, Any] | None = None,
    before_write: Callable[[Checkpoint], None] | None = None,
) -> None:
    """Write the weights, the optimizer's state and ``meta``, to which time, version and CLASSES are added.

    The file appears under its name only when it is complete. Raises TypeError where ``meta`` is no dict.
    """
    if meta is None:
        meta = {}
    if not isinstance(meta, MutableMapping):
        raise TypeError(f"meta should be a dict or None, but got {type(meta)}")
    meta.update(mmcv_version=LAYOUT_VERSION, time=time.asctime())
    classes = getattr(unwrapped(model), "CLASSES", None)
    if classes is not None:
        meta["CLASSES"] = classes
    checkpoint: Checkpoint = {"meta": _plain(meta), "state_dict": weights_to_cpu(get_state_dict(model))}
    if isinstance(optimizer, Optimizer):
        checkpoint["optimizer"] = optimizer.state_dict()
    elif isinstance(optimizer, Mapping):
        checkpoint["optimizer"] = {name: each.state_dict() for name, each in optimizer.items()}
    if before_write is not None:
        before_write(checkpoint)
    write_file(checkpoint, filename)


def _plain(value: Any) -> Any:
    """``value`` with every kind of dict made a plain one, so that reading it back needs no class of ours."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if type(value) is list else value


def write_file(checkpoint: Mapping[str, Any], filename: str) -> None:
    """Write ``checkpoint`` so that ``filename`` is at every moment the old file or the whole new one.

    Raises NotAccessible where the disk takes no more, or the folder nothing.
    """
    try:
        with replacing(filename) as partial, open(partial, "wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
    except (OSError, RuntimeError) as error:
        cause = error if isinstance(error, OSError) else error.__context__  # torch's own error hides the disk's
        if not isinstance(cause, OSError):
            raise
        raise NotAccessible(f"{filename}: cannot be written: {cause.strerror or cause}") from error


@contextmanager
def replacing(filename: str) -> Iterator[str]:
    """The name of another file beside ``filename``; once the block is over it takes that name, if all went well."""
    directory = os.path.dirname(os.path.abspath(filename))
    os.makedirs(directory, exist_ok=True)
    partial = os.path.join(directory, f".{os.path.basename(filename)}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, filename)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def point_latest(directory: str, filename: str) -> None:
    """Make ``latest.pth`` a relative link to ``filename`` beside it, or a copy where links are refused."""
    link = os.path.join(directory, "latest.pth")
    partial = os.path.join(directory, f".latest.{os.getpid()}.partial")
    try:
        os.symlink(filename, partial)
    except OSError:
        with open(os.path.join(directory, filename), "rb") as source, open(partial, "wb") as copy:
            copy.write(source.read())
    os.replace(partial, link)


def find_latest_checkpoint(path: str, suffix: str = "pth") -> str | None:
    """``latest.pth`` in ``path``, else the file whose name ends with the highest number, else None.

    A name that does not end with ``_<number>`` is passed over.
    """
    directory = Path(path)
    latest = directory / f"latest.{suffix}"
    if latest.exists():
        return str(latest)
    numbered = [
        (int(number), str(file))
        for file in sorted(directory.glob(f"*.{suffix}"))
        if (number := file.stem.rpartition("_")[2]).isdigit()
    ]
    return max(numbered)[1] if numbered else None
