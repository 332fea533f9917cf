"""Read the selected layer and the selection of Krita's document, and add what was painted as a new layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from krita import Krita
from PyQt5.QtCore import QByteArray, QTimer
from PyQt5.QtGui import QImage

from . import pictures

# Krita's name of sRGB, in which the service takes and gives pictures.
SRGB = "sRGB-elle-V2-srgbtrc.icc"
SRGB_NAMES = (SRGB, "sRGB built-in")  # Krita has a linear sRGB too
# Side in px of the picture by which changes of a layer are noticed.
GLANCE_PX = 256
# How often, and how many times, Krita is asked whether it has done what it does later.
TRY_MS, TRIES = 30, 100


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
    node = _selected_layer(document)
    if node is None:
        return None
    width, height = document.width(), document.height()
    pixels = bytes(_srgb(node).projectionPixelData(0, 0, width, height))
    if len(pixels) != 4 * width * height:
        return None
    return Source(document, node, pixels, _selected(document, width, height), width, height)


def glance(document: Any) -> Any:
    """Return a value that changes with the selected layer, its pixels and the selection, without reading all of it."""
    node = _selected_layer(document)
    if node is None:
        return None
    selection = document.selection()
    area = selection and (selection.x(), selection.y(), selection.width(), selection.height())
    shape = area and hash(bytes(selection.pixelData(*area)))
    bounds = node.bounds()
    place = (bounds.x(), bounds.y(), bounds.width(), bounds.height(), document.width(), document.height())
    small = hash(pictures.to_bgra(node.thumbnail(GLANCE_PX, GLANCE_PX)))
    return node.uniqueId().toString(), place, area, shape, small


def add(source: Source, painted: QImage, name: str) -> Iterator[Callable[[], bool]]:
    """Add a picture above the layer that it was painted from, with the selection as its transparency mask.

    It yields what it waits for, for `follow`: Krita selects a layer, its new ones too, some time after it was added or
    asked for. In the end the layer that was painted is selected again, so that another style can be tried.
    """
    document = source.document
    layer = document.createNode(name, "paintlayer")
    kind = (document.colorModel(), document.colorDepth(), document.colorProfile())
    if not _is_srgb(layer):
        layer.setColorSpace("RGBA", "U8", SRGB)
    layer.setPixelData(QByteArray(pictures.to_bgra(painted)), 0, 0, source.width, source.height)
    (source.node.parentNode() or document.rootNode()).addChildNode(layer, source.node)
    if (layer.colorModel(), layer.colorDepth(), layer.colorProfile()) != kind:
        layer.setColorSpace(*kind)
    document.setActiveNode(layer)
    yield lambda: _same(document.activeNode(), layer)
    if source.selection is not None:
        # Krita 5.1 has no call for it: a mask that createNode makes takes no pixels, only one that the menu makes.
        Krita.instance().action("add_new_transparency_mask").trigger()
        yield lambda: bool(layer.childNodes())
        for mask in layer.childNodes():
            mask.setPixelData(QByteArray(source.selection), 0, 0, source.width, source.height)
        yield lambda: _same(document.activeNode(), layer.childNodes()[0])
    document.setActiveNode(source.node)
    yield lambda: _same(document.activeNode(), source.node)
    document.refreshProjection()


def follow(steps: Iterator[Callable[[], bool]], done: Callable[[str], None]) -> None:
    """Run steps that yield what they wait for, without stopping the user interface; then call done(problem)."""
    ready: Callable[[], bool] = lambda: True  # noqa: E731
    tries = 0

    def step() -> None:
        nonlocal ready, tries
        try:
            if ready():
                ready, tries = next(steps), 0
            tries += 1
        except StopIteration:
            done("")
        except Exception as error:  # such as a document that was closed meanwhile
            done(f"The layer could not be added ({error})")
        else:
            if tries > TRIES:
                done("The layer was added, but Krita did not select it")
            else:
                QTimer.singleShot(TRY_MS, step)

    step()


def _same(one: Any, other: Any) -> bool:
    return one is not None and one.uniqueId() == other.uniqueId()


def _selected_layer(document: Any) -> Any:
    """The selected layer, or that of the selected mask; None where there is none."""
    node = document.activeNode() if document else None
    while node is not None and node.type().endswith("mask"):
        node = node.parentNode()
    return node


def _selected(document: Any, width: int, height: int) -> bytes | None:
    selection = document.selection()
    if selection is None or not selection.width() or not selection.height():
        return None
    return bytes(selection.pixelData(0, 0, width, height))


def _is_srgb(node: Any) -> bool:
    return (node.colorModel(), node.colorDepth()) == ("RGBA", "U8") and node.colorProfile() in SRGB_NAMES


def _srgb(node: Any) -> Any:
    """The layer, or a converted copy where it has other colours than 8-bit sRGB."""
    if _is_srgb(node):
        return node
    copy = node.duplicate()
    copy.setColorSpace("RGBA", "U8", SRGB)
    return copy
