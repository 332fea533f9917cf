"""Refine the style of a painting before pictures are stylized, showing progress: `stylize.py --refine`."""

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ...errors import FastStyleError
from ...models.bundled import find
from ...models.checkpoint_file import no_predictor, read
from ...options import LossOptions
from .progress import TrainingBar
from .signals import stop_on_signal


def refined(
    model: str, painting: Path, photos: Sequence[Path], seconds: float, vgg_weights: Path | None, overwrite: bool
) -> Path:
    """Train for that long towards a painting, from what a network for any painting makes of it; return the checkpoint.

    It is PAINTING.pth in the working folder. photos: the pictures that will be stylized, among which it trains. Raises
    FastStyleError where the file exists and for what cannot be used, and KeyboardInterrupt, with what was trained
    kept, when a signal ends it.
    """
    from ...training.refinement import refine

    output, checkpoint = Path(f"{painting.stem}.pth"), find(model)
    if not read(checkpoint).model.predictor:
        raise no_predictor()
    if output.exists() and not overwrite:
        raise FastStyleError(f"{output} exists; use it with `model` ./{output}, or `overwrite` it")
    loss = LossOptions(vgg_weights=vgg_weights)
    with closing(TrainingBar(seconds)) as bar, stop_on_signal(second_ends=True) as stopped:
        refine(checkpoint, painting, photos, seconds, output, loss, (bar,), stopped, overwrite)
        ended = stopped()
    if output.exists():
        print(f"the style is kept in {output}: --model ./{output}", file=sys.stderr)
    if ended:
        raise KeyboardInterrupt
    return output
