"""Work that leaves no garbage behind is done without looking for any."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_garbage() -> Iterator[None]:
    """Within it garbage is not collected; afterwards it is collected as before.

    For work that makes many objects which stay, such as importing torch or reading a tree of configs: there the
    collector goes through all of them again and again and frees nothing. What was made counts as old afterwards, so
    it is gone through again only when everything is.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # what others froze stays frozen
            gc.freeze()
            gc.unfreeze()  # into the oldest generation
        if enabled:
            gc.enable()
