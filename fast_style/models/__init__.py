"""Define transformer networks, VGG19, and the files that networks are kept in."""
