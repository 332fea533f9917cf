"""Define the options of the service: where it listens, who may call it, how large and how many requests may be."""

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import FastStyleError
from .checks import check_at_least, check_between, check_types
from .controls import StylizeOptions

# Of MB, million pixels, seconds and milliseconds: beyond it there is no sense, and numbers overflow.
MOST = 1_000_000


@dataclass(frozen=True)
class ServerOptions:
    """Where the service listens, who may call it, and its limits."""

    host: str = "127.0.0.1"
    """Address to listen on: an IPv4 or IPv6 address or a name. 0.0.0.0 is every network; use --token there."""

    port: int = 8000
    """Port to listen on; 0 takes a free one."""

    models: Path | None = None
    """Folder of .pth and .safetensors files, watched for new ones; by default the shipped ones."""

    look: str = ""
    """Name of a kept look with which the page begins, and which applies to requests that do not say how to paint."""

    token: str | None = None
    """Secret that requests must carry, as `Authorization: Bearer TOKEN` or ?token=TOKEN; by default there is none."""

    cors: tuple[str, ...] = ()
    """Origins, such as https://example.org, whose pages may call the API, or * for all; by default none but our own."""

    allowed_hosts: tuple[str, ...] = ()
    """Further names by which the service is called, such as that of a reverse proxy. On 127.0.0.1 no other name than
    localhost is answered, which keeps the pages of strangers out (DNS rebinding)."""

    body_mb: float = 32
    """Largest request body, and largest message of a stream, in MB."""

    pixels_mp: float = 40
    """Largest picture, in or out, and all masks of a request together, in million pixels; checked before decoding."""

    queue: int = 64
    """Pictures that may wait or be in work; more are answered with 503 and Retry-After."""

    streams: int = 8
    """Streams that may be open at a time."""

    time_limit_s: float = 60
    """Longest time from the last byte of a request to its answer."""

    upload_s: float = 20
    """Longest time that a client may take to send a request."""

    batch_size: int = 8
    """Most pictures of one size and blend that go through the network together."""

    batch_wait_ms: float = 4
    """How long the first picture of a batch waits for others, when there are others in work."""

    memory: str = StylizeOptions.memory
    """Memory that inference may use, as in 800MB or 2GB."""

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 1, "queue", "streams", "batch_size")
        check_at_least(self, 1e-6, "body_mb", "pixels_mp", "time_limit_s", "upload_s")
        check_between(self, 0, MOST, "body_mb", "pixels_mp", "time_limit_s", "upload_s", "batch_wait_ms")
        check_between(self, 0, 65535, "port")
        _check_token(self.token)
        wrong = [name for name in self.allowed_hosts if not re.fullmatch(r"[\w.:-]+", name)]
        if wrong:
            raise FastStyleError(f"`allowed_hosts` is {wrong[0]!r}; it takes names without scheme, port or path")
        StylizeOptions(memory=self.memory)

    @property
    def body_bytes(self) -> int:
        """Return `body_mb` in bytes."""
        return int(self.body_mb * 10**6)

    @property
    def pixels(self) -> int:
        """Return `pixels_mp` in pixels."""
        return int(self.pixels_mp * 10**6)


def _check_token(token: str | None) -> None:
    """Raise FastStyleError for a token that is empty or that the header Authorization cannot carry."""
    if token == "":
        raise FastStyleError("`token` is empty; name a secret, or leave it out to let everybody in")
    if token and not re.fullmatch(r"[!-~]+", token):
        raise FastStyleError("`token` takes ASCII letters, digits and signs without spaces, which a header can carry")
