"""A page that runs a network in the browser alone: static files, no server that computes."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import FastStyleError
from ..models.bundled import SAMPLE
from .web_runtime import write_runtime

PACKAGE = Path(__file__).parents[1]
OWN = Path(__file__).parent / "web_page"
MARK = "styles.json"


def check_folder(folder: Path) -> None:
    """Raise FastStyleError for a folder that holds other things than an earlier export."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).is_file())):
        raise FastStyleError(f"{folder} holds other things; name a new folder, or one that an earlier export wrote")


def write_web(
    model: bytes,
    name: str,
    folder: Path,
    styles: Sequence[Mapping[str, Any]],
    thumbnails: Mapping[str, bytes],
    package: Path | None = None,
) -> None:
    """Write the page, a model in ONNX and ONNX Runtime's files into `folder`, for any web server of static files.

    styles: the checkpoint's entries (name; title and artist where known), in the order of its rows.
    thumbnails: a JPEG by style name; styles without one are not offered. package: see `write_runtime`.
    Raises FastStyleError when the runtime cannot be had, and for a folder that holds other things.
    """
    check_folder(folder)
    write_runtime(folder / "runtime", package)
    (folder / "model.onnx").write_bytes(model)
    shutil.copytree(OWN, folder, dirs_exist_ok=True)
    shutil.copytree(PACKAGE / "web", folder / "shared", dirs_exist_ok=True)
    shutil.copy(SAMPLE, folder / "sample.jpg")
    (folder / "thumbnails").mkdir(exist_ok=True)
    entries = []
    for row, style in enumerate(styles):
        if style["name"] in thumbnails:
            (folder / "thumbnails" / f"{row}.jpg").write_bytes(thumbnails[style["name"]])
            known = {key: style.get(key, "") for key in ("name", "title", "artist")}
            entries.append({**known, "row": row, "model": name, "preview": f"thumbnails/{row}.jpg"})
    content = {"rows": len(styles), "styles": entries}
    (folder / MARK).write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
