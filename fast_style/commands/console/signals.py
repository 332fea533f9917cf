"""End long work at a clean point when the user or the system asks for it."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def stop_on_signal(second_ends: bool = True, answer: str = "") -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether SIGINT, SIGTERM or SIGHUP has come; a second ends the program as usual.

    A signal that is ignored stays so: `nohup` lets a training go on when its terminal is closed. second_ends: False
    where a signal comes more than once: torchrun sends on what the terminal has sent already, and kills what does not
    end within 30 seconds. answer: what is written to standard error when the first signal comes.
    """
    received: list[int] = []
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}

    def note(number: int, _: object) -> None:
        if answer and not received:
            with suppress(OSError):  # a terminal that was closed
                os.write(2, answer.encode())  # the stream may be in the middle of writing, which it cannot leave
        received.append(number)
        if second_ends:
            signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
