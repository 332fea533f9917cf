"""Show a progress bar for pictures so large that they are done in tiles."""

from typing import Any

from tqdm import tqdm


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
