"""Refine the style of a painting before pictures are stylized, showing progress: `stylize.py --refine`."""

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ... import images
from ...errors import FastStyleError
from ...models.bundled import find
from ...options import LossOptions
from .progress import TrainingBar
from .signals import stop_on_signal


def refined(model: str, painting: str, inputs: Sequence[str], seconds: float, vgg_weights: Path | None) -> Path:
    """Train for that long towards a painting, from what a network for any painting makes of it; return the checkpoint.

    It is PAINTING.pth in the working folder. inputs: the pictures that will be stylized, among which it trains. Raises
    FastStyleError where the file exists and for what cannot be used.
    """
    from ...training.refinement import refine

    output = Path(f"{Path(painting).stem}.pth")
    if output.exists():
        raise FastStyleError(f"{output} exists; use it with `model` {output}, or take it away to refine anew")
    photos = [Path(each) for each in inputs if images.is_picture_file(Path(each)) and Path(each).is_file()]
    loss = LossOptions(vgg_weights=vgg_weights)
    with closing(TrainingBar(seconds)) as bar, stop_on_signal(second_ends=True) as stopped:
        refine(find(model), Path(painting), photos, seconds, output, loss, (bar,), stopped)
    print(f"the style is kept in {output}: --model {output}", file=sys.stderr)
    return output
