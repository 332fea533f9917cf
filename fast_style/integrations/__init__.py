"""Bring the styles into other programs: Krita, GIMP and ComfyUI."""
