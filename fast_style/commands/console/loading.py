"""Load the model that a command names, with the paintings that it is to paint like."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...models.style_names import distinct
from ...options import RuntimeOptions

if TYPE_CHECKING:
    from ...stylizer import Stylizer


def load(model: str, paintings: Sequence[str], runtime: RuntimeOptions) -> "Stylizer":
    """Load a model; paintings: pictures that a model for any painting takes a look at, styles by the files' names.

    Paintings are read first: one that cannot be is told at once. Raises FastStyleError as `Stylizer.load` and
    `Stylizer.with_style` do.
    """
    from ... import images
    from ...stylizer import Stylizer

    pictures = [images.read(Path(painting)).rgb for painting in paintings]
    stylizer = Stylizer.load(model, runtime.device, runtime.engine, runtime.precision)
    for picture, name in zip(pictures, distinct([Path(painting).stem for painting in paintings]), strict=True):
        stylizer = stylizer.with_style(picture, name)
    return stylizer
