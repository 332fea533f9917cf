"""Stylize one picture without training, by optimizing its pixels: `fast-style optimize`."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from .. import images
from ..errors import FastStyleError
from ..options import GatysOptions, LossOptions, StyleOptions
from ..options.checks import check_at_least
from ..system import malloc
from .console.flags import OUTPUT, POSITIONAL
from .console.help import Help
from .console.parsing import parse
from .console.signals import stop_on_signal

if TYPE_CHECKING:
    from ..training.gatys import Evaluation

HELP = Help(
    first="output style_size size iterations style_weight start save_every vgg_weights device",
    examples=("photo.jpg painting.jpg -o out.jpg", "photo.jpg painting.jpg -o quick.jpg --size 256 --iterations 100"),
)


@dataclass(frozen=True)
class OptimizeCommand:
    """Stylize one picture by optimizing its pixels (Gatys et al.); also the way to try a style before training."""

    content: Annotated[Path, POSITIONAL]
    """The photograph."""

    style: Annotated[Path, POSITIONAL]
    """The style picture, or a folder of pictures of one style."""

    output: Annotated[Path, OUTPUT]
    """The picture to write."""

    style_size: tuple[int, ...] = (512,)
    """Short side in px at which the style is seen; it sets the size of the strokes. Several: their mean is the aim."""

    save_every: int | None = None
    """Also write the picture after every so many iterations, as OUTPUT_0050.jpg and so on."""

    overwrite: bool = False
    """Replace an existing output."""

    how: GatysOptions = field(default_factory=GatysOptions)
    loss: LossOptions = field(default_factory=LossOptions)


def main(arguments: Sequence[str], prog: str) -> int:
    """Optimize one picture; return the exit code."""
    command = parse(OptimizeCommand, arguments, prog, HELP)
    kind = images.format_for(command.output)
    if command.output.exists() and not command.overwrite:
        raise FastStyleError(f"{command.output} exists; use --overwrite")
    check_at_least(command, 1, "save_every")
    style = StyleOptions((command.style,), style_size=command.style_size)
    picture = images.read(command.content)
    malloc.tune()
    from ..data.styles import find_styles

    for each in find_styles(style):
        list(each.paintings(style))
    if command.loss.vgg_weights and not command.loss.vgg_weights.is_file():
        raise FastStyleError(f"`vgg_weights` {command.loss.vgg_weights}: no such file")
    from ..training.gatys import sizes, stylize

    total = command.how.iterations * len(sizes(command.how))
    with stop_on_signal() as stopped, closing(Progress(total, picture, command)) as show:
        photo = Image.fromarray(images.eight_bit(picture.colors))
        result = stylize(photo, style, command.loss, command.how, show, stopped)
    images.write(replace(picture.with_colors(np.asarray(result)), format=kind), command.output)
    print(f"{command.output}: {'stopped' if stopped() else 'done'} after {show.count} evaluations of the loss")
    return 0


class Progress:
    """Show the losses in a bar, as a callback, from the first one on, and write the pictures of `save_every`."""

    def __init__(self, total: int, picture: images.Picture, command: OptimizeCommand) -> None:
        self.total, self.picture, self.command = total, picture, command
        self.count = 0
        self.bar: Any = None

    def __call__(self, evaluation: "Evaluation") -> None:
        """Show and, where it is due, write one evaluation."""
        if self.bar is None:  # not before: what is wrong with the input is said first
            self.bar = tqdm(total=self.total, unit="evaluation")
        self.count += 1
        shown = {name: f"{evaluation.terms[name]:.3f}" for name in ("content", "style") if name in evaluation.terms}
        self.bar.set_postfix(shown, refresh=False)
        self.bar.update()
        every = self.command.save_every
        if every and evaluation.iteration % every == 0:
            output = self.command.output
            path = output.with_stem(f"{output.stem}_{evaluation.iteration:04}")
            painted = self.picture.with_colors(images.quantized(evaluation.pixels.cpu().numpy()))
            images.write(replace(painted, format=images.format_for(path)), path)

    def close(self) -> None:
        """End the bar."""
        if self.bar is not None:
            self.bar.close()
