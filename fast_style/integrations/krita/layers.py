"""Read the selected layer and the selection of Krita's document, and add what was painted as a new layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from krita import Krita
from PyQt5.QtCore import QByteArray
from PyQt5.QtGui import QImage

from . import pictures

# Krita's name of sRGB, in which the service takes and gives pictures.
SRGB = "sRGB-elle-V2-srgbtrc.icc"
# Side in px of the picture by which changes of a layer are noticed.
GLANCE_PX = 256


@dataclass(frozen=True)
class Source:
    """Hold what is painted: a layer as it is shown, at the size of the document, and the selection."""

    document: Any
    node: Any
    pixels: bytes
    """BGRA, 8 bit, sRGB."""
    selection: bytes | None
    """Grey, 8 bit; None where nothing is selected."""
    width: int
    height: int

    @property
    def picture(self) -> QImage:
        """Return the layer as a picture."""
        return pictures.from_bgra(self.pixels, self.width, self.height)

    @property
    def mask(self) -> QImage | None:
        """Return the selection as a grey picture."""
        return self.selection and pictures.from_gray(self.selection, self.width, self.height)


def read(document: Any) -> Source | None:
    """Return the selected layer and the selection of a document; None where no layer is selected."""
    node = document.activeNode() if document else None
    if node is None:
        return None
    width, height = document.width(), document.height()
    pixels = bytes(_srgb(node).projectionPixelData(0, 0, width, height))
    if len(pixels) != 4 * width * height:
        return None
    return Source(document, node, pixels, _selected(document, width, height), width, height)


def glance(document: Any) -> Any:
    """Return a value that changes with the selected layer, its pixels and the selection, without reading all of it."""
    node = document.activeNode() if document else None
    if node is None:
        return None
    selection = document.selection()
    area = selection and (selection.x(), selection.y(), selection.width(), selection.height())
    bounds = node.bounds()
    place = (bounds.x(), bounds.y(), bounds.width(), bounds.height(), document.width(), document.height())
    small = hash(pictures.to_bgra(node.thumbnail(GLANCE_PX, GLANCE_PX)))
    return node.uniqueId().toString(), place, area, small


def add(source: Source, painted: QImage, name: str) -> Any:
    """Add a picture above the layer that it was painted from, with the selection as its transparency mask."""
    document = source.document
    layer = document.createNode(name, "paintlayer")
    kind = (document.colorModel(), document.colorDepth(), document.colorProfile())
    if not _is_srgb(layer):
        layer.setColorSpace("RGBA", "U8", SRGB)
    layer.setPixelData(QByteArray(pictures.to_bgra(painted)), 0, 0, source.width, source.height)
    parent = source.node.parentNode() or document.rootNode()
    parent.addChildNode(layer, source.node)
    if (layer.colorModel(), layer.colorDepth(), layer.colorProfile()) != kind:
        layer.setColorSpace(*kind)
    document.setActiveNode(layer)
    if source.selection is not None:
        _add_mask(document, layer, source)
        document.setActiveNode(layer)
    document.refreshProjection()
    return layer


def _add_mask(document: Any, layer: Any, source: Source) -> None:
    """Give the selected layer the selection as its transparency mask."""
    # Krita 5.1 has no call for it: a mask that is made by createNode takes no pixels, one of the menu does.
    Krita.instance().action("add_new_transparency_mask").trigger()
    document.waitForDone()
    for mask in layer.childNodes():
        mask.setPixelData(QByteArray(source.selection), 0, 0, source.width, source.height)


def _selected(document: Any, width: int, height: int) -> bytes | None:
    selection = document.selection()
    if selection is None or not selection.width() or not selection.height():
        return None
    return bytes(selection.pixelData(0, 0, width, height))


def _is_srgb(node: Any) -> bool:
    return (node.colorModel(), node.colorDepth()) == ("RGBA", "U8") and node.colorProfile().startswith("sRGB")


def _srgb(node: Any) -> Any:
    """The layer, or a converted copy where it has other colours than 8-bit sRGB."""
    if _is_srgb(node):
        return node
    copy = node.duplicate()
    copy.setColorSpace("RGBA", "U8", SRGB)
    return copy
