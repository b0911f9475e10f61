"""What is left to the garbage collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tests.support.gateway import PROJECT

_GATEWAY = str(PROJECT / "gateway")


@contextmanager
def no_calls_left() -> Iterator[None]:
    """Check that no call of the gateway's code, with all that it held, is left to the garbage collector at the end."""
    gc.collect()
    gc.disable()
    try:
        yield
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        frames = [found.f_code for found in gc.garbage if isinstance(found, FrameType)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    left = [code.co_qualname for code in frames if code.co_filename.startswith(_GATEWAY)]
    assert left == [], f"left to the garbage collector: {left}"
