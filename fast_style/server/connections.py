"""Close connections that send no request."""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol


class HeaderTimeoutProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # chosen by what is installed
    """Extend uvicorn's HTTP protocol by a time limit for the head of the first request; it waits for ever itself."""

    header_timeout_s = 20.0

    @classmethod
    def within(cls, seconds: float) -> "type[HeaderTimeoutProtocol]":
        """Return the protocol with that time limit."""
        return type(cls.__name__, (cls,), {"header_timeout_s": seconds})

    def connection_made(self, transport: Any) -> None:
        """Start the timer."""
        super().connection_made(transport)
        self._timer = asyncio.get_running_loop().call_later(self.header_timeout_s, self._close_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer, which keeps the connection in memory."""
        self._timer.cancel()
        super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()
