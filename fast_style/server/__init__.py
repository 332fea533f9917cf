"""Serve a `Stylizer` over HTTP and WebSocket, with a web page; see README.md for the protocol."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from urllib.parse import quote

from ..errors import FastStyleError
from ..options import RuntimeOptions, ServerOptions

# Connections that may be open at a time.
CONNECTIONS = 1000


def serve(options: ServerOptions, runtime: RuntimeOptions, ready: Callable[[str], object] = lambda url: None) -> None:
    """Serve until SIGTERM or SIGINT, then answer the requests that were admitted and return.

    ready(url): called once requests are accepted. Raises FastStyleError when the packages of the extra `serve` are
    missing, when the address cannot be listened on, and for options that cannot be met.
    """
    try:
        import python_multipart  # noqa: F401  # Starlette's parser of forms
        import uvicorn

        from .access import bracketed
        from .app import create_app
        from .connections import HeaderTimeoutProtocol
    except ModuleNotFoundError as error:
        raise FastStyleError(f'the service needs the package {error.name}: pip install "fast_style[serve]"') from error

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)
            fragment = f"#token={quote(options.token, safe='')}" if options.token else ""
            ready(f"http://{bracketed(host)}:{listener.getsockname()[1]}/{fragment}")

    with _bind(options.host, options.port) as listener:
        config = uvicorn.Config(
            create_app(options, runtime),  # before the signals are taken: it takes long, and SIGTERM ends it
            http=HeaderTimeoutProtocol.within(options.upload_s),
            log_level="warning",
            ws_max_size=options.body_bytes,
            limit_concurrency=CONNECTIONS,
            # Enough for an upload that has begun and for the picture after it.
            timeout_graceful_shutdown=int(options.upload_s + options.time_limit_s) + 1,
        )
        with _keep_signals_from_uvicorn():
            asyncio.run(Server(config).serve([listener]))


def _bind(host: str, port: int) -> socket.socket:
    """Return a socket at that address. Raises FastStyleError, before the models are loaded, when it is not free."""
    try:
        (family, kind, *_, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        bound = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        raise FastStyleError(f"cannot listen on {host}: {getattr(error, 'strerror', None) or error}") from error
    try:
        # Closing connections of an earlier service must not block a new one; on Windows the option lets two listen.
        if sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise FastStyleError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return bound


@contextlib.contextmanager
def _keep_signals_from_uvicorn() -> Iterator[None]:
    """Ignore the signal that uvicorn raises once more after it has ended; the process would end by it."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    try:
        before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    except ValueError:  # not the main thread, where no handlers can be set
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
