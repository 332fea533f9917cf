"""Paint 3-D models on the command line, with a bar where textures are so large that they are done in tiles."""

import math
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from ... import meshes
from ...options import StylizeOptions
from .progress import TileBar

if TYPE_CHECKING:
    from ...stylizer import Stylizer


def stylize_model(
    stylizer: "Stylizer", source: Path, target: Path, options: StylizeOptions, quality: int, overwrite: bool
) -> tuple[int, int]:
    """Paint the textures of a model; return width and height of the largest.

    overwrite: whether files that lie where its own are put are replaced.
    """
    with ExitStack() as bars:

        def bar(texture: str) -> TileBar:
            return bars.enter_context(closing(TileBar(f"{source.name}, {texture}")))

        sizes = meshes.stylize_model(stylizer, source, target, options, None, quality, overwrite, bar)
    return max(sizes, key=math.prod)
