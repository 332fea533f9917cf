"""Damage bytes and plain types at random, reproducibly."""

import zlib
from collections.abc import Sequence
from random import Random
from typing import Any

LENGTHS = (0, 1, 2, 3, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 2**63, 10**30, -(10**12), 1.5, float("nan"), float("inf"), "", "x", "\0", "\ud800",
    "a" * 5000, b"", b"x" * 99, [], [1], [[[]]], {}, {"name": 3}, {1: 2}, (), (1, 2),
)  # fmt: skip


def damaged(data: bytes, rng: Random, others: Sequence[bytes] = ()) -> bytes:
    """One to four random changes; others: files of which pieces are put in."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        changed = _damaged_once(changed, rng, others)
    return bytes(changed)


def _damaged_once(data: bytearray, rng: Random, others: Sequence[bytes]) -> bytearray:
    # Headers decide more than pixels do.
    reach = rng.choice((32, 256, len(data)))
    place = rng.randrange(max(1, min(len(data), reach)))
    kind = rng.randrange(8)
    if kind == 0:
        return data[:place]
    if kind == 1 and place < len(data):
        data[place] ^= 1 << rng.randrange(8)
    elif kind == 2:
        data[place : place + 1] = rng.randbytes(1)
    elif kind == 3:
        size, order = rng.choice((2, 4, 8)), rng.choice(("big", "little"))
        data[place : place + size] = (rng.choice(LENGTHS) % 2 ** (8 * size)).to_bytes(size, order)
    elif kind == 4:
        data[place : place + rng.randrange(1, 64)] = b""
    elif kind == 5:
        data[place:place] = rng.randbytes(rng.randrange(1, 64))
    elif kind == 6:
        end = rng.randrange(place, len(data) + 1)
        data[place:place] = data[place:end] * rng.choice((1, 1, 3))
    elif others:
        other = rng.choice(others)
        start = rng.randrange(len(other))
        data[place : rng.choice((place, len(data)))] = other[start : start + rng.choice((16, 256, len(other)))]
    return data


def damaged_png(data: bytes, rng: Random) -> bytes:
    """A PNG with one chunk damaged, dropped, doubled or moved, and right checksums, so that it is looked at."""
    chunks, place = [], 8
    while place + 12 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + size]))
        place += 12 + size
    which = rng.randrange(len(chunks))
    name, content = chunks[which]
    kind = rng.randrange(5)
    if kind == 0:
        chunks.insert(rng.randrange(len(chunks)), chunks.pop(which))
    elif kind == 1:
        chunks.insert(rng.randrange(len(chunks)), chunks[which])
    elif kind == 2:
        del chunks[which]
    else:
        chunks[which] = (name, damaged(content, rng) if content else rng.randbytes(rng.randrange(40)))
    return data[:8] + b"".join(
        len(c).to_bytes(4, "big") + n + c + zlib.crc32(n + c).to_bytes(4, "big") for n, c in chunks
    )


def changed(content: Any, rng: Random) -> Any:
    """Plain types with one part replaced, dropped, or given another name."""
    if isinstance(content, dict) and content and rng.random() < 0.8:
        key = rng.choice(list(content))
        kind = rng.randrange(12)
        if kind == 0:
            return {k: v for k, v in content.items() if k != key}
        if kind == 1:
            return {rng.choice((1, "x", None, f"{key}x")) if k == key else k: v for k, v in content.items()}
        return {k: changed(v, rng) if k == key else v for k, v in content.items()}
    if isinstance(content, list | tuple) and content and rng.random() < 0.6:
        place = rng.randrange(len(content))
        return type(content)([*content[:place], changed(content[place], rng), *content[place + 1 :]])
    return rng.choice(ODD)
