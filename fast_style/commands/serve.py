"""`fast-style serve`: the HTTP and WebSocket service and its page."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..options import RuntimeOptions, ServerOptions
from ..system import malloc
from .parsing import parse


@dataclass(frozen=True)
class ServeCommand:
    """Serve stylization over HTTP and WebSocket, with a page to play with; SIGTERM ends it when all is answered."""

    server: ServerOptions = field(default_factory=ServerOptions)
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)


def main(arguments: Sequence[str], prog: str) -> int:
    """Serve until told to end; the exit code."""
    command = parse(ServeCommand, arguments, prog)
    malloc.tune()
    from ..server import serve

    serve(command.server, command.runtime, lambda url: print(f"{prog}: open {url}", flush=True))
    return 0
