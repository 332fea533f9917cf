"""How the service runs: where it listens, what it lets in, how much of it at a time."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import FastStyleError
from .checks import check_at_least, check_types
from .controls import StylizeOptions


@dataclass(frozen=True)
class ServerOptions:
    """Where the service listens, and what it lets in."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for every network, which is a case for --token."""

    port: int = 8000
    """Port to listen on; 0 takes a free one."""

    models: Path | None = None
    """Folder of .pth files, watched for new ones; by default the shipped ones."""

    token: str = ""
    """Secret that requests must carry, as `Authorization: Bearer TOKEN` or ?token=TOKEN; by default there is none."""

    cors: tuple[str, ...] = ()
    """Origins, such as https://example.org, whose pages may call the API, or * for all; by default none but our own."""

    body_mb: float = 32
    """Largest request body, and largest frame of a stream, in MB."""

    pixels_mp: float = 40
    """Largest picture, in or out, in millions of pixels; checked before decoding."""

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
        check_at_least(self, 0, "batch_wait_ms", "port")
        if self.port > 65535:
            raise FastStyleError(f"--port is {self.port}; it takes 0 to 65535")
        StylizeOptions(memory=self.memory)

    @property
    def body_bytes(self) -> int:
        """`body_mb` in bytes."""
        return int(self.body_mb * 10**6)

    @property
    def pixels(self) -> int:
        """`pixels_mp` in pixels."""
        return int(self.pixels_mp * 10**6)
