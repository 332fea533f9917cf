"""Show the docker: the styles, the controls, a live preview of the selected layer, and the button that applies it."""

from __future__ import annotations

from functools import partial
from typing import Any

from krita import DockWidget, Krita
from PyQt5.QtCore import QTimer
from PyQt5.QtGui import QImage

from ..service_client import ADDRESS, Controls, Painting, ServiceClient, ServiceError
from . import layers, pictures
from .background import Background
from .panel import Panel

# How often the layer is looked at, and the side in px of what is painted of it for the preview.
LOOK_MS = 700
# How long a slider rests before its value is painted.
REST_MS = 150
PREVIEW_PX = 400


class StyleDocker(DockWidget):
    """Paint the selected layer of the active document through a running service."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Fast Style")
        self.panel = Panel(self)
        self.setWidget(self.panel)
        self.panel.address.setText(Krita.instance().readSetting("fast_style", "address", ADDRESS))
        self.panel.address.setCursorPosition(0)  # its beginning is shown, in a narrow docker too
        self.panel.address.editingFinished.connect(self._change_address)
        self.panel.connect_button.clicked.connect(self.connect_service)
        self.panel.apply_button.clicked.connect(self.apply)
        self._rest, self._timer = QTimer(self), QTimer(self)
        self._rest.setSingleShot(True)
        self.panel.changed.connect(lambda: self._rest.start(REST_MS))
        self.service, self.previews, self.work = Background(self), Background(self), Background(self)
        self._applying = False
        self._shown: Any = None
        """What the preview was made of."""
        for timer in (self._rest, self._timer):
            timer.timeout.connect(self.refresh)
        self.visibilityChanged.connect(self._on_visibility)

    def canvasChanged(self, canvas: Any) -> None:
        """Follow Krita to another document."""
        self.refresh()

    @property
    def settled(self) -> bool:
        """Return whether nothing is in work, and the preview is that of the layer and the controls as they are."""
        working = self._applying or any(one.busy for one in (self.service, self.previews, self.work))
        return not working and self._shown == self._state()

    def connect_service(self) -> None:
        """Ask the service for its styles."""
        self.panel.say("Connecting ...")
        self._start(self.service, ServiceClient.paintings, self._show_paintings, self.panel.say)

    def refresh(self) -> None:
        """Paint a small copy of the selected layer, if it or the controls changed."""
        controls = self.panel.controls()
        if controls is None or self._applying or not self.isVisible():
            return
        state = self._state()
        if state == self._shown:
            return
        self._shown = state
        source = layers.read(Krita.instance().activeDocument())
        if source is None:
            self.previews.cancel()
            self.panel.show_picture(None, "Select a layer")
            return
        self.panel.say("Painting the preview ...")
        job = partial(_paint, source=source, controls=controls, side_px=PREVIEW_PX, masked=True)
        self._start(self.previews, job, self._show_preview, self._fail_preview)

    def apply(self) -> None:
        """Paint the selected layer and add the result as a new one; while that is in work, give it up."""
        if self._applying:
            if self.work.busy:  # else the layer is being added
                self.work.cancel()
                self._end_work("Cancelled")
            return
        controls, source = self.panel.controls(), layers.read(Krita.instance().activeDocument())
        if controls is None or source is None:
            self.panel.say("Select a layer" if controls else "Connect to a service")
            return
        if self.previews.busy:
            self.previews.cancel()
            self._shown = None  # it is painted once the layer is there
        self._applying = True
        self.panel.set_working(f"Painting {source.width} x {source.height} px ...")
        job = partial(_paint, source=source, controls=controls)
        self._start(self.work, job, partial(self._add, source, self.panel.painting.currentText()), self._end_work)

    def _state(self) -> Any:
        return self.panel.controls(), layers.glance(Krita.instance().activeDocument())

    def _start(self, background: Background, job: Any, done: Any, failed: Any) -> None:
        try:
            background.start(ServiceClient(self.panel.address.text()), job, done, failed)
        except ServiceError as error:
            failed(str(error))

    def _change_address(self) -> None:
        Krita.instance().writeSetting("fast_style", "address", self.panel.address.text())
        self.connect_service()

    def _on_visibility(self, visible: bool) -> None:
        if not visible:
            self._timer.stop()
            self.previews.cancel()
            self._shown = None
            return
        self._timer.start(LOOK_MS)
        if self.panel.controls() is None and not self.service.busy:
            self.connect_service()

    def _show_paintings(self, paintings: list[Painting]) -> None:
        self.panel.set_paintings(paintings)
        self.panel.say("" if paintings else "The service has no styles")
        self._start(self.service, partial(_thumbnails, paintings), self.panel.set_icons, self.panel.say)
        self._shown = None
        self.refresh()

    def _show_preview(self, painted: QImage) -> None:
        self.panel.show_picture(painted)
        self.panel.say("")

    def _fail_preview(self, problem: str) -> None:
        self.panel.show_picture(None)
        self.panel.say(problem)

    def _add(self, source: layers.Source, title: str, painted: QImage) -> None:
        steps = layers.add(source, painted, title)
        layers.follow(steps, lambda problem: self._end_work(problem or "Added as a new layer"))

    def _end_work(self, line: str) -> None:
        self._applying = False
        self.panel.set_working("")
        self.panel.say(line)


def _paint(
    client: ServiceClient, source: layers.Source, controls: Controls, side_px: int = 0, masked: bool = False
) -> QImage:
    """Return a layer, painted by the service. side_px: of a smaller copy; masked: painted in the selection only."""
    picture, mask = source.picture, source.mask if masked else None
    if side_px:
        picture, mask = pictures.fitted(picture, side_px, side_px), mask and pictures.fitted(mask, side_px, side_px)
    fields = controls.fields(picture.width(), picture.height())
    return pictures.decode(client.paint(pictures.encode(picture), fields, mask and pictures.encode(mask)))


def _thumbnails(paintings: list[Painting], client: ServiceClient) -> list[QImage]:
    return [pictures.decode(client.thumbnail(painting)) for painting in paintings]
