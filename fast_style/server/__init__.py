"""The service: HTTP, WebSocket and a page over the same `Stylizer`."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator

from ..errors import FastStyleError
from ..options import RuntimeOptions, ServerOptions

# Connections that may be open at a time, whatever they do.
CONNECTIONS = 1000


def serve(options: ServerOptions, runtime: RuntimeOptions, ready: Callable[[str], object] = lambda url: None) -> None:
    """Serve until SIGTERM or SIGINT, then answer what was accepted and return.

    ready: called with the address once requests are taken. Raises FastStyleError when the packages of the extra
    `serve` are missing and when the address cannot be had.
    """
    try:
        import python_multipart  # noqa: F401  # Starlette's parser of forms
        import uvicorn

        from .app import create_app
        from .connections import Protocol
    except ModuleNotFoundError as error:
        raise FastStyleError(f'the service needs more packages ({error}): pip install "fast_style[serve]"') from error

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(_url(options, listening.getsockname()[1]))

    with _bind(options.host, options.port) as listening, _signals_are_the_servers():
        config = uvicorn.Config(
            create_app(options, runtime),
            http=Protocol.within(options.upload_s),
            log_level="warning",
            ws_max_size=options.body_bytes,
            limit_concurrency=CONNECTIONS,
            # Enough for an upload that has begun and for the picture after it.
            timeout_graceful_shutdown=int(options.upload_s + options.time_limit_s) + 1,
        )
        asyncio.run(Server(config).serve([listening]))


def _bind(host: str, port: int) -> socket.socket:
    """A socket at that address, before the models take their time. Raises FastStyleError when it cannot be had."""
    try:
        (family, kind, *_, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = socket.socket(family, kind)
    except OSError as error:
        raise FastStyleError(f"cannot listen on {host}: {error.strerror or error}") from error
    try:
        # Whatever lingers of an earlier service must not block a new one; on Windows the option means another thing.
        if sys.platform != "win32":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        found.close()
        raise FastStyleError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return found


def _url(options: ServerOptions, port: int) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(options.host, options.host)
    return f"http://{host}:{port}/" + (f"#token={options.token}" if options.token else "")


@contextlib.contextmanager
def _signals_are_the_servers() -> Iterator[None]:
    """uvicorn raises the signal that ended it again when all is answered; that would end the process by the signal."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    try:
        before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    except ValueError:  # not the main thread: signals are none of ours
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
