"""Paint a 3-D model with one call from a script."""

from pathlib import Path
from typing import Any

from ..options import QUALITY, StylizeOptions
from ..stylizer import Masks, Stylizer, changed, loaded
from . import model as model_files


def stylize_model(
    source: str | Path,
    target: str | Path | None = None,
    model: str | Path | Stylizer = "wave",
    options: StylizeOptions | None = None,
    mask: Masks = None,
    quality: int = QUALITY,
    **changes: Any,
) -> Path:
    """Paint the base-colour textures of a 3-D model (glTF, GLB, OBJ) without seams; return the result's path.

    target: by default SOURCE_MODEL beside the source; existing files are replaced. model: a shipped name, a checkpoint
    or a `Stylizer` that is loaded already. mask: lies over each texture. options, or keyword arguments: as in
    `Stylizer.__call__`. quality: of JPEG, WebP and AVIF textures. Raises FastStyleError for what cannot be used.
    """
    (stylizer, name), source = loaded(model), Path(source)
    result = source.with_stem(f"{source.stem}_{name}") if target is None else Path(target)
    model_files.stylize_model(stylizer, source, result, changed(options, changes), mask, quality)
    return result
