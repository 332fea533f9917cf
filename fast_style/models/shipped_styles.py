"""List the styles of the shipped networks, with the paintings that they were learned from."""

from dataclasses import dataclass
from pathlib import Path

from . import bundled
from .checkpoint import load


@dataclass(frozen=True)
class ShippedStyle:
    """One style of one network."""

    model: str
    """Name for `Stylizer.load` and `--model`."""
    name: str
    """Name for the keyword `style` and for `--style`."""
    title: str = ""
    """Title of the painting."""
    artist: str = ""
    """Who painted it."""

    @property
    def work(self) -> str:
        """Return title and artist, as far as they are known."""
        return ", ".join(filter(None, (self.title, self.artist)))


def styles(*models: str) -> list[ShippedStyle]:
    """List every style of these models, by default of all that are shipped, model after model.

    models: shipped names or paths of checkpoints. Raises FastStyleError for a name or a file that is none.
    """
    found = []
    for model in models or bundled.shipped():
        for about in load(bundled.find(model)).styles:
            name = str(about["name"])
            found.append(ShippedStyle(Path(model).stem, name, about.get("title", ""), about.get("artist", "")))
    return found
