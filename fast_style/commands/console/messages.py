"""Print log records and warnings of the library as lines on standard error."""

import logging
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

# Of torch, for a setting that losses do not want: they are float32.
UNIMPORTANT = ("TensorFloat32",)
DECODERS = ("PIL", "tifffile", "trimesh")
"""Loggers of libraries that say much of damaged files, thousands of lines of one; one line of ours tells the user."""


@contextmanager
def shown_on_stderr(debug: bool = False) -> Iterator[None]:
    """Show warnings of the library, and Python's own, as lines that begin with `note:`; with `debug` everything.

    So are exceptions that end a library's thread. Nothing stays changed when the block ends.
    """
    handler = _Lines(logging.DEBUG if debug else logging.WARNING)
    library, python = logging.getLogger("fast_style"), logging.getLogger("py.warnings")
    before, thread_hook = library.level, threading.excepthook
    library.setLevel(logging.DEBUG if debug else before)
    library.addHandler(handler)
    python.addHandler(handler)
    logging.captureWarnings(True)
    threading.excepthook = _log_end_of_thread
    try:
        with quiet(() if debug else DECODERS):
            yield
    finally:
        threading.excepthook = thread_hook
        logging.captureWarnings(False)
        library.removeHandler(handler)
        python.removeHandler(handler)
        library.setLevel(before)


@contextmanager
def quiet(names: Iterable[str]) -> Iterator[None]:
    """Leave out what loggers of those names say, but for what ends the program."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _log_end_of_thread(end: threading.ExceptHookArgs) -> None:
    # Whoever hands work to a thread that writes files is told of the disk by its next call, and says so then.
    level = logging.DEBUG if isinstance(end.exc_value, OSError) else logging.WARNING
    reason = f"{end.exc_type.__name__}: {end.exc_value}".partition("\n")[0]
    log.log(level, "a thread has ended (%s)", reason)


class _Lines(logging.Handler):
    """Writes each record once, above a progress bar where there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.name == "py.warnings":  # file:line: Category: text, and the line of code
            message = message.partition("\n")[0].split(": ", 2)[-1]
        if any(word in message for word in UNIMPORTANT):
            return
        label = "note" if record.levelno == logging.WARNING else record.levelname.lower()
        write_line(self.format(_with_message(record, f"{label}: {message}")), sys.stderr)


def _with_message(record: logging.LogRecord, message: str) -> logging.LogRecord:
    changed = logging.makeLogRecord(record.__dict__)
    changed.msg, changed.args = message, None
    return changed


def write_line(line: str, stream: object) -> None:
    """Write a line to a stream of the terminal, above a progress bar where there is one."""
    bars = sys.modules.get("tqdm")
    if bars:
        bars.tqdm.write(line, file=stream)
    else:
        print(line, file=stream, flush=True)  # type: ignore[call-overload]  # a text stream
