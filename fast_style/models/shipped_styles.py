"""Tell what the shipped networks are: their styles, the paintings behind them, and what each network is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..options.network import REALTIME
from . import bundled

# Of the shipped styles, by title; the checkpoints were written before there was a place for it.
_YEARS = {
    "The Great Wave off Kanagawa": "about 1831",
    "The Starry Night": "1889",
    "The Scream": "1893",
    "Composition VII": "1913",
    "Udnie (Young American Girl, The Dance)": "1913",
    "The Wreck of a Transport Ship": "about 1810",
    "Water Lilies": "about 1916 to 1919",
    "Portrait of Jean Metzinger": "1906",
    "Portrait of Adele Bloch-Bauer I": "1907",
    "A Sunday on La Grande Jatte": "1884 to 1886",
    "Cubist composition": "about 1913",
    "Edtaonisl (Ecclesiastic)": "1913",
}


@dataclass(frozen=True)
class ShippedStyle:
    """Describe one style of one network."""

    model: str
    """Name for `Stylizer.load` and `--model`."""
    name: str
    """Name for the keyword `style` and for `--style`."""
    title: str = ""
    """Title of the painting."""
    artist: str = ""
    """Who painted it."""
    year: str = ""
    """When it was painted."""
    kind: str = "full"
    """What the network is for: full (best pictures), lite or nano (speed), video (films without flicker)."""
    count: int = 1
    """How many styles the network has."""

    @property
    def work(self) -> str:
        """Return title and artist, as far as they are known."""
        return ", ".join(filter(None, (self.title, self.artist)))


def styles(*models: str) -> list[ShippedStyle]:
    """List every style of these models, by default of all that are shipped, model after model.

    models: shipped names, paths or addresses of checkpoints. Raises FastStyleError for a name or a file that is none.
    """
    from .checkpoint_file import read  # with NumPy, which the pages' use of this module need not wait for

    found = []
    for model in models or bundled.shipped():
        file = read(bundled.find(model))
        own = () if file.model.predictor else file.styles  # such a one paints like any picture
        kind = kind_of(file.describe())
        for about in own:
            work = about.get("title", ""), about.get("artist", ""), year(about)
            found.append(ShippedStyle(bundled.stem(model), str(about["name"]), *work, kind, len(own)))
    return found


def year(style: Mapping[str, Any]) -> str:
    """Return the year of a style's painting; empty where it is not known. style: an entry of a checkpoint's styles."""
    return str(style.get("year") or _YEARS.get(style.get("title", ""), ""))


def kind_of(info: Mapping[str, Any]) -> str:
    """Return full, lite, nano or video. info: what a checkpoint says of itself (`Checkpoint.describe`)."""
    loss = info.get("training", {}).get("recipe", {}).get("loss", {})
    if loss.get("temporal_weight"):
        return "video"
    arch = info.get("model", {}).get("arch", "")
    return arch if arch in REALTIME else "full"
