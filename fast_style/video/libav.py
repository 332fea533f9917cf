"""Import PyAV when it is needed, and put its errors in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import FastStyleError


def pyav() -> Any:
    """Return the package PyAV. Raises FastStyleError when it is not installed."""
    try:
        import av
    except ImportError as error:
        raise FastStyleError('films need PyAV: pip install "fast_style[video]"') from error
    return av


def url(path: Path) -> str:
    """Return the path as libav takes it: the name of a file, whatever colons are in it."""
    return f"file:{path}"


@contextmanager
def plain_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn libav's errors into FastStyleErrors: `path: cannot be {doing} (reason)`."""
    av = pyav()
    try:
        yield
    except FileNotFoundError as error:
        raise FastStyleError(f"{path}: no such file") from error
    except (av.error.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FastStyleError(f"{path}: cannot be {doing} ({str(reason).splitlines()[0]})") from error
