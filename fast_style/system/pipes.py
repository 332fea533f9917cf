"""Write to pipes."""

from typing import BinaryIO


def write_all(data: bytes, stream: BinaryIO) -> None:
    """Write all of it; one call of an unbuffered stream, such as a pipe, may write a part."""
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) or 0 :]
    stream.flush()
