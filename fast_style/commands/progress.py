"""A bar on the terminal for pictures so large that they are done in tiles."""

from tqdm import tqdm


class TileBar:
    """What `Stylizer.apply` reports to; the bar appears with the first tile and goes when it is closed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: tqdm[None] | None = None

    def __call__(self, stage: str, done: int, of: int) -> None:
        """stage: tiles or statistics; of: 0 where it is not known."""
        if self._bar is None:
            self._bar = tqdm(unit="tile", leave=False)
        self._bar.set_description_str(f"{self._name}, {stage}", refresh=False)
        self._bar.total = of or None
        self._bar.n = done
        self._bar.refresh()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
