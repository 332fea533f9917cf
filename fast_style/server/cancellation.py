"""Cancel work that nobody waits for any more, such as that of a client that went away."""

import threading


class Cancelled(Exception):
    """Report that the work was given up: its client went away, or its time is over."""


class CancellationToken:
    """Hold a flag that the event loop sets and that the threads which work on a request look at.

    Used as a context manager it becomes the current token of the thread.
    """

    _local = threading.local()

    def __init__(self) -> None:
        self.cancelled = False

    def check(self) -> None:
        """Raise Cancelled after the work was cancelled."""
        if self.cancelled:
            raise Cancelled

    def __enter__(self) -> None:
        self._local.token = self

    def __exit__(self, *_: object) -> None:
        del self._local.token

    @classmethod
    def current(cls) -> "CancellationToken":
        """Return the token of the request that this thread works on, or a new one outside requests."""
        return getattr(cls._local, "token", None) or cls()
