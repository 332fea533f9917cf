"""List the files of a folder tree: links followed, loops ended, programs' own files left out."""

import os
from collections import deque
from pathlib import Path


def is_hidden(name: str) -> bool:
    """Return whether a name is a program's own: it begins with a dot, or is the folder that macOS adds to archives.

    Names such as `._x.jpg` (AppleDouble, beside x.jpg on foreign disks) end like pictures and are none.
    """
    return name.startswith(".") or name == "__MACOSX"


def files_below(folder: Path, without: Path | None = None) -> list[Path]:
    """Return the files below `folder`, sorted, without hidden ones and without those below `without` (resolved).

    Links to folders are followed. Each folder is entered once, under its own path rather than by a link to it; a link
    to a folder that contains `folder` would be a loop and is not followed. Folders that may not be read are left out.
    """
    root = folder.resolve()
    entered = {root, *root.parents}
    found: list[Path] = []
    folders, links = deque([folder]), deque[Path]()
    while folders or links:
        if folders:
            place = folders.popleft()
        elif (identity := (place := links.popleft()).resolve()) in entered:
            continue
        else:
            entered.add(identity)
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            path = place / entry.name
            if is_hidden(entry.name) or (without and path.resolve() == without):
                continue
            if not entry.is_dir():
                found += [path] if entry.is_file() else []
            elif entry.is_symlink():
                links.append(path)
            else:
                folders.append(path)
                entered.add(path.resolve())
    return sorted(found)
