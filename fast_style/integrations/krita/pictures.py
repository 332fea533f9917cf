"""Convert between Krita's pixels and picture files, in any thread, with Qt alone."""

from __future__ import annotations

from PyQt5.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PyQt5.QtGui import QImage

# Of 100, where Qt takes 100 for no compression: a picture that goes to the same computer need not be small.
QUICK = 90


def from_bgra(pixels: bytes, width: int, height: int) -> QImage:
    """Return the picture of 8-bit BGRA pixels, as Krita stores them; alpha is straight."""
    return QImage(pixels, width, height, 4 * width, QImage.Format_ARGB32).copy()


def from_gray(pixels: bytes, width: int, height: int) -> QImage:
    """Return the grey picture of 8-bit pixels, such as those of a selection."""
    return QImage(pixels, width, height, width, QImage.Format_Grayscale8).copy()


def to_bgra(image: QImage) -> bytes:
    """Return the 8-bit BGRA pixels of a picture."""
    plain = image.convertToFormat(QImage.Format_ARGB32)
    return bytes(plain.constBits().asarray(4 * plain.width() * plain.height()))


def fitted(image: QImage, width: int, height: int) -> QImage:
    """Return a picture that is at most that wide and high, in its own proportions; never an enlarged one."""
    if image.width() <= width and image.height() <= height:
        return image
    return image.scaled(width, height, Qt.KeepAspectRatio, Qt.SmoothTransformation)


def encode(image: QImage) -> bytes:
    """Return a PNG file of a picture, without alpha where all of it is opaque."""
    if image.hasAlphaChannel() and not to_bgra(image)[3::4].strip(b"\xff"):
        image = image.convertToFormat(QImage.Format_RGB888)
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.WriteOnly)
    image.save(buffer, "PNG", QUICK)
    return bytes(data)


def decode(data: bytes) -> QImage:
    """Return the picture of a file. Raises ValueError where it is none."""
    image = QImage.fromData(data)
    if image.isNull():
        raise ValueError("what the service answered is no picture")
    return image
