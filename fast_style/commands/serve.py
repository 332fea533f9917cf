"""Run the HTTP and WebSocket service and its page: `fast-style serve`."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..options import RuntimeOptions, ServerOptions
from ..system import malloc
from ..taste import looks
from .console.help import Help
from .console.messages import DECODERS, quiet
from .console.parsing import parse

HELP = Help(
    first="host port models token cors allowed_hosts pixels_mp queue time_limit_s device",
    examples=("--port 8080", "--models mine/", "--host 0.0.0.0 --token SECRET"),
)


@dataclass(frozen=True)
class ServeCommand:
    """Serve stylization over HTTP and WebSocket, with a web page; SIGTERM ends it after what was admitted."""

    server: ServerOptions = field(default_factory=ServerOptions)
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)


def main(arguments: Sequence[str], prog: str) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    command = parse(ServeCommand, arguments, prog, HELP)
    if command.server.look:
        looks.read(command.server.look)  # which requests would be refused for
    malloc.tune()
    from ..server import serve

    with _quiet_decoders():
        serve(command.server, command.runtime, lambda url: print(f"{prog}: open {url}", flush=True))
    return 0


@contextmanager
def _quiet_decoders() -> Iterator[None]:
    """Leave out what is said of damaged pictures: the client is told."""
    warnings.filterwarnings("ignore", module="PIL")
    with quiet((*DECODERS, "fast_style.images")):
        yield
