"""Keep the stack that signals are handled on.

OpenVINO gives the calling thread one of its own when it first looks at the processor, for each core object, and frees
it with the models. Where they do not go in the reverse order of their coming, the next signal that Python handles
(SIGTERM, SIGINT, the end of a child process) would then end the process.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Stack(ctypes.Structure):
    """`stack_t` of sigaltstack(2) on Linux."""

    _fields_ = (("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def kept() -> Iterator[None]:
    """Restore this thread's signal stack after a block that may change it."""
    if sys.platform != "linux":  # elsewhere OpenVINO has not been seen to do it
        yield
        return
    before, c_library = _Stack(), ctypes.CDLL(None)
    c_library.sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        c_library.sigaltstack(ctypes.byref(before), None)
