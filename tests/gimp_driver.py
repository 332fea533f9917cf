"""A batch for GIMP 3 that calls our plug-in as a script does, and writes down what comes of it; `test_gimp.py` runs it.

The file named by FAST_STYLE_DRIVER has the job: {"address", "folder", "selection"}.
"""

import json
import os
import traceback
from pathlib import Path
from typing import Any

from gi.repository import Gegl, Gimp, Gio

JOB = json.loads(Path(os.environ["FAST_STYLE_DRIVER"]).read_text())
FOLDER = Path(JOB["folder"])
SEEN: dict[str, Any] = {}


def load(name: str) -> Any:
    """A picture of the folder as an image."""
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(FOLDER / name)))


def paint(image: Any, **arguments: Any) -> str:
    """Call the plug-in for the lowest layer; return its error."""
    procedure = Gimp.get_pdb().lookup_procedure("fast-style")
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", [image.get_layers()[-1]])
    for name, value in {"style": "ink", "strokes": "fine", "address": JOB["address"], **arguments}.items():
        config.set_property(name, value)
    result = procedure.run(config)
    return "" if result.index(0) == Gimp.PDBStatusType.SUCCESS else str(result.index(1))


def keep(drawable: Any, name: str, kind: str = "R'G'B' u8") -> None:
    """Write the pixels of a layer or mask, in sRGB."""
    buffer = drawable.get_buffer()
    (FOLDER / f"{name}.raw").write_bytes(buffer.get(buffer.get_extent(), 1.0, kind, Gegl.AbyssPolicy.NONE))


def record(image: Any, name: str, error: str) -> None:
    """Write down what is above the lowest layer, and keep its pixels."""
    below, layers = image.get_layers()[-1], image.get_layers()[:-1]
    SEEN[name] = {"error": error, "layers": [layer.get_name() for layer in layers]}
    SEEN[name] |= {"masked": [layer.get_mask() is not None for layer in layers]}
    SEEN[name] |= {"precision": image.get_precision().value_nick, "profile": image.get_color_profile() is not None}
    keep(below, f"{name}_below")
    if layers:
        keep(layers[0], name)


def drive() -> None:
    """Paint a layer, one through a selection, and those of documents of other kinds."""
    image = load("in.png")
    record(image, "whole", paint(image))
    image = load("in.png")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *JOB["selection"])
    record(image, "selected", paint(image, strength=0.5))
    keep(image.get_layers()[0].get_mask(), "mask", "Y' u8")
    Gimp.Selection.none(image)
    image.flatten()
    keep(image.get_layers()[0], "flat")
    image = load("gamma.png")
    record(image, "profile", paint(image))
    image = load("in.png")
    image.convert_precision(Gimp.Precision.FLOAT_LINEAR)
    record(image, "linear", paint(image))
    image = load("in.png")
    record(image, "missing", paint(image, style="nothing"))


try:
    drive()
except Exception:
    SEEN["problem"] = traceback.format_exc()
(FOLDER / "seen.json").write_text(json.dumps(SEEN))
