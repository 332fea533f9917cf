"""Say more of the styles than checkpoints do: the year of a painting, and what a network of it is for."""

from collections.abc import Mapping
from typing import Any

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


def year(style: Mapping[str, Any]) -> str:
    """Return the year of a style's painting; empty where it is not known. style: an entry of a checkpoint's styles."""
    return str(style.get("year") or _YEARS.get(style.get("title", ""), ""))


def kind(info: Mapping[str, Any]) -> str:
    """Return full, lite, nano or video. info: what a checkpoint says of itself (`Checkpoint.describe`)."""
    loss = info.get("training", {}).get("recipe", {}).get("loss", {})
    if loss.get("temporal_weight"):
        return "video"
    arch = info.get("model", {}).get("arch", "")
    return arch if arch in ("lite", "nano") else "full"
