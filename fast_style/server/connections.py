"""Connections that send nothing are closed."""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol


class Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # chosen by what is installed
    """uvicorn's HTTP, which waits for ever for the head of a request, with an end to that."""

    head_s = 20.0

    @classmethod
    def within(cls, seconds: float) -> "type[Protocol]":
        """The protocol with that time for the head of the first request."""
        return type("Protocol", (cls,), {"head_s": seconds})

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(transport)
        self._clock = asyncio.get_running_loop().call_later(self.head_s, self._close_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock, which holds the connection's memory."""
        self._clock.cancel()
        super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()
