"""Run calls of the service in threads, one at a time: a newer one cancels the one before it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from ..service_client import Cancelled, ServiceClient, ServiceError


class Background(QObject):
    """Run the newest job; its result comes back in the thread of the user interface."""

    _ended = pyqtSignal(int, object, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._number = 0
        self._client: ServiceClient | None = None
        self._done: Callable[[Any], None] = lambda _: None
        self._failed: Callable[[str], None] = lambda _: None
        self._ended.connect(self._deliver)

    @property
    def busy(self) -> bool:
        """Return whether a job is in work."""
        return self._client is not None

    def start(
        self,
        client: ServiceClient,
        job: Callable[[ServiceClient], Any],
        done: Callable[[Any], None],
        failed: Callable[[str], None],
    ) -> None:
        """Cancel what is in work, run job(client) in a thread, then call done(result) or failed(line) in this one."""
        self.cancel()
        self._client, self._done, self._failed = client, done, failed
        threading.Thread(target=self._run, args=(self._number, client, job), name="fast_style", daemon=True).start()

    def cancel(self) -> None:
        """Give up what is in work; neither `done` nor `failed` is called for it."""
        self._number += 1
        if self._client:
            self._client.cancel()
        self._client = None

    def _run(self, number: int, client: ServiceClient, job: Callable[[ServiceClient], Any]) -> None:
        result, problem = None, ""
        try:
            result = job(client)
        except Cancelled:
            return
        except ServiceError as error:
            problem = str(error)
        except Exception as error:  # a fault in a thread would else leave the docker waiting for ever
            problem = f"{type(error).__name__}: {error}"
        self._ended.emit(number, result, problem)

    def _deliver(self, number: int, result: Any, problem: str) -> None:
        if number != self._number:
            return
        self._client = None
        if problem:
            self._failed(problem)
        else:
            self._done(result)
