"""Start of a process: what lives as long as it does is made without looking for garbage among it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """Collect no garbage while the block imports and builds, and leave what it made out of later collections.

    A fifth of the time of importing the service went into them, as nothing of a module is ever garbage.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
