"""PyAV, imported when it is needed, with its errors in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import FastStyleError


def pyav() -> Any:
    """PyAV. Raises FastStyleError when it is not installed."""
    try:
        import av
    except ImportError as error:
        raise FastStyleError('films need PyAV: pip install "fast_style[video]"') from error
    return av


@contextmanager
def plain_errors(path: Path, doing: str) -> Iterator[None]:
    """libav's errors as FastStyleErrors: `path: cannot be {doing} (reason)`."""
    av = pyav()
    try:
        yield
    except FileNotFoundError as error:
        raise FastStyleError(f"{path}: no such file") from error
    except (av.error.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FastStyleError(f"{path}: cannot be {doing} ({str(reason).splitlines()[0]})") from error
