"""Lay out the docker's controls, and read them."""

from __future__ import annotations

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QIcon, QImage, QPixmap
from PyQt5.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from ..service_client import COLORS, STROKES, Controls, Painting

KIND_WORDS = {"full": "Best", "lite": "Quick", "nano": "Quickest", "video": "For films"}
ICON_PX = 40
# Height of the preview: as its width asks for, up to this; while there is none, a part of it.
HIGHEST_PX = 340
MARGIN_PX = 6


class Panel(QWidget):
    """Hold the widgets of the docker; `changed` is emitted when a control has another value."""

    changed = pyqtSignal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.picture: QImage | None = None
        """The preview that is shown."""
        self.preview = QLabel("No preview yet")
        self.preview.setAlignment(Qt.AlignCenter)
        self.preview.setWordWrap(True)
        self.preview.setFixedHeight(HIGHEST_PX // 2)
        self.preview.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
        self.painting, self.network = QComboBox(), QComboBox()
        self.painting.setIconSize(QSize(ICON_PX, ICON_PX))
        # A long title is not to make the docker wide.
        self.painting.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.painting.setMinimumContentsLength(8)
        self.colors, self.strokes = _choices(COLORS), _choices(STROKES)
        self.strength, self.stroke_scale = Slider(0, 150, 100, "%"), Slider(10, 40, 10, "x", 10)
        self.apply_button, self.connect_button = QPushButton("Apply as a new layer"), QPushButton("Connect")
        self.address = QLineEdit()
        self.address.setToolTip("The address that `fast-style serve` prints, with its #token=... where there is one")
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self._lay_out()
        self.painting.currentIndexChanged.connect(self._list_networks)
        for box in (self.network, self.colors, self.strokes):
            box.currentIndexChanged.connect(lambda _: self.changed.emit())
        for slider in (self.strength, self.stroke_scale):
            slider.changed.connect(self.changed)
        self.apply_button.setEnabled(False)

    def controls(self) -> Controls | None:
        """Return what is chosen; None while there are no styles."""
        network = self.network.currentData()
        if network is None:
            return None
        choices = self.colors.currentData(), self.strokes.currentData()
        return Controls(network, self.strength.value, *choices, self.stroke_scale.value)

    def set_paintings(self, paintings: list[Painting]) -> None:
        """Offer these paintings; the one that was chosen stays so."""
        before = self.painting.currentText()
        self.painting.blockSignals(True)
        self.painting.clear()
        for painting in paintings:
            self.painting.addItem(painting.title, painting)
        self.painting.setCurrentIndex(max(0, self.painting.findText(before)))
        self.painting.blockSignals(False)
        self.apply_button.setEnabled(bool(paintings))
        self._list_networks()

    def set_icons(self, thumbnails: list[QImage]) -> None:
        """Show the thumbnails of the paintings, in their order."""
        for index, image in enumerate(thumbnails):
            self.painting.setItemIcon(index, QIcon(QPixmap.fromImage(image)))

    def show_picture(self, picture: QImage | None, words: str = "No preview") -> None:
        """Show the preview, or words in its place."""
        self.picture = picture
        if picture is None:
            self.preview.setText(words)
        else:
            self._fit()

    def say(self, line: str) -> None:
        """Show a line below the button; an empty one hides it."""
        self.status.setText(line)
        self.status.setVisible(bool(line))

    def set_working(self, line: str) -> None:
        """Show that a layer is painted, and let the button cancel it; an empty line ends that."""
        self.apply_button.setText("Cancel" if line else "Apply as a new layer")
        self.say(line)

    def resizeEvent(self, event: object) -> None:
        """Fit the preview to the docker."""
        super().resizeEvent(event)
        if self.picture is not None:
            self._fit()

    def _fit(self) -> None:
        assert self.picture is not None
        pixmap = QPixmap.fromImage(self.picture)
        width = self.width() - 2 * MARGIN_PX
        self.preview.setFixedHeight(min(HIGHEST_PX, max(1, width * pixmap.height() // pixmap.width())))
        area = QSize(width, self.preview.height())
        self.preview.setPixmap(pixmap.scaled(area, Qt.KeepAspectRatio, Qt.SmoothTransformation))

    def _list_networks(self) -> None:
        painting = self.painting.currentData()
        self.network.blockSignals(True)
        self.network.clear()
        for network in painting.networks if painting else ():
            self.network.addItem(KIND_WORDS.get(network.kind, network.model), network)
        self.network.setEnabled(self.network.count() > 1)
        self.network.blockSignals(False)
        self.changed.emit()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.AllNonFixedFieldsGrow)
        rows = {
            "Style": self.painting,
            "Quality": self.network,
            "Strength": self.strength,
            "Colours": self.colors,
            "Strokes": self.strokes,
            "Stroke size": self.stroke_scale,
        }
        for label, widget in rows.items():
            form.addRow(label, widget)
        service = QHBoxLayout()
        service.addWidget(self.address)
        service.addWidget(self.connect_button)
        form.addRow("Service", service)
        layout = QVBoxLayout()
        layout.setContentsMargins(MARGIN_PX, MARGIN_PX, MARGIN_PX, MARGIN_PX)
        QVBoxLayout(self).addLayout(layout)  # of the outermost one Krita takes the margins away
        layout.addWidget(self.preview)
        layout.addLayout(form)
        layout.addWidget(self.apply_button)
        layout.addWidget(self.status)
        layout.addStretch()


class Slider(QWidget):
    """Show a slider and its value, in steps of 1 / `steps`, with a unit."""

    changed = pyqtSignal()

    def __init__(self, least: int, most: int, start: int, unit: str, steps: int = 100) -> None:
        super().__init__()
        self._unit, self._steps = unit, steps
        self.slider, self._label = QSlider(Qt.Horizontal), QLabel()
        self.slider.setRange(least, most)
        self._label.setMinimumWidth(self._label.fontMetrics().horizontalAdvance("150 %"))
        self._label.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider)
        layout.addWidget(self._label)
        self.slider.valueChanged.connect(self._show)
        self.slider.setValue(start)
        self._show(start)

    @property
    def value(self) -> float:
        """Return the value."""
        return float(self.slider.value() / self._steps)

    def _show(self, steps: int) -> None:
        self._label.setText(f"{steps} %" if self._unit == "%" else f"{self.value:.1f} {self._unit}")
        self.changed.emit()


def _choices(words: dict[str, str]) -> QComboBox:
    box = QComboBox()
    for value, label in words.items():
        box.addItem(label, value)
    return box
