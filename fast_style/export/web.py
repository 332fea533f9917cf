"""Write a page of static files that runs a network in the browser alone."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import FastStyleError
from ..models.bundled import SAMPLE
from ..models.shipped_styles import year
from ..models.style_names import distinct
from ..system.atomic import write_together
from .web_runtime import VERSION, runtime_files

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
    thumbnails: a JPEG by style name; styles without one are not offered. package: see `runtime_files`.
    Raises FastStyleError when the runtime cannot be had, and for a folder that holds other files.
    """
    check_folder(folder)
    files = {f"runtime/{file}": content for file, content in runtime_files(package).items()}
    files["model.onnx"] = model
    files |= {f"samples/{path.name}": path.read_bytes() for path in SAMPLE.parent.iterdir() if path.is_file()}
    for place in (WEB, PAGE):
        files |= {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    entries = []
    names = distinct([str(style["name"]) for style in styles])
    for row, (style, label) in enumerate(zip(styles, names, strict=True)):
        if label in thumbnails:
            files[f"thumbnails/{row}.jpg"] = thumbnails[label]
            known = {"name": label, "title": style.get("title", ""), "artist": style.get("artist", "")}
            shown = {"year": year(style), "kind": "full", "preview": f"thumbnails/{row}.jpg"}
            entries.append({**known, **shown, "row": row, "model": name})
    # Part of the addresses of the large files, which browsers keep.
    version = hashlib.sha256(model + VERSION.encode()).hexdigest()[:16]
    described = {"rows": len(styles), "version": version, "styles": entries}
    files[STYLES] = json.dumps(described, indent=1, ensure_ascii=False).encode()
    write_together({folder / path: content for path, content in files.items()})
