"""Provide training data: photographs, COCO, the pictures of a style."""
