#!/usr/bin/env python3
"""Add Filters > Artistic > Fast Style to GIMP 3: paint the selected layer through a running `fast-style serve`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
from gi.repository import Gimp, GimpUi, Gio, GLib, GObject  # noqa: E402
from service_client import ADDRESS, COLORS, STROKES, Controls, ServiceClient, ServiceError  # noqa: E402

PROCEDURE = "fast-style"
WRITABLE = GObject.ParamFlags.READWRITE


class FastStyle(Gimp.PlugIn):
    """Register the procedure `fast-style`, which scripts can call too."""

    def do_query_procedures(self) -> list[str]:
        """Return the names of the procedures."""
        return [PROCEDURE]

    def do_set_i18n(self, name: str) -> bool:
        """Return that there are no translations."""
        return False

    def do_create_procedure(self, name: str) -> Any:
        """Return the procedure, with its menu and its arguments."""
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label("_Fast Style...")
        procedure.add_menu_path("<Image>/Filters/Artistic")
        text = "Paints the selected layer in the style of a painting, as a new layer"
        procedure.set_documentation(text, text, name)
        procedure.add_string_argument("style", "St_yle", "A style of the service", "wave", WRITABLE)
        procedure.add_double_argument("strength", "_Strength", "1 is the full style", 0.0, 1.5, 1.0, WRITABLE)
        for option, label, words in (("colors", "_Colours", COLORS), ("strokes", "Stro_kes", STROKES)):
            choice = Gimp.Choice.new()
            for place, (value, shown) in enumerate(words.items()):
                choice.add(value, place, shown, "")
            procedure.add_choice_argument(option, label, label, choice, next(iter(words)), WRITABLE)
        procedure.add_double_argument("stroke-scale", "Stroke si_ze", "2 is twice as large", 1.0, 4.0, 1.0, WRITABLE)
        procedure.add_string_argument("address", "Ser_vice", "As fast-style serve prints it", ADDRESS, WRITABLE)
        return procedure


def run(procedure: Any, mode: Any, image: Any, drawables: Any, config: Any, data: Any) -> Any:
    """Ask for the arguments where there is somebody to ask, then paint the first selected layer."""
    if mode == Gimp.RunMode.INTERACTIVE:
        GimpUi.init(PROCEDURE)
        dialog = GimpUi.ProcedureDialog.new(procedure, config, "Fast Style")
        dialog.fill(None)
        if not dialog.run():
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
    image.undo_group_start()
    try:
        paint(image, drawables[0], config)
    except (ServiceError, OSError, GLib.Error) as error:
        problem = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), str(error), 0)
        return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, problem)
    finally:
        image.undo_group_end()
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)


def paint(image: Any, drawable: Any, config: Any) -> None:
    """Add a layer, painted, above another one, with the selection as its mask. Raises ServiceError."""
    client, style = ServiceClient(config.get_property("address")), config.get_property("style")
    networks = [network for painting in client.paintings() for network in painting.networks]
    network = next((one for one in networks if style in (one.style, one.model)), None)
    if network is None:
        raise ServiceError(f"The service has no style {style!r}; it has {', '.join(one.style for one in networks)}")
    choices = [config.get_property(name) for name in ("strength", "colors", "strokes", "stroke-scale")]
    fields = Controls(network, *choices).fields(drawable.get_width(), drawable.get_height())
    Gimp.progress_init("Painting ...")
    with tempfile.TemporaryDirectory() as folder:
        source, painted = Path(folder, "layer.png"), Path(folder, "painted.png")
        save(drawable, source)
        painted.write_bytes(client.paint(source.read_bytes(), fields))
        layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(painted)))
    layer.set_name(style)
    _, x, y = drawable.get_offsets()
    layer.set_offsets(x, y)
    image.insert_layer(layer, drawable.get_parent(), image.get_item_position(drawable))
    if not Gimp.Selection.is_empty(image):
        layer.add_mask(layer.create_mask(Gimp.AddMaskType.SELECTION))
    Gimp.displays_flush()


def save(drawable: Any, path: Path) -> None:
    """Write a layer alone, in its own size, as a PNG of 8 bit."""
    alone = Gimp.Image.new(drawable.get_width(), drawable.get_height(), drawable.get_image().get_base_type())
    copy = Gimp.Layer.new_from_drawable(drawable, alone)
    alone.insert_layer(copy, None, 0)
    copy.set_offsets(0, 0)
    copy.set_visible(True)
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, alone, Gio.File.new_for_path(str(path)), None)
    alone.delete()


if __name__ == "__main__":
    Gimp.main(FastStyle.__gtype__, sys.argv)
