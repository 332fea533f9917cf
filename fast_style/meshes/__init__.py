"""Paint the textures of 3-D models (glTF, GLB, OBJ) so that no seam shows where UV islands meet."""
