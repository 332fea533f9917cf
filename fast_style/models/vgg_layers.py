"""Name the layers of VGG19 (configuration E of Simonyan & Zisserman 2014), their sizes and what pictures they take."""

DEPTHS = (2, 2, 4, 4, 4)
"""Convolutions per block."""
CHANNELS = (64, 128, 256, 512, 512)
"""Channels per block."""
LAYERS = tuple(f"relu{block}_{depth}" for block, count in enumerate(DEPTHS, 1) for depth in range(1, count + 1))

MEAN = (0.485, 0.456, 0.406)
"""ImageNet mean of RGB in [0, 1], torchvision's input convention."""
STD = (0.229, 0.224, 0.225)
"""ImageNet standard deviation of RGB in [0, 1], torchvision's input convention."""
