"""Write a page of static files that runs a network in the browser alone."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import FastStyleError
from ..models import paintings
from ..models.bundled import SAMPLE
from ..models.style_names import distinct
from .web_runtime import VERSION, write_runtime

# The page, and its back end that runs the network in the browser.
WEB = Path(__file__).parents[1] / "web"
PAGE = Path(__file__).parent / "web_page"
# The file by which the folder of an earlier export is known.
STYLES = "styles.json"


def check_folder(folder: Path) -> None:
    """Raise FastStyleError for a folder that holds other files than those of an earlier export."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / STYLES).is_file())):
        raise FastStyleError(f"{folder} holds other files; name a new folder, or one that an earlier export wrote")


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
    Raises FastStyleError when the runtime cannot be had, and for a folder that holds other files.
    """
    check_folder(folder)
    write_runtime(folder / "runtime", package)
    (folder / "model.onnx").write_bytes(model)
    for source in (WEB, PAGE):
        shutil.copytree(source, folder, dirs_exist_ok=True)
    shutil.copytree(SAMPLE.parent, folder / "samples", dirs_exist_ok=True)
    (folder / "thumbnails").mkdir(exist_ok=True)
    entries = []
    names = distinct([str(style["name"]) for style in styles])
    for row, (style, label) in enumerate(zip(styles, names, strict=True)):
        if label in thumbnails:
            (folder / "thumbnails" / f"{row}.jpg").write_bytes(thumbnails[label])
            known = {"name": label, "title": style.get("title", ""), "artist": style.get("artist", "")}
            shown = {"year": paintings.year(style), "kind": "full", "preview": f"thumbnails/{row}.jpg"}
            entries.append({**known, **shown, "row": row, "model": name})
    # Part of the addresses of the large files, which browsers keep.
    version = hashlib.sha256(model + VERSION.encode()).hexdigest()[:16]
    content = {"rows": len(styles), "version": version, "styles": entries}
    (folder / STYLES).write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
