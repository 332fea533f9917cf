"""Download photographs to train on, with a progress bar: `fast-style download-coco`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tqdm import tqdm

from ..data import coco
from ..system.downloads import fetch
from .console.flags import OUTPUT
from .console.parsing import parse


@dataclass(frozen=True)
class DownloadCocoCommand:
    """Fetch and unpack photographs of the COCO data set; an interrupted download continues where it stopped."""

    split: Literal["val2017", "train2017", "test2017"] = "val2017"
    """val2017: 5,000 photographs, 0.8 GB; train2017: 118,287, 18 GB; test2017: 40,670, 6 GB."""

    output: Annotated[Path, OUTPUT] = Path("coco")
    """Folder for the photographs; the split becomes a folder in it."""

    url: str = coco.URL
    """Where the archive is; {split} stands for the split. Its SHA-256 is verified wherever it comes from."""

    keep_archive: bool = False
    """Keep the zip after unpacking."""


def main(arguments: Sequence[str], prog: str) -> int:
    """Download and unpack; return the exit code."""
    command = parse(DownloadCocoCommand, arguments, prog)
    archive = command.output / f"{command.split}.zip"
    folder = command.output / command.split
    with tqdm(unit="B", unit_scale=True, desc="download") as bar:
        url, digest = command.url.format(split=command.split), coco.SHA256[command.split]
        fetch(url, archive, digest, lambda done, total: _show(bar, done, total))
    with tqdm(unit="picture", desc="unpack") as bar:
        count = coco.unpack(archive, folder, lambda done, total: _show(bar, done, total))
    if not command.keep_archive:
        archive.unlink()
    print(f"{count} photographs in {folder}; train with: python train.py --style STYLE.jpg --dataset {folder}")
    return 0


def _show(bar: Any, done: int, total: int) -> None:
    bar.total = total or None
    bar.update(done - bar.n)
