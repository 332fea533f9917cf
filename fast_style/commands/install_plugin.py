"""Install the plug-in of an editor: `fast-style install-plugin krita`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from .console.flags import POSITIONAL
from .console.parsing import parse


@dataclass(frozen=True)
class InstallPluginCommand:
    """Install the plug-in for Krita, GIMP 3 or ComfyUI: copies its files into the program's folder of plug-ins."""

    program: Annotated[Literal["krita", "gimp", "comfyui"], POSITIONAL]
    """The program: krita, gimp or comfyui."""

    folder: Path | None = None
    """Folder of plug-ins to copy to; by default the user's own (for ComfyUI, name the folder of ComfyUI)."""


def main(arguments: Sequence[str], prog: str) -> int:
    """Copy the files and say where; return the exit code."""
    command = parse(InstallPluginCommand, arguments, prog)
    from ..integrations.install import HOSTS, install

    for path in install(command.program, command.folder):
        print(path)
    print(f"Next: {HOSTS[command.program].then}")
    return 0
