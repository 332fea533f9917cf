"""Training data: photographs, COCO, the pictures of a style."""
