"""Show progress bars of what `stylize.py` does before and while it paints."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from .messages import write_line

if TYPE_CHECKING:
    from ...training import Event


# Work that takes this long says what it is.
SLOW_S = 3.0


@contextmanager
def said_when_slow(line: str) -> Iterator[None]:
    """Write a line on standard error where the block takes longer than SLOW_S; an empty line is never written."""
    timer = threading.Timer(SLOW_S, lambda: write_line(line, sys.stderr))
    timer.daemon = True
    if line:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


class TileBar:
    """Show the tiles of `Stylizer.apply`: the bar appears with the first one and goes when it is closed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: Any = None
        self._stage = ""

    def __call__(self, stage: str, done: int, of: int) -> None:
        """stage: tiles or statistics; of: 0 where it is not known."""
        if self._bar is None or stage != self._stage:
            self.close()
            self._stage = stage
            self._bar = tqdm(desc=f"{self._name}, {stage}", total=of or None, unit="tile", leave=False)
        self._bar.update(done - self._bar.n)
        if done == of:  # seen however quick it was
            self._bar.refresh()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


class TrainingBar:
    """Show how far a training of some seconds is, as its callback."""

    def __init__(self, seconds: float) -> None:
        self._bar = tqdm(
            total=1.0, bar_format=f"refining for {seconds:g} s {{percentage:3.0f}}% |{{bar}}| {{desc}}", leave=False
        )

    def __call__(self, event: "Event") -> None:
        """Take the event of a training."""
        self._bar.update(event.progress - self._bar.n)
        if event.terms:
            self._bar.set_description_str(f"step {event.step}  style {event.terms.get('style', 0):.3f}")

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()
