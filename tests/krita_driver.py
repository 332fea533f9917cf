"""A plug-in for Krita that drives ours, as a user would, and writes down what it sees; `test_krita.py` installs it.

The file named by FAST_STYLE_DRIVER has the job: {"address", "picture", "folder"}. Each step is a generator's: it yields
until what it waits for is there.
"""

import json
import os
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from krita import Extension, Krita, Selection
from PyQt5.QtCore import QRect, QTimer
from PyQt5.QtGui import QImage

JOB = json.loads(Path(os.environ["FAST_STYLE_DRIVER"]).read_text())
FOLDER = Path(JOB["folder"])
STEP_MS = 100
PATIENCE_S = JOB.get("patience_s", 120)


class Driver(Extension):
    """Run the steps once Krita's window is there; then quit."""

    def setup(self) -> None:
        pass

    def createActions(self, window: Any) -> None:
        self.seen: dict[str, Any] = {}
        self.steps = self.drive()
        self.timer = QTimer()
        self.timer.timeout.connect(self.step)
        self.timer.start(STEP_MS)

    def step(self) -> None:
        try:
            next(self.steps)
            return
        except StopIteration:
            pass
        except Exception:
            self.seen["error"] = traceback.format_exc()
            self.shot("window", Krita.instance().windows()[0].qwindow())
        self.timer.stop()
        Krita.instance().setBatchmode(True)
        (FOLDER / "seen.json").write_text(json.dumps(self.seen))
        os._exit(0)  # whatever Krita would ask of unsaved pictures

    def wait(self, ready: Any, what: str) -> Iterator[None]:
        end = time.monotonic() + PATIENCE_S
        while not ready():
            if time.monotonic() > end:
                raise TimeoutError(f"{what}; the docker says {self.panel.status.text()!r}")
            yield

    def drive(self) -> Iterator[None]:
        krita = Krita.instance()
        krita.setBatchmode(True)
        while not krita.windows() or not krita.windows()[0].qwindow().isVisible():
            yield
        window = krita.windows()[0]
        window.qwindow().setGeometry(QRect(0, 0, 1280, 860))
        yield from self.find_docker()
        yield from self.preview(window)
        yield from self.apply_whole()
        yield from self.apply_selection()
        self.shot("window", window.qwindow())
        self.document.saveAs(str(FOLDER / "painted.kra"))
        yield from self.sixteen_bit()
        yield from self.cancelled()
        yield from self.without_service()

    def find_docker(self) -> Iterator[None]:
        for docker in Krita.instance().dockers():
            if docker.objectName() == "fast_style":
                self.docker, self.panel = docker, docker.panel
            elif docker.objectName() not in ("KisLayerBox",):
                docker.close()
        self.panel.address.setText("http://127.0.0.1:9/")
        self.panel.address.editingFinished.emit()
        self.docker.show()
        self.docker.raise_()
        yield from self.wait(lambda: "No service answers" in self.panel.status.text(), "no word of a missing service")
        self.seen["missing"] = self.panel.status.text()

    def preview(self, window: Any) -> Iterator[None]:
        self.document = Krita.instance().openDocument(JOB["picture"])
        window.addView(self.document)
        Krita.instance().setActiveDocument(self.document)
        self.panel.address.setText(JOB["address"])
        self.panel.address.editingFinished.emit()
        yield from self.wait(lambda: self.panel.painting.count(), "no styles")
        self.panel.strokes.setCurrentIndex(self.panel.strokes.findData("fine"))
        yield from self.quiet()
        self.seen["paintings"] = [self.panel.painting.itemText(i) for i in range(self.panel.painting.count())]
        yield from self.wait(lambda: not self.panel.painting.itemIcon(0).isNull(), "no thumbnails")
        self.seen["preview"] = self.save("preview", self.panel.picture)
        self.shot("docker", self.docker)

    def quiet(self) -> Iterator[None]:
        """Wait until the preview is that of the layer and the controls as they are."""
        yield from self.wait(lambda: self.docker.settled and self.panel.picture is not None, "no preview")

    def done(self, what: str) -> Iterator[None]:
        """Wait until the button no longer cancels."""
        yield from self.wait(lambda: self.panel.apply_button.text() != "Cancel", what)

    def apply_whole(self) -> Iterator[None]:
        self.panel.apply_button.click()
        self.seen["button"] = self.panel.apply_button.text()
        yield from self.done("no layer")
        self.seen["status"] = self.panel.status.text()
        self.document.waitForDone()
        layer = self.document.topLevelNodes()[1]
        self.seen["whole"] = self.layer("whole", layer)
        layer.setVisible(False)
        self.document.refreshProjection()
        yield from self.quiet()

    def apply_selection(self) -> Iterator[None]:
        selection = Selection()
        selection.select(*JOB["selection"], 255)
        self.document.setSelection(selection)
        yield from self.quiet()
        self.save("selected_preview", self.panel.picture)
        self.panel.strength.slider.setValue(80)
        self.panel.apply_button.click()
        yield from self.done("no layer of the selection")
        self.document.waitForDone()
        self.seen["selected"] = self.layer("selected", self.document.topLevelNodes()[1])
        self.document.setSelection(None)
        self.document.refreshProjection()
        self.document.waitForDone()
        self.save("projection", self.document.projection(0, 0, self.document.width(), self.document.height()))
        yield

    def sixteen_bit(self) -> Iterator[None]:
        self.document.setColorSpace("RGBA", "U16", "sRGB-elle-V2-srgbtrc.icc")
        self.document.waitForDone()
        self.panel.apply_button.click()
        yield from self.done("no layer of 16 bit")
        self.document.waitForDone()
        layer = self.document.topLevelNodes()[1]
        pixels = bytes(layer.pixelData(0, 0, self.document.width(), self.document.height()))
        (FOLDER / "sixteen.raw").write_bytes(pixels)
        self.seen["sixteen"] = [layer.colorDepth(), layer.colorModel()]

    def cancelled(self) -> Iterator[None]:
        count = len(self.document.topLevelNodes())
        self.panel.apply_button.click()
        self.panel.apply_button.click()
        self.seen["cancelled"] = [self.panel.status.text(), len(self.document.topLevelNodes()) - count]
        yield

    def without_service(self) -> Iterator[None]:
        self.panel.address.setText("http://127.0.0.1:9/")
        self.panel.apply_button.click()
        yield from self.done("no answer without a service")
        self.seen["gone"] = self.panel.status.text()

    def layer(self, name: str, node: Any) -> dict[str, Any]:
        width, height = self.document.width(), self.document.height()
        pixels = bytes(node.pixelData(0, 0, width, height))
        self.save(name, QImage(pixels, width, height, 4 * width, QImage.Format_ARGB32))
        masks = [[mask.type(), self.mask(name, mask)] for mask in node.childNodes()]
        return {"name": node.name(), "kind": node.type(), "masks": masks, "active": self.document.activeNode().name()}

    def mask(self, name: str, node: Any) -> str:
        width, height = self.document.width(), self.document.height()
        pixels = bytes(node.pixelData(0, 0, width, height))
        return self.save(f"{name}_mask", QImage(pixels, width, height, width, QImage.Format_Grayscale8))

    def save(self, name: str, image: QImage) -> str:
        image.save(str(FOLDER / f"{name}.png"))
        return f"{name}.png"

    def shot(self, name: str, widget: Any) -> None:
        widget.grab().save(str(FOLDER / f"shot_{name}.png"))


Krita.instance().addExtension(Driver(Krita.instance()))
