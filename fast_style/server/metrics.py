"""Measure the service for Prometheus: requests, errors, queue, batches, latency."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

LATENCY_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
BATCH_SIZES = (1, 2, 4, 8, 16, 32)


class Metrics:
    """Hold the metrics of one service."""

    def __init__(self, waiting: Callable[[], int], working: Callable[[], int], streams: Callable[[], int]) -> None:
        """waiting, working, streams: return how many there are at the moment."""
        self._registry = registry = CollectorRegistry()
        labels = ("path", "status")
        self.requests = Counter("fast_style_requests", "Requests answered", labels, registry=registry)
        self.errors = Counter("fast_style_errors", "Requests answered with 4xx or 5xx", labels, registry=registry)
        self.dropped = Counter(
            "fast_style_dropped", "Requests that were cancelled as their client went away", registry=registry
        )
        self.latency = Histogram(
            "fast_style_latency_seconds", "Time from request to answer", ("path",), buckets=LATENCY_S, registry=registry
        )
        self.batches = Histogram("fast_style_batch_size", "Pictures of a batch", buckets=BATCH_SIZES, registry=registry)
        self.frames = Counter(
            "fast_style_stream_frames", "Frames of streams by outcome", ("outcome",), registry=registry
        )
        self._gauge("queue_length", "Pictures that wait for their turn", waiting)
        self._gauge("working", "Pictures in work", working)
        self._gauge("streams", "Streams that are open", streams)

    def _gauge(self, name: str, text: str, value: Callable[[], int]) -> None:
        Gauge(f"fast_style_{name}", text, registry=self._registry).set_function(value)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests.labels(path, str(status)).inc()
        if status >= 400:
            self.errors.labels(path, str(status)).inc()
        self.latency.labels(path).observe(seconds)

    def text(self) -> tuple[bytes, str]:
        """Return the metrics in Prometheus' text format, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4
