"""Copy the plug-ins into the folders where Krita, GIMP and ComfyUI look for them."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ..errors import FastStyleError
from ..system.atomic import write_together

HERE = Path(__file__).parent
# What Krita imports: a package that holds this wing's files as they lie here, so that their imports are the same.
KRITA_PACKAGE = "fast_style_editors"


@dataclass(frozen=True)
class Host:
    """Describe a program that takes plug-ins."""

    files: Mapping[str, str]
    """The files and folders of this wing to copy, and their names in the program's folder of plug-ins."""
    folder: Callable[[], Path | None]
    """That folder; None where the user has to name it."""
    then: str
    """What the user does next."""
    enable: Callable[[], None] = lambda: None
    """What turns the plug-in on in the user's own installation, where copying alone does not."""


def install(program: str, folder: Path | None = None) -> list[Path]:
    """Copy a plug-in into its program's folder, or another one; return the files that were written.

    program: a key of HOSTS. Raises FastStyleError where the folder has to be named, and for one that does not exist.
    """
    host = HOSTS[program]
    target = folder or host.folder()
    if target is None:
        raise FastStyleError(f"where {program} lies is not known; name its folder with `folder`")
    if folder is not None and not folder.is_dir():
        raise FastStyleError(f"`folder` is {folder}: no such folder")
    if program == "comfyui" and (target / "custom_nodes").is_dir():
        target /= "custom_nodes"
    contents = {target / name: source.read_bytes() for source, name in _copies(host.files)}
    write_together(contents)
    for path in contents:
        path.chmod(0o755 if path.read_bytes().startswith(b"#!") else 0o644)  # GIMP runs its plug-ins as programs
    if folder is None:
        host.enable()
    return list(contents)


def _copies(files: Mapping[str, str]) -> list[tuple[Path, str]]:
    """Return every file to copy, those of folders too, and its name below the target."""
    found = []
    for own, name in files.items():
        source = HERE / own
        inner = sorted(source.glob("*.py")) if source.is_dir() else [source]
        found += [(path, f"{name}/{path.name}" if source.is_dir() else name) for path in inner]
    return found


def _krita_config() -> Path:
    """Return the file in which Krita keeps its settings."""
    mac = sys.platform == "darwin"
    return (Path.home() / "Library/Preferences" if mac else platformdirs.user_config_path()) / "kritarc"


def _enable_in_krita() -> None:
    """Turn the plug-in on in Krita's settings, as a tick in its Python Plugin Manager does."""
    path = _krita_config()
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    key = f"enable_{KRITA_PACKAGE}.krita="
    lines = [line for line in lines if not line.startswith(key)]
    if "[python]" not in lines:
        lines += ["", "[python]"]
    lines.insert(lines.index("[python]") + 1, f"{key}true")
    write_together({path: "\n".join([*lines, ""]).encode()})


HOSTS: dict[str, Host] = {
    "krita": Host(
        files={
            "__init__.py": f"{KRITA_PACKAGE}/__init__.py",
            "service_client.py": f"{KRITA_PACKAGE}/service_client.py",
            "krita": f"{KRITA_PACKAGE}/krita",
            f"krita/{KRITA_PACKAGE}.desktop": f"{KRITA_PACKAGE}.desktop",
        },
        folder=lambda: platformdirs.user_data_path("krita", appauthor=False, roaming=True) / "pykrita",
        then="run `fast-style serve`, start Krita, and choose Settings > Dockers > Fast Style",
        enable=_enable_in_krita,
    ),
    "gimp": Host(
        files={"gimp": "fast_style_gimp", "service_client.py": "fast_style_gimp/service_client.py"},
        folder=lambda: platformdirs.user_config_path("GIMP", appauthor=False, roaming=True) / "3.0/plug-ins",
        then="run `fast-style serve`, start GIMP, and choose Filters > Artistic > Fast Style",
    ),
    "comfyui": Host(
        # Its name is no Python name: ComfyUI enters the folder among the imported modules, where ours is, too.
        files={"comfyui": "ComfyUI-fast-style"},
        folder=lambda: None,
        then="start ComfyUI, whose Python needs fast_style installed, and add the node image > style > Fast Style",
    ),
}
