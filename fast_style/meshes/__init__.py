"""Paint the textures of 3-D models (glTF, GLB, OBJ) so that no seam shows where UV islands meet."""

from .model import stylize_model
from .sources import is_model, named_files

__all__ = ["is_model", "named_files", "stylize_model"]
